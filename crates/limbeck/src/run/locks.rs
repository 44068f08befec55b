//! The migration locks that a run holds.

use limbeck_db::{
    ConnectOptions, DbError, LockError, LockScope, LockWait, LockWaitProgress, MigrationLock,
    Session,
};
use tokio::task::JoinSet;

/// The migration locks of a run, one for each version table.
#[derive(Debug)]
pub(super) struct Locks {
    /// Maximum time to wait for another run; `None` if the run takes no lock.
    wait: Option<LockWait>,
    held: Vec<(LockScope, MigrationLock)>,
    /// The session for the first lock, opened while Python starts.
    opening: JoinSet<Result<Session, DbError>>,
}

impl Locks {
    pub(super) fn new(wait: Option<LockWait>) -> Self {
        Self {
            wait,
            held: Vec::new(),
            opening: JoinSet::new(),
        }
    }

    /// Starts to open a session for the first lock.
    pub(super) fn open_session_ahead(&mut self, options: &ConnectOptions) {
        if self.wait.is_some() {
            let options = options.clone();
            self.opening
                .spawn(async move { Session::open(&options).await });
        }
    }

    /// Returns `true` if [`Self::acquire`] would take a lock for this scope.
    pub(super) fn is_missing(&self, scope: &LockScope) -> bool {
        self.wait.is_some() && self.held.iter().all(|(held, _)| held != scope)
    }

    /// Takes the lock for `scope` and holds it. `use_open_session` allows the session that
    /// [`Self::open_session_ahead`] opened.
    ///
    /// # Errors
    /// [`LockError`] if the lock can't be taken in time, or the database can't be reached.
    pub(super) async fn acquire(
        &mut self,
        options: &ConnectOptions,
        scope: LockScope,
        use_open_session: bool,
        on_wait: impl FnMut(&LockWaitProgress),
    ) -> Result<(), LockError> {
        let Some(wait) = self.wait else {
            return Ok(());
        };
        let open = if use_open_session {
            self.opening.join_next().await
        } else {
            None
        };
        let lock = match open {
            Some(Ok(Ok(session))) => {
                MigrationLock::acquire_over(session, &scope, wait, on_wait).await?
            }
            // A session that could not be opened ahead is opened again, which reports the error.
            _ => MigrationLock::acquire(options, &scope, wait, on_wait).await?,
        };
        self.held.push((scope, lock));
        Ok(())
    }

    /// Closes the session that was opened ahead, if no lock used it.
    pub(super) async fn close_unused_session(&mut self) {
        self.opening.abort_all();
        while let Some(opened) = self.opening.join_next().await {
            if let Ok(Ok(session)) = opened {
                // The session has run no statement.
                let _ = session.close().await;
            }
        }
    }

    /// Releases all locks.
    pub(super) async fn release(&mut self) {
        for (_, lock) in self.held.drain(..) {
            // If the session is lost, the server has released its lock.
            let _ = lock.release().await;
        }
    }
}
