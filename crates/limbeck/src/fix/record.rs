//! The record of a fix: the original files, and the digest of each file before and after.
//!
//! The record is in `.limbeck/fix` beside the configuration. An undo removes it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FixError;
use super::file::{self, digest};

const FOLDER: &str = ".limbeck";
const VERSION: u32 = 1;

/// The record of a project. [`Record::add`] writes it.
pub(super) struct Record {
    /// The configuration's folder, with the path that the user gave.
    given_folder: PathBuf,
    /// The configuration's folder without symbolic links.
    real_folder: PathBuf,
    manifest: Manifest,
    /// `true` if the record existed when it was opened.
    existed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    /// `true` if limbeck created the folder `.limbeck` for this record.
    made_folder: bool,
    files: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    /// The file's path, relative to the configuration's folder if the file is below that folder.
    path: PathBuf,
    /// The SHA-256 of the original, which is also the name of the kept copy.
    before: String,
    /// The SHA-256 of the changed file.
    after: String,
}

impl Record {
    /// Reads a project's record, or returns an empty record if the project has none.
    pub(super) fn open(project_folder: &Path) -> Result<Self, FixError> {
        let real_folder = file::real_path(project_folder)?;
        let path = manifest_path(project_folder);
        let (manifest, existed) = match fs::read(&path) {
            Ok(bytes) => (parse(&path, &bytes)?, true),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let manifest = Manifest {
                    version: VERSION,
                    made_folder: !project_folder.join(FOLDER).exists(),
                    files: Vec::new(),
                };
                (manifest, false)
            }
            Err(error) => return Err(FixError::read(&path)(error)),
        };
        Ok(Self {
            given_folder: project_folder.to_owned(),
            real_folder,
            manifest,
            existed,
        })
    }

    /// Adds a file and keeps its original. Must be called before the file is changed.
    pub(super) fn add(
        &mut self,
        target: &Path,
        before: &[u8],
        after: &[u8],
    ) -> Result<(), FixError> {
        let path = target.strip_prefix(&self.real_folder).unwrap_or(target);
        let entry = Entry {
            path: path.to_owned(),
            before: digest(before),
            after: digest(after),
        };
        let folder = self.folder();
        fs::create_dir_all(&folder).map_err(FixError::write(&folder))?;
        match self
            .manifest
            .files
            .iter_mut()
            .find(|known| known.path == path)
        {
            None => {
                file::write(&folder.join(&entry.before), before)?;
                self.manifest.files.push(entry);
            }
            // The original was restored without an undo, or never changed.
            Some(known) if known.before == entry.before => *known = entry,
            // A second fix continues the first one.
            Some(known) if known.after == entry.before => known.after = entry.after,
            Some(_) => {
                return Err(FixError::ChangedSinceEarlier {
                    file: target.to_owned(),
                    record: folder,
                });
            }
        }
        let path = manifest_path(&self.given_folder);
        let mut text =
            serde_json::to_string_pretty(&self.manifest).map_err(|error| FixError::Manifest {
                manifest: path.clone(),
                problem: error.to_string(),
            })?;
        text.push('\n');
        file::write(&path, text.as_bytes())
    }

    /// Removes the record of a change that failed, unless the record is older. If the removal fails, the record stays and
    /// does no harm: an undo finds the original content and restores nothing.
    pub(super) fn discard_if_new(&self) {
        if !self.existed {
            let _ = self.remove();
        }
    }

    /// Restores every file and removes the record. Checks all files before it writes one. `env_py` is the project's
    /// `env.py`, which may be outside the project's folder.
    pub(super) fn undo(self, env_py: Option<&Path>) -> Result<Vec<PathBuf>, FixError> {
        if !self.existed {
            return Err(FixError::NothingToUndo {
                manifest: manifest_path(&self.given_folder),
            });
        }
        let folder = self.folder();
        let mut restored = Vec::new();
        for entry in &self.manifest.files {
            let (target, real) = self.target(entry, env_py)?;
            let original = folder.join(&entry.before);
            let bytes = file::read(&original)?;
            if digest(&bytes) != entry.before {
                return Err(FixError::Damaged {
                    file: target,
                    original,
                });
            }
            let current = digest(&file::read(&real)?);
            if current == entry.after {
                restored.push((target, real, bytes));
            } else if current != entry.before {
                return Err(FixError::ChangedSince {
                    file: target,
                    original,
                    record: folder,
                });
            }
        }
        for (_, real, bytes) in &restored {
            file::replace(real, bytes)?;
        }
        self.remove()?;
        Ok(restored.into_iter().map(|(target, ..)| target).collect())
    }

    /// Returns a file's path as given and without symbolic links. A record may come with a downloaded project, so limbeck
    /// rejects every file that is neither below the project's folder nor the project's `env.py`.
    fn target(&self, entry: &Entry, env_py: Option<&Path>) -> Result<(PathBuf, PathBuf), FixError> {
        let target = self.given_folder.join(&entry.path);
        let is_plain = |path: &Path| {
            path.components()
                .all(|component| matches!(component, Component::Normal(_)))
        };
        let is_digest =
            entry.before.len() == 64 && entry.before.bytes().all(|b| b.is_ascii_hexdigit());
        let real = file::real_path(&target)?;
        let is_inside = is_plain(&entry.path) && real.starts_with(&self.real_folder);
        if is_digest && (is_inside || env_py == Some(real.as_path())) {
            return Ok((target, real));
        }
        Err(FixError::Manifest {
            manifest: manifest_path(&self.given_folder),
            problem: format!(
                "it names `{}`, which is not one of the project's files",
                entry.path.display()
            ),
        })
    }

    fn remove(&self) -> Result<(), FixError> {
        let folder = self.folder();
        let remove = |path: &Path| match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FixError::write(path)(error)),
            _ => Ok(()),
        };
        // The manifest goes first: without it, limbeck ignores the other files.
        remove(&manifest_path(&self.given_folder))?;
        for entry in &self.manifest.files {
            remove(&folder.join(&entry.before))?;
        }
        let outer = self.given_folder.join(FOLDER);
        let folders = [Some(folder), self.manifest.made_folder.then_some(outer)];
        for folder in folders.into_iter().flatten() {
            match fs::remove_dir(&folder) {
                // A folder with other files stays.
                Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => {
                    return Err(FixError::write(&folder)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        self.given_folder.join(FOLDER).join("fix")
    }
}

fn manifest_path(project_folder: &Path) -> PathBuf {
    project_folder
        .join(FOLDER)
        .join("fix")
        .join("manifest.json")
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, FixError> {
    let invalid = |problem: String| FixError::Manifest {
        manifest: path.to_owned(),
        problem,
    };
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    if manifest.version == VERSION {
        Ok(manifest)
    } else {
        Err(invalid(format!(
            "its version is {}, and this limbeck reads version {VERSION} only",
            manifest.version
        )))
    }
}
