//! What stands out in an `env.py` of any shape: where it takes the URL from, and what people get wrong there.

use std::collections::BTreeSet;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprCall, InterpolatedStringElement, Stmt};
use ruff_text_size::{Ranged, TextSize};

/// What stands out in an `env.py`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentFindings {
    /// It makes an asynchronous engine.
    pub is_async: bool,
    /// It runs the migrations of several databases, as the template `multidb` does.
    pub is_multidb: bool,
    /// The environment variables that it reads, each with the line of the first time.
    pub variables: Vec<(String, usize)>,
    /// `version_table` of `context.configure`, where it is a string.
    pub version_table: Option<String>,
    /// `version_table_schema`, where it is a string.
    pub version_table_schema: Option<String>,
    /// What is likely wrong, in the order of the lines.
    pub findings: Vec<Finding>,
}

/// Something that is likely wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// What stands there.
    pub kind: FindingKind,
}

/// The kinds of [`Finding`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// The URL's driver is replaced as text, which leaves the parameters as the other driver has them.
    DriverReplaced {
        /// What is replaced.
        from: String,
        /// By what; none where that is no literal.
        to: Option<String>,
    },
    /// A URL object is made a text in a way that masks its password.
    PasswordMasked,
    /// A URL is given to `set_main_option` and its percent signs are not doubled.
    PercentNotDoubled,
}

/// Why an `env.py` can't be surveyed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EnvironmentSyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// What the parser says.
    pub message: String,
}

/// Drivers whose names people replace.
const DRIVERS: [&str; 9] = [
    "asyncpg",
    "aiosqlite",
    "aiomysql",
    "asyncmy",
    "psycopg",
    "psycopg2",
    "pymysql",
    "mysqldb",
    "pysqlite",
];

/// What makes an asynchronous engine.
const ASYNC_ENGINES: [&str; 3] = [
    "async_engine_from_config",
    "create_async_engine",
    "AsyncEngine",
];

/// Names of what has a `url`.
const ENGINES: [&str; 5] = ["engine", "connectable", "bind", "connection", "conn"];

/// Looks through the text of an `env.py`.
///
/// # Errors
/// [`EnvironmentSyntaxError`] when it is not Python.
pub fn inspect(source: &str) -> Result<EnvironmentFindings, EnvironmentSyntaxError> {
    let line = |offset: TextSize| {
        let before = &source.as_bytes()[..offset.to_usize().min(source.len())];
        memchr::memchr_iter(b'\n', before).count() + 1
    };
    let module = ruff_python_parser::parse_module(source)
        .map_err(|error| EnvironmentSyntaxError {
            line: line(error.location.start()),
            message: error.error.to_string(),
        })?
        .into_syntax();
    let mut surveyor = Inspector::default();
    surveyor.visit_body(&module.body);
    let Inspector {
        mut survey,
        found,
        variables,
        doubles_percents,
    } = surveyor;
    let mut named = BTreeSet::new();
    for (name, offset) in variables {
        if named.insert(name.clone()) {
            survey.variables.push((name, line(offset)));
        }
    }
    survey.findings = found
        .into_iter()
        .filter(|(kind, _)| !(doubles_percents && *kind == FindingKind::PercentNotDoubled))
        .map(|(kind, offset)| Finding {
            line: line(offset),
            kind,
        })
        .collect();
    survey.findings.sort_by_key(|finding| finding.line);
    Ok(survey)
}

#[derive(Default)]
struct Inspector {
    survey: EnvironmentFindings,
    found: Vec<(FindingKind, TextSize)>,
    variables: Vec<(String, TextSize)>,
    /// Somewhere `%` is replaced by `%%`; by what way that comes to `set_main_option` is not followed.
    doubles_percents: bool,
}

impl<'a> Visitor<'a> for Inspector {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        // limbeck's own package doubles what has to be doubled.
        if let Stmt::ImportFrom(import) = statement
            && let Some(module) = &import.module
            && module.split('.').next() == Some("limbeck")
        {
            self.doubles_percents = true;
        }
        visitor::walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Call(call) => self.call(call),
            Expr::Subscript(subscript) => {
                if last_name(&subscript.value) == "environ"
                    && let Some(name) = literal(&subscript.slice)
                {
                    self.variables.push((name, subscript.range().start()));
                }
            }
            Expr::FString(text) => {
                for element in text.value.elements() {
                    if let InterpolatedStringElement::Interpolation(inside) = element
                        && is_url_object(&inside.expression)
                    {
                        self.found
                            .push((FindingKind::PasswordMasked, inside.range().start()));
                    }
                }
            }
            _ => {}
        }
        visitor::walk_expr(self, expression);
    }
}

impl Inspector {
    fn call(&mut self, call: &ExprCall) {
        let place = call.range().start();
        let arguments = &call.arguments.args;
        let text = |index: usize| arguments.get(index).and_then(literal);
        let name = last_name(&call.func);
        if ASYNC_ENGINES.contains(&name) {
            self.survey.is_async = true;
        }
        match (name, &*call.func) {
            ("getenv", _) => self.variables.extend(text(0).map(|name| (name, place))),
            ("get", Expr::Attribute(of)) if last_name(&of.value) == "environ" => {
                self.variables.extend(text(0).map(|name| (name, place)));
            }
            ("replace", Expr::Attribute(of)) => match (text(0), text(1)) {
                (Some(from), Some(to)) if from == "%" && to == "%%" => self.doubles_percents = true,
                (Some(from), to)
                    if names_driver(&from) || to.as_deref().is_some_and(names_driver) =>
                {
                    let line = of.attr.range().start();
                    self.found
                        .push((FindingKind::DriverReplaced { from, to }, line));
                }
                _ => {}
            },
            ("str", Expr::Name(_)) if arguments.first().is_some_and(is_url_object) => {
                self.found.push((FindingKind::PasswordMasked, place));
            }
            ("set_main_option", _) => self.option(text(0), arguments.get(1), place),
            ("set_section_option", _) => self.option(text(1), arguments.get(2), place),
            ("configure", _) => self.configure(call),
            ("run_migrations", _) => {
                let named = |name: &str| call.arguments.find_keyword(name).is_some();
                self.survey.is_multidb |= named("engine_name");
            }
            _ => {}
        }
    }

    fn option(&mut self, name: Option<String>, value: Option<&Expr>, place: TextSize) {
        let (Some(name), Some(value)) = (name, value) else {
            return;
        };
        let plain = literal(value).is_some_and(|text| !text.replace("%%", "").contains('%'));
        if name == "sqlalchemy.url" && !plain {
            self.found.push((FindingKind::PercentNotDoubled, place));
        }
    }

    fn configure(&mut self, call: &ExprCall) {
        let text = |name: &str| {
            let keyword = call.arguments.find_keyword(name);
            keyword.and_then(|keyword| literal(&keyword.value))
        };
        if let Some(table) = text("version_table") {
            self.survey.version_table = Some(table);
        }
        if let Some(schema) = text("version_table_schema") {
            self.survey.version_table_schema = Some(schema);
        }
    }
}

fn literal(expression: &Expr) -> Option<String> {
    match expression {
        Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        _ => None,
    }
}

/// The last part of a dotted name.
fn last_name(expression: &Expr) -> &str {
    match expression {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => "",
    }
}

/// Whether a text is a driver's name as it stands in a URL, alone or with what is around it.
fn names_driver(text: impl AsRef<str>) -> bool {
    let scheme = text.as_ref().trim_end_matches("://");
    DRIVERS.contains(&scheme.rsplit('+').next().unwrap_or(scheme))
}

/// Whether an expression is one of SQLAlchemy's URL objects: an engine's `url`, or what makes one.
fn is_url_object(expression: &Expr) -> bool {
    match expression {
        Expr::Attribute(attribute) => {
            let owner = last_name(&attribute.value);
            attribute.attr.as_str() == "url" && ENGINES.iter().any(|name| owner.ends_with(name))
        }
        Expr::Call(call) => match (&*call.func, last_name(&call.func)) {
            (_, "make_url") => true,
            (Expr::Attribute(of), "create") => last_name(&of.value) == "URL",
            (Expr::Attribute(of), "set") => {
                call.arguments.find_keyword("drivername").is_some() || is_url_object(&of.value)
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{EnvironmentFindings, FindingKind, inspect};

    fn kinds(source: &str) -> Vec<(usize, FindingKind)> {
        let findings = inspect(source).unwrap().findings;
        findings.into_iter().map(|it| (it.line, it.kind)).collect()
    }

    #[test]
    fn what_is_likely_wrong() {
        let replaced = |from: &str, to: Option<&str>| FindingKind::DriverReplaced {
            from: from.into(),
            to: to.map(str::to_owned),
        };
        let check = |source: &str, expected: &[(usize, FindingKind)]| {
            assert_eq!(kinds(source), expected, "{source}");
        };
        check(
            "\nurl = url.replace('+asyncpg', '')\n",
            &[(2, replaced("+asyncpg", Some("")))],
        );
        check(
            "url = (url\n  .replace('postgresql+asyncpg', sync)\n)",
            &[(2, replaced("postgresql+asyncpg", None))],
        );
        check(
            "u = u.replace('postgresql://', 'postgresql+asyncpg://')",
            &[(1, replaced("postgresql://", Some("postgresql+asyncpg://")))],
        );
        check(
            "u = u.replace('asyncpg', 'psycopg2')",
            &[(1, replaced("asyncpg", Some("psycopg2")))],
        );
        check(
            "u = u.replace('postgres://', 'postgresql://').replace('a', 'b')",
            &[],
        );
        check("x = str(engine.url)", &[(1, FindingKind::PasswordMasked)]);
        check(
            "x = str(make_url(a).set(drivername='b'))",
            &[(1, FindingKind::PasswordMasked)],
        );
        check(
            "x = f'{connectable.url}'",
            &[(1, FindingKind::PasswordMasked)],
        );
        check(
            "x = str(settings.url)\ny = engine.url.render_as_string(hide_password=False)",
            &[],
        );
        let set = "config.set_main_option('sqlalchemy.url', url)\n";
        check(set, &[(1, FindingKind::PercentNotDoubled)]);
        check(&set.replace("url)", "url.replace('%', '%%'))"), &[]);
        check(&format!("url = get().replace('%', '%%')\n{set}"), &[]);
        check(&format!("from limbeck.alembic import url\n{set}"), &[]);
        check(
            "config.set_main_option('sqlalchemy.url', 'sqlite:///a.db')",
            &[],
        );
        check("config.set_main_option('script_location', url)", &[]);
        check(
            "config.set_section_option('alembic', 'sqlalchemy.url', url)",
            &[(1, FindingKind::PercentNotDoubled)],
        );
    }

    #[test]
    fn where_the_url_comes_from_and_where_it_goes() {
        let found = inspect(
            "import os\nurl = os.environ['A'] or os.getenv('B')\nx = os.environ.get('A', environ['C'])\n\
             engine = create_async_engine(url)\n\
             context.configure(connection=c, version_table='v', version_table_schema=schema)\n\
             context.run_migrations(engine_name=name)\n",
        )
        .unwrap();
        let expected = EnvironmentFindings {
            is_async: true,
            is_multidb: true,
            variables: vec![("A".into(), 2), ("B".into(), 2), ("C".into(), 3)],
            version_table: Some("v".into()),
            ..EnvironmentFindings::default()
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_no_python_has_a_line() {
        assert_eq!(inspect("a = 1\nb = (\n").unwrap_err().line, 3);
        assert_eq!(inspect("a = 1\ndef f(:\n").unwrap_err().line, 2);
    }
}
