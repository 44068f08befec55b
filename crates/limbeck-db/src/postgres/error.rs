//! The server's errors as values.

use std::io;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;

use super::options::HostAddress;
use crate::{ConnectError, ConnectErrorKind, Notice, ServerError};

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

/// Reads a notice.
pub(super) fn notice(fields: ErrorFields<'_>) -> io::Result<Notice> {
    let error = server_error(fields)?;
    Ok(Notice {
        severity: error.severity,
        message: error.message,
        detail: error.detail,
        hint: error.hint,
    })
}

/// What a server's refusal to start a session means.
pub(super) fn refusal(error: &ServerError, target: &HostAddress) -> ConnectError {
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
            "the server has no free connection: close others, or raise max_connections",
        ),
        "28P01" => (
            ConnectErrorKind::Authentication,
            "check the user and the password in the URL",
        ),
        // The server says so itself; before PostgreSQL 14 in other words.
        "28000"
            if ["no encryption", "SSL off"]
                .iter()
                .any(|words| error.message.ends_with(words)) =>
        {
            (
                ConnectErrorKind::Authentication,
                "the server wants TLS: put `sslmode=require`, or better `sslmode=verify-full`, into the URL (asyncpg calls it `ssl`)",
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
            "the server at {target} refused the connection: {}",
            error.message
        ),
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
    }
}

/// What a failure of the socket means.
pub(super) fn unreachable(error: &io::Error, target: &HostAddress) -> ConnectError {
    let (kind, what, hint) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            ConnectErrorKind::Refused,
            "nothing listens there".to_owned(),
            "start the server, or correct host and port in the URL",
        ),
        io::ErrorKind::NotFound if target.is_socket() => (
            ConnectErrorKind::Refused,
            "there is no such socket".to_owned(),
            "start the server, or correct the folder of its socket",
        ),
        io::ErrorKind::TimedOut => (
            ConnectErrorKind::Timeout,
            "no answer within the connect timeout".to_owned(),
            "check that the host can be reached from here (network, firewall)",
        ),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => (
            ConnectErrorKind::Other,
            "it closed the connection before the session had started".to_owned(),
            "the server or a proxy before it may be overloaded, or expect TLS",
        ),
        _ => (
            ConnectErrorKind::Other,
            error.to_string(),
            "check host and port in the URL",
        ),
    };
    ConnectError {
        kind,
        message: format!("could not connect to the server at {target}: {what}"),
        hint: Some(hint.into()),
    }
}
