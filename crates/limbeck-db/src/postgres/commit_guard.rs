//! Transactions that the server refuses to commit.

use super::error::COMMIT_GUARD_TEXT;
use super::session::PostgresSession;
use crate::{DbError, TransactionStatus, Value};

const CURSOR: &str = "limbeck: no commit";

impl PostgresSession {
    /// Begins a transaction with a guard against its commit; see [`crate::Session::begin_without_commit`].
    pub(crate) async fn begin_without_commit(&mut self) -> Result<(), DbError> {
        let query = "SELECT pg_catalog.current_setting('transaction_read_only'), pg_catalog.pg_backend_pid()";
        let outcome = self.execute(query).await?;
        let row = outcome.results.first().and_then(|set| set.rows.first());
        let text = |index: usize| match row.and_then(|row| row.get(index)) {
            Some(Value::Text(text)) => text.as_str(),
            _ => "",
        };
        let is_writable = text(0) == "off";
        let initial_id = self.connection_details().initial_session_id;
        // A pooler would hand the setting on to other clients.
        let is_direct = text(1).parse().ok() == initial_id && initial_id.is_some();
        let begin = if is_writable && is_direct {
            // This setting protects against statements after a rollback.
            self.execute("SET default_transaction_read_only = on")
                .await?;
            "BEGIN READ WRITE"
        } else {
            "BEGIN"
        };
        // The function is volatile, so the planner can't run the failing conversion ahead of the commit.
        let guard = format!(
            "DECLARE \"{CURSOR}\" NO SCROLL CURSOR WITH HOLD FOR SELECT pg_catalog.concat('{COMMIT_GUARD_TEXT}', \
             CASE WHEN pg_catalog.random() OPERATOR(pg_catalog.<) 0 THEN '' END)::pg_catalog.int4"
        );
        self.execute_after(&[begin], &guard).await.map(|_| ())
    }

    pub(crate) async fn is_commit_forbidden(&mut self) -> Result<bool, DbError> {
        if self.transaction_status() == TransactionStatus::Idle {
            return Ok(false);
        }
        let query =
            format!("SELECT 1 FROM pg_catalog.pg_cursors WHERE name = '{CURSOR}' AND is_holdable");
        Ok(self.execute(&query).await?.first_value().is_some())
    }

    pub(crate) async fn allow_commits(&mut self) -> Result<(), DbError> {
        if self.transaction_status() != TransactionStatus::Idle {
            self.execute("ROLLBACK").await?;
        }
        self.execute("RESET default_transaction_read_only")
            .await
            .map(|_| ())
    }
}
