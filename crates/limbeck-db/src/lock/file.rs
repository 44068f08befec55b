//! Locks on SQLite files.
//!
//! SQLite's own locks are POSIX locks, and closing any descriptor of a file drops every POSIX lock that the process has
//! on this file. So a lock file is closed only while the process can have no POSIX lock on it. Until then it stays open
//! for the next lock on the same file.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The released files that could not be closed yet.
static RELEASED: Mutex<Vec<OpenFile>> = Mutex::new(Vec::new());

#[derive(Debug)]
struct OpenFile {
    file: File,
    device: u64,
    inode: u64,
}

/// An open file for a lock. Dropping it frees the lock.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    /// `None` only while it is being dropped.
    open: Option<OpenFile>,
}

impl LockFile {
    /// Opens the file, and creates it if it does not exist.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        let mut released = released();
        if let Ok(existing) = fs::metadata(&path) {
            let same =
                |open: &OpenFile| open.device == existing.dev() && open.inode == existing.ino();
            if let Some(index) = released.iter().position(same) {
                let open = Some(released.swap_remove(index));
                return Ok(Self { path, open });
            }
        }
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        let metadata = match file.metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                // Closing it could drop SQLite's locks.
                std::mem::forget(file);
                return Err(error);
            }
        };
        let open = Some(OpenFile {
            file,
            device: metadata.dev(),
            inode: metadata.ino(),
        });
        Ok(Self { path, open })
    }

    /// Returns the path with which the file was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Tries to take the lock, and returns whether it could.
    pub(super) fn try_lock(&self) -> io::Result<bool> {
        let Some(open) = &self.open else {
            return Ok(false);
        };
        match open.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else {
            return;
        };
        if open.file.unlock().is_err() {
            // The kernel frees the lock when the process ends. Reusing the file would hand the lock on.
            std::mem::forget(open.file);
            return;
        }
        let mut released = released();
        released.push(open);
        // SQLite sessions that kept other files open may have ended since.
        let kept = std::mem::take(&mut *released);
        released.extend(kept.into_iter().filter_map(close_if_unlocked));
    }
}

/// Closes the file if this process has no POSIX lock on it. Returns it otherwise.
///
/// A write lock of the open file description conflicts with every POSIX lock, also with those of this process. If the
/// kernel grants the write lock, this process has no POSIX lock, and can't take one until the close releases the write lock.
#[cfg(target_os = "linux")]
#[expect(
    clippy::cast_possible_truncation,
    reason = "libc declares the constants with another type than the fields, and they are small"
)]
fn close_if_unlocked(open: OpenFile) -> Option<OpenFile> {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;
    let whole_file = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(&open.file, FcntlArg::F_OFD_SETLK(&whole_file)) {
        Ok(_) => None,
        Err(_) => Some(open),
    }
}

/// Returns the file unchanged: only Linux has locks that conflict with the process's own POSIX locks.
#[cfg(not(target_os = "linux"))]
fn close_if_unlocked(open: OpenFile) -> Option<OpenFile> {
    Some(open)
}

fn released() -> MutexGuard<'static, Vec<OpenFile>> {
    // No code can panic halfway through a change of the list.
    RELEASED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::LockFile;

    /// Returns `true` if another process can take SQLite's write lock.
    fn can_write_elsewhere(path: &Path) -> bool {
        let script = "import sqlite3, sys\n\
                      try: sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')\n\
                      except sqlite3.OperationalError as error: sys.exit(str(error) != 'database is locked')\n\
                      sys.exit(2)";
        let status = Command::new("python3")
            .args(["-c", script])
            .arg(path)
            .status()
            .unwrap();
        match status.code() {
            Some(0) => false,
            Some(2) => true,
            other => panic!("{other:?}"),
        }
    }

    /// Returns `true` if this process has a descriptor of the file.
    #[cfg(target_os = "linux")]
    fn is_open(path: &Path) -> bool {
        let path = path.canonicalize().unwrap();
        std::fs::read_dir("/proc/self/fd")
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .any(|target| target == path)
    }

    #[test]
    fn excludes_a_second_lock_of_the_same_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let first = LockFile::open(&path).unwrap();
        let second = LockFile::open(&path).unwrap();
        assert!(first.try_lock().unwrap());
        assert!(!second.try_lock().unwrap());
        drop(first);
        assert!(second.try_lock().unwrap());
        let third = LockFile::open(&path).unwrap();
        assert!(!third.try_lock().unwrap());
        drop(second);
        assert!(third.try_lock().unwrap());
    }

    #[test]
    fn locks_the_new_file_after_a_replacement() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(LockFile::open(&path).unwrap());
        std::fs::rename(&path, folder.path().join("b.db")).unwrap();
        let new = LockFile::open(&path).unwrap();
        assert!(path.exists());
        assert!(new.try_lock().unwrap());
    }

    #[test]
    fn keeps_the_locks_of_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch("CREATE TABLE t (x); BEGIN IMMEDIATE; INSERT INTO t VALUES (1);")
            .unwrap();
        drop(LockFile::open(&path).unwrap());
        // Another process would get the write lock if closing the file had dropped SQLite's.
        assert!(!can_write_elsewhere(&path));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn closes_a_released_file_once_sqlite_has_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let lock = LockFile::open(&path).unwrap();
        assert!(lock.try_lock().unwrap() && is_open(&path));
        drop(lock);
        assert!(!is_open(&path));

        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        drop(LockFile::open(&path).unwrap());
        connection.execute_batch("COMMIT").unwrap();
        drop(connection);
        assert!(is_open(&path), "closed while SQLite had a lock");
        drop(LockFile::open(&other).unwrap());
        assert!(!is_open(&path) && !is_open(&other));
    }
}
