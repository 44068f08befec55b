//! Lists the scripts of a version location, and queues them for reading in batches meanwhile.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::DirectoryError;
use super::pool::ReaderPool;
use super::read::{Batch, ListedFile};

/// The number of files in a full batch.
const FILES_PER_BATCH: usize = 32;

/// Queues the scripts of a location. A location that doesn't exist has no scripts.
pub(super) fn queue_scripts(
    location: &Path,
    recursive: bool,
    pool: &mut ReaderPool,
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
    let folder_number = pool.new_folder();
    let mut folders = Vec::new();
    let mut files = Vec::with_capacity(FILES_PER_BATCH);
    let mut queue = |files| {
        pool.queue(Batch {
            folder_number,
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
            files.push(ListedFile { name, target });
            if files.len() == FILES_PER_BATCH {
                let full = std::mem::replace(&mut files, Vec::with_capacity(FILES_PER_BATCH));
                queue(full);
            }
        }
    }
    if !files.is_empty() {
        queue(files);
    }
    if recursive {
        folders.sort();
        for folder in folders.iter().filter(|name| *name != "__pycache__") {
            queue_scripts(&location.join(folder), recursive, pool)?;
        }
    }
    Ok(())
}

/// Returns the target of a symbolic link, or `None` for a broken link, which is not a script.
///
/// # Errors
/// Returns the system's error for a broken link whose target has the name of a script.
fn follow(link: &Path) -> Result<Option<PathBuf>, DirectoryError> {
    let failed = |source| DirectoryError::Read {
        path: link.to_owned(),
        source,
    };
    match link.canonicalize() {
        Ok(target) => Ok(Some(target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let target = fs::read_link(link).map_err(failed)?;
            let names_script = target
                .file_name()
                .is_some_and(|name| is_script(name.as_bytes()));
            if names_script {
                Err(failed(error))
            } else {
                Ok(None)
            }
        }
        Err(error) => Err(failed(error)),
    }
}

fn is_script(name: &[u8]) -> bool {
    name.ends_with(b".py") && !name.starts_with(b".#") && !name.starts_with(b"__init__")
}
