//! The location of a version table: a database and the name of a table in it.

use limbeck_db::{ConnectOptions, DbError, LockScope, Session, VersionTable};

/// The location of a version table, as `env.py` has chosen it. It lets the version rows be read again without Python.
#[derive(Debug, Clone)]
pub struct VersionTableLocation {
    pub(crate) options: ConnectOptions,
    pub(crate) table: VersionTable,
}

impl VersionTableLocation {
    /// Returns the database and its server for people, without secrets: `shop on db.example.org:5432`, or `SQLite`'s file.
    pub fn database(&self) -> String {
        self.options.database()
    }

    /// Returns `true` if the database is in memory, so that each session has its own.
    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(&self.options, ConnectOptions::Sqlite(options) if options.file().is_none())
    }

    /// Reads the version rows over a new session; returns `None` if the table doesn't exist. Writes nothing.
    ///
    /// # Errors
    /// [`DbError`] if the database can't be reached or the table can't be read.
    pub async fn heads(&self) -> Result<Option<Vec<String>>, DbError> {
        // SQLite may wait for another process's lock, and must not block signals meanwhile.
        let mut session = Session::open(&self.options).await?;
        let heads = self.table.heads(&mut session).await;
        // The rows are read, so an error while closing changes nothing.
        let _ = session.close().await;
        heads
    }

    /// Returns the scope of the migration lock for this table.
    pub fn scope(&self) -> LockScope {
        LockScope::new(&self.options, &self.table)
    }
}
