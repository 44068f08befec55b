//! Reads a script directory: its revision scripts and their declarations.

mod error;
mod list;
mod pool;
mod read;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use limbeck_revision::Revision;

pub use self::error::DirectoryError;
use self::pool::ReaderPool;
use self::read::{ReadScript, Reader};

/// The file and the docstring of a revision script. Its declarations are a [`Revision`].
#[derive(Debug, Clone)]
pub struct Script {
    /// The folder, absolute, symbolic links resolved.
    folder: Arc<Path>,
    name: OsString,
    /// The docstrings of many scripts.
    docs: Arc<String>,
    /// The range of this script's docstring.
    doc: Range<usize>,
}

impl Script {
    /// Makes a script from its absolute path and its docstring.
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

    /// Returns the docstring without white space around it.
    pub fn long_doc(&self) -> &str {
        &self.docs[self.doc.clone()]
    }

    /// Returns the docstring up to its first blank line.
    pub fn doc(&self) -> &str {
        let doc = self.long_doc();
        &doc[..memchr::memmem::find(doc.as_bytes(), b"\n\n").unwrap_or(doc.len())]
    }

    /// Returns the path of the file, absolute, symbolic links resolved.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Returns the folder of the file.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn folder_and_name(path: &Path) -> (Arc<Path>, OsString) {
    let folder = path.parent().unwrap_or(path).into();
    (folder, path.file_name().unwrap_or_default().to_owned())
}

/// The scripts of a directory, in the order in which Alembic loads them.
#[derive(Debug, Clone, Default)]
pub struct ScriptDirectory {
    /// The declarations of the scripts.
    pub revisions: Vec<Revision>,
    /// The scripts, in the same order as `revisions`.
    pub scripts: Vec<Script>,
    /// Files that were listed more than once, once for each repetition.
    pub duplicates: Vec<PathBuf>,
}

impl ScriptDirectory {
    /// Reads the scripts in `locations`. A location that doesn't exist has no scripts.
    ///
    /// # Errors
    /// Returns the [`DirectoryError`] of the first script that can't be read.
    pub fn load(locations: &[PathBuf], recursive: bool) -> Result<Self, DirectoryError> {
        let (directory, problems) = Self::load_readable(locations, recursive)?;
        match problems.into_iter().next() {
            Some(first) => Err(first),
            None => Ok(directory),
        }
    }

    /// Reads the scripts in `locations`, and returns the errors of those that can't be read.
    ///
    /// # Errors
    /// Returns [`DirectoryError::Read`] if a folder can't be listed.
    pub fn load_readable(
        locations: &[PathBuf],
        recursive: bool,
    ) -> Result<(Self, Vec<DirectoryError>), DirectoryError> {
        let mut problems = Vec::new();
        let mut pool = ReaderPool::default();
        for location in locations {
            list::queue_scripts(location, recursive, &mut pool)?;
        }
        let mut readers = pool.finish();
        let order = load_order(&readers);
        let docs: Vec<Arc<String>> = readers
            .iter_mut()
            .map(|reader| Arc::new(std::mem::take(&mut reader.docs)))
            .collect();
        let mut directory = Self {
            revisions: Vec::with_capacity(order.len()),
            scripts: Vec::with_capacity(order.len()),
            duplicates: Vec::new(),
        };
        // A file is listed twice only through several locations or a link.
        let is_link = |&(reader, file): &(usize, usize)| {
            let file = readers[reader].scripts[file].as_ref();
            file.is_some_and(ReadScript::is_link)
        };
        let may_repeat = locations.len() > 1 || order.iter().any(is_link);
        let mut seen = HashSet::new();
        for (reader, file) in order {
            let Some(file) = readers[reader].scripts[file].take() else {
                continue;
            };
            let (revision, script) = match file.finish(&docs[reader]) {
                Ok(read) => read,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            if may_repeat && !seen.insert(script.path()) {
                directory.duplicates.push(script.path());
                continue;
            }
            directory.revisions.push(revision);
            directory.scripts.push(script);
        }
        Ok((directory, problems))
    }
}

/// Returns the order in which Alembic loads the scripts: by folder, then by name. Each script is given by the index
/// of its reader, and its index in that reader.
fn load_order(readers: &[Reader]) -> Vec<(usize, usize)> {
    let file = |(reader, file): (usize, usize)| readers[reader].scripts[file].as_ref();
    let places = readers
        .iter()
        .enumerate()
        .flat_map(|(reader, read)| (0..read.scripts.len()).map(move |file| (reader, file)));
    let mut keys: Vec<_> = places
        .filter_map(|place| {
            let file = file(place)?;
            Some((file.folder_number, first_bytes(file.listed_name()), place))
        })
        .collect();
    let name = |place| file(place).map(ReadScript::listed_name);
    keys.sort_unstable_by(|one, other| {
        let by_name = || name(one.2).cmp(&name(other.2));
        (one.0, one.1).cmp(&(other.0, other.1)).then_with(by_name)
    });
    keys.into_iter().map(|(_, _, place)| place).collect()
}

/// Returns the first eight bytes as a number that sorts like them. Most comparisons need no more bytes.
fn first_bytes(name: &OsStr) -> u64 {
    let name = name.as_bytes();
    let mut first = [0; 8];
    let length = name.len().min(8);
    first[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests;
