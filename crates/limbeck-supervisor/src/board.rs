//! What is known of the application, its database and the migration, for whoever asks.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How many results of a probe are kept.
const HISTORY: usize = 60;

/// Where a supervised run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It waits for the database.
    Waiting,
    /// It migrates.
    Migrating,
    /// The application was started and is not ready for the first time.
    Starting,
    /// The application has been ready.
    Running,
    /// The migration is being undone.
    RollingBack,
    /// The application is being ended.
    Stopping,
}

impl Phase {
    /// Each of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Migrating,
        Self::Starting,
        Self::Running,
        Self::RollingBack,
        Self::Stopping,
    ];

    /// One word for programs.
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

/// A step of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFacts {
    /// The revision.
    pub revision: String,
    /// `upgrade` or `downgrade`.
    pub kind: String,
    /// Its place in the plan, from 1.
    pub number: usize,
    /// How many steps the plan has.
    pub of: usize,
    /// Statements that it has sent.
    pub statements: usize,
    /// The beginning of the statement that runs; no endpoint of the health server's own tells it.
    pub statement: Option<String>,
    /// When it began.
    pub since: Instant,
}

/// Where the schema stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaFacts {
    /// The version rows.
    pub current: Vec<String>,
    /// The heads of the scripts.
    pub heads: Vec<String>,
    /// Revisions that have not been applied, the next one first: identifier and documentation line.
    pub pending: Vec<(String, String)>,
    /// Whether the rows are the heads.
    pub at_head: bool,
}

/// How the database answered when it was asked last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFacts {
    /// How long the question took; none when there was no answer.
    pub latency: Option<Duration>,
    /// How often in a row there was no answer.
    pub failures: u32,
    /// The kind of the failure, as `limbeck url check` names it: one word.
    pub problem: Option<String>,
    /// When it was asked.
    pub at: SystemTime,
}

/// A probe's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeRecord {
    /// When.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Why it failed; none when all was well.
    pub failure: Option<String>,
}

/// One of the processes that are stayed in front of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessFacts {
    /// What people call it.
    pub name: String,
    /// Its number, while it runs.
    pub pid: Option<i32>,
    /// Since when it is as it is.
    pub since: SystemTime,
    /// How often it was started.
    pub starts: u32,
    /// How its last run ended, as a shell counts it; none while nothing has ended by itself.
    pub status: Option<u8>,
}

impl ProcessFacts {
    /// One that has not been started.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            pid: None,
            since: SystemTime::now(),
            starts: 0,
            status: None,
        }
    }

    /// It was started.
    pub fn runs(&mut self, pid: i32) {
        self.pid = Some(pid);
        self.starts += 1;
        self.since = SystemTime::now();
    }

    /// It has ended.
    pub fn ended(&mut self, status: Option<u8>) {
        self.pid = None;
        self.since = SystemTime::now();
        self.status = status;
    }
}

/// What is known of the application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationFacts {
    /// Its process, while it runs.
    pub pid: Option<i32>,
    /// All processes, one by one.
    pub processes: Vec<ProcessFacts>,
    /// Whether it counts as well: by its probe, or by running where it has none.
    pub well: bool,
    /// Whether it is probed.
    pub probed: bool,
    /// The last results of its probe, newest last.
    pub probes: VecDeque<ProbeRecord>,
}

/// All that is known.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Where the run is.
    pub phase: Phase,
    /// Since when.
    pub since: SystemTime,
    /// The same, for durations.
    pub since_instant: Instant,
    /// What it waits for: one line.
    pub waiting_for: Option<String>,
    /// The step that runs.
    pub step: Option<StepFacts>,
    /// Steps that have been done.
    pub steps_done: usize,
    /// The schema; none until it was looked at.
    pub schema: Option<SchemaFacts>,
    /// The database; none until it was asked.
    pub database: Option<DatabaseFacts>,
    /// The application.
    pub application: ApplicationFacts,
    /// Whether the application has been ready once.
    pub started: bool,
}

impl Facts {
    fn new() -> Self {
        Self {
            phase: Phase::Waiting,
            since: SystemTime::now(),
            since_instant: Instant::now(),
            waiting_for: None,
            step: None,
            steps_done: 0,
            schema: None,
            database: None,
            application: ApplicationFacts::default(),
            started: false,
        }
    }

    /// Why the application is not ready; empty when it is.
    pub fn obstacles(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if let Some(step) = &self.step {
            found.push((
                "migration",
                format!(
                    "{} {}, step {} of {}, statement {}",
                    step.kind, step.revision, step.number, step.of, step.statements
                ),
            ));
        } else if !matches!(self.phase, Phase::Starting | Phase::Running) {
            found.push(("phase", self.phase.to_string()));
        }
        match &self.database {
            Some(database) if database.failures >= FAILURES => {
                let problem = database.problem.as_deref().unwrap_or("no answer");
                found.push(("database", problem.to_owned()));
            }
            _ => {}
        }
        match &self.schema {
            Some(schema) if schema.at_head => {}
            Some(schema) => found.push(("schema", format!("{} pending", schema.pending.len()))),
            None => found.push(("schema", "not looked at".into())),
        }
        if !self.application.well {
            let why = match (&self.application.pid, self.application.probes.back()) {
                (None, _) => "not running".to_owned(),
                (Some(_), Some(record)) => record.failure.clone().unwrap_or_default(),
                (Some(_), None) => "not probed yet".into(),
            };
            found.push(("application", why));
        }
        found
    }
}

/// How often in a row a question must fail before its answer is no.
pub const FAILURES: u32 = 3;

/// The facts, shared between who learns them and who tells them.
#[derive(Debug, Clone)]
pub struct Board(Arc<Mutex<Facts>>);

impl Default for Board {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Facts::new())))
    }
}

impl Board {
    /// A copy of what is known.
    pub fn facts(&self) -> Facts {
        self.lock().clone()
    }

    /// Notes something.
    pub fn note(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.lock());
    }

    /// A phase begins.
    pub fn enter(&self, phase: Phase) {
        self.note(|facts| {
            if facts.phase != phase {
                facts.phase = phase;
                facts.since = SystemTime::now();
                facts.since_instant = Instant::now();
                facts.steps_done = 0;
            }
            facts.step = None;
            facts.waiting_for = None;
        });
    }

    /// The database has answered.
    pub fn database_answered(&self, latency: Duration) {
        self.note(|facts| {
            facts.database = Some(DatabaseFacts {
                latency: Some(latency),
                failures: 0,
                problem: None,
                at: SystemTime::now(),
            });
        });
    }

    /// The database has not answered, for a reason of one word.
    pub fn database_failed(&self, problem: String) {
        self.note(|facts| {
            let before = facts.database.as_ref().map_or(0, |found| found.failures);
            facts.database = Some(DatabaseFacts {
                latency: None,
                failures: before + 1,
                problem: Some(problem),
                at: SystemTime::now(),
            });
        });
    }

    /// Notes a probe's result.
    pub fn probed(&self, record: ProbeRecord) {
        self.note(|facts| {
            let probes = &mut facts.application.probes;
            if probes.len() == HISTORY {
                probes.pop_front();
            }
            probes.push_back(record);
        });
    }

    fn lock(&self) -> MutexGuard<'_, Facts> {
        // No change to the facts can be half made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
