//! The SQLite client.

mod busy;
mod deletions;
mod functions;
mod library;
mod math;
mod options;
mod python;
mod session;

pub use functions::{FunctionCall, FunctionCallSender};
pub use options::SqliteOptions;
pub(crate) use session::{SqliteCanceller, SqliteSession};

/// Returns the version of the bundled SQLite library.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
