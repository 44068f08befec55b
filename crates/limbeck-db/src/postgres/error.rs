//! Server errors, notices and failures to connect.

use std::io;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;

use super::host::HostAddress;
use crate::{ConnectError, ConnectErrorKind, DbError, Notice, ServerError};

/// The text that the query of the commit guard fails to convert to a number. The server's error quotes it.
pub(super) const COMMIT_GUARD_TEXT: &str = "this transaction must not be committed";

/// The SQLSTATE of such a failure.
const INVALID_TEXT_REPRESENTATION: &str = "22P02";

/// A failed attempt to connect, and the attempts that may follow it.
#[derive(Debug)]
pub(super) struct ConnectFailure {
    pub(super) error: ConnectError,
    /// `true` if the server itself refused the session. It may accept a session with, or without, TLS.
    pub(super) refused_by_server: bool,
    /// Another host may be tried, because no server accepted the connection. After a server has accepted and
    /// then refused it, libpq tries no other: a password is not carried from host to host.
    pub(super) try_next_host: bool,
    /// libpq might have negotiated TLS here, so limbeck must not fall back to a plain connection.
    pub(super) needs_other_tls: bool,
}

impl ConnectFailure {
    /// The server refused to start the session.
    pub(super) fn refused(error: ConnectError) -> Self {
        Self {
            try_next_host: error.kind == ConnectErrorKind::StartingUp,
            error,
            refused_by_server: true,
            needs_other_tls: false,
        }
    }

    /// No server accepted the connection.
    pub(super) fn unreachable(error: ConnectError) -> Self {
        Self {
            error,
            refused_by_server: false,
            try_next_host: true,
            needs_other_tls: false,
        }
    }
}

impl From<ConnectError> for ConnectFailure {
    fn from(error: ConnectError) -> Self {
        Self {
            error,
            refused_by_server: false,
            try_next_host: false,
            needs_other_tls: false,
        }
    }
}

/// Reads the fields of an error or a notice.
pub(super) fn server_error(mut fields: ErrorFields<'_>) -> io::Result<ServerError> {
    let mut error = ServerError::default();
    let mut localized_severity = String::new();
    let mut query = None;
    while let Some(field) = fields.next()? {
        let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'V' => error.severity = text,
            b'S' => localized_severity = text,
            b'C' => error.code = text,
            b'M' => error.message = text,
            b'D' => error.detail = Some(text),
            b'H' => error.hint = Some(text),
            b'P' => error.position = text.parse().ok(),
            b'q' => query = Some(text),
            b'W' => error.context = Some(text),
            b's' => error.schema = Some(text),
            b't' => error.table = Some(text),
            b'c' => error.column = Some(text),
            b'n' => error.constraint = Some(text),
            _ => {}
        }
    }
    if error.severity.is_empty() {
        error.severity = localized_severity;
    }
    if let Some(query) = query {
        let query = format!("internal query: {query}");
        error.context = Some(
            error
                .context
                .map_or(query.clone(), |context| format!("{context}\n{query}")),
        );
    }
    Ok(error)
}

/// Converts the error of a statement, which may be the commit guard's.
pub(super) fn statement_error(error: ServerError) -> DbError {
    if error.code == INVALID_TEXT_REPRESENTATION && error.message.contains(COMMIT_GUARD_TEXT) {
        DbError::CommitForbidden
    } else {
        DbError::Server(Box::new(error))
    }
}

/// Reads the fields of a notice.
pub(super) fn notice(fields: ErrorFields<'_>) -> io::Result<Notice> {
    let error = server_error(fields)?;
    Ok(Notice {
        severity: error.severity,
        message: error.message,
        detail: error.detail,
        hint: error.hint,
    })
}

/// Converts the error that a server reports before it has started the session.
pub(super) fn refusal(error: &ServerError, host: &HostAddress) -> ConnectError {
    let (kind, hint) = match error.code.as_str() {
        "57P03" | "57P01" | "57P02" => (
            ConnectErrorKind::StartingUp,
            "the server is starting up or shutting down: try again in a moment",
        ),
        "3D000" => (
            ConnectErrorKind::NoSuchDatabase,
            "create the database, or correct its name in the URL",
        ),
        "53300" => (
            ConnectErrorKind::TooManyConnections,
            "the server has no free connection: close others, or raise max_connections or the limit of the role or database",
        ),
        "28P01" => (
            ConnectErrorKind::Authentication,
            "check the user and the password in the URL",
        ),
        // PostgreSQL 14 and newer write "no encryption", older versions "SSL off".
        "28000"
            if ["no encryption", "SSL off"]
                .iter()
                .any(|words| error.message.ends_with(words)) =>
        {
            (
                ConnectErrorKind::Authentication,
                "the server requires TLS: add `sslmode=require`, or better `sslmode=verify-full`, to the URL (asyncpg calls it `ssl`)",
            )
        }
        "28000" => (
            ConnectErrorKind::Authentication,
            "the server's rules (pg_hba.conf) refuse this user, database, address or lack of TLS",
        ),
        code if code.starts_with("28") => (
            ConnectErrorKind::Authentication,
            "check the user and the password in the URL",
        ),
        _ => (ConnectErrorKind::Other, ""),
    };
    ConnectError {
        kind,
        message: format!(
            "the server at {host} refused the connection: {}",
            error.message
        ),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}

/// Converts a socket's error.
pub(super) fn socket_error(error: &io::Error, host: &HostAddress) -> ConnectError {
    let (kind, reason, hint) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            ConnectErrorKind::Refused,
            "nothing listens there".to_owned(),
            "start the server, or correct host and port in the URL",
        ),
        io::ErrorKind::NotFound if host.is_socket() => (
            ConnectErrorKind::Refused,
            "the socket does not exist".to_owned(),
            "start the server, or correct the folder of its socket",
        ),
        io::ErrorKind::TimedOut => (
            ConnectErrorKind::Timeout,
            "no answer within the connect timeout".to_owned(),
            "check that the host can be reached from here (network, firewall)",
        ),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => (
            ConnectErrorKind::Other,
            "the server closed the connection before the session had started".to_owned(),
            "the server or a proxy in front of it may be overloaded, or may require TLS",
        ),
        _ => (
            ConnectErrorKind::Other,
            error.to_string(),
            "check host and port in the URL",
        ),
    };
    ConnectError {
        kind,
        message: format!("could not connect to the server at {host}: {reason}"),
        hint: Some(hint.into()),
    }
}
