//! The changes to version rows that a run has made, and whether they were committed.

use limbeck_db::{Outcome, TransactionStatus};
use limbeck_script::worker::{ExecuteRequest, Role};

use super::event::Event;
use super::failure::{DatabaseState, Failure, NotCommitted, RunError, SourceLocation};
use super::state::RunState;
use super::step_work::StepWork;
use crate::version_table_location::VersionTableLocation;

/// The changes that a plan makes to the version rows of one table.
#[derive(Debug)]
pub(super) struct VersionChanges {
    /// The number of the session that makes them.
    pub(super) connection: u32,
    pub(super) location: VersionTableLocation,
    /// The version rows before the plan.
    pub(super) before: Vec<String>,
    /// The version rows after the plan.
    pub(super) after: Vec<String>,
    /// The plan's revisions, in order.
    pub(super) revisions: Vec<String>,
    /// The line of `env.py` that began the transaction of the changes, if Alembic didn't.
    pub(super) begun_at: Option<SourceLocation>,
    /// The work on the version rows.
    pub(super) rows: StepWork,
    /// The work of the scripts, over the same session.
    pub(super) scripts: StepWork,
    /// `true` if the project's code rolled the changes back, and not the end of a connection.
    pub(super) is_rollback_deliberate: bool,
}

impl VersionChanges {
    /// Records a statement that succeeded on any session. `status` is the transaction status after it.
    pub(super) fn record(
        &mut self,
        request: &ExecuteRequest,
        outcome: &Outcome,
        status: TransactionStatus,
    ) {
        if request.connection != self.connection {
            return;
        }
        let was_rolled_back = self.rows.is_rolled_back;
        for (work, role) in [
            (&mut self.rows, Role::Version),
            (&mut self.scripts, Role::Script),
        ] {
            work.record_if(request.role == role, request, outcome, status);
        }
        if self.rows.is_rolled_back && !was_rolled_back {
            self.is_rollback_deliberate = request.deliberate || request.role == Role::Script;
        }
    }

    /// Returns `true` if the version rows are committed.
    pub(super) fn is_committed(&self) -> bool {
        self.rows.is_settled() && self.rows.is_committed && !self.rows.is_rolled_back
    }

    /// Records that a session was closed. The server rolls back its transaction.
    pub(super) fn record_close(&mut self, connection: u32) {
        if connection == self.connection {
            self.rows.roll_back();
            self.scripts.roll_back();
        }
    }
}

impl RunState<'_, '_> {
    /// Returns `true` if all steps of all plans have ended and are committed. The sessions must be closed.
    pub(super) fn is_all_committed(&self) -> bool {
        let progress = &self.progress;
        progress.step.is_none()
            && !progress.finished.is_empty()
            && progress.finished.len() == progress.steps.len()
            && self
                .version_changes
                .iter()
                .all(VersionChanges::is_committed)
    }

    /// Checks that the changes to the version rows are in the database. Connects only if one was rolled back.
    ///
    /// # Errors
    /// [`RunError::Failed`] if they are not, unless the project's code rolled them back.
    pub(super) async fn check_commits(&mut self) -> Result<(), RunError> {
        for changes in std::mem::take(&mut self.version_changes) {
            if !changes.rows.is_rolled_back {
                continue;
            }
            let rows = changes.location.heads().await;
            // A project may have run the plan twice.
            let is_sorted_equal = |rows: &[String]| sorted(rows) == sorted(&changes.after);
            if matches!(&rows, Ok(Some(rows)) if is_sorted_equal(rows)) {
                continue;
            }
            if changes.is_rollback_deliberate {
                (self.on_event)(Event::RolledBack);
                continue;
            }
            return Err(RunError::Failed(Box::new(Failure {
                headline: "the migrations were not committed".to_owned(),
                finished: changes.revisions,
                location: changes.begun_at,
                not_committed: Some(NotCommitted {
                    is_partly_committed: changes.scripts.is_committed,
                }),
                state: DatabaseState {
                    before: Some(changes.before),
                    after: rows.ok().map(Option::unwrap_or_default),
                    ..DatabaseState::default()
                },
                ..Failure::default()
            })));
        }
        Ok(())
    }
}

fn sorted(rows: &[String]) -> Vec<&String> {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort();
    rows
}
