//! Opens the one database connection, keeps the version table, and takes the migration lock.

mod error;
mod link;
mod lock;
mod mysql;
mod options;
mod postgres;
#[cfg(test)]
mod promises;
mod session;
mod sqlite;
mod tls;
mod value;
mod version_table;

pub use error::{ConnectError, ConnectErrorKind, DbError, ServerError};
pub use link::{Link, TlsSummary, Verified};
pub use lock::{LockError, LockScope, LockWait, LockWaiting, MigrationLock};
pub use mysql::MysqlOptions;
pub use options::{ConnectArg, ConnectArgs, ConnectOptions, Surroundings, TlsContext};
pub use postgres::PostgresOptions;
pub use session::{Canceller, Product, ServerInfo, Session};
pub use sqlite::{Calls, FunctionCall, SqliteOptions, sqlite_version};
pub use value::{Column, Notice, Outcome, ResultSet, TransactionStatus, Value};
pub use version_table::{VERSION_TABLE_RIGHTS, VersionTable, VersionTableDescription};
