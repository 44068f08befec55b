//! PostgreSQL: a thin client that leaves the session's settings alone.

mod auth;
mod connect;
mod error;
mod methods;
mod options;
mod parameters;
mod passfile;
#[cfg(test)]
mod promises;
mod service;
mod session;
mod stream;

pub use options::PostgresOptions;
pub(crate) use session::{PostgresCanceller, PostgresSession};
