//! What can be wrong with the configuration.

use std::path::PathBuf;

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// One of Alembic's own refusals: what stands behind `FAILED: `.
    #[error("{0}")]
    Refused(String),
    /// A file is there and can't be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of the ini is not what Python's `ConfigParser` takes.
    #[error("{}:{line}: {problem}", path.display())]
    Ini {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A value's `%(…)s` can't be filled in.
    #[error("{}:{line}: the value of `{key}` can't be used: {problem}", path.display())]
    Interpolation {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The option.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The pyproject file is no TOML.
    #[error("{}:{line}: {problem}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A value has a form that Alembic does not take there.
    #[error("{0}")]
    Value(String),
}

impl ConfigError {
    /// Whether Alembic, too, ends with `FAILED: ` and this text.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}
