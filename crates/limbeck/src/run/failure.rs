//! How a run failed: the place, the statement, what the server said, and where that leaves the database.

use std::fmt;
use std::path::PathBuf;

use limbeck_db::{ConnectError, DbError, ServerError};
use limbeck_script::interpreter::InterpreterError;
use limbeck_script::worker::{ConfigOption, WorkerError};

use super::host::Signal;

/// Why a run could not be made or did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no interpreter.
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
    /// The worker's process or stream failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A script, `env.py` or a statement failed.
    #[error("{}", .0.headline)]
    Failed(Box<Failure>),
    /// What a run would do could be tried, and not be looked at.
    #[error("what the run would do could not be found out")]
    Rehearsal(#[source] DbError),
    /// A signal ended the run; what was open has been rolled back.
    #[error("interrupted")]
    Interrupted(Signal),
}

/// Everything that a report of a failure tells.
#[derive(Debug)]
pub struct Failure {
    /// One sentence.
    pub headline: String,
    /// The step that was running.
    pub step: Option<FailedStep>,
    /// The place in the user's own code.
    pub place: Option<Place>,
    /// The rest of the user's own call stack, outermost first.
    pub calls: Vec<Place>,
    /// The statement that failed.
    pub statement: Option<FailedStatement>,
    /// Why no connection could be opened.
    pub connect: Option<ConnectError>,
    /// The Python exception, when it was not just the database's error.
    pub exception: Option<String>,
    /// The module that an `ImportError` names.
    pub missing_module: Option<String>,
    /// The option of the configuration whose value could not be filled in.
    pub option: Option<ConfigOption>,
    /// Python's whole traceback, for `--raiseerr`.
    pub traceback: String,
    /// Where the database stands now.
    pub standing: Standing,
}

/// For a log: what failed, where, and where that leaves the database. No statement, whose text could be a secret.
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
                kind,
                number,
                of,
                ..
            } = step;
            write!(out, "\n  in {kind} of `{revision}`, step {number} of {of}")?;
        }
        if let Some(Place { file, line, .. }) = &self.place {
            write!(out, "\n  at {}:{line}", file.display())?;
        }
        let Standing {
            after,
            rolled_back,
            committed,
            ..
        } = &self.standing;
        if *committed {
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
    /// The revision.
    pub revision: String,
    /// `upgrade` or `downgrade`.
    pub kind: String,
    /// Which step of the plan, from 1.
    pub number: usize,
    /// How many steps the plan has.
    pub of: usize,
    /// The steps before it, by revision.
    pub before: Vec<String>,
    /// The steps after it, by revision.
    pub after: Vec<String>,
}

/// A place in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// Columns of the expression, from 0 in bytes, when Python knows them.
    pub columns: Option<(u32, u32)>,
    /// The function.
    pub function: String,
}

/// A statement that the server refused.
#[derive(Debug)]
pub struct FailedStatement {
    /// Its text.
    pub sql: String,
    /// Which statement of the step, from 1.
    pub number: usize,
    /// What the server said.
    pub error: ServerError,
}

/// What is left in the database after a failure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The version rows before the run.
    pub before: Option<Vec<String>>,
    /// The version rows now; none when they could not be read.
    pub after: Option<Vec<String>>,
    /// Whether the failing step ran inside a transaction, which the server has undone.
    pub rolled_back: Option<bool>,
    /// Whether the failing step has committed some of its work before.
    pub committed: bool,
}
