//! Files that are replaced whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::FixError;

/// A file's bytes.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, FixError> {
    fs::read(path).map_err(FixError::read(path))
}

/// The file itself, behind symbolic links.
pub(super) fn real(path: &Path) -> Result<PathBuf, FixError> {
    fs::canonicalize(named(path)).map_err(FixError::read(path))
}

/// A path that the system takes: an empty one is the current folder.
fn named(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces a file by one with other bytes and the same owner and mode. It is never there half.
pub(super) fn replace(target: &Path, bytes: &[u8]) -> Result<(), FixError> {
    let metadata = fs::metadata(target).map_err(FixError::read(target))?;
    put(target, bytes, Some(&metadata)).map_err(FixError::write(target))?;
    if read(target)? == bytes {
        return Ok(());
    }
    let other = std::io::Error::other("what can be read there is not what was written");
    Err(FixError::write(target)(other))
}

/// Writes a new file, or replaces one of ours.
pub(super) fn write(target: &Path, bytes: &[u8]) -> Result<(), FixError> {
    put(target, bytes, None).map_err(FixError::write(target))
}

fn put(target: &Path, bytes: &[u8], like: Option<&fs::Metadata>) -> std::io::Result<()> {
    let folder = named(target.parent().unwrap_or(Path::new("")));
    let mut new = tempfile::Builder::new()
        .prefix(".limbeck-")
        .tempfile_in(folder)?;
    new.write_all(bytes)?;
    if let Some(like) = like {
        let made = new.as_file().metadata()?;
        if (made.uid(), made.gid()) != (like.uid(), like.gid()) {
            chown(new.path(), Some(like.uid()), Some(like.gid()))?;
        }
        new.as_file().set_permissions(like.permissions())?;
    }
    new.as_file().sync_all()?;
    new.persist(target).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
