//! The PostgreSQL client: a thin one that leaves the session's settings alone.
//!
//! The modules use each other in one direction: `host`, `error`, `options`, `transport`, `stream`, `auth`, `startup`,
//! `answer`, `session` with `copy` and `extended`, `open` and `commit_guard`.

mod answer;
mod auth;
mod auth_method;
mod commit_guard;
mod copy;
mod error;
mod extended;
mod host;
mod open;
mod options;
mod parameters;
mod passfile;
mod service;
mod session;
mod startup;
mod stream;
mod transport;
#[cfg(test)]
mod url_agreement;

pub(crate) use open::open;
pub use options::PostgresOptions;
pub(crate) use session::{PostgresCanceller, PostgresSession};
