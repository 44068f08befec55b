//! The errors of a run, and the report of a failure: location, statement, the server's message, and the database's state.

use std::fmt;
use std::path::PathBuf;

use limbeck_db::{ConnectError, DbError, ServerError};
use limbeck_revision::Direction;
use limbeck_script::interpreter::InterpreterError;
use limbeck_script::worker::{ConfigOption, WorkerError};

use super::interruption::Interruption;
use crate::command_error::CommandError;

/// The error of a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The command was refused.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// No Python interpreter was found.
    #[error(transparent)]
    Interpreter(#[from] InterpreterError),
    /// The interpreter lacks Alembic or SQLAlchemy.
    #[error("the Python interpreter `{}` has no module `{module}`", interpreter.display())]
    MissingModule {
        /// The interpreter.
        interpreter: PathBuf,
        /// The module.
        module: String,
        /// Python's message.
        message: String,
    },
    /// The worker's process or its stream failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A script, `env.py` or a statement failed.
    #[error("{}", .0.headline)]
    Failed(Box<Failure>),
    /// The dry run completed, but its report could not be made.
    #[error("could not report what the dry run would have changed")]
    DryRun(#[source] DbError),
    /// A signal ended the run; open transactions were rolled back.
    #[error("interrupted")]
    Interrupted(Box<Interruption>),
}

/// The report of a failed run. `Display` writes it for a log: without the statement, whose text may contain a secret.
#[derive(Debug, Default)]
pub struct Failure {
    /// The error in one sentence.
    pub headline: String,
    /// The step that was running.
    pub step: Option<FailedStep>,
    /// The revisions of the steps that had ended, in order. A COMMIT may have been outstanding.
    pub finished: Vec<String>,
    /// The location of the error in the user's code.
    pub location: Option<SourceLocation>,
    /// The other calls of the user's code, outermost first.
    pub calls: Vec<SourceLocation>,
    /// The statement that failed.
    pub statement: Option<FailedStatement>,
    /// The error that prevented a connection.
    pub connect: Option<ConnectError>,
    /// `true` if the connection broke during a statement.
    pub is_connection_lost: bool,
    /// The reason why the connection broke, if the server gave one.
    pub loss_reason: Option<String>,
    /// `true` if another run held the migration lock for too long.
    pub is_lock_timeout: bool,
    /// The Python exception, unless it only wraps the database's error.
    pub exception: Option<String>,
    /// The exception of the user's own code during whose handling the error occurred.
    pub handled: Option<String>,
    /// The module that an `ImportError` names.
    pub missing_module: Option<String>,
    /// The option of the configuration whose value could not be interpolated.
    pub option: Option<ConfigOption>,
    /// Python's traceback, for `--raiseerr`.
    pub traceback: String,
    /// `true` if all steps of the plan had ended and were committed.
    pub is_all_committed: bool,
    /// `true` if `env.py` raised the exception during a step, in a hook, and not the step's script.
    pub is_in_hook: bool,
    /// The facts about steps that ended and were not committed.
    pub not_committed: Option<NotCommitted>,
    /// The state of the database after the failure.
    pub state: DatabaseState,
}

/// The facts about steps that ended and were not committed. Without an error, their changes to the version rows were rolled
/// back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotCommitted {
    /// `true` if a part of the steps' changes was committed: MySQL commits each DDL statement by itself, and Python's `sqlite3`
    /// begins a transaction only before a change of rows.
    pub is_partly_committed: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.headline)?;
        if let Some(FailedStatement { error, .. }) = &self.statement
            && !error.code.is_empty()
        {
            write!(out, " ({})", error.code)?;
        }
        if let Some(step) = &self.step {
            let FailedStep {
                revision,
                direction,
                number,
                of,
                ..
            } = step;
            write!(
                out,
                "\n  in {direction} of `{revision}`, step {number} of {of}"
            )?;
        }
        if let Some(SourceLocation { file, line, .. }) = &self.location {
            write!(out, "\n  at {}:{line}", file.display())?;
        }
        let DatabaseState {
            after,
            rolled_back,
            has_committed,
            ..
        } = &self.state;
        if *has_committed {
            out.write_str("\n  some of its work is committed")?;
        } else if self.step.is_some() && *rolled_back == Some(true) {
            out.write_str("\n  its work was rolled back")?;
        }
        match after.as_deref() {
            None => Ok(()),
            Some([]) => out.write_str("\n  the database is at no revision"),
            Some(rows) => write!(out, "\n  the database is at `{}`", rows.join("`, `")),
        }
    }
}

/// The step during which a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStep {
    /// The step's revision.
    pub revision: String,
    /// The step's direction.
    pub direction: Direction,
    /// Position of the step in the plan, from 1.
    pub number: usize,
    /// Number of steps in the plan.
    pub of: usize,
    /// Number of statements that the step's script has sent.
    pub statements: usize,
    /// The revisions of the steps before it.
    pub before: Vec<String>,
    /// The revisions of the steps after it.
    pub after: Vec<String>,
}

/// A location in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLocation {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// First column and column after the last, from 0 in bytes, if Python reports them.
    pub columns: Option<(u32, u32)>,
    /// The function's name.
    pub function: String,
}

/// A statement that the server refused.
#[derive(Debug)]
pub struct FailedStatement {
    /// The statement's text.
    pub sql: String,
    /// Position among the statements of the step's script, from 1; 0 if the script did not send it.
    pub number: usize,
    /// The server's error.
    pub error: ServerError,
}

/// The state of the database before and after a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseState {
    /// The version rows before the run; `None` if the run did not read them.
    pub before: Option<Vec<String>>,
    /// The version rows now; `None` if they could not be read.
    pub after: Option<Vec<String>>,
    /// `Some(true)` if the server rolled back the failing statement's transaction; `None` if no statement failed.
    pub rolled_back: Option<bool>,
    /// `true` if the failing step had committed, or changed the database outside a transaction.
    pub has_committed: bool,
    /// `true` if a step before the failing one had done so.
    pub finished_committed: bool,
}
