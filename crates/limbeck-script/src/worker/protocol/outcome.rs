//! The outcome of a run, as the worker reports it.

use serde::Deserialize;

/// The way a run ended.
#[derive(Debug, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RunOutcome {
    /// The run completed.
    Done,
    /// Alembic refused the command.
    CommandError {
        /// Alembic's message, without `FAILED: `.
        message: String,
    },
    /// The project's code called `sys.exit`.
    Exit {
        /// The exit status.
        status: i32,
    },
    /// Alembic or SQLAlchemy can't be imported.
    Missing {
        /// The name of the missing module.
        module: String,
        /// Python's message.
        message: String,
    },
    /// An exception ended the run.
    Exception(Box<RaisedException>),
}

/// An exception that ended a run.
#[derive(Debug, Deserialize)]
pub struct RaisedException {
    /// The exception's type, with its module unless that is `builtins`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// `true` if limbeck's connection raised the exception, under a driver's name for it.
    #[serde(rename = "of_driver")]
    pub is_driver_error: bool,
    /// The exception's message.
    pub message: String,
    /// The exception of the user's code during whose handling a library raised this one, with its type.
    pub handled: Option<String>,
    /// The number of the host's error that caused the exception.
    pub limbeck_error: Option<u64>,
    /// The call stack, outermost call first.
    pub frames: Vec<Frame>,
    /// The location of a syntax error.
    pub syntax: Option<SyntaxErrorLocation>,
    /// Python's traceback.
    pub traceback: String,
    /// The module that an `ImportError` names.
    pub module: Option<String>,
    /// The option of the configuration whose value could not be interpolated.
    pub option: Option<ConfigOption>,
}

/// An option of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ConfigOption {
    /// The section's name.
    pub section: String,
    /// The option's name.
    pub name: String,
}

/// A call in a Python stack.
#[derive(Debug, Clone, Deserialize)]
pub struct Frame {
    /// The source file.
    pub file: String,
    /// The first line of the expression, from 1.
    pub line: Option<u32>,
    /// The first column, from 0, in UTF-8 bytes. Python 3.11 and newer report columns.
    pub column: Option<u32>,
    /// The last line of the expression, from 1.
    pub end_line: Option<u32>,
    /// The column after the last, from 0, in UTF-8 bytes.
    pub end_column: Option<u32>,
    /// The function's name.
    pub function: String,
    /// The owner of the source file.
    pub kind: FrameKind,
}

/// The owner of a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FrameKind {
    /// A revision script or `env.py`.
    Script,
    /// Another file of the project.
    Project,
    /// Python, an installed package or the worker.
    Library,
}

/// The location and message of a Python syntax error.
#[derive(Debug, Clone, Deserialize)]
pub struct SyntaxErrorLocation {
    /// The source file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
    /// Python's message.
    pub message: String,
}
