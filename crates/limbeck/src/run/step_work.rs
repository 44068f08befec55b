//! The work of a step that a rollback would undo, and the work that it would not.

use limbeck_db::{Effect, Outcome, ResultSet, TransactionStatus};
use limbeck_script::worker::{ExecuteRequest, Role};

use super::transaction_control::{Control, control};

/// A statement that succeeded.
pub(super) struct CompletedStatement<'a> {
    pub(super) request: &'a ExecuteRequest,
    outcome: &'a Outcome,
    /// The transaction status after it.
    status: TransactionStatus,
    control: Control,
}

impl<'a> CompletedStatement<'a> {
    pub(super) fn new(
        request: &'a ExecuteRequest,
        outcome: &'a Outcome,
        status: TransactionStatus,
    ) -> Self {
        // Transaction control affects no rows. A long INSERT is not worth reading.
        let affects_rows = |result: &ResultSet| result.affected.is_some_and(|rows| rows > 0);
        let control = if outcome.results.iter().any(affects_rows) {
            Control::None
        } else {
            control(&request.sql)
        };
        Self {
            request,
            outcome,
            status,
            control,
        }
    }
}

/// The work of a running step.
#[derive(Debug, Default)]
pub(super) struct StepWork {
    /// `true` if the step has changed the database in the open transaction.
    is_open: bool,
    /// `true` if the step has changed the database beyond a rollback: it committed, or ran outside a transaction.
    pub(super) is_committed: bool,
    /// `true` if work of the step was rolled back.
    pub(super) is_rolled_back: bool,
}

impl StepWork {
    /// Records a statement. Its own changes count only if `counts`.
    pub(super) fn record(&mut self, statement: &CompletedStatement<'_>, counts: bool) {
        let CompletedStatement {
            request,
            outcome,
            status,
            control,
        } = statement;
        // MySQL reports no effect of its own for these, so the text is the only source.
        let is_work = counts
            && request.role != Role::Transaction
            && matches!(control, Control::None | Control::Other);
        for result in &outcome.results {
            match result.effect {
                Effect::Write | Effect::Delete | Effect::Truncate => self.is_open |= is_work,
                Effect::Commit => self.commit(),
                Effect::Rollback => self.roll_back(),
                _ => {}
            }
        }
        match control {
            Control::Commit => self.commit(),
            Control::Rollback => self.roll_back(),
            _ if *status == TransactionStatus::Idle => self.commit(),
            _ => {}
        }
    }

    /// Returns `true` if no work is in an open transaction.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_open
    }

    fn commit(&mut self) {
        self.is_committed |= std::mem::take(&mut self.is_open);
    }

    /// Records that the open transaction was rolled back.
    pub(super) fn roll_back(&mut self) {
        self.is_rolled_back |= std::mem::take(&mut self.is_open);
    }
}

#[cfg(test)]
mod tests {
    use limbeck_db::{Effect, Outcome, ResultSet, TransactionStatus};
    use limbeck_script::worker::{ExecuteRequest, Role};

    use super::{CompletedStatement, StepWork};

    /// Returns whether the statements leave committed work: text, effects, and whether a transaction is open afterwards.
    fn commits(statements: &[(&str, &[Effect], bool)]) -> bool {
        let mut work = StepWork::default();
        for (sql, effects, is_open) in statements {
            let request = ExecuteRequest {
                connection: 1,
                sql: (*sql).to_owned(),
                role: Role::Script,
                before: Vec::new(),
                parameters: None,
                many: None,
                script: false,
                deliberate: false,
                extended: None,
            };
            let result = |effect: &Effect| ResultSet {
                effect: *effect,
                ..ResultSet::default()
            };
            let outcome = Outcome {
                results: effects.iter().map(result).collect(),
                notices: Vec::new(),
            };
            let status = if *is_open {
                TransactionStatus::Open
            } else {
                TransactionStatus::Idle
            };
            let statement = CompletedStatement::new(&request, &outcome, status);
            work.record(&statement, true);
        }
        work.is_committed
    }

    #[test]
    fn distinguishes_committed_work() {
        use Effect::{Commit, None, Rollback, Write};
        for (expected, statements) in [
            (
                false,
                vec![("select", &[None][..], true), ("COMMIT", &[Commit], false)],
            ),
            (false, vec![("insert", &[Write][..], true)]),
            (
                true,
                vec![("insert", &[Write][..], true), ("COMMIT", &[Commit], false)],
            ),
            // MySQL and SQLite report no effect of a COMMIT.
            (
                true,
                vec![("insert", &[Write][..], true), ("commit", &[Write], false)],
            ),
            (false, vec![("commit", &[Write][..], false)]),
            (
                false,
                vec![
                    ("insert", &[Write][..], true),
                    ("ROLLBACK", &[Write], false),
                ],
            ),
            // PostgreSQL reports a rollback if it could not commit.
            (
                false,
                vec![
                    ("insert", &[Write][..], true),
                    ("COMMIT", &[Rollback], false),
                ],
            ),
            // Outside a transaction.
            (true, vec![("create", &[Write][..], false)]),
            (false, vec![("SET a = 1", &[Write][..], false)]),
            // Several statements in one text.
            (
                true,
                vec![("create; COMMIT; BEGIN", &[Write, Commit, None][..], true)],
            ),
            (
                false,
                vec![("update; ROLLBACK", &[Write, Rollback][..], false)],
            ),
        ] {
            assert_eq!(commits(&statements), expected, "{statements:?}");
        }
    }
}
