//! The errors of the configuration.

use std::path::PathBuf;

/// The error of a configuration that can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A text that Alembic prints after `FAILED: `.
    #[error("{0}")]
    Refused(String),
    /// No file sets `script_location`. The text is Alembic's.
    #[error("No 'script_location' key found in configuration.")]
    NoScriptLocation {
        /// The ini, if the configuration names one that doesn't exist.
        missing_ini: Option<PathBuf>,
    },
    /// A file exists but can't be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The file is not UTF-8.
    #[error("{}:{line}: expected UTF-8, found the byte 0x{byte:02x}", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The first byte that is not UTF-8.
        byte: u8,
    },
    /// A line of the ini that Python's `ConfigParser` rejects.
    #[error("{}:{line}: {problem}", path.display())]
    Ini {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// A description of the problem.
        problem: String,
    },
    /// A value with a `%(…)s` that can't be interpolated.
    #[error("{}:{line}: the value of `{key}` can't be used: {problem}", path.display())]
    Interpolation {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// A description of the problem.
        problem: String,
    },
    /// The pyproject file is not valid TOML, or a table of `[tool.limbeck]` has an unexpected value.
    #[error("{}:{line}: {problem}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// A description of the problem.
        problem: String,
    },
    /// A value or an argument of a form that Alembic rejects.
    #[error("{0}")]
    Value(String),
}

impl ConfigError {
    /// Returns whether Alembic prints this text after `FAILED: `, too.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NoScriptLocation { .. })
    }

    /// Returns the next step for the user, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoScriptLocation {
                missing_ini: Some(ini),
            } => Some(format!(
                "there is no `{}`: name the project's file with `-c FILE`, run limbeck in the file's folder, or create a \
                 project with `limbeck init migrations`",
                ini.display()
            )),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8".into()),
            _ => None,
        }
    }
}
