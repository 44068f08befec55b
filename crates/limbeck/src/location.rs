//! Where version rows are, once a project's environment has said it: they can then be read again without Python.

use limbeck_db::{ConnectOptions, DbError, LockScope, Session, VersionTable};

/// A version table and the way to its database.
#[derive(Debug, Clone)]
pub struct VersionLocation {
    pub(crate) options: ConnectOptions,
    pub(crate) table: VersionTable,
}

impl VersionLocation {
    /// Reads the rows over a session of its own; none when there is no table. Writes nothing.
    ///
    /// # Errors
    /// [`DbError`] when the database can't be reached or asked.
    pub async fn heads(&self) -> Result<Option<Vec<String>>, DbError> {
        // SQLite may wait for another's lock, and signals must be heard meanwhile.
        let mut session = Session::open(&self.options).await?;
        let heads = self.table.heads(&mut session).await;
        // The rows are read: how this session ends changes nothing.
        let _ = session.close().await;
        heads
    }

    /// What a run that changes these rows locks.
    pub fn scope(&self) -> LockScope {
        LockScope::new(&self.options, &self.table)
    }
}
