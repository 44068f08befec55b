//! Errors of reading a script directory.

use std::io;
use std::path::PathBuf;

/// A reason why a script directory, or one script in it, can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// A file or folder can't be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A script is not valid Python.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The script.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// The parser's message.
        message: String,
    },
    /// A script's declarations are known only when Python runs it.
    #[error("{}:{line}: {reason}", path.display())]
    NotStatic {
        /// The script.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// A description of the code.
        reason: String,
    },
    /// A declaration has a type that Alembic doesn't accept.
    #[error("{}:{line}: {reason}", path.display())]
    Value {
        /// The script.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// A description of the mismatch.
        reason: String,
    },
    /// A script has no `down_revision`.
    #[error("`{}` does not declare `down_revision`", path.display())]
    NoDownRevision {
        /// The script.
        path: PathBuf,
    },
}
