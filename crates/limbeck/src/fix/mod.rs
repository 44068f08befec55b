//! Repairs the `env.py` of a project that stays with plain Alembic, and takes the repair back.

mod error;
mod file;
mod record;
mod suits;

use std::fmt;
use std::path::{Path, PathBuf};

use limbeck_script::repair::{self, EngineKind, RepairContext, RepairPlan};

use crate::config::Config;
use crate::project::{self, ProjectError};
use record::Record;

pub use error::FixError;
pub use limbeck_script::repair::UnchangedReason;

/// What is to be done about a project.
#[derive(Debug)]
pub enum Fix {
    /// Nothing.
    NothingToDo {
        /// The `env.py`.
        file: PathBuf,
        /// Why.
        reason: UnchangedReason,
    },
    /// A change of its `env.py`.
    Change(Change),
}

/// A change of a file, checked and not yet made. `Debug` leaves the texts out, in which a URL may stand.
pub struct Change {
    /// The file as the configuration names it.
    pub file: PathBuf,
    /// Its text.
    pub before: String,
    /// The text that it will have.
    pub after: String,
    folder: PathBuf,
}

impl Fix {
    /// Finds what is to be done. Nothing is written.
    ///
    /// # Errors
    /// [`FixError`] names the file, and the line where there is one.
    pub fn find(
        config: &Config,
        package_folders: impl Fn() -> Vec<PathBuf>,
    ) -> Result<Self, FixError> {
        let file = environment(config, package_folders)?;
        let bytes = file::read(&file)?;
        let before = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            FixError::NotUtf8 {
                line: memchr::memchr_iter(b'\n', &error.as_bytes()[..valid]).count() + 1,
                file: file.clone(),
            }
        })?;
        let configuration = |mode| suits::configuration(config, mode);
        let mut sources: Vec<PathBuf> = config
            .prepend_sys_path()
            .map_err(ProjectError::from)?
            .into_iter()
            .map(PathBuf::from)
            .collect();
        sources.extend([project_folder(config), PathBuf::new()]);
        let knowledge = RepairContext {
            url_suits: &suits::url,
            configuration_suits: &configuration,
            doubles_percent: &|path| suits::doubles_percent(&sources, path),
        };
        let edits = match repair::plan(&before, &knowledge) {
            RepairPlan::Unchanged(reason) => return Ok(Self::NothingToDo { file, reason }),
            RepairPlan::Unsupported(refusal) => return Err(FixError::Refused { file, refusal }),
            RepairPlan::Edits(edits) => edits,
        };
        let after = repair::apply_edits(&before, &edits);
        // What is written must be what a second run takes for done.
        match repair::plan(&after, &knowledge) {
            RepairPlan::Unchanged(_) => Ok(Self::Change(Change {
                folder: project_folder(config),
                file,
                before,
                after,
            })),
            RepairPlan::Edits(_) | RepairPlan::Unsupported(_) => Err(FixError::Unproven { file }),
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
    /// The change as a unified diff.
    pub fn diff(&self, name: &str) -> String {
        similar::TextDiff::from_lines(&self.before, &self.after)
            .unified_diff()
            .header(&format!("a/{name}"), &format!("b/{name}"))
            .to_string()
    }

    /// Keeps the original and writes the file.
    ///
    /// # Errors
    /// [`FixError`]; the file is then as it was.
    pub fn apply(&self) -> Result<(), FixError> {
        let target = file::real(&self.file)?;
        let current = file::read(&target)?;
        if current != self.before.as_bytes() {
            return Err(FixError::ChangedMeanwhile {
                file: self.file.clone(),
            });
        }
        let mut record = Record::open(&self.folder)?;
        record.add(&target, self.before.as_bytes(), self.after.as_bytes())?;
        file::replace(&target, self.after.as_bytes()).inspect_err(|_| record.forget())
    }
}

/// Puts back every file that was changed, and returns their paths.
///
/// # Errors
/// [`FixError`]; where a file was changed since, nothing is written at all.
pub fn undo(
    config: &Config,
    package_folders: impl Fn() -> Vec<PathBuf>,
) -> Result<Vec<PathBuf>, FixError> {
    let folder = project_folder(config);
    // Outside of the project's folder only its own `env.py` is written.
    let own = environment(config, package_folders)
        .and_then(|file| file::real(&file))
        .ok();
    Record::open(&folder)?.undo(own.as_deref())
}

/// The function for an engine's URL, to be put into an `env.py` by hand.
pub fn snippet(mode: EngineKind) -> &'static str {
    mode.snippet()
}

fn environment(
    config: &Config,
    package_folders: impl Fn() -> Vec<PathBuf>,
) -> Result<PathBuf, FixError> {
    Ok(project::script_folder(config, package_folders)?.join("env.py"))
}

/// The folder of the ini, or of `pyproject.toml` where that is the configuration; empty for the current one.
fn project_folder(config: &Config) -> PathBuf {
    let files = config.files();
    let name = if config.ini().is_some() {
        &files.ini
    } else {
        &files.toml
    };
    Path::new(name).parent().unwrap_or(Path::new("")).to_owned()
}
