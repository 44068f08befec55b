//! SQLite: the connection.

mod options;
mod session;

pub use options::SqliteOptions;
pub(crate) use session::{SqliteCanceller, SqliteSession};
