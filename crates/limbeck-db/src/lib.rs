//! Opens the one database connection, keeps the version table, and takes the migration lock.

mod connection_details;
mod error;
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

pub use connection_details::{CertificateVerification, ConnectionDetails, TlsSummary};
pub use error::{ConnectError, ConnectErrorKind, DbError, ServerError};
pub use lock::{LockError, LockScope, LockWait, LockWaitProgress, MigrationLock};
pub use mysql::MysqlOptions;
pub use options::{ConnectArg, ConnectArgs, ConnectOptions, ProcessEnvironment, PythonSslContext};
pub use postgres::PostgresOptions;
pub use session::{Canceller, Product, ServerInfo, Session};
pub use sqlite::{FunctionCall, FunctionCallSender, SqliteOptions, sqlite_version};
pub use value::{Column, Notice, Outcome, ResultSet, TransactionStatus, Value};
pub use version_table::{VERSION_TABLE_PRIVILEGES, VersionTable, VersionTableDescription};
