//! The migration lock, which lets one run at a time migrate a version table.

mod file;

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use file::LockFile;

use crate::error::lock_timeout_text;
use crate::{
    ConnectError, ConnectErrorKind, ConnectOptions, DbError, Outcome, Product, Session, Value,
    VersionTable,
};

/// The pause between the first two tries.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The delay before the first report of a wait.
const FIRST_REPORT: Duration = Duration::from_secs(1);

/// The interval between further reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// The scope of a lock. Runs exclude each other if their database and version table are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockScope {
    key: u64,
    /// The server or file that holds the lock. It is no part of the key: each server has locks of its own.
    server: String,
}

/// The maximum time to wait for the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockWait {
    limit: Duration,
}

/// The progress of a wait for the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockWaitProgress {
    /// The time waited so far.
    pub waited: Duration,
    /// The lock's holder, if the server reports one.
    pub holder: Option<String>,
}

/// A failure to take the lock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// A database operation failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Another run held the lock for too long.
    #[error("{}", lock_timeout_text(*.waited, .holder.as_deref()))]
    Timeout {
        /// The time that this run waited.
        waited: Duration,
        /// The lock's holder, if the server reports one.
        holder: Option<String>,
    },
}

impl From<LockError> for DbError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Db(error) => error,
            LockError::Timeout { waited, holder } => Self::LockTimeout { waited, holder },
        }
    }
}

impl LockScope {
    /// Returns the scope of a version table in the database of these options.
    pub fn new(options: &ConnectOptions, table: &VersionTable) -> Self {
        let database = match options {
            ConnectOptions::Postgres(options) => options.database(),
            ConnectOptions::Mysql(options) => options.database().unwrap_or_default(),
            ConnectOptions::Sqlite(_) => "",
        };
        // The lock on SQLite is the file's, for all of its version tables.
        let (schema, name) = match options {
            ConnectOptions::Sqlite(_) => ("", ""),
            _ => (table.schema.as_deref().unwrap_or_default(), &*table.name),
        };
        // FNV-1a over the parts, each preceded by its length. It must never change, because runs of different
        // versions of limbeck have to exclude each other.
        let mut key: u64 = 0xcbf2_9ce4_8422_2325;
        for part in ["limbeck migration", database, schema, name] {
            let length = (part.len() as u64).to_be_bytes();
            for byte in length.iter().chain(part.as_bytes()) {
                key = (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        let server = match options {
            ConnectOptions::Postgres(options) => options.addresses(),
            ConnectOptions::Mysql(options) => options.address(),
            ConnectOptions::Sqlite(options) => {
                let file = options.file().unwrap_or_default();
                file.display().to_string()
            }
        };
        Self { key, server }
    }
}

impl LockWait {
    /// Returns a wait with this limit.
    pub fn for_at_most(limit: Duration) -> Self {
        Self { limit }
    }
}

/// A held migration lock. Releasing or dropping it frees the lock.
#[derive(Debug)]
pub struct MigrationLock {
    resource: LockResource,
}

/// The resource that holds the lock, or is about to take it.
#[derive(Debug)]
enum LockResource {
    /// A session that only holds the lock. On PostgreSQL it stays in an otherwise empty transaction.
    Session(Box<Session>),
    /// The database's file.
    File(LockFile),
    /// A SQLite database in memory, which no other run can see.
    InMemory,
}

impl MigrationLock {
    /// Takes the lock. It polls, because no statement should wait inside the server.
    ///
    /// # Errors
    /// Returns [`LockError::Timeout`] if another run holds the lock for longer than `wait`.
    pub async fn acquire(
        options: &ConnectOptions,
        scope: &LockScope,
        wait: LockWait,
        on_wait: impl FnMut(&LockWaitProgress),
    ) -> Result<Self, LockError> {
        let resource = LockResource::open(options).await?;
        Self::acquire_with(resource, scope, wait, on_wait).await
    }

    /// Takes the lock with an unused session to the server.
    ///
    /// # Errors
    /// Returns the errors of [`MigrationLock::acquire`].
    pub async fn acquire_over(
        session: Session,
        scope: &LockScope,
        wait: LockWait,
        on_wait: impl FnMut(&LockWaitProgress),
    ) -> Result<Self, LockError> {
        let resource = LockResource::Session(Box::new(session));
        Self::acquire_with(resource, scope, wait, on_wait).await
    }

    async fn acquire_with(
        mut resource: LockResource,
        scope: &LockScope,
        wait: LockWait,
        mut on_wait: impl FnMut(&LockWaitProgress),
    ) -> Result<Self, LockError> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut next_report = FIRST_REPORT;
        loop {
            if resource.try_lock(scope).await? {
                return Ok(Self { resource });
            }
            let waited = start.elapsed();
            if waited >= wait.limit {
                return Err(LockError::Timeout {
                    waited,
                    holder: resource.holder(scope).await,
                });
            }
            if waited >= next_report {
                next_report = waited + REPORT_INTERVAL;
                on_wait(&LockWaitProgress {
                    waited,
                    holder: resource.holder(scope).await,
                });
            }
            let left = wait.limit.saturating_sub(waited);
            tokio::time::sleep(shortened_at_random(pause).min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Frees the lock.
    ///
    /// # Errors
    /// Returns a [`DbError`] if the lock's session had broken before. The server has freed the lock in this case.
    pub async fn release(self) -> Result<(), DbError> {
        match self.resource {
            LockResource::Session(session) => session.close().await,
            LockResource::File(_) | LockResource::InMemory => Ok(()),
        }
    }
}

impl LockResource {
    async fn open(options: &ConnectOptions) -> Result<Self, DbError> {
        let ConnectOptions::Sqlite(options) = options else {
            return Ok(Self::Session(Box::new(Session::open(options).await?)));
        };
        let Some(path) = options.file() else {
            return Ok(Self::InMemory);
        };
        match LockFile::open(&path) {
            Ok(file) => Ok(Self::File(file)),
            Err(error) => Err(DbError::Connect(ConnectError {
                kind: ConnectErrorKind::File,
                message: format!("could not open `{}` to lock it: {error}", path.display()),
                hint: None,
            })),
        }
    }

    async fn try_lock(&mut self, scope: &LockScope) -> Result<bool, DbError> {
        let session = match self {
            Self::InMemory => return Ok(true),
            Self::File(file) => {
                return file.try_lock().map_err(|source| DbError::LockFile {
                    path: file.path().to_owned(),
                    source,
                });
            }
            Self::Session(session) => session,
        };
        if session.info().product != Product::Postgresql {
            let query = format!("SELECT GET_LOCK('limbeck:{:016x}', 0)", scope.key);
            return Ok(has_value(&session.execute(&query, &[]).await?, "1"));
        }
        // The transaction that takes the lock keeps it: behind a pooler it pins the backend, and while idle it
        // holds no snapshot that others would have to wait for.
        let key = scope.key.cast_signed();
        let query = format!("SELECT pg_catalog.pg_try_advisory_xact_lock({key})");
        // Otherwise the server's limits for such transactions could end it. PostgreSQL 17 introduced
        // `transaction_timeout`.
        let before = [
            "BEGIN",
            "SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings \
             WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')",
        ];
        if has_value(&session.execute_after(&before, &query, &[]).await?, "t") {
            return Ok(true);
        }
        session.execute("ROLLBACK", &[]).await?;
        Ok(false)
    }

    /// Returns the lock's holder. Ignores errors, because the holder is only for messages.
    async fn holder(&mut self, scope: &LockScope) -> Option<String> {
        let Self::Session(session) = self else {
            return Some("another process".into());
        };
        let query = match session.info().product {
            Product::Postgresql => format!(
                "SELECT 'backend ' || a.pid || coalesce(' of ' || nullif(a.application_name, ''), '') \
                 || coalesce(' from ' || host(a.client_addr), '') || ', since ' || date_trunc('second', a.xact_start) \
                 FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) \
                 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
                 AND l.classid = {} AND l.objid = {}",
                scope.key >> 32,
                scope.key & 0xffff_ffff
            ),
            _ => format!(
                "SELECT CONCAT('connection ', IS_USED_LOCK('limbeck:{:016x}'))",
                scope.key
            ),
        };
        let outcome = session.execute(&query, &[]).await.ok()?;
        match outcome.first_value()? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

/// Returns the pause, shortened by up to a half, so that runs started together try at different times.
fn shortened_at_random(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(()).to_le_bytes()[0];
    pause / 512 * (512 - u32::from(random))
}

fn has_value(outcome: &Outcome, expected: &str) -> bool {
    matches!(outcome.first_value(), Some(Value::Text(text)) if text == expected)
}

#[cfg(test)]
mod tests {
    use limbeck_url::DatabaseUrl;

    use super::LockScope;
    use crate::{ConnectArgs, ConnectOptions, ProcessEnvironment, VersionTable};

    fn scope(url: &str) -> LockScope {
        let url = DatabaseUrl::parse(url).expect("a URL");
        let environment = ProcessEnvironment::default();
        let options = ConnectOptions::from_url(&url, &ConnectArgs::new(), &environment);
        LockScope::new(&options.expect("options"), &VersionTable::default())
    }

    #[test]
    fn databases_of_different_servers_and_files_have_different_scopes() {
        for (one, other) in [
            ("sqlite:////tmp/a.db", "sqlite:////tmp/b.db"),
            ("postgresql://u@a/app", "postgresql://u@b/app"),
            ("postgresql://u@a:1/app", "postgresql://u@a:2/app"),
            ("mysql://u@a/app", "mysql://u@b/app"),
        ] {
            let (one, other) = (scope(one), scope(other));
            assert_ne!(one, other);
            // Releases of limbeck exclude each other by the key, so it never changes.
            assert_eq!(one.key, other.key);
        }
        assert_eq!(scope("sqlite:////tmp/a.db"), scope("sqlite:////tmp/a.db"));
    }
}
