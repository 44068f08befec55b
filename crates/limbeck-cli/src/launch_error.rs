//! The errors of `run` and `dev`, and their exit statuses.

use std::fmt;
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
        error: std::io::Error,
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
            Self::NoProgram { .. } => message.note("nothing has been done"),
            Self::NoProcesses => message.help(
                "write a Procfile (`web: uvicorn app:app`), or [tool.limbeck.dev.processes] into pyproject.toml",
            ),
            Self::Watch(error) => message.note(error.to_string()),
            Self::HealthAddress { error, .. } => message
                .note(error.to_string())
                .help("choose another port with --health-addr"),
            Self::Database { error, waited } => {
                let mut message = Message::from_error(error).note(format!("waited {waited}"));
                if let DbError::Connect(error) = error {
                    message.help.extend(error.hint.clone());
                }
                message.help("wait longer with --wait")
            }
            Self::Url { name, error } => {
                message.help.extend(error.help.clone());
                message.note(format!("no URL could be made for the application's {name}"))
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

impl fmt::Display for LaunchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgram { program } => write!(out, "there is no program `{program}`"),
            Self::NoProcesses => out.write_str("nothing says what to run"),
            Self::Watch(_) => out.write_str("could not watch the project's files"),
            Self::HealthAddress { address, .. } => {
                write!(out, "could not serve health endpoints at {address}")
            }
            Self::Database { error, .. } => error.fmt(out),
            Self::Url { error, .. } => error.fmt(out),
            Self::Signalled { .. } => {
                out.write_str("ended by a signal; what was open was rolled back")
            }
        }
    }
}
