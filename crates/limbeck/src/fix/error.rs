//! Why a project is not repaired, or a repair not taken back.

use std::io;
use std::path::{Path, PathBuf};

use limbeck_script::repair::{EngineKind, UnsupportedCode};

use crate::project::ProjectError;

/// Why `fix` does nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixError {
    /// The project.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The `env.py` has a shape that is not understood.
    #[error("{}:{}: {}", file.display(), refusal.line, refusal.reason)]
    Refused {
        /// The file.
        file: PathBuf,
        /// The line, and what is there.
        refusal: UnsupportedCode,
    },
    /// The file has another encoding.
    #[error("{}:{line}: the file is not UTF-8", file.display())]
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// The line with the first byte that is none of UTF-8.
        line: usize,
    },
    /// What would be written does not look repaired.
    #[error("{}: the repaired file could not be shown to be complete, so nothing was changed", file.display())]
    Unproven {
        /// The file.
        file: PathBuf,
    },
    /// A file can't be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file can't be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file was written by someone else between the diff and now.
    #[error("`{}` was changed while its diff was shown, so it was left alone", file.display())]
    ChangedMeanwhile {
        /// The file.
        file: PathBuf,
    },
    /// There is no record of a repair.
    #[error("there is no repair to undo: `{}` is not there", manifest.display())]
    NothingToUndo {
        /// Where the record would be.
        manifest: PathBuf,
    },
    /// The record of a repair can't be read.
    #[error("`{}` is not the record of a repair: {problem}", manifest.display())]
    Manifest {
        /// The record.
        manifest: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file was changed by hand since it was repaired.
    #[error("`{}` was changed since `limbeck fix`, so nothing was put back", file.display())]
    ChangedSince {
        /// The file.
        file: PathBuf,
        /// Where its original is kept.
        original: PathBuf,
        /// The folder of the record.
        record: PathBuf,
    },
    /// A file was changed by hand since it was repaired, and needs another repair.
    #[error("`{}` was changed since an earlier `limbeck fix`, whose record would be lost", file.display())]
    ChangedSinceEarlier {
        /// The file.
        file: PathBuf,
        /// The folder of the record.
        record: PathBuf,
    },
    /// A kept original is not what was kept.
    #[error("`{}` is not the original of `{}` any more: its digest is another", original.display(), file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where its original is kept.
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

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Project(error) => return error.hint(),
            Self::Refused { refusal, .. } => {
                let function = refusal.engine?.function_name();
                format!(
                    "put the function below into `env.py`, behind the imports, and call it where the URL is taken: \
                     `{function}(url)`, and `{function}(url).replace(\"%\", \"%%\")` for `set_main_option`"
                )
            }
            Self::NotUtf8 { .. } => "save it as UTF-8, and take a `coding:` comment out".into(),
            Self::ChangedMeanwhile { .. } => "run `limbeck fix` again".into(),
            Self::ChangedSince {
                file,
                original,
                record,
            } => format!(
                "compare it with its original, `diff {} {}`, take over what you want, and remove `{}`",
                original.display(),
                file.display(),
                record.display()
            ),
            Self::ChangedSinceEarlier { record, .. } => format!(
                "remove `{}` to keep the file as it is now, then run `limbeck fix` again",
                record.display()
            ),
            Self::Damaged { .. } => "take the original from version control".into(),
            _ => return None,
        })
    }

    /// The function that the user can put in by hand.
    pub fn snippet(&self) -> Option<&'static str> {
        match self {
            Self::Refused { refusal, .. } => refusal.engine.map(EngineKind::snippet),
            _ => None,
        }
    }
}
