//! The errors of `fix` and its undo.

use std::io;
use std::path::{Path, PathBuf};

use limbeck_script::repair::{EngineKind, UnsupportedCode};

use crate::project::ProjectError;

/// The error of a fix or an undo.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixError {
    /// The project can't be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The `env.py` contains code that limbeck can't edit.
    #[error("{}:{}: {}", file.display(), code.line, code.reason)]
    Unsupported {
        /// The `env.py`.
        file: PathBuf,
        /// The line and a description of the code.
        code: UnsupportedCode,
    },
    /// The file has another encoding than UTF-8.
    #[error("{}:{line}: the file is not UTF-8", file.display())]
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// The line of the first byte that is not UTF-8, from 1.
        line: usize,
    },
    /// A second `fix` would change the edited file again.
    #[error("{}: the edits would not be complete, so nothing was changed", file.display())]
    Incomplete {
        /// The file.
        file: PathBuf,
    },
    /// A file can't be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file can't be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file was changed after its diff was shown.
    #[error("`{}` was changed after its diff was shown, so limbeck did not change it", file.display())]
    ChangedMeanwhile {
        /// The file.
        file: PathBuf,
    },
    /// There is no record of a fix.
    #[error("there is no fix to undo: `{}` does not exist", manifest.display())]
    NothingToUndo {
        /// The path of the missing record.
        manifest: PathBuf,
    },
    /// The record of a fix has unexpected content.
    #[error("`{}` is not a valid record of a fix: {problem}", manifest.display())]
    Manifest {
        /// The record.
        manifest: PathBuf,
        /// A description of the content.
        problem: String,
    },
    /// A file was changed by hand after the fix.
    #[error("`{}` was changed since `limbeck fix`, so nothing was restored", file.display())]
    ChangedSince {
        /// The file.
        file: PathBuf,
        /// The kept original.
        original: PathBuf,
        /// The folder of the record.
        record: PathBuf,
    },
    /// A file was changed by hand after an earlier fix, and needs another fix.
    #[error("`{}` was changed since an earlier `limbeck fix`, whose record another fix would overwrite", file.display())]
    ChangedSinceEarlier {
        /// The file.
        file: PathBuf,
        /// The folder of the record.
        record: PathBuf,
    },
    /// The digest of a kept original differs from the recorded digest.
    #[error("`{}` is no longer the original of `{}`: its digest has changed", original.display(), file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The kept original.
        original: PathBuf,
    },
}

impl FixError {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    /// Returns the next step, if there is one.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Project(error) => return error.hint(),
            Self::Unsupported { code, .. } => {
                let function = code.engine?.function_name();
                format!(
                    "add the function below to `env.py` after the imports, and call it where `env.py` uses the URL: \
                     `{function}(url)`, or `{function}(url).replace(\"%\", \"%%\")` for `set_main_option`"
                )
            }
            Self::NotUtf8 { .. } => {
                "save the file as UTF-8, and remove its `coding:` comment if it has one".into()
            }
            Self::ChangedMeanwhile { .. } => "run `limbeck fix` again".into(),
            Self::ChangedSince {
                file,
                original,
                record,
            } => format!(
                "compare the file with its original (`diff {} {}`), restore what you want by hand, and remove `{}`",
                original.display(),
                file.display(),
                record.display()
            ),
            Self::ChangedSinceEarlier { record, .. } => format!(
                "to give up the undo of the earlier fix, remove `{}`, then run `limbeck fix` again",
                record.display()
            ),
            Self::Damaged { .. } => "restore the original from version control".into(),
            _ => return None,
        })
    }

    /// Returns the Python function that the user can add to `env.py` by hand.
    pub fn snippet(&self) -> Option<&'static str> {
        match self {
            Self::Unsupported { code, .. } => code.engine.map(EngineKind::snippet),
            _ => None,
        }
    }
}
