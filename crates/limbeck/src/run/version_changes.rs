//! The changes to version rows that a run has made, and whether they were committed.

use limbeck_revision::{MigrationPlan, Step};
use limbeck_script::worker::{CodeLine, Role};

use super::event::Event;
use super::failure::{DatabaseState, Failure, NotCommitted, RunError, SourceLocation};
use super::state::RunState;
use super::step_work::{CompletedStatement, StepWork};
use crate::version_table_location::VersionTableLocation;

/// The changes that a plan makes to the version rows of one table.
#[derive(Debug)]
pub(super) struct VersionChanges {
    /// The number of the session that makes them.
    connection: u32,
    location: VersionTableLocation,
    /// The version rows before the plan.
    before: Vec<String>,
    /// The version rows after the plan.
    after: Vec<String>,
    /// The plan's revisions, in order.
    revisions: Vec<String>,
    /// The line of `env.py` that began the transaction of the changes, if Alembic didn't.
    begun_at: Option<SourceLocation>,
    /// The work on the version rows.
    rows: StepWork,
    /// The work of the scripts, over the same session.
    scripts: StepWork,
    /// `true` if the project's code rolled the changes back, and not the end of a connection.
    is_rollback_deliberate: bool,
}

impl VersionChanges {
    /// Records a statement of any session.
    pub(super) fn record(&mut self, statement: &CompletedStatement<'_>) {
        let request = statement.request;
        if request.connection != self.connection {
            return;
        }
        let was_rolled_back = self.rows.is_rolled_back;
        self.rows.record(statement, request.role == Role::Version);
        self.scripts.record(statement, request.role == Role::Script);
        if self.rows.is_rolled_back && !was_rolled_back {
            self.is_rollback_deliberate = request.deliberate || request.role == Role::Script;
        }
    }

    /// Returns `true` if the version rows are committed.
    pub(super) fn is_committed(&self) -> bool {
        self.rows.is_settled() && self.rows.is_committed && !self.rows.is_rolled_back
    }

    /// Records that the session was closed. The server rolls back its transaction.
    fn record_close(&mut self) {
        self.rows.roll_back();
        self.scripts.roll_back();
    }
}

impl RunState<'_, '_> {
    /// Expects the changes of a plan to the version rows, over this session.
    pub(super) fn expect_changes(
        &mut self,
        connection: u32,
        plan: &MigrationPlan,
        begun_at: Option<CodeLine>,
    ) {
        let (Some(location), Some(before)) = (
            self.progress.location.clone(),
            self.progress.heads_before.clone(),
        ) else {
            return;
        };
        if plan.steps.is_empty() || self.dry_run {
            return;
        }
        if location.is_in_memory() {
            (self.on_event)(Event::InMemory);
            return;
        }
        let mut after = before.clone();
        for step in &plan.steps {
            step.apply_to(&mut after);
        }
        let revisions = plan.steps.iter().filter_map(Step::revision);
        // One session may migrate thousands of tenants.
        self.version_changes
            .retain(|changes| changes.connection != connection || !changes.is_committed());
        self.version_changes.push(VersionChanges {
            connection,
            location,
            before,
            after,
            revisions: revisions.map(str::to_owned).collect(),
            begun_at: begun_at.map(|line| SourceLocation {
                file: line.file.into(),
                line: line.line,
                columns: None,
                function: String::new(),
            }),
            rows: StepWork::default(),
            scripts: StepWork::default(),
            is_rollback_deliberate: false,
        });
    }

    /// Records that a session was closed, or all sessions with `None`.
    pub(super) fn record_close(&mut self, connection: Option<u32>) {
        for changes in &mut self.version_changes {
            if connection.is_none_or(|connection| connection == changes.connection) {
                changes.record_close();
            }
        }
    }

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
