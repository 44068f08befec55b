//! Atomic replacement of files.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::FixError;

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FixError> {
    fs::read(path).map_err(FixError::read(path))
}

/// Returns the path without symbolic links.
pub(super) fn real_path(path: &Path) -> Result<PathBuf, FixError> {
    fs::canonicalize(or_current_folder(path)).map_err(FixError::read(path))
}

/// Returns `.` for an empty path, which system calls reject.
fn or_current_folder(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// Returns the SHA-256 of bytes, in hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces the content of a file atomically; owner and mode stay.
pub(super) fn replace(target: &Path, bytes: &[u8]) -> Result<(), FixError> {
    let metadata = fs::metadata(target).map_err(FixError::read(target))?;
    write_atomically(target, bytes, Some(&metadata)).map_err(FixError::write(target))?;
    if read(target)? == bytes {
        return Ok(());
    }
    let error = std::io::Error::other("the file's content differs from the written content");
    Err(FixError::write(target)(error))
}

/// Writes a file of limbeck's own atomically.
pub(super) fn write(target: &Path, bytes: &[u8]) -> Result<(), FixError> {
    write_atomically(target, bytes, None).map_err(FixError::write(target))
}

/// Writes a temporary file and renames it to `target`. The new file gets the owner and mode of `attributes`.
fn write_atomically(
    target: &Path,
    bytes: &[u8],
    attributes: Option<&fs::Metadata>,
) -> std::io::Result<()> {
    let folder = or_current_folder(target.parent().unwrap_or(Path::new("")));
    let mut temporary = tempfile::Builder::new()
        .prefix(".limbeck-")
        .tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    if let Some(attributes) = attributes {
        let created = temporary.as_file().metadata()?;
        if (created.uid(), created.gid()) != (attributes.uid(), attributes.gid()) {
            chown(
                temporary.path(),
                Some(attributes.uid()),
                Some(attributes.gid()),
            )?;
        }
        temporary
            .as_file()
            .set_permissions(attributes.permissions())?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(target).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
