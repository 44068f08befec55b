//! The one place that maps an error to its text and its exit status.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use clap::CommandFactory;
use limbeck::run::{Failure, RunError, Signal, WorkerError};

use crate::args::Arguments;
use crate::context::{CliError, Context, RefusedFile};
use crate::diagnostics::{self, Message};
use crate::launcher::{self, LaunchError};
use crate::redact::{self, redact};
use crate::report::Reason;

/// What Alembic calls a command error.
const REFUSED: u8 = 255;
/// What Python gives for an exception that nobody caught.
const FAILED: u8 = 1;

/// Tells an error and gives the exit status.
pub(crate) fn report(context: &Context, error: CliError) -> u8 {
    match error {
        CliError::Refused(message) => {
            context.printer.failed(&message);
            REFUSED
        }
        CliError::Config(error) if error.is_refusal() => {
            report(context, CliError::Refused(error.to_string()))
        }
        CliError::Config(error) => {
            Message::from_error(&error).print();
            FAILED
        }
        CliError::Project(error) => {
            if let Some(text) = error.refusal() {
                report(context, CliError::Refused(text))
            } else {
                let mut message = Message::from_error(&error);
                message.help.extend(error.hint());
                message.print();
                FAILED
            }
        }
        CliError::System(what, error) => {
            Message::new(what).note(error.to_string()).print();
            FAILED
        }
        CliError::Run(error) => report_run(context, error),
        CliError::Launch(error) => launcher::report(context, *error),
        CliError::Database(error) => {
            let mut message = Message::new(error.to_string());
            message.help.extend(error.hint);
            message.print();
            FAILED
        }
    }
}

/// The same for the program that reads the report.
pub(crate) fn reason(error: &CliError) -> Reason {
    let (kind, message, revision) = match error {
        CliError::Refused(message) => ("refused", message.clone(), None),
        CliError::Config(error) if error.is_refusal() => ("refused", error.to_string(), None),
        CliError::Config(error) => ("configuration", error.to_string(), None),
        CliError::Project(error) => match error.refusal() {
            Some(text) => ("refused", text, None),
            None => ("scripts", error.to_string(), None),
        },
        CliError::System(what, error) => ("system", format!("{what}: {error}"), None),
        CliError::Database(error) => ("connection", error.to_string(), None),
        CliError::Launch(error) => match &**error {
            LaunchError::Migration(error) => return reason(error),
            error => ("launch", error.to_string(), None),
        },
        CliError::Run(error) => {
            let kind = match error {
                RunError::Failed(failure) if failure.connect.is_some() => "connection",
                RunError::Failed(_) => "failed",
                RunError::Interrupted(_) => "interrupted",
                RunError::Interpreter(_) | RunError::MissingModule { .. } => "python",
                RunError::Rehearsal(_) => "connection",
                RunError::Worker(_) => "worker",
            };
            let revision = match error {
                RunError::Failed(failure) => failure.step.as_ref(),
                _ => None,
            };
            let revision = revision.map(|step| step.revision.clone());
            (kind, error.to_string(), revision)
        }
    };
    Reason {
        kind,
        message: redact(&message),
        revision,
    }
}

/// Tells what can't be done with the arguments, or what was asked for about them (`--help`).
pub(crate) fn refuse_arguments(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    // The message quotes arguments, so it is made of those that may be shown.
    match Arguments::command().try_get_matches_from(redact::arguments()) {
        Err(shown) if shown.kind() == error.kind() => {
            anstream::eprint!("{}", shown.render().ansi());
        }
        _ => anstream::eprint!("{}", redact(&error.render().to_string())),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FAILED))
}

/// Tells that a file of the caller's can't be used, and gives the exit status.
pub(crate) fn refuse_file(refused: &RefusedFile) -> u8 {
    let path = refused.path.display();
    Message::new(format!("could not {} `{path}`", refused.what))
        .note(refused.error.to_string())
        .print();
    FAILED
}

fn report_run(context: &Context, error: RunError) -> u8 {
    match error {
        RunError::Failed(failure) => {
            failed(context, *failure);
            FAILED
        }
        RunError::Interrupted(signal) => {
            Message::new(
                "interrupted: the statement was cancelled, and what was open was rolled back",
            )
            .help(format!(
                "run `{}` again to go on from where the database stands",
                context.typed
            ))
            .print();
            match signal {
                Signal::Interrupt => 130,
                Signal::Terminate => 143,
            }
        }
        RunError::Interpreter(_) => {
            Message::from_error(&error)
                .help("activate the project's virtual environment, or name its interpreter with --python")
                .print();
            FAILED
        }
        RunError::MissingModule {
            ref module,
            ref message,
            ..
        } => {
            Message::from_error(&error)
                .note(message.clone())
                .help(format!(
                    "install `{module}` there, activate the project's own environment, or name it with --python"
                ))
                .print();
            FAILED
        }
        RunError::Rehearsal(_) => {
            Message::from_error(&error).print();
            FAILED
        }
        RunError::Worker(error) => {
            Message::from_error(&error).print();
            match error {
                WorkerError::Died { status } => status_of(status),
                _ => FAILED,
            }
        }
    }
}

/// What a shell would have seen of a process that did not say how its run ended: never success.
fn status_of(status: ExitStatus) -> u8 {
    let number = status.code().or(status.signal().map(|signal| 128 + signal));
    match number.and_then(|number| u8::try_from(number).ok()) {
        None | Some(0) => FAILED,
        Some(number) => number,
    }
}

fn failed(context: &Context, mut failure: Failure) {
    if context.global.raiseerr {
        anstream::eprint!("{}", redact(&failure.traceback));
    }
    // The worker knows the option's name; the file and the line are ours to find.
    if let Some(option) = &failure.option
        && let Ok(config) = context.config()
        && let Some(Err(error)) = config
            .ini()
            .map(|ini| ini.get(&option.section, &option.name))
    {
        failure.headline = error.to_string();
        failure.exception = None;
    }
    context.stands(&failure.standing);
    diagnostics::print_failure(&failure, &context.typed);
}
