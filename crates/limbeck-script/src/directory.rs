//! The script directory: which files are revision scripts, and what they declare.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rustix::fs::{Mode, OFlags};

use crate::header::{self, HeaderProblem, ScriptHeader};

/// A revision script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// `revision`.
    pub id: String,
    /// `down_revision`.
    pub down_revisions: Vec<String>,
    /// `branch_labels`.
    pub branch_labels: Vec<String>,
    /// `depends_on`.
    pub dependencies: Vec<String>,
    /// The docstring, stripped.
    pub long_doc: String,
    /// The file, absolute, symbolic links resolved.
    pub path: PathBuf,
}

impl Script {
    /// The docstring up to its first blank line.
    pub fn doc(&self) -> &str {
        self.long_doc.split("\n\n").next().unwrap_or_default()
    }
}

/// Why the scripts can't be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// A file or folder can't be read.
    #[error("could not read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A script is not valid Python.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The script.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What the parser says.
        message: String,
    },
    /// A script's declarations are known only when it runs.
    #[error("{}:{line}: {reason}", path.display())]
    NotStatic {
        /// The script.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        reason: String,
    },
    /// A declaration has a type that Alembic does not take.
    #[error("{}:{line}: {reason}", path.display())]
    Value {
        /// The script.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A script has no `down_revision`.
    #[error("`{}` does not declare `down_revision`", path.display())]
    NoDownRevision {
        /// The script.
        path: PathBuf,
    },
}

/// The scripts that were found, in the order in which Alembic loads them.
#[derive(Debug, Clone, Default)]
pub struct ScriptDirectory {
    /// The scripts.
    pub scripts: Vec<Script>,
    /// Files that are in two of the locations.
    pub loaded_twice: Vec<PathBuf>,
}

/// What a thread takes at a time.
const FILES_IN_A_PART: usize = 32;

/// Below this many parts another thread would come too late.
const FEWEST_PARTS_TO_SHARE: usize = 5;

impl ScriptDirectory {
    /// Reads the scripts in `locations`; a location that isn't there has none.
    ///
    /// # Errors
    /// [`DirectoryError`] names the file and the line.
    pub fn load(locations: &[PathBuf], recursive: bool) -> Result<Self, DirectoryError> {
        let mut directory = Self::default();
        let mut files = Vec::new();
        for location in locations {
            list(location, recursive, &mut files)?;
        }
        if locations.len() > 1 {
            let mut seen = HashSet::with_capacity(files.len());
            let mut twice = Vec::new();
            files.retain(|file| {
                seen.insert(file.clone()) || {
                    twice.push(file.clone());
                    false
                }
            });
            directory.loaded_twice = twice;
        }
        directory.scripts = read_all(files)?;
        Ok(directory)
    }
}

fn list(location: &Path, recursive: bool, files: &mut Vec<PathBuf>) -> Result<(), DirectoryError> {
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
    let location = location.canonicalize().map_err(failed)?;
    let mut names = Vec::new();
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name();
        if kind.is_dir() {
            folders.push(name);
        } else if is_script(name.as_bytes()) {
            names.push((first_bytes(name.as_bytes()), name, kind.is_symlink()));
        }
    }
    names.sort_unstable();
    files.reserve(names.len());
    for (_, name, linked) in names {
        let mut path = PathBuf::with_capacity(location.as_os_str().len() + name.len() + 1);
        path.push(&location);
        path.push(name);
        files.push(if linked {
            path.canonicalize().map_err(failed)?
        } else {
            path
        });
    }
    if recursive {
        folders.sort();
        for folder in folders.iter().filter(|name| *name != "__pycache__") {
            list(&location.join(folder), recursive, files)?;
        }
    }
    Ok(())
}

/// The first eight bytes as a number that sorts as they do: most names need no other comparison.
fn first_bytes(name: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = name.len().min(8);
    first[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(first)
}

fn is_script(name: &[u8]) -> bool {
    name.ends_with(b".py") && !name.starts_with(b".#") && !name.starts_with(b"__init__")
}

/// Reads the files, part by part, with the help of other threads. A thread may take longer to start than a
/// short history takes to read: parts are taken as they come, and nobody waits for a thread that has none.
fn read_all(files: Vec<PathBuf>) -> Result<Vec<Script>, DirectoryError> {
    let total = files.len();
    let mut files = files.into_iter();
    let parts = (0..total.div_ceil(FILES_IN_A_PART))
        .map(|_| Mutex::new(files.by_ref().take(FILES_IN_A_PART).collect()))
        .collect();
    let work = Arc::new(Work {
        parts,
        next: AtomicUsize::new(0),
    });
    let helpers = match work.parts.len() {
        0..FEWEST_PARTS_TO_SHARE => 0,
        _ => std::thread::available_parallelism().map_or(0, |there| there.get() - 1),
    };
    let (done, from_helpers) = mpsc::channel();
    for _ in 0..helpers {
        let (work, done) = (Arc::clone(&work), done.clone());
        let helper = std::thread::Builder::new().name("scripts".into());
        // Without help it takes longer, and that is all.
        let _ = helper.spawn(move || {
            let mut reader = Reader::default();
            while let Some((number, part)) = work.take() {
                if done.send((number, reader.read_all(part))).is_err() {
                    return;
                }
            }
        });
    }
    drop(done);
    let mut reader = Reader::default();
    let mut read = BTreeMap::new();
    while let Some((number, part)) = work.take() {
        read.insert(number, reader.read_all(part));
    }
    while read.len() < work.parts.len() {
        // A helper that panicked has told so on standard error; the part that it had is missing then.
        let (number, part) = from_helpers.recv().expect("no reading thread panics");
        read.insert(number, part);
    }
    let mut scripts = Vec::with_capacity(total);
    for part in read.into_values() {
        scripts.append(&mut part?);
    }
    Ok(scripts)
}

/// Files to be read, in parts that each thread takes as it has time.
struct Work {
    parts: Vec<Mutex<Vec<PathBuf>>>,
    next: AtomicUsize,
}

impl Work {
    fn take(&self) -> Option<(usize, Vec<PathBuf>)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let part = self.parts.get(number)?;
        let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
        Some((number, std::mem::take(&mut *part)))
    }
}

/// Reads files one after the other, with as few calls of the system as that takes: each is opened from its
/// folder, and neither its size nor its place is asked for.
#[derive(Default)]
struct Reader {
    folder: Option<(Vec<u8>, OwnedFd)>,
    buffer: Vec<u8>,
}

impl Reader {
    fn read_all(&mut self, files: Vec<PathBuf>) -> Result<Vec<Script>, DirectoryError> {
        let mut scripts = Vec::with_capacity(files.len());
        for file in files {
            let read = match self.read(&file) {
                Ok(text) => script(file, text),
                Err(source) => Err(DirectoryError::Read { path: file, source }),
            };
            scripts.push(read?);
        }
        Ok(scripts)
    }

    fn read(&mut self, path: &Path) -> io::Result<&[u8]> {
        // The paths are absolute and plain, so the last slash tells folder and name apart.
        let bytes = path.as_os_str().as_bytes();
        let slash = memchr::memrchr(b'/', bytes).ok_or(io::ErrorKind::InvalidInput)?;
        let (parent, name) = (&bytes[..slash], &bytes[slash + 1..]);
        let folder = match self.folder.take() {
            Some(folder) if folder.0 == parent => folder,
            _ => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let opened = rustix::fs::open(&bytes[..=slash], flags, Mode::empty())?;
                (parent.to_owned(), opened)
            }
        };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&folder.1, name, flags, Mode::empty());
        self.folder = Some(folder);
        let mut file = fs::File::from(opened?);
        let mut length = 0;
        loop {
            if length == self.buffer.len() {
                self.buffer.resize((2 * length).max(64 * 1024), 0);
            }
            match file.read(&mut self.buffer[length..]) {
                Ok(0) => return Ok(&self.buffer[..length]),
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn script(path: PathBuf, text: &[u8]) -> Result<Script, DirectoryError> {
    let not_static = |reason: &str| DirectoryError::NotStatic {
        path: path.clone(),
        line: 1,
        reason: reason.to_owned(),
    };
    let source = std::str::from_utf8(text).map_err(|_| not_static("it is not encoded in UTF-8"))?;
    if !source.is_ascii() && declares_another_encoding(source) {
        return Err(not_static("it declares an encoding of its own"));
    }
    let header = header::read(source).map_err(|problem| match problem {
        HeaderProblem::Syntax {
            line,
            column,
            message,
        } => DirectoryError::Syntax {
            path: path.clone(),
            line,
            column,
            message,
        },
        HeaderProblem::NotStatic { line, reason } => DirectoryError::NotStatic {
            path: path.clone(),
            line,
            reason,
        },
        HeaderProblem::Value { line, reason } => DirectoryError::Value {
            path: path.clone(),
            line,
            reason,
        },
    })?;
    let ScriptHeader {
        revision,
        down_revisions,
        branch_labels,
        dependencies,
        doc,
    } = header;
    let id = match revision {
        Some(id) => id,
        // What is no revision script may fail, or declare it in ways that only running it shows.
        None => legacy_id(&path).ok_or_else(|| not_static("it declares no `revision`"))?,
    };
    Ok(Script {
        id,
        down_revisions: down_revisions
            .ok_or_else(|| DirectoryError::NoDownRevision { path: path.clone() })?,
        branch_labels,
        dependencies,
        long_doc: trimmed(doc.unwrap_or_default()),
        path,
    })
}

fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    let blank = text.len() - text.trim_start().len();
    if blank > 0 {
        text.drain(..blank);
    }
    text
}

/// Alembic 0.1 had the id in the file's name.
fn legacy_id(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let hexadecimal = |c: char| c.is_ascii_digit() || matches!(c, 'a'..='f');
    (!stem.is_empty() && stem.chars().all(hexadecimal)).then(|| stem.to_owned())
}

/// Python's rule: a comment with `coding:` or `coding=` in one of the first two lines.
fn declares_another_encoding(source: &str) -> bool {
    source
        .lines()
        .take(2)
        .filter(|line| line.trim_start().starts_with('#'))
        .any(|line| {
            let name = ["coding:", "coding="]
                .iter()
                .find_map(|mark| line.split_once(mark))
                .map(|(_, name)| name.trim());
            name.is_some_and(|name| {
                let name = name.to_lowercase().replace('_', "-");
                !(name.starts_with("utf-8") || name.starts_with("utf8"))
            })
        })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::ScriptDirectory;

    fn script(revision: &str) -> String {
        format!("'''{revision} doc\n\nmore'''\nrevision = '{revision}'\ndown_revision = None\n")
    }

    #[test]
    fn files_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b.py", "a.py", ".#c.py", "__init__.py", "note.txt"] {
            fs::write(path(name), script(name)).unwrap();
        }
        fs::create_dir(path("sub")).unwrap();
        fs::write(path("sub/z.py"), script("z")).unwrap();
        let ids = |recursive| {
            let locations = [
                folder.path().to_owned(),
                path("gone"),
                folder.path().join("sub/.."),
            ];
            let directory = ScriptDirectory::load(&locations, recursive).unwrap();
            let ids: Vec<String> = directory
                .scripts
                .iter()
                .map(|script| script.id.clone())
                .collect();
            (ids, directory.loaded_twice.len())
        };
        assert_eq!(ids(false), (vec!["a.py".into(), "b.py".into()], 2));
        assert_eq!(
            ids(true),
            (vec!["a.py".into(), "b.py".into(), "z".into()], 3)
        );
    }

    #[test]
    fn the_docstring_is_stripped_and_cut_at_the_blank_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.py"), script("a")).unwrap();
        let directory = ScriptDirectory::load(&[folder.path().to_owned()], false).unwrap();
        assert_eq!(
            (
                directory.scripts[0].doc(),
                directory.scripts[0].long_doc.as_str()
            ),
            ("a doc", "a doc\n\nmore")
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let check = |name: &str, text: &[u8], expected: &str| {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), text).unwrap();
            let error = ScriptDirectory::load(&[folder.path().to_owned()], false).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(
            "x_y.py",
            b"down_revision = None\n",
            "x_y.py:1: it declares no `revision`",
        );
        check(
            "a.py",
            b"revision = 'a'\n",
            "a.py` does not declare `down_revision`",
        );
        check("a.py", b"revision = (\n", "a.py:");
        check(
            "a.py",
            b"revision = 'a'\ndown_revision = '\xff'\n",
            "it is not encoded in UTF-8",
        );
        check(
            "a.py",
            "# coding: latin-1\nrevision = 'ä'\ndown_revision = None\n".as_bytes(),
            "an encoding of its own",
        );
        check(
            "a.py",
            b"revision = make()\ndown_revision = None\n",
            "a.py:1: the value of `revision` is computed",
        );
    }
}
