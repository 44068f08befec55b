//! PostgreSQL: a thin client that leaves the session's settings alone.

mod auth;
mod connect;
mod error;
mod options;
mod parameters;
mod passfile;
mod session;
mod stream;

pub use options::PostgresOptions;
pub(crate) use session::{PostgresCanceller, PostgresSession};
