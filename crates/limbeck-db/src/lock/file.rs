//! Locks on files that this process never closes: closing any descriptor of a file drops every POSIX lock
//! that the process has on it, and SQLite's own locks are such.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files that were ever opened, for the next lock on the same file.
static OPENED: Mutex<Vec<Opened>> = Mutex::new(Vec::new());

struct Opened {
    file: Arc<File>,
    device: u64,
    inode: u64,
    /// Nobody in this process uses it; the kernel's lock belongs to the open file, not to us.
    free: bool,
}

/// A file to be locked; dropping it frees the lock and leaves the file open.
#[derive(Debug)]
pub(super) struct LockFile {
    file: Arc<File>,
}

impl LockFile {
    /// Opens the file, or makes it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut opened = opened();
        if let Ok(there) = fs::metadata(path) {
            let same = |opened: &&mut Opened| {
                opened.free && opened.device == there.dev() && opened.inode == there.ino()
            };
            if let Some(known) = opened.iter_mut().find(same) {
                known.free = false;
                return Ok(Self {
                    file: Arc::clone(&known.file),
                });
            }
        }
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let metadata = file.metadata()?;
        let file = Arc::new(file);
        opened.push(Opened {
            file: Arc::clone(&file),
            device: metadata.dev(),
            inode: metadata.ino(),
            free: false,
        });
        Ok(Self { file })
    }

    /// Whether the lock is ours now.
    pub(super) fn try_lock(&self) -> io::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // A lock that can't be given back keeps its file out of the list of free ones.
        let unlocked = self.file.unlock().is_ok();
        for opened in opened().iter_mut() {
            if Arc::ptr_eq(&opened.file, &self.file) {
                opened.free = unlocked;
            }
        }
    }
}

fn opened() -> MutexGuard<'static, Vec<Opened>> {
    // Nothing that holds it can leave it half changed.
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::LockFile;

    #[test]
    fn one_at_a_time_also_in_one_process() {
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
    fn a_file_that_was_replaced_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        drop(LockFile::open(&path).unwrap());
        std::fs::rename(&path, folder.path().join("b.db")).unwrap();
        let new = LockFile::open(&path).unwrap();
        assert!(path.exists());
        assert!(new.try_lock().unwrap());
    }

    #[test]
    fn sqlite_keeps_its_locks_when_ours_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let own = rusqlite::Connection::open(&path).unwrap();
        own.execute_batch("CREATE TABLE t (x); BEGIN IMMEDIATE; INSERT INTO t VALUES (1);")
            .unwrap();
        drop(LockFile::open(&path).unwrap());
        // Another process would get the write lock if closing the file had dropped ours.
        let script = "import sqlite3, sys\n\
                      try: sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')\n\
                      except sqlite3.OperationalError as error: sys.exit(str(error) != 'database is locked')\n\
                      sys.exit(2)";
        let other = std::process::Command::new("python3")
            .args(["-c", script])
            .arg(&path)
            .status()
            .unwrap();
        assert_eq!(other.code(), Some(0));
    }
}
