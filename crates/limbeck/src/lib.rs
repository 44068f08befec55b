//! Runs Alembic migrations over a connection that Rust owns.
//!
//! [`Migrator`] is the entry point: it reads a project, runs its commands and reports [`Event`]s. A service that migrates
//! its database at startup needs only [`Migrator::for_project`] and [`Migrator::upgrade`].

mod command_error;
pub mod config;
pub mod connection_check;
pub mod doctor;
pub mod fix;
pub mod format;
mod migration_url;
pub mod migrator;
pub mod project;
mod run;
mod version_probe;
mod version_table_location;

pub use command_error::{CommandError, CommandErrorKind};
pub use migration_url::{MigrationUrl, ProjectEnvironment, env_file_paths};
pub use migrator::{MigrateError, MigrationReport, Migrator, Request, RunControl};
pub use run::{
    Activity, DatabaseState, DryRunReport, DryRunStatement, Event, FailedStatement, FailedStep,
    Failure, Interrupt, Interruption, Loss, NotCommitted, RunError, Signal, SourceLocation,
};
pub use version_probe::{OpenSession, ProbeTarget, VersionProbe};
pub use version_table_location::VersionTableLocation;

pub use limbeck_db as db;
pub use limbeck_revision as revision;
pub use limbeck_revision::Direction;
pub use limbeck_script::header::DowngradeStatus;
pub use limbeck_script::interpreter;
pub use limbeck_script::worker::WorkerError;
pub use limbeck_url as url;
