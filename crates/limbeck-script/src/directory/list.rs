//! Finds the scripts of a location, and hands them on while it goes through the folder.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DirectoryError;
use super::read::{FoundFile, Part};
use super::readers::Readers;

/// How many files are handed on at a time.
const FILES_IN_A_PART: usize = 32;

/// Has the scripts of a location read; one that isn't there has none.
pub(super) fn list(
    location: &Path,
    recursive: bool,
    readers: &mut Readers,
) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Read {
        path: location.to_owned(),
        source,
    };
    let entries = match fs::read_dir(location) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(());
        }
        Err(error) => return Err(failed(error)),
    };
    let location: Arc<Path> = location.canonicalize().map_err(failed)?.into();
    let number = readers.new_folder();
    let mut folders = Vec::new();
    let mut files = Vec::with_capacity(FILES_IN_A_PART);
    let mut hand_on = |files| {
        readers.read(Part {
            number,
            folder: Arc::clone(&location),
            files,
        });
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name();
        if kind.is_dir() {
            folders.push(name);
        } else if is_script(name.as_bytes()) {
            let target = if kind.is_symlink() {
                match follow(&location.join(&name))? {
                    Some(target) => Some(target),
                    None => continue,
                }
            } else {
                None
            };
            files.push(FoundFile { name, target });
            if files.len() == FILES_IN_A_PART {
                let full = std::mem::replace(&mut files, Vec::with_capacity(FILES_IN_A_PART));
                hand_on(full);
            }
        }
    }
    if !files.is_empty() {
        hand_on(files);
    }
    if recursive {
        folders.sort();
        for folder in folders.iter().filter(|name| *name != "__pycache__") {
            list(&location.join(folder), recursive, readers)?;
        }
    }
    Ok(())
}

/// What a link names. A link that leads to nothing is no script, unless what it names would be one.
fn follow(link: &Path) -> Result<Option<PathBuf>, DirectoryError> {
    let failed = |source| DirectoryError::Read {
        path: link.to_owned(),
        source,
    };
    match link.canonicalize() {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let named = fs::read_link(link).map_err(failed)?;
            let script = named
                .file_name()
                .is_some_and(|name| is_script(name.as_bytes()));
            if script { Err(failed(error)) } else { Ok(None) }
        }
        Err(error) => Err(failed(error)),
    }
}

fn is_script(name: &[u8]) -> bool {
    name.ends_with(b".py") && !name.starts_with(b".#") && !name.starts_with(b"__init__")
}
