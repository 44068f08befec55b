//! What was changed: the originals, and the digests of each file before and after.
//!
//! It stands in `.limbeck/fix` beside the configuration and is gone after an undo.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FixError;
use super::file::{self, digest};

const FOLDER: &str = ".limbeck";
const VERSION: u32 = 1;

/// The record of a project.
pub(super) struct Record {
    /// The folder of the configuration, as it was named.
    given: PathBuf,
    /// The folder itself.
    project: PathBuf,
    manifest: Manifest,
    is_there: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    /// `.limbeck` was made for the record alone.
    made_folder: bool,
    files: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    /// Relative to the configuration's folder where it is below it.
    path: PathBuf,
    /// SHA-256, and the name of the kept original.
    before: String,
    after: String,
}

impl Record {
    /// Reads a project's record; it may not be there.
    pub(super) fn open(given: &Path) -> Result<Self, FixError> {
        let project = file::real(given)?;
        let path = manifest_of(given);
        let (manifest, is_there) = match fs::read(&path) {
            Ok(bytes) => (parse(&path, &bytes)?, true),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let manifest = Manifest {
                    version: VERSION,
                    made_folder: !given.join(FOLDER).exists(),
                    files: Vec::new(),
                };
                (manifest, false)
            }
            Err(error) => return Err(FixError::read(&path)(error)),
        };
        Ok(Self {
            given: given.to_owned(),
            project,
            manifest,
            is_there,
        })
    }

    /// Keeps a file's original, before the file is changed.
    pub(super) fn add(
        &mut self,
        target: &Path,
        before: &[u8],
        after: &[u8],
    ) -> Result<(), FixError> {
        let path = target.strip_prefix(&self.project).unwrap_or(target);
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
            // It was put back by other means, or never changed.
            Some(known) if known.before == entry.before => *known = entry,
            // It was repaired, and is now repaired further.
            Some(known) if known.after == entry.before => known.after = entry.after,
            Some(_) => {
                return Err(FixError::ChangedSinceEarlier {
                    file: target.to_owned(),
                    record: folder,
                });
            }
        }
        let path = manifest_of(&self.given);
        let mut text =
            serde_json::to_string_pretty(&self.manifest).map_err(|error| FixError::Manifest {
                manifest: path.clone(),
                problem: error.to_string(),
            })?;
        text.push('\n');
        file::write(&path, text.as_bytes())
    }

    /// Removes a record that was made in vain. One that stays behind does no harm: it says that the file is as it was.
    pub(super) fn forget(&self) {
        if !self.is_there {
            let _ = self.remove();
        }
    }

    /// Puts every file back and removes the record. Everything is looked at before anything is written.
    pub(super) fn undo(self, own: Option<&Path>) -> Result<Vec<PathBuf>, FixError> {
        if !self.is_there {
            return Err(FixError::NothingToUndo {
                manifest: manifest_of(&self.given),
            });
        }
        let folder = self.folder();
        let mut restored = Vec::new();
        for entry in &self.manifest.files {
            let (target, real) = self.target(entry, own)?;
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

    /// A file's path, and the file itself: below the project, or its own `env.py`. A record that comes with a
    /// project is no leave to write anywhere else.
    fn target(&self, entry: &Entry, own: Option<&Path>) -> Result<(PathBuf, PathBuf), FixError> {
        let target = self.given.join(&entry.path);
        let is_plain = |path: &Path| {
            path.components()
                .all(|component| matches!(component, Component::Normal(_)))
        };
        let is_name =
            entry.before.len() == 64 && entry.before.bytes().all(|b| b.is_ascii_hexdigit());
        let real = file::real(&target)?;
        let below = is_plain(&entry.path) && real.starts_with(&self.project);
        if is_name && (below || own == Some(real.as_path())) {
            return Ok((target, real));
        }
        Err(FixError::Manifest {
            manifest: manifest_of(&self.given),
            problem: format!(
                "it names `{}`, which is none of the project's files",
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
        // Without the manifest what is left means nothing.
        remove(&manifest_of(&self.given))?;
        for entry in &self.manifest.files {
            remove(&folder.join(&entry.before))?;
        }
        let outer = self.given.join(FOLDER);
        let folders = [Some(folder), self.manifest.made_folder.then_some(outer)];
        for folder in folders.into_iter().flatten() {
            match fs::remove_dir(&folder) {
                // What else is in it is not ours.
                Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => {
                    return Err(FixError::write(&folder)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        self.given.join(FOLDER).join("fix")
    }
}

fn manifest_of(project: &Path) -> PathBuf {
    project.join(FOLDER).join("fix").join("manifest.json")
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, FixError> {
    let wrong = |problem: String| FixError::Manifest {
        manifest: path.to_owned(),
        problem,
    };
    let manifest: Manifest =
        serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    if manifest.version == VERSION {
        Ok(manifest)
    } else {
        Err(wrong(format!(
            "its version is {}, and this limbeck knows version {VERSION}",
            manifest.version
        )))
    }
}
