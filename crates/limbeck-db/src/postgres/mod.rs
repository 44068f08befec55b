//! PostgreSQL: the connection.

mod options;
mod session;

pub use options::PostgresOptions;
pub(crate) use session::{PostgresCanceller, PostgresSession};
