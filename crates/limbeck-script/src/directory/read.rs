//! Reads script files and their declarations.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use limbeck_revision::Revision;
use rustix::fs::{CWD, Mode, OFlags};

use super::{DirectoryError, Script, folder_and_name};
use crate::header::{self, HeaderProblem, ScriptHeader};

/// Some files of one folder, which one thread reads.
pub(super) struct Batch {
    /// The folder's number in the order in which Alembic loads the folders.
    pub(super) folder_number: usize,
    pub(super) folder: Arc<Path>,
    pub(super) files: Vec<ListedFile>,
}

/// A file with the name of a script.
pub(super) struct ListedFile {
    pub(super) name: OsString,
    /// The file's real path, if the listed file is a symbolic link.
    pub(super) target: Option<PathBuf>,
}

/// The outcome of reading a script.
pub(super) struct ReadScript {
    pub(super) folder_number: usize,
    folder: Arc<Path>,
    file: ListedFile,
    /// The declarations, and the range of the docstring in [`Reader::docs`].
    outcome: Result<(Revision, Range<usize>), DirectoryError>,
}

impl ReadScript {
    /// Returns the name of the file in its folder.
    pub(super) fn listed_name(&self) -> &OsStr {
        &self.file.name
    }

    pub(super) fn is_link(&self) -> bool {
        self.file.target.is_some()
    }

    /// Returns the script and its declarations, given the docstrings of its reader.
    pub(super) fn finish(self, docs: &Arc<String>) -> Result<(Revision, Script), DirectoryError> {
        let (revision, doc) = self.outcome?;
        let (folder, name) = match self.file.target {
            Some(target) => folder_and_name(&target),
            None => (self.folder, self.file.name),
        };
        let docs = Arc::clone(docs);
        let script = Script {
            folder,
            name,
            docs,
            doc,
        };
        Ok((revision, script))
    }
}

/// Reads scripts one after the other, with few system calls: it opens each file relative to its folder, doesn't ask
/// for sizes, and skips the `read` that would return 0 if a short `read` proves the end of the file. The docstrings
/// share one string, because a thread gets memory from the system page by page.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) scripts: Vec<Option<ReadScript>>,
    /// The docstrings without white space around them, one after the other.
    pub(super) docs: String,
    folder: Option<Folder>,
    buffer: Vec<u8>,
}

struct Folder {
    path: Arc<Path>,
    opened: OwnedFd,
    /// `true` if a `read` that fills only a part of the buffer has reached the end of the file.
    short_read_is_end: bool,
}

impl Reader {
    pub(super) fn read_batch(&mut self, batch: Batch) {
        let Batch {
            folder_number,
            folder,
            files,
        } = batch;
        for file in files {
            let outcome = self.declarations(&folder, &file);
            self.scripts.push(Some(ReadScript {
                folder_number,
                folder: Arc::clone(&folder),
                file,
                outcome,
            }));
        }
    }

    fn declarations(
        &mut self,
        folder: &Arc<Path>,
        file: &ListedFile,
    ) -> Result<(Revision, Range<usize>), DirectoryError> {
        let path = || match &file.target {
            Some(target) => target.clone(),
            None => folder.join(&file.name),
        };
        let length = self.read_file(folder, file).map_err(|error| {
            let (path, source) = (path(), error.into());
            DirectoryError::Read { path, source }
        })?;
        let (revision, doc) = declarations(file, &self.buffer[..length], path)?;
        let doc = append(&mut self.docs, doc.trim());
        Ok((revision, doc))
    }

    /// Reads a file into the buffer. Returns the length of the file.
    fn read_file(&mut self, folder: &Arc<Path>, file: &ListedFile) -> rustix::io::Result<usize> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let (opened, short_read_is_end) = if let Some(target) = &file.target {
            let opened = rustix::fs::openat(CWD, target, flags, Mode::empty())?;
            (opened, false)
        } else {
            let folder = self.open(folder)?;
            let opened = rustix::fs::openat(&folder.opened, &file.name, flags, Mode::empty())?;
            (opened, folder.short_read_is_end)
        };
        let mut length = 0;
        loop {
            if length == self.buffer.len() {
                self.buffer.resize((2 * length).max(64 * 1024), 0);
            }
            match rustix::io::read(&opened, &mut self.buffer[length..]) {
                Ok(0) => return Ok(length),
                Ok(more) => {
                    length += more;
                    if short_read_is_end && length < self.buffer.len() {
                        return Ok(length);
                    }
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn open(&mut self, path: &Arc<Path>) -> rustix::io::Result<&Folder> {
        let folder = match self.folder.take() {
            Some(folder) if Arc::ptr_eq(&folder.path, path) => folder,
            _ => {
                let opened = open_folder(path)?;
                Folder {
                    path: Arc::clone(path),
                    // A local file system knows the size of a file and reads up to it. Others may return less.
                    short_read_is_end: is_on_local_file_system(&opened),
                    opened,
                }
            }
        };
        Ok(self.folder.insert(folder))
    }
}

/// Appends a docstring. Returns its range.
fn append(docs: &mut String, doc: &str) -> Range<usize> {
    let start = docs.len();
    *docs += doc;
    start..docs.len()
}

fn open_folder(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty())
}

/// Returns `true` if a folder is on a local file system, one that this function knows.
#[cfg(target_os = "linux")]
fn is_on_local_file_system(folder: &OwnedFd) -> bool {
    // ext2 to ext4, XFS, Btrfs, tmpfs, and overlayfs.
    const LOCAL_FILE_SYSTEMS: [u64; 5] =
        [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630];
    rustix::fs::fstatfs(folder).is_ok_and(|status| {
        u64::try_from(status.f_type).is_ok_and(|kind| LOCAL_FILE_SYSTEMS.contains(&kind))
    })
}

#[cfg(not(target_os = "linux"))]
fn is_on_local_file_system(_: &OwnedFd) -> bool {
    false
}

fn declarations<'a>(
    file: &ListedFile,
    text: &'a [u8],
    path: impl Fn() -> PathBuf,
) -> Result<(Revision, Cow<'a, str>), DirectoryError> {
    let not_static = |reason: &str| DirectoryError::NotStatic {
        path: path(),
        line: 1,
        reason: reason.to_owned(),
    };
    let source = std::str::from_utf8(text).map_err(|_| not_static("it is not encoded in UTF-8"))?;
    if !source.is_ascii() && declares_another_encoding(source) {
        return Err(not_static("it declares an encoding other than UTF-8"));
    }
    let ScriptHeader {
        revision,
        down_revisions,
        branch_labels,
        dependencies,
        doc,
    } = header::read(source).map_err(|problem| located(problem, path()))?;
    let name = file
        .target
        .as_deref()
        .map_or(Some(&*file.name), Path::file_name);
    let Some(id) = revision.or_else(|| legacy_id(name?)) else {
        // The file may not be a revision script, or may bind `revision` in a way that only running it shows.
        return Err(not_static("it declares no `revision`"));
    };
    let revision = Revision {
        id,
        down_revisions: down_revisions
            .ok_or_else(|| DirectoryError::NoDownRevision { path: path() })?,
        branch_labels,
        dependencies,
    };
    Ok((revision, doc.unwrap_or_default()))
}

fn located(problem: HeaderProblem, path: PathBuf) -> DirectoryError {
    match problem {
        HeaderProblem::Syntax {
            line,
            column,
            message,
        } => DirectoryError::Syntax {
            path,
            line,
            column,
            message,
        },
        HeaderProblem::NotStatic { line, reason } => {
            DirectoryError::NotStatic { path, line, reason }
        }
        HeaderProblem::Value { line, reason } => DirectoryError::Value { path, line, reason },
    }
}

/// Returns the revision id that is a file's name, as in Alembic 0.1.
fn legacy_id(name: &OsStr) -> Option<String> {
    let stem = Path::new(name).file_stem()?.to_str()?;
    let is_hexadecimal = |c: char| c.is_ascii_digit() || matches!(c, 'a'..='f');
    (!stem.is_empty() && stem.chars().all(is_hexadecimal)).then(|| stem.to_owned())
}

/// Returns `true` if a comment in the first two lines declares an encoding other than UTF-8, by `coding:` or `coding=`.
fn declares_another_encoding(source: &str) -> bool {
    source
        .lines()
        .take(2)
        .filter(|line| line.trim_start().starts_with('#'))
        .any(|line| {
            let name = ["coding:", "coding="]
                .iter()
                .find_map(|marker| line.split_once(marker))
                .map(|(_, name)| name.trim());
            name.is_some_and(|name| {
                let name = name.to_lowercase().replace('_', "-");
                !(name.starts_with("utf-8") || name.starts_with("utf8"))
            })
        })
}
