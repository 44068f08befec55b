//! SQLite's authorizer in a transaction that must not commit: it recognizes deletions, and keeps the journal that the
//! rollback needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// A record of whether the last prepared statement deletes rows. Works only while it is watching.
#[derive(Debug, Clone, Default)]
pub(super) struct Deletions {
    deletes: Arc<AtomicBool>,
    /// `true` if the statement also drops or alters a table, whose rows SQLite then deletes itself.
    changes_schema: Arc<AtomicBool>,
}

impl Deletions {
    /// Starts or stops watching.
    pub(super) fn watch(
        &self,
        connection: &mut Connection,
        is_watching: bool,
    ) -> rusqlite::Result<()> {
        let record = self.clone();
        connection.authorizer(is_watching.then_some(move |context: AuthContext<'_>| {
            record.note(&context);
            if disables_journal(&context.action) {
                Authorization::Deny
            } else {
                Authorization::Allow
            }
        }))
    }

    fn note(&self, context: &AuthContext<'_>) {
        match context.action {
            // Triggers may delete, too; those rows are not the statement's.
            AuthAction::Delete { table_name }
                if context.accessor.is_none() && !table_name.starts_with("sqlite_") =>
            {
                self.deletes.store(true, Ordering::Relaxed);
            }
            AuthAction::DropTable { .. }
            | AuthAction::DropTempTable { .. }
            | AuthAction::DropView { .. }
            | AuthAction::AlterTable { .. } => self.changes_schema.store(true, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Forgets the last statement.
    pub(super) fn reset(&self) {
        self.deletes.store(false, Ordering::Relaxed);
        self.changes_schema.store(false, Ordering::Relaxed);
    }

    /// Returns `true` if the statement prepared since the last reset is a `DELETE`.
    pub(super) fn is_delete(&self) -> bool {
        self.deletes.load(Ordering::Relaxed) && !self.changes_schema.load(Ordering::Relaxed)
    }
}

/// Returns `true` for `PRAGMA journal_mode = OFF`. Without a journal, a rollback can destroy the file.
fn disables_journal(action: &AuthAction<'_>) -> bool {
    matches!(
        action,
        AuthAction::Pragma { pragma_name, pragma_value: Some(value) }
            if pragma_name.eq_ignore_ascii_case("journal_mode") && value.eq_ignore_ascii_case("off")
    )
}
