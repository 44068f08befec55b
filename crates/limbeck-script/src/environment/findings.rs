//! Collects settings and likely mistakes from an `env.py`, stock or not.

use std::collections::BTreeSet;

use ruff_python_ast::{Expr, ExprCall, InterpolatedStringElement};
use ruff_text_size::{Ranged, TextSize};

use crate::syntax::{ModuleIndex, line_at, string_literal};

/// Settings and likely mistakes found in an `env.py`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentFindings {
    /// `true` if `env.py` makes an asynchronous engine.
    pub is_async: bool,
    /// `true` if `env.py` migrates several databases, as the template `multidb` does.
    pub is_multidb: bool,
    /// The environment variables that `env.py` reads, each with the line of the first use.
    pub variables: Vec<(String, usize)>,
    /// The `version_table` argument of `context.configure`, if it is a string literal.
    pub version_table: Option<String>,
    /// The `version_table_schema` argument of `context.configure`, if it is a string literal.
    pub version_table_schema: Option<String>,
    /// The likely mistakes, ordered by line.
    pub findings: Vec<Finding>,
}

/// A likely mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The kind of mistake.
    pub kind: FindingKind,
}

/// The kinds of [`Finding`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// A text replacement changes the URL's driver, but leaves the parameters of the old driver in the URL.
    DriverReplaced {
        /// The replaced text.
        from: String,
        /// The new text; `None` if it is not a string literal.
        to: Option<String>,
    },
    /// A URL object is converted to text in a way that masks its password.
    PasswordMasked,
    /// `set_main_option` gets a URL whose percent signs are not doubled.
    PercentNotDoubled,
}

/// The syntax error of an `env.py` that is not valid Python.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EnvironmentSyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// The parser's message.
    pub message: String,
}

/// The drivers whose names projects replace in URLs.
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

/// The functions that make an asynchronous engine.
const ASYNC_ENGINES: [&str; 3] = [
    "async_engine_from_config",
    "create_async_engine",
    "AsyncEngine",
];

/// The usual endings of the names of engines and connections, whose attribute `url` is a URL object.
const ENGINES: [&str; 5] = ["engine", "connectable", "bind", "connection", "conn"];

/// Inspects the text of an `env.py`.
///
/// # Errors
/// Returns [`EnvironmentSyntaxError`] if the text is not valid Python.
pub fn inspect(source: &str) -> Result<EnvironmentFindings, EnvironmentSyntaxError> {
    let module = ruff_python_parser::parse_module(source)
        .map_err(|error| EnvironmentSyntaxError {
            line: line_at(source, error.location.start()),
            message: error.error.to_string(),
        })?
        .into_syntax();
    let index = ModuleIndex::new(&module.body);
    let mut inspector = Inspector {
        // limbeck's own package doubles each `%` where that is necessary.
        doubles_percent: index
            .imported_paths()
            .any(|path| path.starts_with("limbeck.")),
        ..Inspector::default()
    };
    for (expression, _) in &index.expressions {
        inspector.inspect(expression);
    }
    let Inspector {
        mut findings,
        found,
        variables,
        doubles_percent,
    } = inspector;
    let mut named = BTreeSet::new();
    for (name, offset) in variables {
        if named.insert(name.clone()) {
            findings.variables.push((name, line_at(source, offset)));
        }
    }
    findings.findings = found
        .into_iter()
        .filter(|(kind, _)| !(doubles_percent && *kind == FindingKind::PercentNotDoubled))
        .map(|(kind, offset)| Finding {
            line: line_at(source, offset),
            kind,
        })
        .collect();
    findings.findings.sort_by_key(|finding| finding.line);
    Ok(findings)
}

#[derive(Default)]
struct Inspector {
    findings: EnvironmentFindings,
    found: Vec<(FindingKind, TextSize)>,
    variables: Vec<(String, TextSize)>,
    /// `true` if any code replaces `%` by `%%`. Its result need not reach `set_main_option`.
    doubles_percent: bool,
}

impl Inspector {
    fn inspect(&mut self, expression: &Expr) {
        match expression {
            Expr::Call(call) => self.inspect_call(call),
            Expr::Subscript(item) if last_name(&item.value) == "environ" => {
                self.add_variable(Some(&item.slice), item.start());
            }
            Expr::FString(text) => {
                for element in text.value.elements() {
                    if let InterpolatedStringElement::Interpolation(inside) = element
                        && is_url_object(&inside.expression)
                    {
                        self.found
                            .push((FindingKind::PasswordMasked, inside.start()));
                    }
                }
            }
            _ => {}
        }
    }

    fn inspect_call(&mut self, call: &ExprCall) {
        let offset = call.start();
        let arguments = &call.arguments.args;
        let text = |index: usize| arguments.get(index).and_then(string_literal);
        let name = last_name(&call.func);
        if ASYNC_ENGINES.contains(&name) {
            self.findings.is_async = true;
        }
        match (name, &*call.func) {
            ("getenv", _) => self.add_variable(arguments.first(), offset),
            ("get", Expr::Attribute(method)) if last_name(&method.value) == "environ" => {
                self.add_variable(arguments.first(), offset);
            }
            ("replace", Expr::Attribute(method)) => match (text(0), text(1)) {
                (Some("%"), Some("%%")) => self.doubles_percent = true,
                (Some(from), to) if names_driver(from) || to.is_some_and(names_driver) => {
                    let kind = FindingKind::DriverReplaced {
                        from: from.to_owned(),
                        to: to.map(str::to_owned),
                    };
                    self.found.push((kind, method.attr.start()));
                }
                _ => {}
            },
            ("str", Expr::Name(_)) if arguments.first().is_some_and(is_url_object) => {
                self.found.push((FindingKind::PasswordMasked, offset));
            }
            ("set_main_option", _) => self.inspect_option(text(0), arguments.get(1), offset),
            ("set_section_option", _) => self.inspect_option(text(1), arguments.get(2), offset),
            ("configure", _) => self.inspect_configure(call),
            ("run_migrations", _) => {
                let engine_name = call.arguments.find_keyword("engine_name");
                self.findings.is_multidb |= engine_name.is_some();
            }
            _ => {}
        }
    }

    fn add_variable(&mut self, name: Option<&Expr>, offset: TextSize) {
        if let Some(name) = name.and_then(string_literal) {
            self.variables.push((name.to_owned(), offset));
        }
    }

    fn inspect_option(&mut self, name: Option<&str>, value: Option<&Expr>, offset: TextSize) {
        let (Some("sqlalchemy.url"), Some(value)) = (name, value) else {
            return;
        };
        let is_escaped_literal =
            string_literal(value).is_some_and(|text| !text.replace("%%", "").contains('%'));
        if !is_escaped_literal {
            self.found.push((FindingKind::PercentNotDoubled, offset));
        }
    }

    fn inspect_configure(&mut self, call: &ExprCall) {
        let text = |name: &str| {
            let keyword = call.arguments.find_keyword(name)?;
            string_literal(&keyword.value).map(str::to_owned)
        };
        if let Some(table) = text("version_table") {
            self.findings.version_table = Some(table);
        }
        if let Some(schema) = text("version_table_schema") {
            self.findings.version_table_schema = Some(schema);
        }
    }
}

/// Returns the last part of a dotted name; empty for other expressions.
fn last_name(expression: &Expr) -> &str {
    match expression {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => "",
    }
}

/// Returns `true` if a text is the name of a driver, alone or as the end of a URL's scheme.
fn names_driver(text: &str) -> bool {
    let scheme = text.trim_end_matches("://");
    DRIVERS.contains(&scheme.rsplit('+').next().unwrap_or(scheme))
}

/// Returns `true` if an expression is one of SQLAlchemy's URL objects: an engine's `url`, or a call that makes one.
fn is_url_object(expression: &Expr) -> bool {
    match expression {
        Expr::Attribute(attribute) => {
            let owner = last_name(&attribute.value);
            attribute.attr.as_str() == "url" && ENGINES.iter().any(|name| owner.ends_with(name))
        }
        Expr::Call(call) => match (&*call.func, last_name(&call.func)) {
            (_, "make_url") => true,
            (Expr::Attribute(method), "create") => last_name(&method.value) == "URL",
            (Expr::Attribute(method), "set") => {
                call.arguments.find_keyword("drivername").is_some() || is_url_object(&method.value)
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
        findings
            .into_iter()
            .map(|finding| (finding.line, finding.kind))
            .collect()
    }

    #[test]
    fn finds_likely_mistakes() {
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
    fn finds_variables_engine_and_version_table() {
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
    fn reports_the_line_of_a_syntax_error() {
        assert_eq!(inspect("a = 1\nb = (\n").unwrap_err().line, 3);
        assert_eq!(inspect("a = 1\ndef f(:\n").unwrap_err().line, 2);
    }
}
