//! The state of a run that its drivers share: sessions, locks, progress, and the caller's events and signals.

use std::future::Future;
use std::time::{Duration, Instant};

use limbeck_db::{
    Canceller, DbError, LockError, LockScope, LockWaitProgress, Outcome, ProcessEnvironment,
    Product, TransactionStatus, VersionTable,
};
use limbeck_revision::{MigrationPlan, RevisionMap, Step};
use limbeck_script::worker::{
    ErrorReply, ExecuteRequest, LockRequest, Role, StepRequest, VersionTableRef,
};

use crate::version_table_location::VersionTableLocation;

use super::event::Event;
use super::failure::{DatabaseState, RunError};
use super::interrupt::{Interrupt, Signal, interrupted, unless_interrupted};
use super::interruption::{Activity, Interruption};
use super::locks::Locks;
use super::operation::Operation;
use super::progress::{RunProgress, RunningStep};
use super::sessions::{DatabaseError, DatabaseErrors, RefusedStatement, Sessions};
use super::step_work::{CompletedStatement, StepWork};
use super::version_changes::VersionChanges;
use crate::command_error::CommandError;

/// Maximum time for the server to stop a cancelled statement.
const GRACE_AFTER_CANCEL: Duration = Duration::from_secs(5);

/// The state of a run.
pub(super) struct RunState<'a, 'o> {
    pub(super) sessions: Sessions,
    pub(super) errors: DatabaseErrors,
    pub(super) locks: Locks,
    pub(super) progress: RunProgress,
    /// The changes of each plan to version rows, in order.
    pub(super) version_changes: Vec<VersionChanges>,
    pub(super) operation: &'a mut Operation<'o>,
    pub(super) map: &'a RevisionMap,
    pub(super) process_environment: &'a ProcessEnvironment,
    pub(super) dry_run: bool,
    pub(super) interrupt: Interrupt,
    pub(super) on_event: &'a mut (dyn FnMut(Event<'_>) + Send),
}

/// The circumstances of a statement that begins.
pub(super) struct StatementContext {
    pub(super) canceller: Canceller,
    /// `true` if the statement begins in a transaction that any error aborts.
    pub(super) was_in_transaction: bool,
    pub(super) start: Instant,
}

/// The result of a statement.
pub(super) type Executed = Result<(Outcome, TransactionStatus), StatementError>;

/// The error of a statement.
#[derive(Debug)]
pub(super) struct StatementError {
    pub(super) error: DbError,
    /// `true` if the statement began in a transaction that any error aborts.
    pub(super) was_in_transaction: bool,
}

impl From<DbError> for StatementError {
    fn from(error: DbError) -> Self {
        Self {
            error,
            was_in_transaction: false,
        }
    }
}

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
        let context = match self.begin_statement(request) {
            Ok(context) => context,
            Err(error) => return Ok(Err(error.into())),
        };
        let revision = self.progress.revision();
        let running = self.sessions.execute(request, revision);
        let result = match unless_cancelled(&mut self.interrupt, &context.canceller, running).await
        {
            Ok(result) => result,
            Err(signal) => {
                self.end_statement(request, context.start, None);
                return Err(Interruption::new(signal, Activity::of(request)).into());
            }
        };
        let done = result.as_ref().ok();
        self.end_statement(
            request,
            context.start,
            done.map(|(outcome, status)| (outcome, *status)),
        );
        Ok(result.map_err(|error| StatementError {
            error,
            was_in_transaction: context.was_in_transaction,
        }))
    }

    /// Counts a statement and reports that it begins.
    ///
    /// # Errors
    /// [`DbError::Unsupported`] if its connection is closed.
    pub(super) fn begin_statement(
        &mut self,
        request: &ExecuteRequest,
    ) -> Result<StatementContext, DbError> {
        let opened = self.sessions.get(request.connection)?;
        // A transaction of PostgreSQL that can't be committed is rolled back. In MySQL, a DDL statement that fails has
        // committed the transaction before.
        let aborts = opened.info().product == Product::Postgresql;
        let was_in_transaction = aborts && opened.status() != TransactionStatus::Idle;
        let canceller = opened.canceller();
        if let Some(step) = &mut self.progress.step {
            step.statements += usize::from(request.role == Role::Script);
            let sql = &request.sql;
            (self.on_event)(Event::StatementBegins { sql });
        }
        Ok(StatementContext {
            canceller,
            was_in_transaction,
            start: Instant::now(),
        })
    }

    /// Reports that a statement has ended, with its outcome and the transaction status after it if it succeeded.
    pub(super) fn end_statement(
        &mut self,
        request: &ExecuteRequest,
        start: Instant,
        done: Option<(&Outcome, TransactionStatus)>,
    ) {
        let completed = done
            .filter(|_| !self.dry_run)
            .map(|(outcome, status)| CompletedStatement::new(request, outcome, status));
        if let Some(statement) = &completed {
            for changes in &mut self.version_changes {
                changes.record(statement);
            }
        }
        let Some(step) = &mut self.progress.step else {
            return;
        };
        (self.on_event)(Event::StatementEnds {
            took: start.elapsed(),
            succeeded: done.is_some(),
        });
        if let Some(statement) = &completed {
            step.work.record(statement, true);
        }
    }

    /// Records the version table that `env.py` has chosen.
    ///
    /// # Errors
    /// [`DbError::Unsupported`] if its connection is closed.
    pub(super) fn locate(
        &mut self,
        table: VersionTableRef,
    ) -> Result<VersionTableLocation, DbError> {
        let location = self.location_of(table)?;
        (self.on_event)(Event::Located(&location));
        self.progress.location = Some(location.clone());
        Ok(location)
    }

    fn location_of(&self, table: VersionTableRef) -> Result<VersionTableLocation, DbError> {
        let options = self.sessions.get(table.connection)?.options.clone();
        let table = VersionTable {
            name: table.table,
            schema: table.schema,
        };
        Ok(VersionTableLocation { options, table })
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
        self.progress.finished.clear();
        self.progress.finished_committed = false;
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
        let located = if request.nested {
            // The version table of the run itself stays the one to report.
            self.location_of(request.at)
        } else {
            self.locate(request.at)
        };
        let VersionTableLocation { options, table } = match located {
            Ok(location) => location,
            Err(error) => return Ok(Err(error.into())),
        };
        let scope = LockScope::new(&options, &table);
        let heads = request.heads.as_deref();
        let needs_lock =
            request.nested || self.operation.needs_lock(self.map, request.exists, heads);
        if !self.locks.is_missing(&scope) || !needs_lock {
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
        let acquired = unless_interrupted(&mut self.interrupt, acquiring)
            .await
            .map_err(|signal| Interruption::new(signal, Activity::WaitingForLock))?;
        if let (Ok(()), Some(waited)) = (&acquired, waited) {
            (self.on_event)(Event::LockTaken { waited });
        }
        Ok(acquired)
    }

    /// Records that a step begins.
    pub(super) fn begin_step(&mut self, request: StepRequest) {
        self.progress.step = None;
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
            work: StepWork::default(),
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
        if let Some(ended) = self.progress.step.take() {
            self.progress.finished_committed |= ended.work.is_committed;
            self.progress.finished.push(ended.revision);
        }
    }

    /// Keeps an error for the report, and returns it as the worker receives it.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] if a signal has arrived: the error is then a consequence of the interruption.
    pub(super) fn keep_error(
        &mut self,
        error: impl Into<DbError>,
    ) -> Result<ErrorReply<'_>, RunError> {
        self.check_interrupt(Activity::Other)?;
        let added = DatabaseError {
            error: error.into(),
            statement: None,
        };
        Ok(self.errors.add(added, TransactionStatus::Idle))
    }

    /// Keeps the error of a statement for the report, and returns it as the worker receives it.
    ///
    /// # Errors
    /// As [`Self::keep_error`].
    pub(super) fn keep_statement_error(
        &mut self,
        error: StatementError,
        request: ExecuteRequest,
    ) -> Result<ErrorReply<'_>, RunError> {
        self.check_interrupt(Activity::of(&request))?;
        let status = match self.sessions.get(request.connection) {
            Ok(opened) => opened.status(),
            Err(_) => TransactionStatus::Idle,
        };
        let step = self.progress.step.as_ref();
        let step = step.filter(|_| request.role == Role::Script);
        let statement = RefusedStatement {
            sql: request.sql,
            number: step.map_or(0, |step| step.statements),
            is_rolled_back: self.dry_run
                || error.was_in_transaction
                || status != TransactionStatus::Idle,
        };
        let added = DatabaseError {
            error: error.error,
            statement: Some(statement),
        };
        Ok(self.errors.add(added, status))
    }

    fn check_interrupt(&self, activity: Activity) -> Result<(), RunError> {
        match *self.interrupt.borrow() {
            Some(signal) => Err(Interruption::new(signal, activity).into()),
            None => Ok(()),
        }
    }

    /// Completes the report of an interruption, while the sessions are still open.
    pub(super) fn describe_interruption(&self, interruption: &mut Interruption) {
        interruption.step = self.progress.failed_step();
        interruption.finished.clone_from(&self.progress.finished);
        interruption.product = self.sessions.product();
        let step = self.progress.step.as_ref();
        let state = &mut interruption.state;
        state.finished_committed = self.progress.finished_committed;
        state.has_committed = step.is_some_and(|step| step.work.is_committed);
        // The sessions end next, and their open transactions with them.
        let has_transaction = self.sessions.has_transaction();
        let is_undone = match interruption.activity {
            // The server may have committed.
            Activity::Transaction => false,
            // Outside a transaction, a cancelled statement may leave something: CREATE INDEX CONCURRENTLY does.
            Activity::Statement => has_transaction,
            _ => has_transaction || !state.has_committed,
        };
        state.rolled_back = is_undone.then_some(true);
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
            finished_committed: self.progress.finished_committed,
            ..DatabaseState::default()
        }
    }
}

/// Waits for a statement. A signal cancels it.
///
/// # Errors
/// The signal, if one arrives first.
pub(super) async fn unless_cancelled<T>(
    interrupt: &mut Interrupt,
    canceller: &Canceller,
    running: impl Future<Output = T>,
) -> Result<T, Signal> {
    tokio::pin!(running);
    tokio::select! {
        result = &mut running => Ok(result),
        signal = interrupted(interrupt) => {
            // The session is closed next, and the server rolls back, even if the cancel request is lost.
            let stopping = async {
                let _ = canceller.cancel().await;
                let _ = (&mut running).await;
            };
            let _ = tokio::time::timeout(GRACE_AFTER_CANCEL, stopping).await;
            Err(signal)
        }
    }
}
