//! PostgreSQL: an open session.

use super::PostgresOptions;
use crate::{DbError, Outcome, ServerInfo, TransactionStatus};

/// An open PostgreSQL session.
#[derive(Debug)]
pub(crate) struct PostgresSession {
    info: ServerInfo,
}

/// Interrupts a PostgreSQL session.
#[derive(Debug, Clone)]
pub(crate) struct PostgresCanceller;

impl PostgresSession {
    pub(crate) async fn open(_options: &PostgresOptions) -> Result<Self, DbError> {
        Err(DbError::Unsupported("not built yet".into()))
    }

    pub(crate) async fn execute(&mut self, _sql: &str) -> Result<Outcome, DbError> {
        Err(DbError::Unsupported("not built yet".into()))
    }

    pub(crate) fn transaction_status(&self) -> TransactionStatus {
        TransactionStatus::Idle
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.info
    }

    pub(crate) fn canceller(&self) -> PostgresCanceller {
        PostgresCanceller
    }

    pub(crate) async fn close(self) -> Result<(), DbError> {
        Ok(())
    }
}

impl PostgresCanceller {
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        Ok(())
    }
}
