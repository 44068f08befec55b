//! The shared state of a supervised run: application, database and migration. The health endpoints read it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The number of probe results that the state keeps.
const PROBE_HISTORY: usize = 60;

/// The number of lines of output that the state keeps for each process.
const OUTPUT_LINES: usize = 20;

/// The number of consecutive failures after which the database or the application counts as unready.
pub const FAILURE_THRESHOLD: u32 = 3;

/// The phase of a supervised run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The run waits for the database.
    Waiting,
    /// The migration runs.
    Migrating,
    /// The application was started and has not been ready yet.
    Starting,
    /// The application has been ready.
    Running,
    /// The migration is being rolled back.
    RollingBack,
    /// The application is being stopped.
    Stopping,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Migrating,
        Self::Starting,
        Self::Running,
        Self::RollingBack,
        Self::Stopping,
    ];

    /// Returns the phase's name in JSON and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Migrating => "migrating",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::RollingBack => "rolling_back",
            Self::Stopping => "stopping",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// The running step of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepState {
    /// The step's revision.
    pub revision: String,
    /// `upgrade` or `downgrade`.
    pub kind: String,
    /// The step's position in the plan, from 1.
    pub number: usize,
    /// The number of steps in the plan.
    pub total: usize,
    /// The number of statements that the step has completed.
    pub statements: usize,
    /// The beginning of the running statement. Only the page shows it, never a health endpoint.
    pub running_statement: Option<String>,
    /// The start of the step.
    pub started_at: Instant,
}

/// A revision that has not been applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingRevision {
    /// The revision identifier.
    pub id: String,
    /// The first line of the script's documentation.
    pub doc: String,
}

/// The applied and pending revisions of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaState {
    /// The version rows.
    pub current: Vec<String>,
    /// The heads of the scripts.
    pub heads: Vec<String>,
    /// The revisions that have not been applied, the next one first.
    pub pending: Vec<PendingRevision>,
    /// `true` if the database is at the target revision.
    pub is_at_target: bool,
}

/// A revision that this run has applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRevision {
    /// The revision identifier.
    pub id: String,
    /// The end of the step.
    pub at: SystemTime,
    /// The duration of the step.
    pub took: Duration,
}

/// The result of the last database check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseHealth {
    /// The duration of the check; `None` if it failed.
    pub latency: Option<Duration>,
    /// The number of consecutive failed checks.
    pub failures: u32,
    /// The kind of the failure in one word, as `limbeck url check` names it.
    pub problem: Option<String>,
    /// The end of the first of these failed checks.
    pub failing_since: Option<SystemTime>,
    /// The end of the check.
    pub checked_at: SystemTime,
}

/// The result of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRecord {
    /// The end of the probe.
    pub at: SystemTime,
    /// The duration of the probe.
    pub took: Duration,
    /// The reason of a failure; `None` if the probe succeeded.
    pub failure: Option<String>,
    /// `true` if no probe had succeeded before: the application was starting, and had not failed.
    pub is_startup: bool,
}

impl ProbeRecord {
    /// Returns the reason if the application did not pass, and had passed before.
    pub fn problem(&self) -> Option<&str> {
        self.failure.as_deref().filter(|_| !self.is_startup)
    }
}

/// A supervised process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessState {
    /// The process's name.
    pub name: String,
    /// The process ID, while the process runs.
    pub pid: Option<i32>,
    /// The last start or exit.
    pub since: SystemTime,
    /// The number of starts.
    pub starts: u32,
    /// The shell status of the last run; `None` if no run has ended by itself.
    pub exit_status: Option<u8>,
    /// The last lines of its output; `None` if the process writes to limbeck's own output.
    pub output: Option<VecDeque<String>>,
}

impl ProcessState {
    /// Creates the state of a process that has not been started.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            pid: None,
            since: SystemTime::now(),
            starts: 0,
            exit_status: None,
            output: None,
        }
    }

    /// Records a line of output and drops the oldest one when the list is full.
    pub fn record_line(&mut self, line: String) {
        let lines = self.output.get_or_insert_default();
        if lines.len() == OUTPUT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Records a start.
    pub fn record_start(&mut self, pid: i32) {
        self.pid = Some(pid);
        self.starts += 1;
        self.since = SystemTime::now();
    }

    /// Records an exit, with the shell status if the process ended by itself.
    pub fn record_exit(&mut self, exit_status: Option<u8>) {
        self.pid = None;
        self.since = SystemTime::now();
        self.exit_status = exit_status;
    }
}

/// The processes of the application and their health.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationState {
    /// The process ID, while the application runs.
    pub pid: Option<i32>,
    /// All processes of the application.
    pub processes: Vec<ProcessState>,
    /// `true` if the application's probe succeeds or, without a probe, if the application runs.
    pub is_healthy: bool,
    /// `true` if the application has a probe.
    pub has_probe: bool,
    /// The last probe results, newest last.
    pub probes: VecDeque<ProbeRecord>,
}

/// A copy of the state at one moment.
#[derive(Debug, Clone)]
pub struct StateSnapshot {
    /// The phase of the run.
    pub phase: Phase,
    /// The start of the phase.
    pub phase_since: SystemTime,
    /// The reason why the run waits, in one line.
    pub waiting_for: Option<String>,
    /// The running step.
    pub step: Option<StepState>,
    /// The number of completed steps.
    pub steps_done: usize,
    /// The schema; `None` before the first read of the version table.
    pub schema: Option<SchemaState>,
    /// The databases with their servers, without secrets. Only the page shows them, never a health endpoint.
    pub databases: Vec<String>,
    /// The revisions that this run has applied and committed.
    pub applied: Vec<AppliedRevision>,
    /// The database's health; `None` before the first check.
    pub database: Option<DatabaseHealth>,
    /// The application.
    pub application: ApplicationState,
    /// `true` if the application has been ready at least once.
    pub has_been_ready: bool,
}

impl StateSnapshot {
    fn new() -> Self {
        Self {
            phase: Phase::Waiting,
            phase_since: SystemTime::now(),
            waiting_for: None,
            step: None,
            steps_done: 0,
            schema: None,
            databases: Vec::new(),
            applied: Vec::new(),
            database: None,
            application: ApplicationState::default(),
            has_been_ready: false,
        }
    }
}

/// The state, shared between the launcher, which updates it, and the health endpoints, which read it.
#[derive(Debug, Clone)]
pub struct SharedState(Arc<Mutex<StateSnapshot>>);

impl Default for SharedState {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(StateSnapshot::new())))
    }
}

impl SharedState {
    /// Returns a copy of the current state.
    pub fn snapshot(&self) -> StateSnapshot {
        self.lock().clone()
    }

    /// Changes the state under its lock.
    pub fn update(&self, change: impl FnOnce(&mut StateSnapshot)) {
        change(&mut self.lock());
    }

    /// Starts a phase, and clears the running step and the reason to wait.
    pub fn enter_phase(&self, phase: Phase) {
        self.update(|state| {
            if state.phase != phase {
                state.phase = phase;
                state.phase_since = SystemTime::now();
                state.steps_done = 0;
            }
            state.step = None;
            state.waiting_for = None;
        });
    }

    /// Records a successful database check.
    pub fn record_database_answer(&self, latency: Duration) {
        self.update(|state| {
            state.database = Some(DatabaseHealth {
                latency: Some(latency),
                failures: 0,
                problem: None,
                failing_since: None,
                checked_at: SystemTime::now(),
            });
        });
    }

    /// Records a failed database check, with its reason in one word.
    pub fn record_database_failure(&self, problem: String) {
        self.update(|state| {
            let now = SystemTime::now();
            let before = state.database.as_ref();
            state.database = Some(DatabaseHealth {
                latency: None,
                failures: before.map_or(0, |found| found.failures) + 1,
                problem: Some(problem),
                failing_since: before.and_then(|found| found.failing_since).or(Some(now)),
                checked_at: now,
            });
        });
    }

    /// Records the result of a probe and drops the oldest one when the history is full.
    pub fn record_probe(&self, record: ProbeRecord) {
        self.update(|state| {
            let probes = &mut state.application.probes;
            if probes.len() == PROBE_HISTORY {
                probes.pop_front();
            }
            probes.push_back(record);
        });
    }

    fn lock(&self) -> MutexGuard<'_, StateSnapshot> {
        // Updates only assign values, so the state behind a poisoned lock is still consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
