//! The readiness of a supervised run: what is not ready, in which state it is, and what only causes a warning.

use std::fmt;

use time::OffsetDateTime;

use crate::state::{DatabaseHealth, FAILURE_THRESHOLD, Phase, ProbeRecord, StateSnapshot};

/// A reason why the application is not ready, or a warning while it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadinessProblem {
    /// The part of the run that is not ready: `migration`, `phase`, `database`, `schema` or `application`.
    pub component: &'static str,
    /// The state of the part.
    pub state: ComponentState,
    /// The problem, in a few words.
    pub reason: String,
}

/// The state of a part of the run that is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentState {
    /// The part waits for another one, or for the database.
    Waiting,
    /// The part works towards being ready.
    Running,
    /// The process has been started and has not been ready yet.
    Starting,
    /// The part is being stopped.
    Stopping,
    /// The last checks failed, but too few of them to count.
    Warning,
    /// The part was ready before, or its checks failed too often.
    Failed,
}

impl fmt::Display for ComponentState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Warning => "warning",
            Self::Failed => "failed",
        })
    }
}

impl StateSnapshot {
    /// Returns `true` if schema, database and application are ready.
    pub fn is_ready(&self) -> bool {
        self.readiness_problems().is_empty()
    }

    /// Returns the reasons why the application is not ready, or an empty list if it is.
    pub fn readiness_problems(&self) -> Vec<ReadinessProblem> {
        use ComponentState::{Failed, Running, Starting, Stopping, Waiting};
        let mut problems = Vec::new();
        let mut add = |component, state, reason| {
            problems.push(ReadinessProblem {
                component,
                state,
                reason,
            });
        };
        if let Some(step) = &self.step {
            let text = format!(
                "{} {}, step {} of {}, statement {}",
                step.kind, step.revision, step.number, step.total, step.statements
            );
            add("migration", Running, text);
        } else {
            match self.phase {
                Phase::Waiting => {
                    let reason = self.waiting_for.as_deref().unwrap_or("not connected yet");
                    add("phase", Waiting, format!("for the database: {reason}"));
                }
                Phase::Migrating => {
                    let reason = self.waiting_for.as_ref();
                    let reason = reason.map(|reason| format!("waits for the {reason}"));
                    let reason = reason.unwrap_or_else(|| "the migration".into());
                    add("phase", Running, reason);
                }
                Phase::RollingBack => add("phase", Failed, "the migration is rolled back".into()),
                Phase::Stopping => add("phase", Stopping, "the application is stopped".into()),
                Phase::Starting | Phase::Running => {}
            }
        }
        let is_launched = !matches!(self.phase, Phase::Waiting | Phase::Migrating);
        if is_launched
            && let Some(database) = &self.database
            && database.failures >= FAILURE_THRESHOLD
        {
            add("database", Failed, database.describe_failure());
        }
        match &self.schema {
            Some(schema) if schema.is_at_target => {}
            Some(schema) => {
                add(
                    "schema",
                    Waiting,
                    format!("{} pending", schema.pending.len()),
                );
            }
            None => add("schema", Waiting, "not read yet".into()),
        }
        let application = &self.application;
        if !application.is_healthy {
            let last = application.probes.back();
            let (state, reason) = match application.pid {
                None if !is_launched => (Waiting, "not started yet".to_owned()),
                None => (Failed, "not running".into()),
                Some(_) => match last.and_then(|record| record.failure.clone()) {
                    Some(reason) if self.has_been_ready => (Failed, reason),
                    Some(reason) => (Starting, reason),
                    None => (Starting, "not probed yet".into()),
                },
            };
            add("application", state, reason);
        }
        problems
    }

    /// Returns the failures that don't make the application unready yet.
    pub fn warnings(&self) -> Vec<ReadinessProblem> {
        let mut warnings = Vec::new();
        let mut add = |component, reason| {
            warnings.push(ReadinessProblem {
                component,
                state: ComponentState::Warning,
                reason,
            });
        };
        if let Some(database) = &self.database
            && (1..FAILURE_THRESHOLD).contains(&database.failures)
            && self.phase == Phase::Running
        {
            add("database", database.describe_failure());
        }
        let application = &self.application;
        let failures = application.probes.iter().rev();
        let failures = failures.map_while(ProbeRecord::problem);
        let (number, last) = failures.fold((0, None), |(number, last), reason| {
            (number + 1, last.or(Some(reason)))
        });
        if application.is_healthy
            && let Some(reason) = last
        {
            let text = format!("{reason}, failed probe {number} of {FAILURE_THRESHOLD}");
            add("application", text);
        }
        warnings
    }
}

impl DatabaseHealth {
    /// Describes the failed checks in a few words.
    fn describe_failure(&self) -> String {
        let problem = self.problem.as_deref().unwrap_or("no answer");
        let since = OffsetDateTime::from(self.failing_since.unwrap_or(self.checked_at));
        let (hour, minute, second) = since.to_hms();
        let text = format!("{problem} since {hour:02}:{minute:02}:{second:02} UTC");
        match self.failures {
            number if number < FAILURE_THRESHOLD => {
                format!("{text}, failed check {number} of {FAILURE_THRESHOLD}")
            }
            _ => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::ComponentState;
    use crate::state::{Phase, ProbeRecord, SchemaState, SharedState, StepState};

    /// Returns each problem, or else each warning, as `component state`.
    fn found(state: &SharedState) -> Vec<String> {
        let state = state.snapshot();
        let mut all = state.readiness_problems();
        if all.is_empty() {
            all = state.warnings();
        }
        all.iter()
            .map(|problem| format!("{} {}", problem.component, problem.state))
            .collect()
    }

    fn probe(state: &SharedState, failure: Option<&str>, is_startup: bool) {
        state.record_probe(ProbeRecord {
            at: SystemTime::now(),
            took: Duration::from_millis(1),
            failure: failure.map(str::to_owned),
            is_startup,
        });
    }

    fn running() -> SharedState {
        let state = SharedState::default();
        state.enter_phase(Phase::Running);
        state.update(|state| {
            state.schema = Some(SchemaState {
                is_at_target: true,
                ..SchemaState::default()
            });
            state.application.pid = Some(1);
            state.application.is_healthy = true;
            state.has_been_ready = true;
        });
        state
    }

    #[test]
    fn reports_no_failure_before_the_application_was_ready() {
        let state = SharedState::default();
        for _ in 0..5 {
            state.record_database_failure("refused".into());
        }
        assert_eq!(
            found(&state),
            ["phase waiting", "schema waiting", "application waiting"]
        );
        state.enter_phase(Phase::Migrating);
        state.record_database_answer(Duration::from_millis(1));
        state.update(|state| {
            state.step = Some(StepState {
                revision: "b2".into(),
                kind: "upgrade".into(),
                number: 2,
                total: 3,
                statements: 0,
                running_statement: None,
                started_at: std::time::Instant::now(),
            });
        });
        assert_eq!(
            found(&state),
            ["migration running", "schema waiting", "application waiting"]
        );
        let state = running();
        state.enter_phase(Phase::Starting);
        state.update(|state| {
            state.application.is_healthy = false;
            state.has_been_ready = false;
        });
        probe(&state, Some("nothing listens there"), true);
        assert_eq!(found(&state), ["application starting"]);
    }

    #[test]
    fn warns_of_the_first_failures() {
        let state = running();
        assert!(found(&state).is_empty());
        state.record_database_failure("refused".into());
        assert_eq!(found(&state), ["database warning"]);
        let reason = &state.snapshot().warnings()[0].reason;
        assert!(reason.starts_with("refused since "), "{reason}");
        assert!(reason.ends_with(" UTC, failed check 1 of 3"), "{reason}");
        assert!(state.snapshot().is_ready());
        state.record_database_failure("refused".into());
        state.record_database_failure("refused".into());
        assert_eq!(found(&state), ["database failed"]);
        state.record_database_answer(Duration::from_millis(1));

        probe(&state, Some("nothing listens there"), true);
        probe(&state, None, false);
        assert!(found(&state).is_empty());
        probe(&state, Some("it answers status 503"), false);
        probe(&state, Some("no answer in time"), false);
        let warning = &state.snapshot().warnings()[0];
        assert_eq!(warning.state, ComponentState::Warning);
        assert_eq!(warning.reason, "no answer in time, failed probe 2 of 3");
        state.update(|state| state.application.is_healthy = false);
        assert_eq!(found(&state), ["application failed"]);
    }
}
