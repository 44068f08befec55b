//! The database errors that a run sent to the worker.

use limbeck_db::{ConnectErrorKind, DbError, TransactionStatus};

use limbeck_script::worker::{ConnectFailureReason, ErrorReply, ErrorReplyKind};

use super::super::wire::{server_error_reply, session_status};

/// The database errors of a run, by the number that the worker's exception carries. The worker receives a
/// summary; the report of a failure needs the whole error.
#[derive(Debug, Default)]
pub(in super::super) struct DatabaseErrors(Vec<DatabaseError>);

/// A database error that was sent to the worker.
#[derive(Debug)]
pub(in super::super) struct DatabaseError {
    pub(in super::super) error: DbError,
    /// The statement that failed; `None` if no statement was running.
    pub(in super::super) statement: Option<RefusedStatement>,
}

/// A statement that the database refused.
#[derive(Debug)]
pub(in super::super) struct RefusedStatement {
    pub(in super::super) sql: String,
    /// Position among the statements of the step's script, from 1; 0 if the script did not send it.
    pub(in super::super) number: usize,
    /// `true` if the server has rolled back, or will roll back, the transaction of the statement.
    pub(in super::super) is_rolled_back: bool,
}

impl DatabaseErrors {
    /// Keeps an error and returns it as the worker receives it. `status` is the session's transaction status after the error.
    pub(in super::super) fn add(
        &mut self,
        added: DatabaseError,
        status: TransactionStatus,
    ) -> ErrorReply<'_> {
        let id = self.0.len();
        self.0.push(added);
        let error = &self.0[id].error;
        let (kind, server) = match error {
            DbError::Server(error) => (ErrorReplyKind::Server, Some(server_error_reply(error))),
            DbError::Connect(_) => (ErrorReplyKind::Connect, None),
            DbError::ConnectionLost(_) => (ErrorReplyKind::Lost, None),
            DbError::Unsupported(_) | DbError::LockTimeout { .. } | DbError::CommitForbidden => {
                (ErrorReplyKind::Unsupported, None)
            }
            _ => (ErrorReplyKind::Protocol, None),
        };
        ErrorReply {
            id: id as u64,
            kind,
            message: error.to_string(),
            reason: match error {
                DbError::Connect(error) => reason(error.kind),
                _ => None,
            },
            server,
            status: session_status(status),
        }
    }

    /// Returns the error with this number.
    pub(in super::super) fn get(&self, id: u64) -> Option<&DatabaseError> {
        self.0.get(usize::try_from(id).ok()?)
    }
}

/// Returns the reason for a connection error, if drivers have a number for it.
fn reason(kind: ConnectErrorKind) -> Option<ConnectFailureReason> {
    match kind {
        ConnectErrorKind::Authentication => Some(ConnectFailureReason::Authentication),
        ConnectErrorKind::NoSuchDatabase => Some(ConnectFailureReason::NoSuchDatabase),
        ConnectErrorKind::TooManyConnections => Some(ConnectFailureReason::TooManyConnections),
        ConnectErrorKind::Parameter => None,
        _ => Some(ConnectFailureReason::Unreachable),
    }
}
