//! `/metrics`: the state and the durations of a run as metrics text.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::probe::ProbeFailure;
use crate::state::{Phase, StateSnapshot};

/// A label name and its value.
type Labels = [(&'static str, &'static str); 1];

/// The counters and histograms of a run, and gauges that each request sets from the state.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    phase: Family<Labels, Gauge>,
    ready: Gauge,
    at_head: Gauge,
    pending: Gauge,
    database_up: Gauge,
    database_latency: Gauge<f64, AtomicU64>,
    statements: Histogram,
    steps: Histogram,
    probes: Family<Labels, Counter>,
    probe_time: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // Buckets from 0.1 ms to about 105 s.
        let durations = || Histogram::new(exponential_buckets(0.0001, 4.0, 11));
        let mut inner = Inner {
            registry: Registry::with_prefix("limbeck"),
            phase: Family::default(),
            ready: Gauge::default(),
            at_head: Gauge::default(),
            pending: Gauge::default(),
            database_up: Gauge::default(),
            database_latency: Gauge::default(),
            statements: durations(),
            steps: durations(),
            probes: Family::default(),
            probe_time: durations(),
        };
        let registry = &mut inner.registry;
        registry.register(
            "phase",
            "The phase of the run: 1 for the current phase, else 0",
            inner.phase.clone(),
        );
        registry.register(
            "ready",
            "Whether the schema is at the target revision and the application is healthy",
            inner.ready.clone(),
        );
        registry.register(
            "schema_at_head",
            "Whether the database is at the target revision",
            inner.at_head.clone(),
        );
        registry.register(
            "schema_pending_revisions",
            "Revisions that have not been applied",
            inner.pending.clone(),
        );
        registry.register(
            "database_up",
            "Whether the last database check succeeded",
            inner.database_up.clone(),
        );
        registry.register_with_unit(
            "database_latency",
            "The duration of the last database check",
            Unit::Seconds,
            inner.database_latency.clone(),
        );
        registry.register_with_unit(
            "statement_duration",
            "Durations of migration statements",
            Unit::Seconds,
            inner.statements.clone(),
        );
        registry.register_with_unit(
            "migration_step_duration",
            "Durations of migration steps",
            Unit::Seconds,
            inner.steps.clone(),
        );
        registry.register(
            "probes",
            "Probes of the application by result",
            inner.probes.clone(),
        );
        registry.register_with_unit(
            "probe_duration",
            "Durations of probes of the application",
            Unit::Seconds,
            inner.probe_time.clone(),
        );
        Self(Arc::new(inner))
    }
}

impl Metrics {
    /// Records the duration of a migration statement.
    pub fn observe_statement(&self, took: Duration) {
        self.0.statements.observe(took.as_secs_f64());
    }

    /// Records the duration of a migration step.
    pub fn observe_step(&self, took: Duration) {
        self.0.steps.observe(took.as_secs_f64());
    }

    /// Records the result and the duration of a probe.
    pub fn observe_probe(&self, result: &Result<(), ProbeFailure>, took: Duration) {
        let result = match result {
            Ok(()) => "success",
            Err(_) => "failure",
        };
        self.0.probes.get_or_create(&[("result", result)]).inc();
        self.0.probe_time.observe(took.as_secs_f64());
    }

    /// Returns the metrics as text, with the gauges set from the state.
    pub(super) fn encode(&self, state: &StateSnapshot) -> Result<String, fmt::Error> {
        let inner = &self.0;
        for phase in Phase::ALL {
            let labels = [("phase", phase.name())];
            inner
                .phase
                .get_or_create(&labels)
                .set((state.phase == phase).into());
        }
        inner.ready.set(state.is_ready().into());
        let schema = state.schema.as_ref();
        let at_head = schema.is_some_and(|schema| schema.is_at_target);
        inner.at_head.set(at_head.into());
        let pending = schema.map_or(0, |schema| schema.pending.len());
        inner
            .pending
            .set(i64::try_from(pending).unwrap_or(i64::MAX));
        let latency = state.database.as_ref().and_then(|found| found.latency);
        inner.database_up.set(latency.is_some().into());
        inner
            .database_latency
            .set(latency.unwrap_or_default().as_secs_f64());
        let mut text = String::new();
        encode(&mut text, &inner.registry)?;
        Ok(text)
    }
}
