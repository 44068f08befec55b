//! What can go wrong between us and a server.

use std::fmt;

/// Why a call to a database failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The connection could not be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server refused a statement.
    #[error(transparent)]
    Server(#[from] Box<ServerError>),
    /// The connection broke.
    #[error("the connection to the database was lost")]
    ConnectionLost(#[source] std::io::Error),
    /// The server said something that the protocol does not allow here.
    #[error("the database server broke the protocol: {0}")]
    Protocol(String),
    /// Something that limbeck does not do over its connection, with the reason.
    #[error("{0}")]
    Unsupported(String),
}

/// An error that the server reported for a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerError {
    /// `ERROR`, `FATAL`, …; empty where the server has no such word.
    pub severity: String,
    /// The SQLSTATE (`PostgreSQL`, `MySQL`); `SQLite`: the symbolic name, as `SQLITE_CONSTRAINT_UNIQUE`.
    pub code: String,
    /// The server's own number (`MySQL` errno, `SQLite` extended code); 0 where there is none.
    pub number: u32,
    /// The message.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
    /// What the server suggests.
    pub hint: Option<String>,
    /// Where in the statement, in characters, from 1.
    pub position: Option<u32>,
    /// The function or query in which it happened.
    pub context: Option<String>,
    /// The schema that it is about.
    pub schema: Option<String>,
    /// The table that it is about.
    pub table: Option<String>,
    /// The column that it is about.
    pub column: Option<String>,
    /// The constraint that it is about.
    pub constraint: Option<String>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for ServerError {}

/// Why no connection could be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    /// The kind, for the exit code and the advice.
    pub kind: ConnectErrorKind,
    /// What happened, with host and port but without a password.
    pub message: String,
    /// What to do next.
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

/// The kinds of failure to connect that a user can act on; `Display` gives one word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The host's name has no address.
    HostNotFound,
    /// Nothing listens there.
    Refused,
    /// No answer within the connect timeout.
    Timeout,
    /// The server is starting up, shutting down or recovering.
    StartingUp,
    /// The user or the password is wrong, or the server's rules forbid this user or host.
    Authentication,
    /// There is no such database.
    NoSuchDatabase,
    /// The server has no slots left.
    TooManyConnections,
    /// TLS was demanded and the server has none.
    TlsRefused,
    /// The server's certificate could not be verified.
    TlsUnverified,
    /// The TLS handshake failed for another reason, or a file of it is missing.
    Tls,
    /// The server is not what `target_session_attrs` asked for.
    SessionAttributes,
    /// A parameter of the URL or of `connect_args` can't be used.
    Parameter,
    /// A file could not be opened (`SQLite`).
    File,
    /// Anything else.
    Other,
}

impl ConnectErrorKind {
    /// Whether it may pass by itself, so that waiting makes sense: the server, its name or its slots are not there yet.
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
