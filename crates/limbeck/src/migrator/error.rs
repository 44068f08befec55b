//! Why migrations could not be run.

use crate::config::ConfigError;
use crate::project::ProjectError;
use crate::run::{Refusal, RunError};

/// Why a project's migrations could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// Alembic's `FAILED: …`.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The script directory can't be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A run of the environment failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl MigrateError {
    /// What a service logs of it: of a failing migration the step, the place and where it leaves the database, on lines
    /// of their own; of anything else what `Display` shows.
    pub fn report(&self) -> String {
        match self {
            Self::Run(RunError::Failed(failure)) => failure.to_string(),
            error => error.to_string(),
        }
    }
}
