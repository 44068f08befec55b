//! Finds the project's own Python interpreter where its users expect it to be found.

mod installed;

pub use installed::{InstalledVersions, InstalledVersionsError};

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// A Python interpreter and the reason for which it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The program.
    pub path: PathBuf,
    /// Who named it.
    pub source: InterpreterSource,
}

/// Who named an interpreter, in the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterpreterSource {
    /// The `--python` option.
    Option,
    /// An activated virtual environment (`VIRTUAL_ENV`).
    VirtualEnv,
    /// An activated Conda environment (`CONDA_PREFIX`).
    Conda,
    /// A `.venv` folder beside the project or above it.
    DotVenv,
    /// `python3` or `python` on `PATH`.
    Path,
}

impl fmt::Display for InterpreterSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Option => "--python",
            Self::VirtualEnv => "VIRTUAL_ENV",
            Self::Conda => "CONDA_PREFIX",
            Self::DotVenv => ".venv",
            Self::Path => "PATH",
        })
    }
}

/// Where to look.
#[derive(Debug, Clone, Default)]
pub struct InterpreterSearch {
    /// The value of `--python`: a program, or a virtual environment's folder.
    pub option: Option<PathBuf>,
    /// The value of `VIRTUAL_ENV`.
    pub virtual_env: Option<PathBuf>,
    /// The value of `CONDA_PREFIX`.
    pub conda_prefix: Option<PathBuf>,
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// The folder whose `.venv`, or a parent's, is taken.
    pub project: PathBuf,
}

/// Why there is no interpreter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpreterError {
    /// The named interpreter isn't there.
    #[error("no Python interpreter at `{}`, which {named_by} names", path.display())]
    Missing {
        /// What was named.
        path: PathBuf,
        /// Who named it.
        named_by: InterpreterSource,
    },
    /// None was named and none was found.
    #[error("no Python interpreter was found")]
    NotFound,
}

impl InterpreterSearch {
    /// Finds the interpreter.
    ///
    /// # Errors
    /// [`InterpreterError::Missing`] when one was named that is not there: no other is taken in its
    /// place, since it would have other packages.
    pub fn find(&self) -> Result<Interpreter, InterpreterError> {
        let named = [
            (&self.option, InterpreterSource::Option),
            (&self.virtual_env, InterpreterSource::VirtualEnv),
            (&self.conda_prefix, InterpreterSource::Conda),
        ];
        for (path, source) in named {
            if let Some(path) = path {
                return in_place(path)
                    .or_else(|| {
                        (source == InterpreterSource::Option)
                            .then(|| self.on_path(&path.clone().into_os_string()))
                            .flatten()
                    })
                    .map(|path| Interpreter { path, source })
                    .ok_or_else(|| InterpreterError::Missing {
                        path: path.clone(),
                        named_by: source,
                    });
            }
        }
        let beside = self
            .project
            .ancestors()
            .find_map(|folder| in_environment(&folder.join(".venv")));
        if let Some(path) = beside {
            return Ok(Interpreter {
                path,
                source: InterpreterSource::DotVenv,
            });
        }
        ["python3", "python"]
            .iter()
            .find_map(|name| self.on_path(&OsString::from(name)))
            .map(|path| Interpreter {
                path,
                source: InterpreterSource::Path,
            })
            .ok_or(InterpreterError::NotFound)
    }

    fn on_path(&self, name: &OsString) -> Option<PathBuf> {
        if Path::new(name).components().count() != 1 {
            return None;
        }
        std::env::split_paths(self.path.as_ref()?)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    }
}

fn in_place(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        in_environment(path)
    } else {
        path.is_file().then(|| path.to_owned())
    }
}

fn in_environment(folder: &Path) -> Option<PathBuf> {
    ["bin/python3", "bin/python", "Scripts/python.exe"]
        .iter()
        .map(|program| folder.join(program))
        .find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{InterpreterError, InterpreterSearch, InterpreterSource};

    #[test]
    fn the_nearest_named_one_wins() {
        let root = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let bin = root.path().join(name).join("bin");
            fs::create_dir_all(&bin).unwrap();
            fs::write(bin.join("python3"), "").unwrap();
            root.path().join(name)
        };
        let (active, beside, path) = (folder("active"), folder("project/.venv"), folder("usr"));
        let project = root.path().join("project/deep");
        fs::create_dir_all(&project).unwrap();
        let mut search = InterpreterSearch {
            virtual_env: Some(active.clone()),
            path: Some(path.join("bin").into_os_string()),
            project,
            ..InterpreterSearch::default()
        };
        assert_eq!(search.find().unwrap().path, active.join("bin/python3"));
        search.virtual_env = None;
        assert_eq!(search.find().unwrap().path, beside.join("bin/python3"));
        fs::remove_dir_all(&beside).unwrap();
        let found = search.find().unwrap();
        assert_eq!(
            (found.path, found.source),
            (path.join("bin/python3"), InterpreterSource::Path)
        );
        search.option = Some("python3".into());
        assert_eq!(search.find().unwrap().source, InterpreterSource::Option);
        search.option = Some(root.path().join("gone"));
        let missing = InterpreterError::Missing {
            path: root.path().join("gone"),
            named_by: InterpreterSource::Option,
        };
        assert_eq!(search.find(), Err(missing));
    }
}
