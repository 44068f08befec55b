//! `/metrics`: what Prometheus collects.

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

use crate::board::{Facts, Phase};

/// A label and its value.
type Labels = [(&'static str, &'static str); 1];

/// Counters that grow while a run goes, and the facts as gauges.
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
        // From a tenth of a millisecond to some three minutes.
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
            "Where the run is: 1 for the present phase",
            inner.phase.clone(),
        );
        registry.register(
            "ready",
            "Whether the schema is at head and the application is well",
            inner.ready.clone(),
        );
        registry.register(
            "schema_at_head",
            "Whether the version rows are the heads of the scripts",
            inner.at_head.clone(),
        );
        registry.register(
            "schema_pending_revisions",
            "Revisions that have not been applied",
            inner.pending.clone(),
        );
        registry.register(
            "database_up",
            "Whether the database answered when it was asked last",
            inner.database_up.clone(),
        );
        registry.register_with_unit(
            "database_latency",
            "How long the database took to answer when it was asked last",
            Unit::Seconds,
            inner.database_latency.clone(),
        );
        registry.register_with_unit(
            "statement_duration",
            "Statements of migrations",
            Unit::Seconds,
            inner.statements.clone(),
        );
        registry.register_with_unit(
            "migration_step_duration",
            "Steps of migrations",
            Unit::Seconds,
            inner.steps.clone(),
        );
        registry.register(
            "probes",
            "Probes of the application, by result",
            inner.probes.clone(),
        );
        registry.register_with_unit(
            "probe_duration",
            "Probes of the application",
            Unit::Seconds,
            inner.probe_time.clone(),
        );
        Self(Arc::new(inner))
    }
}

impl Metrics {
    /// A statement of a migration took so long.
    pub fn statement(&self, took: Duration) {
        self.0.statements.observe(took.as_secs_f64());
    }

    /// A step of a migration took so long.
    pub fn step(&self, took: Duration) {
        self.0.steps.observe(took.as_secs_f64());
    }

    /// A probe took so long.
    pub fn probe(&self, well: bool, took: Duration) {
        let result = if well { "success" } else { "failure" };
        self.0.probes.get_or_create(&[("result", result)]).inc();
        self.0.probe_time.observe(took.as_secs_f64());
    }

    pub(super) fn encode(&self, facts: &Facts) -> Result<String, fmt::Error> {
        let inner = &self.0;
        for phase in Phase::ALL {
            let labels = [("phase", phase.name())];
            inner
                .phase
                .get_or_create(&labels)
                .set((facts.phase == phase).into());
        }
        inner.ready.set(facts.obstacles().is_empty().into());
        let schema = facts.schema.as_ref();
        let at_head = schema.is_some_and(|schema| schema.at_head);
        inner.at_head.set(at_head.into());
        let pending = schema.map_or(0, |schema| schema.pending.len());
        inner
            .pending
            .set(i64::try_from(pending).unwrap_or(i64::MAX));
        let latency = facts.database.as_ref().and_then(|found| found.latency);
        inner.database_up.set(latency.is_some().into());
        inner
            .database_latency
            .set(latency.unwrap_or_default().as_secs_f64());
        let mut text = String::new();
        encode(&mut text, &inner.registry)?;
        Ok(text)
    }
}
