//! The report of a migration that a service has run.

/// The result of [`Migrator::upgrade`](super::Migrator::upgrade) and [`Migrator::downgrade`](super::Migrator::downgrade).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationReport {
    /// The revisions whose steps ran, in order.
    pub revisions: Vec<String>,
    /// The version rows before; `None` if there was nothing to do.
    pub before: Option<Vec<String>>,
    /// The version rows after; `None` if there was nothing to do.
    pub after: Option<Vec<String>>,
}
