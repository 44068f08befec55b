//! Errors of the server and of the client library.

use std::io;

use mysql_async::{DriverError, Error, IoError};

use crate::{ConnectError, ConnectErrorKind, DbError, ServerError};

/// Converts the error of a statement.
pub(super) fn statement_error(error: Error) -> DbError {
    match error {
        Error::Server(error) => DbError::Server(Box::new(ServerError {
            code: error.state,
            number: u32::from(error.code),
            message: error.message,
            ..ServerError::default()
        })),
        Error::Io(IoError::Io(error)) => DbError::ConnectionLost(error),
        Error::Io(IoError::Tls(error)) => DbError::ConnectionLost(io::Error::other(error)),
        Error::Driver(DriverError::LocalInfile(_)) => DbError::Unsupported(
            "limbeck sends no file of this machine to a server, which LOAD DATA LOCAL INFILE needs: \
             let the server read the file (LOAD DATA INFILE), or insert its rows in the revision"
                .into(),
        ),
        Error::Driver(DriverError::ConnectionClosed) => DbError::ConnectionLost(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the server closed the connection",
        )),
        other => DbError::Protocol(other.to_string()),
    }
}

/// Returns the text of a TLS error. The client library wraps a handshake's error in one of the stream.
pub(super) fn tls_error_text(error: &Error) -> Option<String> {
    match error {
        Error::Io(IoError::Tls(error)) => Some(error.to_string()),
        Error::Io(IoError::Io(error)) => error
            .get_ref()
            .filter(|inner| inner.is::<rustls::Error>())
            .map(ToString::to_string),
        _ => None,
    }
}

/// Converts the error of an attempt to connect.
pub(super) fn connect_error(error: &Error, address: &str) -> ConnectError {
    let (kind, reason, hint) = match error {
        Error::Server(error) => {
            let (kind, hint) = match error.code {
                1044 => (
                    ConnectErrorKind::Authentication,
                    "grant the user a privilege on the database, or correct its name in the URL",
                ),
                1045 | 1698 => (
                    ConnectErrorKind::Authentication,
                    "check the user and the password in the URL",
                ),
                1049 => (
                    ConnectErrorKind::NoSuchDatabase,
                    "create the database, or correct its name in the URL",
                ),
                1040 | 1203 | 1226 => (
                    ConnectErrorKind::TooManyConnections,
                    "the server has no free connection: close others, or raise max_connections or max_user_connections",
                ),
                1053 => (
                    ConnectErrorKind::StartingUp,
                    "the server is shutting down: try again in a moment",
                ),
                _ => (ConnectErrorKind::Other, "see the server's message"),
            };
            (kind, error.message.clone(), hint)
        }
        error if let Some(text) = tls_error_text(error) => {
            let kind = if text.contains("certificate") {
                ConnectErrorKind::TlsUnverified
            } else {
                ConnectErrorKind::Tls
            };
            (
                kind,
                text,
                "set `ssl_ca` to the authority that signed the server's certificate",
            )
        }
        Error::Io(IoError::Io(error)) => match error.kind() {
            io::ErrorKind::ConnectionRefused => (
                ConnectErrorKind::Refused,
                "nothing listens there".into(),
                "start the server, or correct host and port in the URL",
            ),
            io::ErrorKind::TimedOut => (
                ConnectErrorKind::Timeout,
                "no answer".into(),
                "check that the host can be reached from here (network, firewall)",
            ),
            io::ErrorKind::NotFound => (
                ConnectErrorKind::Refused,
                "the socket does not exist".into(),
                "start the server, or correct the path of its socket",
            ),
            _ if error.to_string().contains("lookup address") => (
                ConnectErrorKind::HostNotFound,
                "the host has no address".into(),
                "correct the host in the URL, or check the name service",
            ),
            _ => (
                ConnectErrorKind::Other,
                error.to_string(),
                "check host and port in the URL",
            ),
        },
        Error::Driver(DriverError::NoClientSslFlagFromServer) => (
            ConnectErrorKind::TlsRefused,
            "it has no TLS, which the connection parameters require".into(),
            "enable TLS on the server",
        ),
        other => (
            ConnectErrorKind::Other,
            other.to_string(),
            "check the parameters in the URL",
        ),
    };
    ConnectError {
        kind,
        message: format!("could not connect to the server at {address}: {reason}"),
        hint: Some(hint.into()),
    }
}
