//! The errors of commands.

use std::io;
use std::path::{Path, PathBuf};

use limbeck::config::ConfigError;
use limbeck::db::ConnectError;
use limbeck::migrator::MigrateError;
use limbeck::project::ProjectError;
use limbeck::{CommandError, CommandErrorKind, RunError};

use crate::launch_error::LaunchError;

/// The exit status of a command, or the error that ended it.
pub(crate) type CommandResult = Result<u8, CliError>;

/// The error that ended a command. `exit.rs` maps each error to text and exit status.
#[derive(Debug)]
pub(crate) enum CliError {
    /// A command error in Alembic's sense, printed as `FAILED: …`.
    Refused(CommandError),
    /// The configuration can't be used.
    Config(ConfigError),
    /// The script directory can't be used.
    Project(ProjectError),
    /// A run of `env.py` failed.
    Run(RunError),
    /// The database refuses the connection, and waiting would not help.
    Database(ConnectError),
    /// `run` or `dev` failed outside the migration.
    Launch(Box<LaunchError>),
    /// The migration of `run` or `dev` failed.
    LaunchMigration(Box<CliError>),
    /// The operating system refused a request; the text names the request.
    System(&'static str, io::Error),
}

impl CliError {
    /// Returns the error of a command whose arguments don't fit together.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Refused(CommandError::usage(message))
    }

    /// Turns the error of a migration into the error of the launch that needed the migration.
    pub(crate) fn in_launch(self) -> Self {
        match self {
            // As with `upgrade`: a signal ended the migration, or the project can't be used, so none began.
            error @ (Self::Run(RunError::Interrupted(_)) | Self::Config(_) | Self::Project(_)) => {
                error
            }
            Self::Refused(refusal) if *refusal.kind() == CommandErrorKind::Configuration => {
                Self::Refused(refusal)
            }
            error => Self::LaunchMigration(Box::new(error)),
        }
    }
}

impl From<CommandError> for CliError {
    fn from(refusal: CommandError) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<ProjectError> for CliError {
    fn from(error: ProjectError) -> Self {
        Self::Project(error)
    }
}

impl From<MigrateError> for CliError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Refused(refusal) => refusal.into(),
            MigrateError::Config(error) => Self::Config(error),
            MigrateError::Project(error) => Self::Project(error),
            MigrateError::Run(error) => Self::Run(error),
            other => Self::usage(other.to_string()),
        }
    }
}

impl From<LaunchError> for CliError {
    fn from(error: LaunchError) -> Self {
        Self::Launch(Box::new(error))
    }
}

/// An error on a file that an option names.
#[derive(Debug)]
pub(crate) struct FileError {
    /// The failed action, as a verb phrase that the path completes: `write the report`.
    pub(crate) action: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

impl FileError {
    pub(crate) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
