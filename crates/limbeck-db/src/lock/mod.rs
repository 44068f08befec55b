//! The migration lock: one run at a time for each version table.

mod file;

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use file::LockFile;

use crate::{
    ConnectError, ConnectErrorKind, ConnectOptions, DbError, Outcome, Session, Value, VersionTable,
};

/// How long between two tries, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(500));

/// After this a wait is told, and then each time it has grown by as much as the second.
const TELL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// What a lock is for. Two runs exclude each other when database and version table are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockScope {
    key: u64,
}

/// How long to wait for another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockWait {
    limit: Duration,
}

/// A wait that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockWaitProgress {
    /// For how long.
    pub waited: Duration,
    /// Who holds the lock, as far as the server says it.
    pub holder: Option<String>,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The database could not be asked.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Another run held it for too long.
    #[error("the migration lock was not free within {} s{}", waited.as_secs(), holder_text(.holder.as_deref()))]
    Timeout {
        /// For how long we waited.
        waited: Duration,
        /// Who holds it.
        holder: Option<String>,
    },
}

fn holder_text(holder: Option<&str>) -> String {
    holder
        .map(|holder| format!(": {holder} holds it"))
        .unwrap_or_default()
}

impl LockScope {
    /// The scope of a version table in the database that the options lead to.
    pub fn new(options: &ConnectOptions, table: &VersionTable) -> Self {
        let database = match options {
            ConnectOptions::Postgres(options) => options.database(),
            ConnectOptions::Mysql(options) => options.database().unwrap_or_default(),
            ConnectOptions::Sqlite(_) => "",
        };
        // FNV-1a over the parts, each behind its length. It must never change: runs of different
        // versions of limbeck have to exclude each other.
        let mut key: u64 = 0xcbf2_9ce4_8422_2325;
        for part in [
            "limbeck migration",
            database,
            table.schema.as_deref().unwrap_or_default(),
            &table.name,
        ] {
            let length = (part.len() as u64).to_be_bytes();
            for byte in length.iter().chain(part.as_bytes()) {
                key = (key ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        Self { key }
    }
}

impl LockWait {
    /// Waits for at most so long.
    pub fn for_at_most(limit: Duration) -> Self {
        Self { limit }
    }
}

/// A lock that is held until it is released or dropped: with its session, or its file, it is free again.
#[derive(Debug)]
pub struct MigrationLock {
    holding: Holding,
}

#[derive(Debug)]
enum Holding {
    /// A session of its own: on PostgreSQL in a transaction that does nothing more.
    Session(Box<Session>),
    /// The database's file, locked for this process; none for a database in memory.
    File(Option<LockFile>),
}

impl MigrationLock {
    /// Takes the lock, polling outside of any statement that would wait inside the server.
    ///
    /// # Errors
    /// [`LockError::Timeout`] names the holder.
    pub async fn acquire(
        options: &ConnectOptions,
        scope: &LockScope,
        wait: LockWait,
        on_wait: impl FnMut(&LockWaitProgress),
    ) -> Result<Self, LockError> {
        let candidate = Candidate::new(options).await?;
        Self::acquire_for(candidate, scope, wait, on_wait).await
    }

    /// Takes the lock over a server's session that was opened ahead and that nothing has been done with.
    ///
    /// # Errors
    /// As [`MigrationLock::acquire`].
    pub async fn acquire_over(
        session: Session,
        scope: &LockScope,
        wait: LockWait,
        on_wait: impl FnMut(&LockWaitProgress),
    ) -> Result<Self, LockError> {
        let holding = Holding::Session(Box::new(session));
        Self::acquire_for(Candidate { holding }, scope, wait, on_wait).await
    }

    async fn acquire_for(
        mut candidate: Candidate,
        scope: &LockScope,
        wait: LockWait,
        mut on_wait: impl FnMut(&LockWaitProgress),
    ) -> Result<Self, LockError> {
        let start = Instant::now();
        let mut pause = PAUSES.0;
        let mut tell_at = TELL.0;
        loop {
            if candidate.try_lock(scope).await? {
                return Ok(Self {
                    holding: candidate.holding,
                });
            }
            let waited = start.elapsed();
            if waited >= wait.limit {
                return Err(LockError::Timeout {
                    waited,
                    holder: candidate.holder(scope).await,
                });
            }
            if waited >= tell_at {
                tell_at = waited + TELL.1;
                on_wait(&LockWaitProgress {
                    waited,
                    holder: candidate.holder(scope).await,
                });
            }
            // Runs that were started together try at different times.
            let pause_now = pause.mul_f64(1.0 - f64::from(fraction()) / 512.0);
            tokio::time::sleep(pause_now.min(wait.limit.saturating_sub(waited))).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Frees the lock.
    ///
    /// # Errors
    /// [`DbError`] when its session had broken before; the server has freed it then.
    pub async fn release(self) -> Result<(), DbError> {
        match self.holding {
            Holding::Session(session) => session.close().await,
            Holding::File(_) => Ok(()),
        }
    }

    /// Runs `body` under the lock and frees it, whatever comes of it.
    ///
    /// # Errors
    /// [`LockError`] when the lock can't be taken; the body's own result is what it is.
    pub async fn with<T>(
        options: &ConnectOptions,
        scope: &LockScope,
        wait: LockWait,
        on_wait: impl FnMut(&LockWaitProgress),
        body: impl Future<Output = T>,
    ) -> Result<T, LockError> {
        let lock = Self::acquire(options, scope, wait, on_wait).await?;
        let result = body.await;
        // The body's result counts; a session that broke has freed the lock already.
        let _ = lock.release().await;
        Ok(result)
    }
}

struct Candidate {
    holding: Holding,
}

impl Candidate {
    async fn new(options: &ConnectOptions) -> Result<Self, DbError> {
        let holding = match options {
            ConnectOptions::Sqlite(options) => {
                let open = |path: std::path::PathBuf| {
                    LockFile::open(&path).map_err(|error| ConnectError {
                        kind: ConnectErrorKind::File,
                        message: format!("could not open `{}` to lock it: {error}", path.display()),
                        hint: None,
                    })
                };
                Holding::File(options.file().map(open).transpose()?)
            }
            _ => Holding::Session(Box::new(Session::open(options).await?)),
        };
        Ok(Self { holding })
    }

    async fn try_lock(&mut self, scope: &LockScope) -> Result<bool, DbError> {
        match &mut self.holding {
            Holding::File(None) => Ok(true),
            Holding::File(Some(file)) => file.try_lock().map_err(DbError::ConnectionLost),
            Holding::Session(session) => {
                if session.info().product == crate::Product::Postgresql {
                    // The transaction that takes the lock keeps it: behind a pooler it pins the backend,
                    // and idle it holds no snapshot that others would have to wait for.
                    let key = scope.key.cast_signed();
                    let text = format!("SELECT pg_catalog.pg_try_advisory_xact_lock({key})");
                    // A limit that the server sets for such transactions would end it; `transaction_timeout`
                    // came with PostgreSQL 17.
                    let before = [
                        "BEGIN",
                        "SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings \
                         WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')",
                    ];
                    if first_is(&session.execute_after(&before, &text, &[]).await?, "t") {
                        return Ok(true);
                    }
                    session.execute("ROLLBACK", &[]).await?;
                    Ok(false)
                } else {
                    let text = format!("SELECT GET_LOCK('limbeck:{:016x}', 0)", scope.key);
                    Ok(first_is(&session.execute(&text, &[]).await?, "1"))
                }
            }
        }
    }

    /// Who holds the lock; not knowing it is no reason to fail.
    async fn holder(&mut self, scope: &LockScope) -> Option<String> {
        let Holding::Session(session) = &mut self.holding else {
            return Some("another process".into());
        };
        let text = match session.info().product {
            crate::Product::Postgresql => format!(
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
        let outcome = session.execute(&text, &[]).await.ok()?;
        match outcome
            .results
            .into_iter()
            .next()?
            .rows
            .into_iter()
            .next()?
            .into_iter()
            .next()?
        {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A number from 0 to 255 that differs from one process, and from one call, to the next.
fn fraction() -> u8 {
    RandomState::new().hash_one(()).to_le_bytes()[0]
}

fn first_is(outcome: &Outcome, expected: &str) -> bool {
    let first = outcome
        .results
        .first()
        .and_then(|result| result.rows.first())
        .and_then(|row| row.first());
    matches!(first, Some(Value::Text(text)) if text == expected)
}
