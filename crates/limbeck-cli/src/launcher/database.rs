//! Waits for the database and upgrades it before the application starts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use limbeck::db::{ConnectError, DbError};
use limbeck::migrator::{MigrationRequest, Migrator, Status, UpgradeCheck};
use limbeck::project::Project;
use limbeck::{
    DatabaseState, Direction, Event, Interrupt, OpenSession, Request, RunControl, Signal,
    VersionTableLocation,
};
use limbeck_supervisor::{
    AppliedRevision, Metrics, PendingRevision, Phase, ReceivedSignal, SchemaState, SharedState,
    StepState,
};
use tokio::time::{sleep, timeout};

use super::waiting::{Waiting, no_answer, retryable_failure};
use super::{Launcher, format_elapsed, migrator};
use crate::cli_error::CliError;
use crate::context::Context;
use crate::launch_error::LaunchError;
use crate::output::notices::{print_event, print_log, print_warning};
use crate::output::progress::{Progress, truncate_sql};

/// The minimum time of an attempt to connect, even if less of the wait remains.
const MIN_ATTEMPT: Duration = Duration::from_secs(1);

/// The result of the migration before the application starts.
pub(super) struct MigrationResult {
    pub(super) project: &'static Project,
    /// The locations of the version tables.
    pub(super) locations: Vec<VersionTableLocation>,
    /// The version rows before and after; `None` if no migration was necessary.
    pub(super) version_rows: Option<DatabaseState>,
    /// The applied revisions, in order.
    pub(super) applied: Vec<String>,
}

/// The outcome of one attempt.
enum AttemptOutcome {
    Done(MigrationResult),
    /// The database can't be reached, but a later attempt may succeed.
    Unreachable(ConnectError),
    /// The database did not answer in time.
    NoAnswer,
}

impl Launcher<'_> {
    /// Waits for the database and upgrades it to the target revision.
    pub(super) async fn migrate(&mut self) -> Result<MigrationResult, CliError> {
        let start = Instant::now();
        let context = self.context;
        let (state, metrics) = (self.state.clone(), self.metrics.clone());
        let settings = self.settings.clone();
        let owns_terminal = self.owns_terminal;
        let url = self.url.clone();
        let url = url.as_deref();
        let loading = async |interrupt| load_project(context, url, interrupt).await;
        let (project, signal) = self.run_interruptible(loading).await;
        let project = unless_signalled(project, signal)??;
        self.page.set_project(project);
        let mut waiting = Waiting::new(start, settings.wait);
        let mut last_error = None;
        loop {
            let attempt = async |interrupt: Interrupt| {
                let attempt = Attempt {
                    migrator: Migrator {
                        report_final_state: true,
                        ..migrator(context, url)?
                    },
                    project,
                    state: &state,
                    metrics: &metrics,
                    revision: &settings.revision,
                    time_limit: waiting.remaining().max(MIN_ATTEMPT),
                    owns_terminal,
                };
                Box::pin(attempt.run(interrupt)).await
            };
            let (outcome, signal) = self.run_interruptible(attempt).await;
            let error = match unless_signalled(outcome, signal)?? {
                AttemptOutcome::Done(result) => return Ok(result),
                AttemptOutcome::Unreachable(error) => error,
                // The error of an earlier attempt is more specific.
                AttemptOutcome::NoAnswer => last_error.unwrap_or_else(no_answer),
            };
            last_error = Some(error.clone());
            let Some(pause) = waiting.next_pause(&format!("for the database: {error}")) else {
                return Err(LaunchError::Database {
                    error: error.into(),
                    waited: format_elapsed(start),
                }
                .into());
            };
            let reason = error.kind.to_string();
            self.state
                .update(|state| state.waiting_for = Some(reason.clone()));
            self.state.record_database_failure(reason);
            let pausing = async |mut interrupt: Interrupt| {
                // The caller checks whether the pause ended or a signal came.
                let _ = timeout(pause, interrupt.wait_for(Option::is_some)).await;
            };
            let ((), signal) = self.run_interruptible(pausing).await;
            unless_signalled((), signal)?;
        }
    }
}

/// Loads the project. It stays in memory until the process ends.
pub(super) async fn load_project(
    context: &Context,
    url: Option<&str>,
    interrupt: Interrupt,
) -> Result<&'static Project, CliError> {
    let mut on_event = |event: Event<'_>| print_event(&event);
    let control = RunControl {
        interrupt,
        ..RunControl::without_signals(&mut on_event)
    };
    let project = migrator(context, url)?.project(control).await;
    let project = project.map_err(|error| CliError::from(error).in_launch())?;
    for warning in project.warnings() {
        print_warning(warning);
    }
    Ok(Box::leak(Box::new(project)))
}

/// Returns the result of some work, or an error if a signal came meanwhile, so that nothing more is started.
fn unless_signalled<T>(result: T, signal: Option<ReceivedSignal>) -> Result<T, CliError> {
    match signal {
        Some(signal) => Err(LaunchError::Signalled {
            number: signal.number(),
        }
        .into()),
        None => Ok(result),
    }
}

/// One attempt to upgrade the database to the target revision.
struct Attempt<'a> {
    migrator: Migrator,
    project: &'static Project,
    state: &'a SharedState,
    metrics: &'a Metrics,
    revision: &'a str,
    /// The time that the database has to accept a connection.
    time_limit: Duration,
    /// `true` if no other process writes to the terminal.
    owns_terminal: bool,
}

impl Attempt<'_> {
    async fn run(self, interrupt: Interrupt) -> Result<AttemptOutcome, CliError> {
        let project = self.project;
        let start = Instant::now();
        let checking = self.migrator.check_upgrade(project, self.revision);
        let Ok(check) = timeout(self.time_limit, checking).await else {
            return Ok(AttemptOutcome::NoAnswer);
        };
        let session = match check? {
            UpgradeCheck::UpToDate(found) => {
                let (probe, location) = *found;
                record_database(self.state, &location);
                self.record_answer(start.elapsed());
                self.record_rows(&probe.heads.unwrap_or_default());
                print_log(&probe.log);
                return Ok(AttemptOutcome::Done(MigrationResult {
                    project,
                    locations: vec![location],
                    version_rows: None,
                    applied: Vec::new(),
                }));
            }
            UpgradeCheck::Pending(probe) => {
                self.record_answer(start.elapsed());
                let rows = probe.heads.unwrap_or_default();
                record_status(self.state, &Status::new(project, &rows, self.revision)?);
                probe.session
            }
            UpgradeCheck::Unreadable(DbError::Connect(error)) if error.kind.is_transient() => {
                return Ok(AttemptOutcome::Unreachable(error));
            }
            // The worker will fail in the same way, and its report has the location.
            UpgradeCheck::Unreadable(_) | UpgradeCheck::NotStock => None,
        };
        self.upgrade(session, interrupt).await
    }

    async fn upgrade(
        &self,
        session: Option<OpenSession>,
        interrupt: Interrupt,
    ) -> Result<AttemptOutcome, CliError> {
        let project = self.project;
        let target = self.revision;
        let start = Instant::now();
        let has_connected = AtomicBool::new(false);
        let mut observer = RunObserver::default();
        let mut progress = Progress::new(self.owns_terminal);
        let mut on_event = |event: Event<'_>| {
            progress.event(&event);
            if let Event::Located(_) = &event
                && !has_connected.swap(true, Ordering::Relaxed)
            {
                self.record_answer(start.elapsed());
                self.state.enter_phase(Phase::Migrating);
            }
            if let Event::Planned { heads, .. } = &event {
                self.record_rows(heads);
            }
            observer.observe(&event, self.state, self.metrics);
        };
        let (stop, stopped) = tokio::sync::watch::channel(*interrupt.borrow());
        let control = RunControl {
            interrupt: stopped,
            session,
            ..RunControl::without_signals(&mut on_event)
        };
        let request = Request::Upgrade(MigrationRequest::to(target));
        let has_connected = || has_connected.load(Ordering::Relaxed);
        let ended = {
            let running = self.migrator.run(request, Some(project), control);
            tokio::pin!(running);
            let mut interrupt = interrupt;
            let mut timed_out = false;
            loop {
                tokio::select! {
                    ended = &mut running => break (ended, timed_out),
                    // The time limit applies to the connection only, never to the migration.
                    () = sleep(self.time_limit), if !has_connected() && !timed_out => {
                        if !has_connected() {
                            timed_out = true;
                            stop.send_replace(Some(Signal::Terminate));
                        }
                    }
                    Ok(signal) = interrupt.wait_for(Option::is_some) => {
                        stop.send_replace(*signal);
                        drop(signal);
                        break ((&mut running).await, timed_out);
                    }
                }
            }
        };
        match ended {
            (Ok(completion), _) => {
                completion
                    .require_done()
                    .map_err(|error| CliError::from(error).in_launch())?;
                observer.end_step(self.metrics);
                self.state
                    .update(|state| state.applied.append(&mut observer.upgraded));
                if let ([_], Some(change)) = (&observer.locations[..], &observer.version_rows)
                    && let Some(rows) = &change.after
                {
                    self.record_rows(rows);
                }
                self.state.update(|state| {
                    state.step = None;
                    state.steps_done = 0;
                });
                Ok(AttemptOutcome::Done(MigrationResult {
                    project,
                    locations: observer.locations,
                    version_rows: observer.version_rows,
                    applied: observer.applied,
                }))
            }
            (Err(_), true) => Ok(AttemptOutcome::NoAnswer),
            (Err(error), false) => match retryable_failure(error, has_connected()) {
                Ok(error) => Ok(AttemptOutcome::Unreachable(error)),
                Err(error) => Err(CliError::from(error).in_launch()),
            },
        }
    }

    /// Records the schema for version rows. Ignores rows that the scripts don't have: the run itself reports that error.
    fn record_rows(&self, rows: &[String]) {
        if let Ok(status) = Status::new(self.project, rows, self.revision) {
            record_status(self.state, &status);
        }
    }

    fn record_answer(&self, took: Duration) {
        self.state.update(|state| state.waiting_for = None);
        self.state.record_database_answer(took);
    }
}

/// Records a database and its server in the shared state.
fn record_database(state: &SharedState, location: &VersionTableLocation) {
    let name = location.database();
    state.update(|state| {
        if !state.databases.contains(&name) {
            state.databases.push(name);
        }
    });
}

/// Records the schema in the shared state.
pub(super) fn record_status(state: &SharedState, status: &Status) {
    let pending = status
        .pending
        .iter()
        .map(|pending| PendingRevision {
            id: pending.revision.clone(),
            doc: pending.doc.clone(),
        })
        .collect();
    let schema = SchemaState {
        current: status.current.clone(),
        heads: status.heads.clone(),
        pending,
        is_at_target: status.is_up_to_date(),
    };
    state.update(|state| state.schema = Some(schema));
}

/// The data from a run's events.
#[derive(Default)]
pub(super) struct RunObserver {
    locations: Vec<VersionTableLocation>,
    version_rows: Option<DatabaseState>,
    applied: Vec<String>,
    /// The revisions that upgrades have reached.
    upgraded: Vec<AppliedRevision>,
    /// The running step: its revision, direction and start.
    step: Option<(String, Direction, Instant)>,
}

impl RunObserver {
    /// Collects an event, and updates the shared state and the metrics.
    pub(super) fn observe(&mut self, event: &Event<'_>, state: &SharedState, metrics: &Metrics) {
        match event {
            Event::Located(location) => {
                record_database(state, location);
                let scope = location.scope();
                if self.locations.iter().all(|known| known.scope() != scope) {
                    self.locations.push((*location).clone());
                }
            }
            Event::Step {
                revision,
                direction,
                number,
                of,
                ..
            } => {
                self.end_step(metrics);
                self.applied.push((*revision).to_owned());
                let started_at = Instant::now();
                self.step = Some(((*revision).to_owned(), *direction, started_at));
                state.update(|state| {
                    state.steps_done = number - 1;
                    state.step = Some(StepState {
                        revision: (*revision).to_owned(),
                        kind: direction.to_string(),
                        number: *number,
                        total: *of,
                        statements: 0,
                        running_statement: None,
                        started_at,
                    });
                });
            }
            Event::StatementBegins { sql } => {
                let beginning = truncate_sql(sql);
                state.update(|state| {
                    if let Some(step) = &mut state.step {
                        step.running_statement = Some(beginning);
                    }
                });
            }
            Event::StatementEnds { took, succeeded } => {
                if *succeeded {
                    metrics.observe_statement(*took);
                }
                state.update(|state| {
                    if let Some(step) = &mut state.step {
                        step.running_statement = None;
                        step.statements += usize::from(*succeeded);
                    }
                });
            }
            Event::Finished(rows) => self.version_rows = Some(rows.clone()),
            Event::WaitingForLock { .. } => {
                state.update(|state| state.waiting_for = Some("migration lock".into()));
            }
            Event::LockTaken { .. } => state.update(|state| state.waiting_for = None),
            _ => {}
        }
    }

    /// Records the end of the running step.
    fn end_step(&mut self, metrics: &Metrics) {
        let Some((id, direction, start)) = self.step.take() else {
            return;
        };
        let took = start.elapsed();
        metrics.observe_step(took);
        if direction == Direction::Upgrade {
            let at = SystemTime::now();
            self.upgraded.push(AppliedRevision { id, at, took });
        }
    }
}
