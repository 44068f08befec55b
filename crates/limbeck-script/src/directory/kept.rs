//! What scripts declare, kept beside them so that the next command need not read those that have not changed.
//!
//! The file lies in the folder's `__pycache__`, as what Python derives of the scripts does, and is a shortcut
//! only. A script counts as unchanged while its inode, its size and its times of modification and of change
//! are those that were kept; the last can't be set but by setting the clock.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use limbeck_revision::Revision;
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use super::Script;
use super::read::{of_the_machine, open_folder};

/// Where Python keeps what it derives of a folder's files.
const FOLDER: &str = "__pycache__";
const FILE: &str = "limbeck.scripts";

/// Nothing is taken from another version of limbeck, which may read scripts in another way. The number is for
/// changes within a version.
const MAGIC: &[u8] = concat!("limbeck scripts ", env!("CARGO_PKG_VERSION"), " 1\n").as_bytes();

/// Folders with fewer scripts are read as fast.
const FEWEST: usize = 64;

/// A file system stamps files by a clock that moves in steps: what changed this shortly before it was read
/// may change again without another stamp.
const SETTLED: Duration = Duration::from_secs(2);

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds since 1970.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of a file that is no link and nothing else; none where it can't be had.
    #[cfg(target_os = "linux")]
    fn of(folder: &OwnedFd, name: &OsStr) -> Option<Self> {
        let found = rustix::fs::statat(folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if !rustix::fs::FileType::from_raw_mode(found.st_mode).is_file() {
            return None;
        }
        Some(Self {
            inode: found.st_ino,
            size: found.st_size.try_into().ok()?,
            modified: (found.st_mtime, found.st_mtime_nsec.try_into().ok()?),
            changed: (found.st_ctime, found.st_ctime_nsec.try_into().ok()?),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: &OwnedFd, _: &OsStr) -> Option<Self> {
        None
    }

    /// Whether a change after `moment` would have another stamp.
    fn has_settled(&self, moment: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.changed.max(self.modified);
        let (Ok(seconds), Ok(nanoseconds)) = (seconds.try_into(), nanoseconds.try_into()) else {
            return false;
        };
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::new(seconds, nanoseconds) + SETTLED)
            .is_some_and(|settled| settled < moment)
    }
}

/// A script as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<'a> {
    name: &'a [u8],
    stamp: Stamp,
    id: &'a str,
    down_revisions: Vec<&'a str>,
    branch_labels: Vec<&'a str>,
    dependencies: Vec<&'a str>,
    doc: &'a str,
}

/// What was kept of a folder's scripts.
#[derive(Debug)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    /// Where the entries begin.
    start: usize,
    /// Where each begins from there, in the order of their names.
    places: Vec<u32>,
}

impl Kept {
    /// What is kept of a folder; none where there is nothing to trust.
    pub(super) fn open(folder: &OwnedFd) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = format!("{FOLDER}/{FILE}");
        let file = rustix::fs::openat(folder, file, flags, Mode::empty()).ok()?;
        // Elsewhere, the times of files are another machine's.
        if !of_the_machine(folder) {
            return None;
        }
        let mut bytes = Vec::new();
        File::from(file).read_to_end(&mut bytes).ok()?;
        Self::read(bytes)
    }

    fn read(bytes: Vec<u8>) -> Option<Self> {
        let (sum, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<4>()?;
        if crc32fast::hash(rest) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (places, entries) = postcard::take_from_bytes::<Vec<u32>>(rest).ok()?;
        let start = bytes.len() - entries.len();
        Some(Self {
            bytes,
            start,
            places,
        })
    }

    /// What a script declares, and its docstring, if it has not changed since it was kept.
    pub(super) fn get(&self, folder: &OwnedFd, name: &OsStr) -> Option<(Revision, &str)> {
        let wanted = name.as_bytes();
        let at = |place: u32| self.bytes.get(self.start + usize::try_from(place).ok()?..);
        let name_at = |place: u32| postcard::from_bytes::<&[u8]>(at(place)?).ok();
        let found = self
            .places
            .binary_search_by(|place| name_at(*place).cmp(&Some(wanted)))
            .ok()?;
        let entry: Entry<'_> = postcard::from_bytes(at(self.places[found])?).ok()?;
        if Stamp::of(folder, name)? != entry.stamp {
            return None;
        }
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let revision = Revision {
            id: entry.id.to_owned(),
            down_revisions: owned(entry.down_revisions),
            branch_labels: owned(entry.branch_labels),
            dependencies: owned(entry.dependencies),
        };
        Some((revision, entry.doc))
    }
}

/// Keeps what scripts declare for the next [`ScriptDirectory::load`](super::ScriptDirectory::load): `revisions`
/// are as many, in the same order, and were read from `moment` on. Folders for which it would win nothing, or
/// where Python keeps nothing either, are left alone.
///
/// # Errors
/// The operating system's, when a file can't be written.
pub fn keep(scripts: &[Script], revisions: &[Revision], moment: SystemTime) -> io::Result<()> {
    let mut folders: BTreeMap<&Path, Vec<(&Script, &Revision)>> = BTreeMap::new();
    for (script, revision) in scripts.iter().zip(revisions) {
        let folder = folders.entry(&script.folder).or_default();
        folder.push((script, revision));
    }
    folders
        .into_iter()
        .try_for_each(|(folder, mut scripts)| keep_folder(folder, &mut scripts, moment))
}

fn keep_folder(
    folder: &Path,
    scripts: &mut [(&Script, &Revision)],
    moment: SystemTime,
) -> io::Result<()> {
    let derived = folder.join(FOLDER);
    if scripts.len() < FEWEST || !derived.is_dir() {
        return Ok(());
    }
    let opened = open_folder(folder)?;
    if !of_the_machine(&opened) {
        return Ok(());
    }
    scripts.sort_by(|one, other| one.0.name.cmp(&other.0.name));
    let Some(bytes) = bytes_of(&opened, scripts, moment).map_err(io::Error::other)? else {
        return Ok(());
    };
    let written = derived.join(format!("{FILE}.{}", std::process::id()));
    let outcome = File::create_new(&written)
        .and_then(|mut file| file.write_all(&bytes))
        .and_then(|()| fs::rename(&written, derived.join(FILE)));
    if outcome.is_err() {
        // It may not be there at all; the error that counts is the first one.
        let _ = fs::remove_file(&written);
    }
    outcome
}

/// The file's text; none where nothing can be kept.
fn bytes_of(
    folder: &OwnedFd,
    scripts: &[(&Script, &Revision)],
    moment: SystemTime,
) -> postcard::Result<Option<Vec<u8>>> {
    let mut entries = Vec::new();
    let mut places = Vec::with_capacity(scripts.len());
    for (script, revision) in scripts {
        let Some(stamp) = Stamp::of(folder, &script.name).filter(|it| it.has_settled(moment))
        else {
            continue;
        };
        let Ok(place) = u32::try_from(entries.len()) else {
            break;
        };
        places.push(place);
        let entry = Entry {
            name: script.name.as_bytes(),
            stamp,
            id: &revision.id,
            down_revisions: borrowed(&revision.down_revisions),
            branch_labels: borrowed(&revision.branch_labels),
            dependencies: borrowed(&revision.dependencies),
            doc: script.long_doc(),
        };
        entries = postcard::to_extend(&entry, entries)?;
    }
    if places.is_empty() {
        return Ok(None);
    }
    let mut rest = postcard::to_allocvec(&places)?;
    rest.append(&mut entries);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(crc32fast::hash(&rest).to_le_bytes());
    bytes.append(&mut rest);
    Ok(Some(bytes))
}

fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
