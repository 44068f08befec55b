//! Why the scripts of a directory can't be read.

use std::io;
use std::path::PathBuf;

/// Why the scripts can't be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// A file or folder can't be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
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
        /// What the parser says.
        message: String,
    },
    /// A script's declarations are known only when it runs.
    #[error("{}:{line}: {reason}", path.display())]
    NotStatic {
        /// The script.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        reason: String,
    },
    /// A declaration has a type that Alembic does not take.
    #[error("{}:{line}: {reason}", path.display())]
    Value {
        /// The script.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A script has no `down_revision`.
    #[error("`{}` does not declare `down_revision`", path.display())]
    NoDownRevision {
        /// The script.
        path: PathBuf,
    },
}
