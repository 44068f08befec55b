//! Database sessions, the version table, and the migration lock.

mod connection_details;
mod copy;
mod effect;
mod error;
mod lock;
mod mysql;
mod options;
mod postgres;
mod seconds;
mod session;
mod sqlite;
mod tls;
#[cfg(test)]
mod url_agreement;
mod value;
mod version_table;

pub use connection_details::{CertificateVerification, ConnectionDetails, TlsSummary};
pub use copy::{CopyChunk, CopyFormat, CopyStart};
pub use effect::Effect;
pub use error::{ConnectError, ConnectErrorKind, DbError, ServerError};
pub use lock::{LockError, LockScope, LockWait, LockWaitProgress, MigrationLock};
pub use mysql::MysqlOptions;
pub use options::{ConnectArg, ConnectArgs, ConnectOptions, ProcessEnvironment, PythonSslContext};
pub use postgres::PostgresOptions;
pub use session::{Canceller, Product, ServerInfo, Session};
pub use sqlite::{FunctionCall, FunctionCallSender, SqliteOptions, sqlite_version};
pub use value::{Column, Notice, Outcome, ResultSet, TransactionStatus, Value};
pub use version_table::{
    Privilege, VERSION_TABLE_PRIVILEGES, VersionTable, VersionTableDescription,
};
