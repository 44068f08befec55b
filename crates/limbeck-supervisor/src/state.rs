//! The shared state of a supervised run: application, database and migration. The health endpoints read it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The number of probe results that the state keeps.
const PROBE_HISTORY: usize = 60;

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

/// The result of the last database check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseHealth {
    /// The duration of the check; `None` if it failed.
    pub latency: Option<Duration>,
    /// The number of consecutive failed checks.
    pub failures: u32,
    /// The kind of the failure in one word, as `limbeck url check` names it.
    pub problem: Option<String>,
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
        }
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
    /// The database's health; `None` before the first check.
    pub database: Option<DatabaseHealth>,
    /// The application.
    pub application: ApplicationState,
    /// `true` if the application has been ready at least once.
    pub has_been_ready: bool,
}

/// A reason why the application is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadinessProblem {
    /// The part of the run that is not ready: `migration`, `phase`, `database`, `schema` or `application`.
    pub component: &'static str,
    /// The problem, in a few words.
    pub reason: String,
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
            database: None,
            application: ApplicationState::default(),
            has_been_ready: false,
        }
    }

    /// Returns `true` if schema, database and application are ready.
    pub fn is_ready(&self) -> bool {
        self.readiness_problems().is_empty()
    }

    /// Returns the reasons why the application is not ready, or an empty list if it is.
    pub fn readiness_problems(&self) -> Vec<ReadinessProblem> {
        let mut problems = Vec::new();
        let mut add = |component, reason| problems.push(ReadinessProblem { component, reason });
        if let Some(step) = &self.step {
            add(
                "migration",
                format!(
                    "{} {}, step {} of {}, statement {}",
                    step.kind, step.revision, step.number, step.total, step.statements
                ),
            );
        } else if !matches!(self.phase, Phase::Starting | Phase::Running) {
            add("phase", self.phase.to_string());
        }
        if let Some(database) = &self.database
            && database.failures >= FAILURE_THRESHOLD
        {
            let problem = database.problem.as_deref().unwrap_or("no answer");
            add("database", problem.to_owned());
        }
        match &self.schema {
            Some(schema) if schema.is_at_target => {}
            Some(schema) => add("schema", format!("{} pending", schema.pending.len())),
            None => add("schema", "not read yet".into()),
        }
        let application = &self.application;
        if !application.is_healthy {
            let reason = match (&application.pid, application.probes.back()) {
                (None, _) => "not running".to_owned(),
                (Some(_), Some(record)) => record.failure.clone().unwrap_or_default(),
                (Some(_), None) => "not probed yet".into(),
            };
            add("application", reason);
        }
        problems
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
                checked_at: SystemTime::now(),
            });
        });
    }

    /// Records a failed database check, with its reason in one word.
    pub fn record_database_failure(&self, problem: String) {
        self.update(|state| {
            let before = state.database.as_ref().map_or(0, |found| found.failures);
            state.database = Some(DatabaseHealth {
                latency: None,
                failures: before + 1,
                problem: Some(problem),
                checked_at: SystemTime::now(),
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
