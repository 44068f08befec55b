//! SQLite: an open session.

use super::SqliteOptions;
use crate::{DbError, Outcome, ServerInfo, TransactionStatus, Value};

/// An open SQLite session.
#[derive(Debug)]
pub(crate) struct SqliteSession {
    info: ServerInfo,
}

/// Interrupts a SQLite session.
#[derive(Debug, Clone)]
pub(crate) struct SqliteCanceller;

impl SqliteSession {
    pub(crate) async fn open(_options: &SqliteOptions) -> Result<Self, DbError> {
        Err(DbError::Unsupported("not built yet".into()))
    }

    pub(crate) async fn execute(
        &mut self,
        _sql: &str,
        _parameters: &[Value],
    ) -> Result<Outcome, DbError> {
        Err(DbError::Unsupported("not built yet".into()))
    }

    pub(crate) fn transaction_status(&self) -> TransactionStatus {
        TransactionStatus::Idle
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }

    pub(crate) fn canceller(&self) -> SqliteCanceller {
        SqliteCanceller
    }

    pub(crate) async fn close(self) -> Result<(), DbError> {
        Ok(())
    }
}

impl SqliteCanceller {
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        Ok(())
    }
}
