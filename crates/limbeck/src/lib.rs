//! Runs Alembic migrations over a connection that Rust owns.

pub mod config;
pub mod connection_check;
pub mod doctor;
pub mod fix;
pub mod format;
pub mod location;
pub mod migrator;
pub mod native;
pub mod project;
pub mod run;

pub use migrator::Migrator;

pub use limbeck_db as db;
pub use limbeck_revision as revision;
pub use limbeck_script::header::DowngradeStatus;
pub use limbeck_script::interpreter;
pub use limbeck_url as url;
