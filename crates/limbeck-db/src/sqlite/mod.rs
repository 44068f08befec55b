//! SQLite: the connection.

mod busy;
mod functions;
mod library;
mod math;
mod options;
mod python;
mod session;

pub use functions::{FunctionCall, FunctionCallSender};
pub use options::SqliteOptions;
pub(crate) use session::{SqliteCanceller, SqliteSession};

/// The version of the SQLite library that is compiled in.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
