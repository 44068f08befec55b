//! `limbeck fix`: edits an `env.py` so that plain Alembic takes the application's URL, and undoes the edit.

mod engine_urls;
mod error;
mod file;
mod record;

use std::fmt;
use std::path::{Path, PathBuf};

use limbeck_script::repair::{self, RepairContext, RepairPlan};

use crate::config::Config;
use crate::project::{self, ProjectError};
use record::Record;

pub use error::FixError;
pub use limbeck_script::repair::UnchangedReason;

/// The result of analyzing a project's `env.py`.
#[derive(Debug)]
pub enum Fix {
    /// The `env.py` needs no change.
    NothingToDo {
        /// The `env.py`.
        file: PathBuf,
        /// The reason why it needs no change.
        reason: UnchangedReason,
    },
    /// The `env.py` needs this change.
    Change(Change),
}

/// A change of `env.py` that was checked and not yet made. `Debug` omits the texts, which may contain a URL.
pub struct Change {
    /// The `env.py`, with the path that the configuration gives.
    pub file: PathBuf,
    /// The file's current text.
    pub before: String,
    /// The file's new text.
    pub after: String,
    project_folder: PathBuf,
}

impl Fix {
    /// Analyzes a project's `env.py` and prepares the change. Writes nothing.
    ///
    /// # Errors
    /// Returns [`FixError`] if the project or its `env.py` can't be read, or if limbeck can't edit the `env.py`.
    pub fn find(
        config: &Config,
        package_folders: impl Fn() -> Vec<PathBuf>,
    ) -> Result<Self, FixError> {
        let file = env_py(config, package_folders)?;
        let bytes = file::read(&file)?;
        let before = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            FixError::NotUtf8 {
                line: memchr::memchr_iter(b'\n', &error.as_bytes()[..valid]).count() + 1,
                file: file.clone(),
            }
        })?;
        let configuration = |engine| engine_urls::accepts_configuration(config, engine);
        let mut sources: Vec<PathBuf> = config
            .prepend_sys_path()
            .map_err(ProjectError::from)?
            .into_iter()
            .map(PathBuf::from)
            .collect();
        sources.extend([project_folder(config), PathBuf::new()]);
        let context = RepairContext {
            url_suits: &engine_urls::accepts,
            configuration_suits: &configuration,
            doubles_percent: &|path| engine_urls::doubles_percent(&sources, path),
        };
        let edits = match repair::plan(&before, &context) {
            RepairPlan::Unchanged(reason) => return Ok(Self::NothingToDo { file, reason }),
            RepairPlan::Unsupported(code) => return Err(FixError::Unsupported { file, code }),
            RepairPlan::Edits(edits) => edits,
        };
        let after = repair::apply_edits(&before, &edits);
        // A second `fix` must find nothing to do.
        match repair::plan(&after, &context) {
            RepairPlan::Unchanged(_) => Ok(Self::Change(Change {
                project_folder: project_folder(config),
                file,
                before,
                after,
            })),
            RepairPlan::Edits(_) | RepairPlan::Unsupported(_) => Err(FixError::Incomplete { file }),
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Change")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Change {
    /// Returns the change as a unified diff. `name` is the file's name in the diff.
    pub fn diff(&self, name: &str) -> String {
        similar::TextDiff::from_lines(&self.before, &self.after)
            .unified_diff()
            .header(&format!("a/{name}"), &format!("b/{name}"))
            .to_string()
    }

    /// Records the original and writes the file.
    ///
    /// # Errors
    /// Returns [`FixError`] if the file was changed in the meantime, or if the file or the record can't be written. The
    /// file is then unchanged.
    pub fn apply(&self) -> Result<(), FixError> {
        let target = file::real_path(&self.file)?;
        let current = file::read(&target)?;
        if current != self.before.as_bytes() {
            return Err(FixError::ChangedMeanwhile {
                file: self.file.clone(),
            });
        }
        let mut record = Record::open(&self.project_folder)?;
        record.add(&target, self.before.as_bytes(), self.after.as_bytes())?;
        file::replace(&target, self.after.as_bytes()).inspect_err(|_| record.discard_if_new())
    }
}

/// Restores every file that `fix` changed, and returns the paths of those files.
///
/// # Errors
/// Returns [`FixError`] if there is no fix to undo or a file was changed since, and then restores no file. Also returns
/// [`FixError`] if a file can't be read or written.
pub fn undo(
    config: &Config,
    package_folders: impl Fn() -> Vec<PathBuf>,
) -> Result<Vec<PathBuf>, FixError> {
    let folder = project_folder(config);
    // Outside the project's folder, the undo writes only the project's own `env.py`.
    let env_py = env_py(config, package_folders)
        .and_then(|file| file::real_path(&file))
        .ok();
    Record::open(&folder)?.undo(env_py.as_deref())
}

fn env_py(
    config: &Config,
    package_folders: impl Fn() -> Vec<PathBuf>,
) -> Result<PathBuf, FixError> {
    Ok(project::script_folder(config, package_folders)?.join("env.py"))
}

/// Returns the folder of the ini, or of `pyproject.toml` if there is no ini; empty for the current folder.
fn project_folder(config: &Config) -> PathBuf {
    let files = config.files();
    let name = if config.ini().is_some() {
        &files.ini
    } else {
        &files.toml
    };
    Path::new(name).parent().unwrap_or(Path::new("")).to_owned()
}
