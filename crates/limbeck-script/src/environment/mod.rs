//! Reads `env.py` files: recognises the stock ones, so that reading the version table needs no Python, and finds
//! likely mistakes in all others.

mod canonical;
mod findings;

use std::collections::BTreeSet;

use ruff_python_ast::{Stmt, StmtFunctionDef, StmtIf};
use ruff_text_size::{Ranged, TextSize};

pub use findings::{EnvironmentFindings, EnvironmentSyntaxError, Finding, FindingKind, inspect};

use crate::syntax::{imported_names, line_at};
use canonical::{ConfigureArguments, canonical_expression, canonical_statements};

/// The settings of a stock `env.py`, one that differs from Alembic's templates in these settings only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockEnvironment {
    /// `true` if `env.py` calls `fileConfig` with the ini file, if there is one.
    pub configures_logging: bool,
    /// The `version_table` argument of `context.configure`.
    pub version_table: Option<String>,
    /// The `version_table_schema` argument of `context.configure`.
    pub version_table_schema: Option<String>,
    /// `true` if the engine of `env.py` is asynchronous.
    pub is_async: bool,
}

/// The result of [`analyze`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvironmentAnalysis {
    /// The file is a stock `env.py`.
    Stock(StockEnvironment),
    /// The file contains other code, so that only Python can run it.
    NeedsPython {
        /// The line of the first such code, from 1.
        line: usize,
        /// A description of the code.
        reason: String,
    },
}

/// The imports of the stock templates. Any other module could run code when it is imported.
const STOCK_IMPORTS: &[&str] = &[
    "asyncio",
    "alembic.context",
    "logging.config.fileConfig",
    "sqlalchemy.engine.Connection",
    "sqlalchemy.engine_from_config",
    "sqlalchemy.ext.asyncio.AsyncEngine",
    "sqlalchemy.ext.asyncio.async_engine_from_config",
    "sqlalchemy.pool",
];

const FILE_CONFIG_CALLS: &[&str] = &[
    "fileConfig(config.config_file_name)",
    "fileConfig(config.config_file_name, disable_existing_loggers=False)",
    "fileConfig(config.config_file_name, disable_existing_loggers=True)",
];

const SECTIONS: [&str; 2] = [
    "config.get_section(config.config_ini_section)",
    "config.get_section(config.config_ini_section, {})",
];

/// Analyses the text of an `env.py`.
pub fn analyze(source: &str) -> EnvironmentAnalysis {
    analyze_module(source).map_or_else(
        |NotStock { offset, reason }| EnvironmentAnalysis::NeedsPython {
            line: line_at(source, offset),
            reason,
        },
        EnvironmentAnalysis::Stock,
    )
}

fn analyze_module(source: &str) -> Result<StockEnvironment, NotStock> {
    let parsed = ruff_python_parser::parse_module(source).map_err(|error| NotStock {
        offset: error.location.start(),
        reason: "it is not valid Python".into(),
    })?;
    let mut matcher = Matcher::default();
    for statement in &parsed.syntax().body {
        matcher.statement(statement)?;
    }
    matcher.finish(TextSize::of(source.trim_end()))
}

/// Code that the stock templates don't have.
struct NotStock {
    offset: TextSize,
    reason: String,
}

impl NotStock {
    fn at(node: &impl Ranged, reason: impl Into<String>) -> Self {
        Self {
            offset: node.start(),
            reason: reason.into(),
        }
    }
}

/// A function of the stock templates, by its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StockFunction {
    /// `run_migrations_offline`.
    Offline,
    /// `run_migrations_online` with a synchronous engine.
    OnlineSync,
    /// `run_migrations_online` that runs `run_async_migrations`.
    OnlineAsync,
    /// The coroutine that makes the asynchronous engine.
    AsyncEngine,
    /// `do_run_migrations`.
    DoRun,
}

/// The last statement's way to run the migrations.
#[derive(Debug, Clone, Copy)]
enum RunStatement {
    /// `run_migrations_online()`.
    Call,
    /// `asyncio.run(run_migrations_online())`.
    AsyncioRun,
}

/// Compares a module with the stock templates, statement by statement.
#[derive(Default)]
struct Matcher {
    /// The functions found, each with its name.
    functions: BTreeSet<(StockFunction, &'static str)>,
    configure: Option<ConfigureArguments>,
    configures_logging: bool,
    has_config: bool,
    run_statement: Option<RunStatement>,
}

impl Matcher {
    fn statement(&mut self, statement: &Stmt) -> Result<(), NotStock> {
        let not_stock =
            || NotStock::at(statement, "a statement that the stock templates don't have");
        if self.run_statement.is_some() {
            return Err(not_stock());
        }
        match statement {
            Stmt::Expr(expression) if expression.value.is_string_literal_expr() => {}
            Stmt::Import(_) | Stmt::ImportFrom(_) => {
                for imported in imported_names(statement) {
                    let last = imported.path.rsplit('.').next();
                    if last != Some(imported.name) || !STOCK_IMPORTS.contains(&&*imported.path) {
                        let reason = format!("it imports `{}`", imported.path);
                        return Err(NotStock::at(statement, reason));
                    }
                }
            }
            Stmt::Assign(_) | Stmt::AnnAssign(_) | Stmt::Expr(_) => {
                let text = canonical_statements(std::slice::from_ref(statement), &mut None)?;
                match text.trim_end() {
                    "config = context.config" => self.has_config = true,
                    "target_metadata = None" => {}
                    call if FILE_CONFIG_CALLS.contains(&call) => self.configures_logging = true,
                    _ => return Err(not_stock()),
                }
            }
            Stmt::FunctionDef(function) => self.function(function)?,
            Stmt::If(branch) => self.branch(branch)?,
            _ => return Err(not_stock()),
        }
        Ok(())
    }

    fn branch(&mut self, branch: &StmtIf) -> Result<(), NotStock> {
        let not_stock = || NotStock::at(branch, "a condition that the stock templates don't have");
        let body = canonical_statements(&branch.body, &mut None)?;
        match (
            canonical_expression(&branch.test)?.as_str(),
            branch.elif_else_clauses.as_slice(),
        ) {
            ("config.config_file_name is not None", [])
                if FILE_CONFIG_CALLS.contains(&body.trim_end()) =>
            {
                self.configures_logging = true;
                Ok(())
            }
            ("context.is_offline_mode()", [last])
                if last.test.is_none() && body.trim_end() == "run_migrations_offline()" =>
            {
                let online = canonical_statements(&last.body, &mut None)?;
                self.run_statement = Some(match online.trim_end() {
                    "run_migrations_online()" => RunStatement::Call,
                    "asyncio.run(run_migrations_online())" => RunStatement::AsyncioRun,
                    _ => return Err(not_stock()),
                });
                Ok(())
            }
            _ => Err(not_stock()),
        }
    }

    fn function(&mut self, function: &StmtFunctionDef) -> Result<(), NotStock> {
        let name = function.name.as_str();
        let not_stock = || {
            let reason = format!("the function `{name}` is not the stock one");
            NotStock::at(function, reason)
        };
        let parameters = &function.parameters;
        let has_only_plain_parameters = parameters.kwonlyargs.is_empty()
            && parameters.vararg.is_none()
            && parameters.kwarg.is_none()
            && parameters.posonlyargs.is_empty();
        if !function.decorator_list.is_empty() || !has_only_plain_parameters {
            return Err(not_stock());
        }
        let parameters: Vec<&str> = parameters
            .args
            .iter()
            .map(|argument| argument.parameter.name.as_str())
            .collect();
        if name == "run_migrations_offline" && parameters.is_empty() && !function.is_async {
            // Its body doesn't matter: `env.py` calls it with `--sql` only, and such a run always starts Python.
            self.functions
                .insert((StockFunction::Offline, "run_migrations_offline"));
            return Ok(());
        }
        let mut configure = None;
        let text = canonical_statements(&function.body, &mut configure)?;
        let found = match (name, function.is_async, parameters.as_slice()) {
            ("run_migrations_online", false, []) if is_online_sync(&text) => {
                (StockFunction::OnlineSync, "run_migrations_online")
            }
            ("run_migrations_online", false, [])
                if text == "asyncio.run(run_async_migrations())\n" =>
            {
                (StockFunction::OnlineAsync, "run_migrations_online")
            }
            ("do_run_migrations", false, ["connection"]) if text == RUN_MIGRATIONS => {
                (StockFunction::DoRun, "do_run_migrations")
            }
            ("run_async_migrations", true, []) if is_async_engine(&text) => {
                (StockFunction::AsyncEngine, "run_async_migrations")
            }
            ("run_migrations_online", true, []) if is_async_engine(&text) => {
                (StockFunction::AsyncEngine, "run_migrations_online")
            }
            _ => return Err(not_stock()),
        };
        self.functions.insert(found);
        self.configure = configure.or(self.configure.take());
        Ok(())
    }

    fn finish(self, end: TextSize) -> Result<StockEnvironment, NotStock> {
        let incomplete = || NotStock {
            offset: end,
            reason: "it lacks a part of the stock templates".into(),
        };
        let has = |function, name| self.functions.contains(&(function, name));
        let is_sync = has(StockFunction::OnlineSync, "run_migrations_online");
        let is_async = match self.run_statement {
            Some(RunStatement::Call) if is_sync => false,
            Some(RunStatement::Call)
                if has(StockFunction::OnlineAsync, "run_migrations_online")
                    && has(StockFunction::AsyncEngine, "run_async_migrations")
                    && has(StockFunction::DoRun, "do_run_migrations") =>
            {
                true
            }
            Some(RunStatement::AsyncioRun)
                if has(StockFunction::AsyncEngine, "run_migrations_online")
                    && has(StockFunction::DoRun, "do_run_migrations") =>
            {
                true
            }
            _ => return Err(incomplete()),
        };
        let configure = self.configure.ok_or_else(incomplete)?;
        if !self.has_config || !has(StockFunction::Offline, "run_migrations_offline") {
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

const RUN_MIGRATIONS: &str =
    "context.configure()\nwith context.begin_transaction():\n    context.run_migrations()\n";

/// Returns `true` if a function's body opens a synchronous engine and runs the migrations.
fn is_online_sync(text: &str) -> bool {
    let mut run = String::new();
    for line in RUN_MIGRATIONS.lines() {
        run += &format!("    {line}\n");
    }
    SECTIONS.iter().any(|section| {
        text == format!(
            "connectable = engine_from_config({section}, prefix='sqlalchemy.', poolclass=pool.NullPool)\n\
             with connectable.connect() as connection:\n{run}"
        )
    })
}

/// Returns `true` if a function's body opens an asynchronous engine and runs `do_run_migrations`.
fn is_async_engine(text: &str) -> bool {
    let run = "async with connectable.connect() as connection:\n    await connection.run_sync(do_run_migrations)\nawait connectable.dispose()\n";
    SECTIONS.iter().any(|section| {
        let arguments = format!("{section}, prefix='sqlalchemy.', poolclass=pool.NullPool");
        text == format!("connectable = async_engine_from_config({arguments})\n{run}")
            || text
                == format!(
                    "connectable = AsyncEngine(engine_from_config({arguments}, future=True))\n{run}"
                )
    })
}

#[cfg(test)]
mod tests;
