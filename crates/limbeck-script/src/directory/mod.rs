//! The script directory: which files are revision scripts, and what they declare.

mod error;
mod list;
mod read;
mod readers;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use limbeck_revision::Revision;

pub use self::error::DirectoryError;
use self::read::{ReadFile, Reader};
use self::readers::Readers;

/// A revision script's file and text; what it declares is a [`Revision`].
#[derive(Debug, Clone)]
pub struct Script {
    /// Where it lies, symbolic links resolved.
    folder: Arc<Path>,
    name: OsString,
    /// The docstrings of many scripts, and where this one's stands.
    docs: Arc<String>,
    doc: Range<usize>,
}

impl Script {
    /// A script by its absolute path and its docstring.
    pub fn new(path: &Path, doc: &str) -> Self {
        let (folder, name) = folder_and_name(path);
        let doc = doc.trim();
        Self {
            folder,
            name,
            docs: Arc::new(doc.to_owned()),
            doc: 0..doc.len(),
        }
    }

    /// The docstring, stripped.
    pub fn long_doc(&self) -> &str {
        &self.docs[self.doc.clone()]
    }

    /// The docstring up to its first blank line.
    pub fn doc(&self) -> &str {
        let doc = self.long_doc();
        &doc[..memchr::memmem::find(doc.as_bytes(), b"\n\n").unwrap_or(doc.len())]
    }

    /// The file, absolute, symbolic links resolved.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// The folder of the file.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn folder_and_name(path: &Path) -> (Arc<Path>, OsString) {
    let folder = path.parent().unwrap_or(path).into();
    (folder, path.file_name().unwrap_or_default().to_owned())
}

/// The scripts that were found, in the order in which Alembic loads them.
#[derive(Debug, Clone, Default)]
pub struct ScriptDirectory {
    /// What the scripts declare.
    pub revisions: Vec<Revision>,
    /// The scripts; as many, in the same order.
    pub scripts: Vec<Script>,
    /// Files that were found a second time.
    pub duplicates: Vec<PathBuf>,
}

impl ScriptDirectory {
    /// Reads the scripts in `locations`; a location that isn't there has none.
    ///
    /// # Errors
    /// [`DirectoryError`] names the file and the line, of several files the one that comes first.
    pub fn load(locations: &[PathBuf], recursive: bool) -> Result<Self, DirectoryError> {
        let (directory, problems) = Self::load_readable(locations, recursive)?;
        match problems.into_iter().next() {
            Some(first) => Err(first),
            None => Ok(directory),
        }
    }

    /// Reads the scripts that can be read, and says of each other one why it can't.
    ///
    /// # Errors
    /// [`DirectoryError::Read`] when a folder can't be listed.
    pub fn load_readable(
        locations: &[PathBuf],
        recursive: bool,
    ) -> Result<(Self, Vec<DirectoryError>), DirectoryError> {
        let mut problems = Vec::new();
        let mut readers = Readers::default();
        for location in locations {
            list::list(location, recursive, &mut readers)?;
        }
        let mut readers = readers.finish();
        let order = order_of_loading(&readers);
        let docs: Vec<Arc<String>> = readers
            .iter_mut()
            .map(|reader| Arc::new(std::mem::take(&mut reader.docs)))
            .collect();
        let mut directory = Self {
            revisions: Vec::with_capacity(order.len()),
            scripts: Vec::with_capacity(order.len()),
            duplicates: Vec::new(),
        };
        // Only another location or a link can lead to a file again.
        let linked = |&(reader, file): &(usize, usize)| {
            let file = readers[reader].files[file].as_ref();
            file.is_some_and(ReadFile::is_link)
        };
        let ambiguous = locations.len() > 1 || order.iter().any(linked);
        let mut seen = HashSet::new();
        for (reader, file) in order {
            let Some(file) = readers[reader].files[file].take() else {
                continue;
            };
            let (revision, script) = match file.finish(&docs[reader]) {
                Ok(read) => read,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            if ambiguous && !seen.insert(script.path()) {
                directory.duplicates.push(script.path());
                continue;
            }
            directory.revisions.push(revision);
            directory.scripts.push(script);
        }
        Ok((directory, problems))
    }
}

/// Folder by folder, by name: which file of which reader.
fn order_of_loading(readers: &[Reader]) -> Vec<(usize, usize)> {
    let file = |(reader, file): (usize, usize)| readers[reader].files[file].as_ref();
    let places = readers
        .iter()
        .enumerate()
        .flat_map(|(reader, read)| (0..read.files.len()).map(move |file| (reader, file)));
    let mut keys: Vec<_> = places
        .filter_map(|place| {
            let file = file(place)?;
            Some((file.folder, first_bytes(file.listed_name()), place))
        })
        .collect();
    let name = |place| file(place).map(ReadFile::listed_name);
    keys.sort_unstable_by(|one, other| {
        let by_name = || name(one.2).cmp(&name(other.2));
        (one.0, one.1).cmp(&(other.0, other.1)).then_with(by_name)
    });
    keys.into_iter().map(|(_, _, place)| place).collect()
}

/// The first eight bytes as a number that sorts as they do: most names need no other comparison.
fn first_bytes(name: &OsStr) -> u64 {
    let name = name.as_bytes();
    let mut first = [0; 8];
    let length = name.len().min(8);
    first[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests;
