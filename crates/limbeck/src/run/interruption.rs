//! The report of a run that a signal ended.

use limbeck_db::Product;
use limbeck_script::worker::{ExecuteRequest, Role};

use super::failure::{DatabaseState, FailedStep, RunError};
use super::interrupt::Signal;
use super::transaction_control::{Control, control};

/// The report of a run that a signal ended; open transactions were rolled back.
#[derive(Debug)]
pub struct Interruption {
    /// The signal.
    pub signal: Signal,
    /// The activity of the run when the signal arrived.
    pub activity: Activity,
    /// The step that was running.
    pub step: Option<FailedStep>,
    /// The revisions of the steps that had ended, in order. A COMMIT may have been outstanding.
    pub finished: Vec<String>,
    /// The database, if a session to it was open.
    pub product: Option<Product>,
    /// The state of the database after the run; `after` is `None` if the version table is not known, or not read in time.
    pub state: DatabaseState,
}

/// The activity that a signal interrupts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Activity {
    /// A statement, which was cancelled.
    Statement,
    /// The DBAPI was beginning or committing a transaction.
    Transaction,
    /// A connection was being opened.
    Connecting,
    /// The run waited for the migration lock.
    WaitingForLock,
    /// Python code of the project, or the wait for another process.
    Other,
}

impl Activity {
    /// Returns the activity that a request is. The DBAPI's own ROLLBACK is what follows an interrupt in Python.
    pub(super) fn of(request: &ExecuteRequest) -> Self {
        match request.role {
            Role::Transaction if is_own_rollback(request) => Self::Other,
            Role::Transaction => Self::Transaction,
            _ => Self::Statement,
        }
    }
}

/// Returns `true` if the DBAPI itself rolls back.
pub(super) fn is_own_rollback(request: &ExecuteRequest) -> bool {
    request.role == Role::Transaction && matches!(control(&request.sql), Control::Rollback)
}

impl Interruption {
    pub(super) fn new(signal: Signal, activity: Activity) -> Self {
        Self {
            signal,
            activity,
            step: None,
            finished: Vec::new(),
            product: None,
            state: DatabaseState::default(),
        }
    }
}

impl From<Interruption> for RunError {
    fn from(interruption: Interruption) -> Self {
        Self::Interrupted(Box::new(interruption))
    }
}

impl From<Signal> for RunError {
    fn from(signal: Signal) -> Self {
        Interruption::new(signal, Activity::Other).into()
    }
}
