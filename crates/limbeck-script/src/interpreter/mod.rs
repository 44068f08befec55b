//! Finds the project's Python interpreter.

mod installed;

pub use installed::{InstalledVersions, InstalledVersionsError};

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// A Python interpreter, and where limbeck found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The path of the program.
    pub path: PathBuf,
    /// The setting or place that named the interpreter.
    pub source: InterpreterSource,
}

/// The settings and places that can name an interpreter, in the order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InterpreterSource {
    /// The `--python` option.
    Option,
    /// An activated virtual environment (`VIRTUAL_ENV`).
    VirtualEnv,
    /// An activated Conda environment (`CONDA_PREFIX`).
    Conda,
    /// A folder `.venv` in the project's folder or in a parent.
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

/// The settings and places to search for an interpreter.
#[derive(Debug, Clone, Default)]
pub struct InterpreterSearch {
    /// The value of `--python`: a program, or the folder of a virtual environment.
    pub option: Option<PathBuf>,
    /// The value of `VIRTUAL_ENV`.
    pub virtual_env: Option<PathBuf>,
    /// The value of `CONDA_PREFIX`.
    pub conda_prefix: Option<PathBuf>,
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// The project's folder. Its `.venv` is searched, and that of each parent.
    pub project: PathBuf,
}

/// An error of [`InterpreterSearch::find`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InterpreterError {
    /// A setting names an interpreter that doesn't exist.
    #[error("no Python interpreter at `{}`, which {named_by} names", path.display())]
    Missing {
        /// The named path.
        path: PathBuf,
        /// The setting that names it.
        named_by: InterpreterSource,
    },
    /// No setting names an interpreter, and limbeck found none.
    #[error("no Python interpreter was found")]
    NotFound,
}

impl InterpreterSearch {
    /// Finds the interpreter.
    ///
    /// # Errors
    /// Returns [`InterpreterError::Missing`] if a setting names an interpreter that doesn't exist. limbeck uses no other
    /// interpreter then, because its packages would be others. Returns [`InterpreterError::NotFound`] if no setting names
    /// one and limbeck finds none.
    pub fn find(&self) -> Result<Interpreter, InterpreterError> {
        let named = [
            (&self.option, InterpreterSource::Option),
            (&self.virtual_env, InterpreterSource::VirtualEnv),
            (&self.conda_prefix, InterpreterSource::Conda),
        ];
        for (path, source) in named {
            if let Some(path) = path {
                return program_at(path)
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
        let dot_venv = self
            .project
            .ancestors()
            .find_map(|folder| in_environment(&folder.join(".venv")));
        if let Some(path) = dot_venv {
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

    /// Searches `PATH` for a program, given a name without folders.
    fn on_path(&self, name: &OsString) -> Option<PathBuf> {
        if Path::new(name).components().count() != 1 {
            return None;
        }
        std::env::split_paths(self.path.as_ref()?)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    }
}

/// Returns the interpreter at a path, which names a program or a virtual environment.
fn program_at(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        in_environment(path)
    } else {
        path.is_file().then(|| path.to_owned())
    }
}

/// Returns the interpreter of a virtual environment.
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
    fn follows_the_order_of_precedence() {
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
