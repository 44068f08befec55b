//! Reads an `env.py` of the stock shape, so that looking at the database's heads needs no Python.

mod canonical;
mod findings;

use std::collections::BTreeSet;

use ruff_python_ast::{Stmt, StmtFunctionDef, StmtIf};
use ruff_text_size::Ranged;

pub use findings::{EnvironmentFindings, EnvironmentSyntaxError, Finding, FindingKind, inspect};

use canonical::{Configure, Refused, body_text, expression_text};

/// What a recognised `env.py` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockEnvironment {
    /// It calls `fileConfig` on the ini, when there is one.
    pub configures_logging: bool,
    /// The `version_table` argument of `context.configure`.
    pub version_table: Option<String>,
    /// The `version_table_schema` argument.
    pub version_table_schema: Option<String>,
    /// It uses an asynchronous engine.
    pub is_async: bool,
}

/// What was made of an `env.py`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentAnalysis {
    /// Running it would do just this.
    Known(StockEnvironment),
    /// Only Python can tell.
    NeedsPython {
        /// The line, from 1.
        line: usize,
        /// What is there.
        reason: String,
    },
}

/// Imports that only bind names; anything else could do something when it is imported.
const IMPORTS: &[&str] = &[
    "asyncio",
    "alembic.context",
    "logging.config.fileConfig",
    "sqlalchemy.engine.Connection",
    "sqlalchemy.engine_from_config",
    "sqlalchemy.ext.asyncio.AsyncEngine",
    "sqlalchemy.ext.asyncio.async_engine_from_config",
    "sqlalchemy.pool",
];

const LOGGING: &[&str] = &[
    "fileConfig(config.config_file_name)",
    "fileConfig(config.config_file_name, disable_existing_loggers=False)",
    "fileConfig(config.config_file_name, disable_existing_loggers=True)",
];

const SECTION: [&str; 2] = [
    "config.get_section(config.config_ini_section)",
    "config.get_section(config.config_ini_section, {})",
];

/// Reads the text of an `env.py`.
pub fn analyze(source: &str) -> EnvironmentAnalysis {
    let refused = |refused: Refused| EnvironmentAnalysis::NeedsPython {
        line: source[..refused.offset.min(source.len())]
            .lines()
            .count()
            .max(1),
        reason: refused.reason,
    };
    let module = match ruff_python_parser::parse_module(source) {
        Ok(parsed) => parsed.into_syntax(),
        Err(error) => {
            let offset = error.location.start().to_usize();
            return refused(Refused {
                offset,
                reason: "it is not valid Python".into(),
            });
        }
    };
    let mut reader = Reader::default();
    match module
        .body
        .iter()
        .try_for_each(|statement| reader.statement(statement))
    {
        Ok(()) => reader
            .finish(source.len())
            .map_or_else(refused, EnvironmentAnalysis::Stock),
        Err(error) => refused(error),
    }
}

#[derive(Default)]
struct Reader {
    imported: BTreeSet<String>,
    functions: BTreeSet<(Shape, &'static str)>,
    configure: Option<Configure>,
    configures_logging: bool,
    has_config: bool,
    ending: Option<&'static str>,
}

/// Which known function a definition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Offline,
    OnlineSync,
    OnlineAsync,
    AsyncEngine,
    DoRun,
}

impl Reader {
    fn statement(&mut self, statement: &Stmt) -> Result<(), Refused> {
        let other = || Refused::at(statement, "a statement that the stock templates don't have");
        if self.ending.is_some() {
            return Err(other());
        }
        match statement {
            Stmt::Expr(expression) if expression.value.is_string_literal_expr() => Ok(()),
            Stmt::Import(import) => import.names.iter().try_for_each(|alias| {
                self.import(
                    statement,
                    alias.name.as_str().to_owned(),
                    alias.asname.is_some(),
                )
            }),
            Stmt::ImportFrom(import) => import.names.iter().try_for_each(|alias| {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                let name = format!(
                    "{}{module}.{}",
                    ".".repeat(import.level as usize),
                    alias.name
                );
                self.import(statement, name, alias.asname.is_some())
            }),
            Stmt::Assign(_) | Stmt::AnnAssign(_) => {
                match body_text(std::slice::from_ref(statement), &mut None)?.trim_end() {
                    "config = context.config" => {
                        self.has_config = true;
                        Ok(())
                    }
                    "target_metadata = None" => Ok(()),
                    _ => Err(other()),
                }
            }
            Stmt::Expr(_) => {
                match body_text(std::slice::from_ref(statement), &mut None)?.trim_end() {
                    call if LOGGING.contains(&call) => {
                        self.configures_logging = true;
                        Ok(())
                    }
                    _ => Err(other()),
                }
            }
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::If(branch) => self.branch(branch),
            _ => Err(other()),
        }
    }

    fn import(&mut self, statement: &Stmt, name: String, renamed: bool) -> Result<(), Refused> {
        if renamed || !IMPORTS.contains(&name.as_str()) {
            return Err(Refused::at(statement, &format!("it imports `{name}`")));
        }
        self.imported.insert(name);
        Ok(())
    }

    fn branch(&mut self, branch: &StmtIf) -> Result<(), Refused> {
        let other = || Refused::at(branch, "a condition that the stock templates don't have");
        let body = body_text(&branch.body, &mut None)?;
        match (
            expression_text(&branch.test)?.as_str(),
            branch.elif_else_clauses.as_slice(),
        ) {
            ("config.config_file_name is not None", []) if LOGGING.contains(&body.trim_end()) => {
                self.configures_logging = true;
                Ok(())
            }
            ("context.is_offline_mode()", [last])
                if last.test.is_none() && body.trim_end() == "run_migrations_offline()" =>
            {
                self.ending = Some(match body_text(&last.body, &mut None)?.trim_end() {
                    "run_migrations_online()" => "run_migrations_online",
                    "asyncio.run(run_migrations_online())" => "asyncio.run",
                    _ => return Err(other()),
                });
                Ok(())
            }
            _ => Err(other()),
        }
    }

    fn function(&mut self, function: &StmtFunctionDef) -> Result<(), Refused> {
        let name = function.name.as_str();
        let other = || {
            Refused::at(
                function,
                &format!("the function `{name}` is not the stock one"),
            )
        };
        if !function.decorator_list.is_empty() {
            return Err(other());
        }
        let parameters = &function.parameters;
        let simple = parameters.kwonlyargs.is_empty()
            && parameters.vararg.is_none()
            && parameters.kwarg.is_none()
            && parameters.posonlyargs.is_empty();
        let names: Vec<&str> = parameters
            .args
            .iter()
            .map(|argument| argument.parameter.name.as_str())
            .collect();
        if !simple {
            return Err(other());
        }
        if name == "run_migrations_offline" && names.is_empty() && !function.is_async {
            // It is called only for `--sql`, which never comes here.
            self.functions
                .insert((Shape::Offline, "run_migrations_offline"));
            return Ok(());
        }
        let mut configure = None;
        let text = body_text(&function.body, &mut configure)?;
        let run = "context.configure()\nwith context.begin_transaction():\n    context.run_migrations()\n";
        let nested = run.lines().fold(String::new(), |text, line| {
            text + "    "
                + line
                + "
"
        });
        let engine = |call: &str| {
            SECTION.map(|section| {
                format!("{call}({section}, prefix='sqlalchemy.', poolclass=pool.NullPool")
            })
        };
        let shape = match (name, function.is_async, names.as_slice()) {
            ("run_migrations_online", false, []) => {
                let with = format!("with connectable.connect() as connection:\n{nested}");
                if engine("connectable = engine_from_config")
                    .iter()
                    .any(|call| text == format!("{call})\n{with}"))
                {
                    Shape::OnlineSync
                } else if text == "asyncio.run(run_async_migrations())\n" {
                    Shape::OnlineAsync
                } else {
                    return Err(other());
                }
            }
            ("do_run_migrations", false, ["connection"]) if text == run => Shape::DoRun,
            ("run_async_migrations" | "run_migrations_online", true, []) => {
                let with = "async with connectable.connect() as connection:\n    await connection.run_sync(do_run_migrations)\nawait connectable.dispose()\n";
                let new = engine("connectable = async_engine_from_config")
                    .map(|call| format!("{call})\n{with}"));
                let old = engine("connectable = AsyncEngine(engine_from_config")
                    .map(|call| format!("{call}, future=True))\n{with}"));
                if !new.contains(&text) && !old.contains(&text) {
                    return Err(other());
                }
                Shape::AsyncEngine
            }
            _ => return Err(other()),
        };
        if let Some(configure) = configure {
            self.configure = Some(configure);
        }
        let known = match name {
            "run_migrations_online" => "run_migrations_online",
            "run_async_migrations" => "run_async_migrations",
            _ => "do_run_migrations",
        };
        self.functions.insert((shape, known));
        Ok(())
    }

    fn finish(self, length: usize) -> Result<StockEnvironment, Refused> {
        let incomplete = || Refused {
            offset: length,
            reason: "it lacks a part of the stock templates".into(),
        };
        let has = |shape, name| self.functions.contains(&(shape, name));
        let is_async = match self.ending {
            Some("run_migrations_online") if has(Shape::OnlineSync, "run_migrations_online") => {
                false
            }
            Some("run_migrations_online")
                if has(Shape::OnlineAsync, "run_migrations_online")
                    && has(Shape::AsyncEngine, "run_async_migrations")
                    && has(Shape::DoRun, "do_run_migrations") =>
            {
                true
            }
            Some("asyncio.run")
                if has(Shape::AsyncEngine, "run_migrations_online")
                    && has(Shape::DoRun, "do_run_migrations") =>
            {
                true
            }
            _ => return Err(incomplete()),
        };
        let configure = self.configure.ok_or_else(incomplete)?;
        if !self.has_config || !has(Shape::Offline, "run_migrations_offline") {
            return Err(incomplete());
        }
        Ok(StockEnvironment {
            configures_logging: self.configures_logging,
            version_table: configure.version_table,
            version_table_schema: configure.version_table_schema,
            is_async,
        })
    }
}

impl Refused {
    fn at(node: &impl Ranged, reason: &str) -> Self {
        Self {
            offset: node.range().start().to_usize() + 1,
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
