//! The state of a run that its drivers share: sessions, locks, progress, and the caller's events and signals.

use std::time::{Duration, Instant};

use limbeck_db::{
    DbError, Effect, LockError, LockScope, LockWaitProgress, Outcome, ProcessEnvironment,
    TransactionStatus, VersionTable,
};
use limbeck_revision::{MigrationPlan, RevisionMap, Step};
use limbeck_script::worker::{
    ErrorReply, ExecuteRequest, LockRequest, Role, StepRequest, VersionTableRef,
};

use crate::version_table_location::VersionTableLocation;

use super::command_error::CommandError;
use super::dry_run::{Control, control};
use super::event::Event;
use super::failure::{DatabaseState, RunError};
use super::interrupt::{Interrupt, interrupted, unless_interrupted};
use super::locks::Locks;
use super::operation::Operation;
use super::progress::{Progress, RunningStep};
use super::sessions::{DatabaseError, DatabaseErrors, Sessions};

/// Maximum time for the server to stop a cancelled statement.
const GRACE_AFTER_CANCEL: Duration = Duration::from_secs(5);

/// The state of a run.
pub(super) struct RunState<'a, 'o> {
    pub(super) sessions: Sessions,
    pub(super) errors: DatabaseErrors,
    pub(super) locks: Locks,
    pub(super) progress: Progress,
    pub(super) operation: &'a mut Operation<'o>,
    pub(super) map: &'a RevisionMap,
    pub(super) process_environment: &'a ProcessEnvironment,
    pub(super) dry_run: bool,
    pub(super) interrupt: Interrupt,
    pub(super) on_event: &'a mut (dyn FnMut(Event<'_>) + Send),
}

/// The result of a statement.
pub(super) type Executed = Result<(Outcome, TransactionStatus), DbError>;

impl RunState<'_, '_> {
    /// Runs a statement.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] if a signal arrives first; the statement is cancelled then. The database's own error is
    /// the inner result.
    pub(super) async fn execute(
        &mut self,
        request: &mut ExecuteRequest,
    ) -> Result<Executed, RunError> {
        let canceller = match self.sessions.get(request.connection) {
            Ok(opened) => opened.canceller(),
            Err(error) => return Ok(Err(error)),
        };
        if let Some(step) = &mut self.progress.step {
            step.statements += usize::from(request.role == Role::Script);
            let sql = &request.sql;
            (self.on_event)(Event::StatementBegins { sql });
        }
        let revision = self.progress.step.as_ref();
        let revision = revision.map(|step| step.revision.as_str());
        let start = Instant::now();
        let result = {
            let running = self.sessions.execute(request, revision);
            tokio::pin!(running);
            tokio::select! {
                result = &mut running => result,
                signal = interrupted(&mut self.interrupt) => {
                    // The session is closed next, and the server rolls back, even if the cancel request is lost.
                    let _ = canceller.cancel().await;
                    let _ = tokio::time::timeout(GRACE_AFTER_CANCEL, &mut running).await;
                    return Err(RunError::Interrupted(signal));
                }
            }
        };
        if let Some(step) = &mut self.progress.step {
            (self.on_event)(Event::StatementEnds {
                took: start.elapsed(),
                succeeded: result.is_ok(),
            });
            if let Ok((outcome, status)) = &result
                && !self.dry_run
            {
                step.has_committed |= match permanence(&request.sql, outcome, *status) {
                    Permanence::None => false,
                    Permanence::Earlier => {
                        step.statements > usize::from(request.role == Role::Script)
                    }
                    Permanence::Itself => true,
                };
            }
        }
        Ok(result)
    }

    /// Records the version table that `env.py` has chosen.
    ///
    /// # Errors
    /// [`DbError::Unsupported`] if its connection is closed.
    pub(super) fn locate(
        &mut self,
        table: VersionTableRef,
    ) -> Result<VersionTableLocation, DbError> {
        let options = self.sessions.get(table.connection)?.options.clone();
        let table = VersionTable {
            name: table.table,
            schema: table.schema,
        };
        let location = VersionTableLocation { options, table };
        (self.on_event)(Event::Located(&location));
        self.progress.location = Some(location.clone());
        Ok(location)
    }

    /// Makes the plan for these version rows.
    ///
    /// # Errors
    /// [`CommandError`] if the operation refuses them.
    pub(super) fn plan(
        &mut self,
        heads: Vec<String>,
        url: Option<&str>,
    ) -> Result<MigrationPlan, CommandError> {
        if let Operation::Inspect(inspect) = self.operation {
            inspect(&heads, url)?;
            return Ok(MigrationPlan::default());
        }
        let plan = self.operation.plan(self.map, &heads)?;
        (self.on_event)(Event::Planned {
            heads: &heads,
            steps: &plan.steps,
        });
        self.progress.steps.clone_from(&plan.steps);
        self.progress.step = None;
        self.progress.heads_before = Some(heads);
        Ok(plan)
    }

    /// Takes the migration lock, if the operation may change the database and the lock is not held.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] if a signal arrives first. The inner error is [`LockError`].
    pub(super) async fn lock(
        &mut self,
        request: LockRequest,
    ) -> Result<Result<(), LockError>, RunError> {
        let number = request.at.connection;
        let VersionTableLocation { options, table } = match self.locate(request.at) {
            Ok(location) => location,
            Err(error) => return Ok(Err(error.into())),
        };
        let scope = LockScope::new(&options, &table);
        let heads = request.heads.as_deref();
        if !self.locks.is_missing(&scope)
            || !self.operation.needs_lock(self.map, request.exists, heads)
        {
            return Ok(Ok(()));
        }
        let from_probe = self
            .sessions
            .get(number)
            .is_ok_and(|opened| opened.from_probe);
        let on_event = &mut *self.on_event;
        let mut waited = None;
        let on_wait = |waiting: &LockWaitProgress| {
            waited = Some(waiting.waited);
            on_event(Event::WaitingForLock {
                holder: waiting.holder.as_ref().map(ToString::to_string),
                waited: waiting.waited,
            });
        };
        let acquiring = self.locks.acquire(&options, scope, from_probe, on_wait);
        let acquired = unless_interrupted(&mut self.interrupt, acquiring).await?;
        if let (Ok(()), Some(waited)) = (&acquired, waited) {
            (self.on_event)(Event::LockTaken { waited });
        }
        Ok(acquired)
    }

    /// Records that a step begins.
    pub(super) fn begin_step(&mut self, request: StepRequest) {
        let (Some(revision), Some(path)) = (request.revision, request.path) else {
            // A stamp runs no script.
            return;
        };
        let steps = &self.progress.steps;
        let is_planned = |step: &Step| step.revision() == Some(&revision);
        let Some(index) = steps.iter().position(is_planned) else {
            // The step belongs to the plan of one of Alembic's own functions.
            return;
        };
        let step = RunningStep {
            index,
            direction: steps[index].direction,
            revision,
            path: path.into(),
            statements: 0,
            has_committed: false,
        };
        (self.on_event)(Event::Step {
            revision: &step.revision,
            direction: step.direction,
            path: &step.path,
            number: index + 1,
            of: steps.len(),
        });
        self.progress.step = Some(step);
    }

    /// Records that the running step is done.
    pub(super) fn end_step(&mut self) {
        self.progress.step = None;
    }

    /// Keeps an error for the report, and returns it as the worker receives it.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] if a signal has arrived: the error is then a consequence of the interruption.
    pub(super) fn keep_error(
        &mut self,
        error: impl Into<DbError>,
        sql: Option<String>,
        connection: Option<u32>,
    ) -> Result<ErrorReply<'_>, RunError> {
        if let Some(signal) = *self.interrupt.borrow() {
            return Err(RunError::Interrupted(signal));
        }
        let opened = connection.and_then(|number| self.sessions.get(number).ok());
        let status = opened.map_or(TransactionStatus::Idle, |opened| opened.status());
        let error = error.into();
        Ok(self.errors.add(DatabaseError { error, sql, status }))
    }

    /// Reads the version table over a new session.
    pub(super) async fn database_state(&mut self) -> DatabaseState {
        let before = self.progress.heads_before.clone();
        let after = match &self.progress.location {
            Some(location) => location.heads().await.ok(),
            None => None,
        };
        DatabaseState {
            before,
            after: after.map(Option::unwrap_or_default),
            ..DatabaseState::default()
        }
    }
}

/// The work that a successful statement has put beyond a rollback.
enum Permanence {
    /// None.
    None,
    /// The statements before it: it committed them.
    Earlier,
    /// The statement's own work: it ran outside a transaction, or committed by itself.
    Itself,
}

fn permanence(sql: &str, outcome: &Outcome, status: TransactionStatus) -> Permanence {
    let has = |expected: &[Effect]| {
        let mut results = outcome.results.iter();
        results.any(|result| expected.contains(&result.effect))
    };
    match control(sql) {
        // PostgreSQL reports a rollback if it could not commit.
        Control::Commit if has(&[Effect::Rollback]) => Permanence::None,
        Control::Commit => Permanence::Earlier,
        Control::Begin | Control::Rollback => Permanence::None,
        Control::None | Control::Other => {
            let wrote = has(&[Effect::Write, Effect::Delete, Effect::Truncate]);
            if wrote && status == TransactionStatus::Idle {
                Permanence::Itself
            } else if has(&[Effect::Commit]) {
                Permanence::Earlier
            } else {
                Permanence::None
            }
        }
    }
}
