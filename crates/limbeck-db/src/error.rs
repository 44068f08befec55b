//! Errors of connections and statements.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// An error of a database operation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The connection could not be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server reported an error for a statement.
    #[error(transparent)]
    Server(#[from] Box<ServerError>),
    /// The connection broke.
    #[error("the connection to the database was lost")]
    ConnectionLost(#[source] io::Error),
    /// The server sent a message that the protocol does not allow here.
    #[error("the database server broke the protocol: {0}")]
    Protocol(String),
    /// limbeck does not support the operation, with the reason.
    #[error("{0}")]
    Unsupported(String),
    /// Another run held the migration lock for too long.
    #[error("{}", lock_timeout_text(*.waited, .holder.as_deref()))]
    LockTimeout {
        /// The time that this run waited.
        waited: Duration,
        /// The lock's holder, if the server reports one.
        holder: Option<String>,
    },
    /// The SQLite file could not be locked for a migration.
    #[error("could not lock `{}`", path.display())]
    LockFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The version table contains a row without a revision.
    #[error("the version table `{table}` contains {value} instead of a revision")]
    VersionRow {
        /// The table's name.
        table: String,
        /// The row's value.
        value: String,
    },
    /// The server refused to commit, because the transaction began with
    /// [`crate::Session::begin_without_commit`].
    #[error("the transaction must not be committed")]
    CommitForbidden,
    /// The SQLite session's thread could not be started.
    #[error("could not start a thread")]
    Thread(#[source] io::Error),
    /// The SQLite session's thread has ended, so the session can't be used any more.
    #[error("the SQLite session's thread has ended")]
    ThreadEnded,
}

pub(crate) fn lock_timeout_text(waited: Duration, holder: Option<&str>) -> String {
    let holder = holder
        .map(|holder| format!(", held by {holder}"))
        .unwrap_or_default();
    format!(
        "the migration lock was not free within {} s{holder}",
        waited.as_secs()
    )
}

/// An error that the server reported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerError {
    /// `ERROR`, `FATAL`, …; empty if the server reports no severity.
    pub severity: String,
    /// The SQLSTATE (`PostgreSQL`, `MySQL`), or the symbolic name (`SQLite`), such as `SQLITE_CONSTRAINT_UNIQUE`.
    pub code: String,
    /// The server's own number (`MySQL`: errno, `SQLite`: extended result code), or 0.
    pub number: u32,
    /// The message.
    pub message: String,
    /// Details of the message.
    pub detail: Option<String>,
    /// The server's suggestion.
    pub hint: Option<String>,
    /// The position in the statement, in characters, counted from 1.
    pub position: Option<u32>,
    /// The function or query in which the error occurred.
    pub context: Option<String>,
    /// The schema that the error is about.
    pub schema: Option<String>,
    /// The table that the error is about.
    pub table: Option<String>,
    /// The column that the error is about.
    pub column: Option<String>,
    /// The constraint that the error is about.
    pub constraint: Option<String>,
}

impl DbError {
    /// Returns the server's reason for a connection that broke, if the server gave one.
    pub fn loss_reason(&self) -> Option<&ServerError> {
        match self {
            Self::ConnectionLost(error) => error.get_ref()?.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for ServerError {}

/// A failure to open a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    /// The kind, which decides exit code and advice.
    pub kind: ConnectErrorKind,
    /// The message, with host and port and without a password.
    pub message: String,
    /// The next step.
    pub hint: Option<String>,
}

impl fmt::Display for ConnectErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::HostNotFound => "host_not_found",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::StartingUp => "starting_up",
            Self::Authentication => "authentication",
            Self::NoSuchDatabase => "no_such_database",
            Self::TooManyConnections => "too_many_connections",
            Self::TlsRefused => "tls_refused",
            Self::TlsUnverified => "tls_unverified",
            Self::Tls => "tls",
            Self::SessionAttributes => "session_attributes",
            Self::Parameter => "parameter",
            Self::File => "file",
            Self::Other => "other",
        })
    }
}

/// The kind of a failure to connect. `Display` writes one word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The host's name has no address.
    HostNotFound,
    /// No server listens at the address.
    Refused,
    /// No answer came within the connect timeout.
    Timeout,
    /// The server is starting up, shutting down or recovering.
    StartingUp,
    /// User or password are wrong, or the server's rules refuse this user or host.
    Authentication,
    /// The database does not exist.
    NoSuchDatabase,
    /// The server has no free connection.
    TooManyConnections,
    /// The parameters require TLS and the server has none.
    TlsRefused,
    /// The server's certificate could not be verified.
    TlsUnverified,
    /// The TLS handshake failed for another reason, or one of its files is missing.
    Tls,
    /// The server does not match `target_session_attrs`.
    SessionAttributes,
    /// A parameter of the URL or of `connect_args` can't be used.
    Parameter,
    /// The file could not be opened (`SQLite`).
    File,
    /// Another failure.
    Other,
}

impl ConnectErrorKind {
    /// Returns `true` if the failure may pass by itself, so that a retry can succeed: the server, its name or a free
    /// connection is missing for now.
    pub fn is_transient(self) -> bool {
        match self {
            Self::HostNotFound
            | Self::Refused
            | Self::Timeout
            | Self::StartingUp
            | Self::TooManyConnections
            | Self::SessionAttributes => true,
            Self::Authentication
            | Self::NoSuchDatabase
            | Self::TlsRefused
            | Self::TlsUnverified
            | Self::Tls
            | Self::Parameter
            | Self::File
            | Self::Other => false,
        }
    }
}
