//! Reads a file and takes its declarations.

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

/// Files of one folder.
pub(super) struct Part {
    /// The folder's number, in the order in which the folders are loaded.
    pub(super) number: usize,
    pub(super) folder: Arc<Path>,
    pub(super) files: Vec<FoundFile>,
}

/// A file that has a script's name.
pub(super) struct FoundFile {
    pub(super) name: OsString,
    /// Where it leads, when it is a symbolic link.
    pub(super) target: Option<PathBuf>,
}

/// A file that was read, and the place that it has in the order of loading.
pub(super) struct ReadFile {
    pub(super) folder: usize,
    file: FoundFile,
    path: Arc<Path>,
    /// What it declares, and where its docstring stands among those of its reader.
    outcome: Result<(Revision, Range<usize>), DirectoryError>,
}

impl ReadFile {
    /// The name that it has in its folder.
    pub(super) fn listed_name(&self) -> &OsStr {
        &self.file.name
    }

    pub(super) fn is_link(&self) -> bool {
        self.file.target.is_some()
    }

    pub(super) fn finish(self, docs: &Arc<String>) -> Result<(Revision, Script), DirectoryError> {
        let (revision, doc) = self.outcome?;
        let (folder, name) = match self.file.target {
            Some(target) => folder_and_name(&target),
            None => (self.path, self.file.name),
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

/// Reads files one after the other, with as few calls of the system as that takes: each is opened from its
/// folder, and neither its size nor its place is asked for, nor its end where that is known. What is read grows
/// in few large pieces: a thread asks the system for memory page by page.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) files: Vec<Option<ReadFile>>,
    /// The docstrings, stripped, one after the other.
    pub(super) docs: String,
    folder: Option<Folder>,
    buffer: Vec<u8>,
}

struct Folder {
    path: Arc<Path>,
    opened: OwnedFd,
    /// A file of it has ended where a read comes back short.
    short_is_end: bool,
}

impl Reader {
    pub(super) fn read_all(&mut self, part: Part) {
        let Part {
            number,
            folder,
            files,
        } = part;
        for file in files {
            let outcome = self.declarations(&folder, &file);
            self.files.push(Some(ReadFile {
                folder: number,
                file,
                path: Arc::clone(&folder),
                outcome,
            }));
        }
    }

    fn declarations(
        &mut self,
        folder: &Arc<Path>,
        file: &FoundFile,
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
        let doc = add(&mut self.docs, doc.trim());
        Ok((revision, doc))
    }

    /// Reads a file into the buffer; returns its length.
    fn read_file(&mut self, folder: &Arc<Path>, file: &FoundFile) -> rustix::io::Result<usize> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let (opened, short_is_end) = if let Some(target) = &file.target {
            let opened = rustix::fs::openat(CWD, target, flags, Mode::empty())?;
            (opened, false)
        } else {
            let folder = self.open(folder)?;
            let opened = rustix::fs::openat(&folder.opened, &file.name, flags, Mode::empty())?;
            (opened, folder.short_is_end)
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
                    if short_is_end && length < self.buffer.len() {
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
                    // Reads come from pages in memory, up to the size that the system knows; only another
                    // read would tell with a file from elsewhere.
                    short_is_end: of_the_machine(&opened),
                    opened,
                }
            }
        };
        Ok(self.folder.insert(folder))
    }
}

/// Adds a docstring to the others; returns where it stands.
fn add(docs: &mut String, doc: &str) -> Range<usize> {
    let start = docs.len();
    *docs += doc;
    start..docs.len()
}

/// Opens a folder for what is done with its files.
fn open_folder(path: &Path) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, path, flags, Mode::empty())
}

/// Whether a folder is on a file system of this machine; where that can't be told, it is not.
#[cfg(target_os = "linux")]
fn of_the_machine(folder: &OwnedFd) -> bool {
    // ext2 to ext4, XFS, Btrfs, a memory's, and the layers of a container on one of them.
    const OF_THE_MACHINE: [u64; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630];
    rustix::fs::fstatfs(folder).is_ok_and(|found| {
        u64::try_from(found.f_type).is_ok_and(|kind| OF_THE_MACHINE.contains(&kind))
    })
}

#[cfg(not(target_os = "linux"))]
fn of_the_machine(_: &OwnedFd) -> bool {
    false
}

fn declarations<'a>(
    file: &FoundFile,
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
        return Err(not_static("it declares an encoding of its own"));
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
        // What is no revision script may fail, or declare it in ways that only running it shows.
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

/// Alembic 0.1 had the id in the file's name.
fn legacy_id(name: &OsStr) -> Option<String> {
    let stem = Path::new(name).file_stem()?.to_str()?;
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
