//! MySQL and MariaDB: an open session.

use super::MysqlOptions;
use crate::{DbError, Outcome, ServerInfo, TransactionStatus};

/// An open MySQL and MariaDB session.
#[derive(Debug)]
pub(crate) struct MysqlSession {
    info: ServerInfo,
}

/// Interrupts a MySQL and MariaDB session.
#[derive(Debug, Clone)]
pub(crate) struct MysqlCanceller;

impl MysqlSession {
    pub(crate) async fn open(_options: &MysqlOptions) -> Result<Self, DbError> {
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

    pub(crate) fn canceller(&self) -> MysqlCanceller {
        MysqlCanceller
    }

    pub(crate) async fn close(self) -> Result<(), DbError> {
        Ok(())
    }
}

impl MysqlCanceller {
    pub(crate) async fn cancel(&self) -> Result<(), DbError> {
        Ok(())
    }
}
