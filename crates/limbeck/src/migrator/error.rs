//! The error of a migration.

use limbeck_db::ConnectError;

use crate::command_error::CommandError;
use crate::config::ConfigError;
use crate::project::ProjectError;
use crate::run::RunError;

/// The error of a [`Migrator`](super::Migrator)'s call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The command was refused: Alembic's `FAILED: …`.
    #[error(transparent)]
    Refused(#[from] CommandError),
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The script directory can't be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// A run failed.
    #[error(transparent)]
    Run(RunError),
}

impl From<RunError> for MigrateError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Command(refusal) => Self::Refused(refusal),
            error => Self::Run(error),
        }
    }
}

impl MigrateError {
    /// Returns the error that prevented a connection, if another attempt may succeed: the server is not there yet.
    pub fn transient_connect_error(&self) -> Option<&ConnectError> {
        match self {
            Self::Run(RunError::Failed(failure)) => failure
                .connect
                .as_ref()
                .filter(|error| error.kind.is_transient()),
            _ => None,
        }
    }

    /// Returns the text that a service logs. For a failed migration it has lines for the step, the location and the
    /// state of the database; for any other error it is the `Display` text.
    pub fn report(&self) -> String {
        match self {
            Self::Run(RunError::Failed(failure)) => failure.to_string(),
            error => error.to_string(),
        }
    }
}
