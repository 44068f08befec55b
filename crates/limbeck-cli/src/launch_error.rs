//! The errors of `run` and `dev`, and their exit statuses.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use limbeck::db::DbError;
use limbeck::url::ConvertError;

use crate::output::message::Message;

/// The exit status if the database did not answer, or refused the connection.
pub(crate) const NO_DATABASE: u8 = 120;
/// The exit status if the migration failed.
pub(crate) const NOT_MIGRATED: u8 = 121;
/// The exit status if the application was not ready in time.
pub(crate) const NOT_READY: u8 = 123;
/// The exit status if the application was not ready in time and the migration was rolled back.
pub(crate) const ROLLED_BACK: u8 = 124;
/// The exit status if the application was not ready in time and the rollback failed.
pub(crate) const NOT_ROLLED_BACK: u8 = 125;
/// The exit status of a shell that does not find the program.
const NO_PROGRAM: u8 = 127;

/// A failure of `run` or `dev` outside the migration.
#[derive(Debug)]
pub(crate) enum LaunchError {
    /// The application's program does not exist.
    NoProgram { program: String },
    /// The project declares no processes.
    NoProcesses,
    /// The project's files can't be watched.
    Watch(notify::Error),
    /// The address of the health endpoints can't be bound.
    HealthAddress {
        address: SocketAddr,
        error: io::Error,
    },
    /// The database did not answer in time, or refused the connection.
    Database {
        error: DbError,
        /// The time waited, with its unit.
        waited: String,
    },
    /// The application's URL can't be read, or can't be written for its driver.
    Url {
        /// The environment variable that would hold the URL.
        name: String,
        error: ConvertError,
    },
    /// A signal arrived before the application was started.
    Signalled { number: i32 },
}

impl LaunchError {
    /// Returns the message for standard error.
    pub(crate) fn message(&self) -> Message {
        let mut message = Message::new(self.to_string());
        match self {
            Self::NoProgram { .. } => message.note("nothing was started"),
            Self::NoProcesses => message.help(
                "write a Procfile (`web: uvicorn app:app`), or [tool.limbeck.dev.processes] in pyproject.toml",
            ),
            Self::Watch(error) => message.note(error.to_string()),
            Self::HealthAddress { address, error } => {
                let (reason, next_step) = explain_bind_error(*address, error);
                message
                    .note(reason)
                    .note("nothing was started")
                    .help(next_step)
            }
            Self::Database { error, waited } => {
                let mut message = Message::from_error(error).note(format!("waited {waited}"));
                if let DbError::Connect(error) = error {
                    message.help.extend(error.hint.clone());
                }
                message.help("wait longer with --wait")
            }
            Self::Url { name, error } => {
                message.help.extend(error.help.clone());
                message.note(format!("limbeck could not set the application's {name}"))
            }
            Self::Signalled { .. } => message,
        }
    }

    /// Returns the exit status.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::NoProgram { .. } => NO_PROGRAM,
            Self::NoProcesses | Self::Watch(_) | Self::HealthAddress { .. } | Self::Url { .. } => 1,
            Self::Database { .. } => NO_DATABASE,
            Self::Signalled { number } => u8::try_from(128 + number).unwrap_or(1),
        }
    }
}

/// Returns the reason why an address can't be bound, and the next step.
fn explain_bind_error(address: SocketAddr, error: &io::Error) -> (String, &'static str) {
    match error.kind() {
        ErrorKind::AddrInUse => (
            "the address is already in use".into(),
            "stop the process that listens there, or choose another port with --health-addr",
        ),
        ErrorKind::AddrNotAvailable => (
            format!("`{}` is not an address of this machine", address.ip()),
            "choose an address of this machine with --health-addr: PORT for its loopback address, 0.0.0.0:PORT for all",
        ),
        ErrorKind::PermissionDenied => (
            format!("this user may not listen on port {}", address.port()),
            "choose a port from 1024 with --health-addr",
        ),
        _ => (
            error.to_string(),
            "choose another address with --health-addr",
        ),
    }
}

impl fmt::Display for LaunchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram { program } => write!(out, "program `{program}` not found"),
            Self::NoProcesses => out.write_str("no processes are configured"),
            Self::Watch(_) => out.write_str("could not watch the project's files"),
            Self::HealthAddress { address, .. } => {
                write!(out, "could not serve health endpoints at `{address}`")
            }
            Self::Database { error, .. } => error.fmt(out),
            Self::Url { error, .. } => error.fmt(out),
            Self::Signalled { .. } => {
                out.write_str("stopped by a signal; any open transaction was rolled back")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::net::SocketAddr;

    use super::explain_bind_error;

    #[test]
    fn explains_why_an_address_cannot_be_bound() {
        for (address, kind, reason, next_step) in [
            (
                "127.0.0.1:8081",
                ErrorKind::AddrInUse,
                "already in use",
                "another port",
            ),
            (
                "192.0.2.1:80",
                ErrorKind::AddrNotAvailable,
                "`192.0.2.1`",
                "0.0.0.0:PORT",
            ),
            (
                "[::1]:80",
                ErrorKind::PermissionDenied,
                "port 80",
                "from 1024",
            ),
            (
                "[::1]:80",
                ErrorKind::Unsupported,
                "unsupported",
                "another address",
            ),
        ] {
            let address: SocketAddr = address.parse().expect("an address");
            let explained = explain_bind_error(address, &Error::from(kind));
            assert!(explained.0.contains(reason), "{explained:?}");
            assert!(explained.1.contains(next_step), "{explained:?}");
        }
    }
}
