//! Why a launch came to nothing, and the exit status that says so.

use std::fmt;
use std::net::SocketAddr;

use limbeck::db::DbError;
use limbeck::run::{RunError, Signal};
use limbeck::url::ConvertError;

use crate::context::{CliError, Context};
use crate::diagnostics::Message;
use crate::exit;

/// The database did not come, or refused.
pub(crate) const NO_DATABASE: u8 = 120;
/// The migration failed.
pub(crate) const NOT_MIGRATED: u8 = 121;
/// The application was not ready in time.
pub(crate) const NOT_READY: u8 = 123;
/// Why a launch came to nothing.
#[derive(Debug)]
pub(crate) enum LaunchError {
    /// The application isn't there.
    NoProgram { program: String },
    /// Nothing says what to run.
    NoProcesses,
    /// Files can't be watched.
    Watch(notify::Error),
    /// The health endpoints' address can't be had.
    HealthAddress {
        address: SocketAddr,
        error: std::io::Error,
    },
    /// The database did not answer, in the time that there was, or refused.
    Database { error: DbError, waited: String },
    /// The migration failed.
    Migration(Box<CliError>),
    /// The application's URL can't be read, or not be written for its driver.
    Url { name: String, error: ConvertError },
    /// A signal came before there was an application.
    Signalled { number: i32 },
}

impl From<LaunchError> for CliError {
    fn from(error: LaunchError) -> Self {
        Self::Launch(Box::new(error))
    }
}

/// The same, and the migration was undone, or could not be.
pub(crate) const ROLLED_BACK: u8 = 124;
pub(crate) const NOT_ROLLED_BACK: u8 = 125;
/// The exit status of a shell whose program isn't there, and of one that can't be run.
const NO_PROGRAM: u8 = 127;

/// Tells the error and gives the exit status.
pub(crate) fn report(context: &Context, error: LaunchError) -> u8 {
    let headline = error.to_string();
    match error {
        LaunchError::NoProgram { .. } => {
            Message::new(headline).note("nothing has been done").print();
            NO_PROGRAM
        }
        LaunchError::NoProcesses => {
            Message::new(headline)
                .help("write a Procfile (`web: uvicorn app:app`), or [tool.limbeck.dev.processes] into pyproject.toml")
                .print();
            1
        }
        LaunchError::Watch(error) => {
            Message::new(headline).note(error.to_string()).print();
            1
        }
        LaunchError::HealthAddress { error, .. } => {
            Message::new(headline)
                .note(error.to_string())
                .help("choose another port with --health-addr")
                .print();
            1
        }
        LaunchError::Database { error, waited } => {
            let mut message = Message::from_error(&error).note(format!("waited {waited}"));
            if let DbError::Connect(error) = &error {
                message.help.extend(error.hint.clone());
            }
            message.help("wait longer with --wait").print();
            NO_DATABASE
        }
        LaunchError::Migration(error) => {
            let refused = matches!(
                &*error,
                CliError::Run(RunError::Failed(failure)) if failure.connect.is_some()
            );
            exit::report(context, *error);
            if refused { NO_DATABASE } else { NOT_MIGRATED }
        }
        LaunchError::Url { name, error } => {
            let mut message = Message::new(headline)
                .note(format!("no URL could be made for the application's {name}"));
            message.help.extend(error.help);
            message.print();
            1
        }
        LaunchError::Signalled { number } => {
            Message::new(headline).print();
            u8::try_from(128 + number).unwrap_or(1)
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
            Self::Migration(_) => out.write_str("the migration failed"),
            Self::Url { error, .. } => error.fmt(out),
            Self::Signalled { .. } => {
                out.write_str("ended by a signal; what was open was rolled back")
            }
        }
    }
}

impl LaunchError {
    /// What failed, by the error of a run.
    pub(crate) fn of_run(error: CliError) -> Self {
        match error {
            CliError::Run(RunError::Interrupted(signal)) => Self::Signalled {
                number: match signal {
                    Signal::Interrupt => 2,
                    Signal::Terminate => 15,
                },
            },
            error => Self::Migration(Box::new(error)),
        }
    }
}
