//! Maps each error to its text and its exit status. No other module does.

use std::io::Write;
use std::process::ExitCode;

use limbeck::{CommandError, CommandErrorKind, Failure, RunError, Signal, WorkerError};
use limbeck_supervisor::shell_status;

use crate::cli_error::{CliError, FileError};
use crate::context::Context;
use crate::launch_error::{NO_DATABASE, NOT_MIGRATED};
use crate::output::failure::{print_failure, print_interruption};
use crate::output::message::Message;
use crate::output::notices::print_help;
use crate::output::printer;
use crate::output::redact::{self, redact};
use crate::output::report::Reason;

/// The exit status of a command error in Alembic.
const REFUSED: u8 = 255;
/// The exit status of Python after an uncaught exception.
const FAILED: u8 = 1;
/// The next step if no interpreter, or a wrong program, was found.
const NAME_INTERPRETER: &str =
    "activate the project's virtual environment, or name its interpreter with --python";

/// Prints an error and returns the exit status.
pub(crate) fn report(context: &Context, error: CliError) -> u8 {
    match error {
        CliError::Refused(refusal) => {
            context.printer.failed(refusal.message());
            if let Some(help) = refusal.help() {
                print_help(help);
            }
            REFUSED
        }
        CliError::Config(error) if error.is_refusal() => {
            report(context, CliError::Refused(error.into()))
        }
        CliError::Config(error) => {
            let mut message = Message::from_error(&error);
            message.help.extend(error.hint());
            message.print();
            FAILED
        }
        CliError::Project(error) => {
            if let Some(text) = error.refusal() {
                let refusal = CommandError::new(CommandErrorKind::Configuration, text);
                report(context, CliError::Refused(refusal.with_help(error.hint())))
            } else {
                let mut message = Message::from_error(&error);
                message.help.extend(error.hint());
                message.print();
                FAILED
            }
        }
        CliError::System(action, error) => {
            Message::new(action).note(error.to_string()).print();
            FAILED
        }
        CliError::Run(error) => report_run(context, error),
        CliError::Launch(error) => {
            error.message().print();
            error.exit_status()
        }
        CliError::LaunchMigration(error) => {
            let has_no_database = matches!(
                &*error,
                CliError::Run(RunError::Failed(failure)) if failure.connect.is_some()
            );
            report(context, *error);
            if has_no_database {
                NO_DATABASE
            } else {
                NOT_MIGRATED
            }
        }
        CliError::Database(error) => {
            let mut message = Message::new(error.to_string());
            message.help.extend(error.hint);
            message.print();
            FAILED
        }
    }
}

/// Returns the reason of an error, for the report of `--report`.
pub(crate) fn reason(error: &CliError) -> Reason {
    let (kind, message, revision) = match error {
        CliError::Refused(refusal) => ("refused", refusal.to_string(), None),
        CliError::Config(error) if error.is_refusal() => ("refused", error.to_string(), None),
        CliError::Config(error) => ("configuration", error.to_string(), None),
        CliError::Project(error) => match error.refusal() {
            Some(text) => ("refused", text, None),
            None => ("scripts", error.to_string(), None),
        },
        CliError::System(action, error) => ("system", format!("{action}: {error}"), None),
        CliError::Database(error) => ("connection", error.to_string(), None),
        CliError::Launch(error) => ("launch", error.to_string(), None),
        CliError::LaunchMigration(error) => return reason(error),
        CliError::Run(error) => {
            let kind = match error {
                RunError::Failed(failure) if failure.connect.is_some() => "connection",
                RunError::Failed(_) => "failed",
                RunError::Interrupted(_) => "interrupted",
                RunError::Interpreter(_) | RunError::MissingModule { .. } => "python",
                RunError::DryRun(_) => "connection",
                RunError::Command(_) => "refused",
                RunError::Worker(_) => "worker",
                _ => "failed",
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

/// Prints an error of the command line, or the text that `--help` and `--version` ask for.
pub(crate) fn report_arguments(error: clap::Error, command: clap::Command) -> ExitCode {
    if !error.use_stderr() {
        if let Err(error) = error.print().and_then(|()| std::io::stdout().flush()) {
            printer::keep_failure(error);
        }
        return ExitCode::from(printer::exit_status(0));
    }
    // clap's message quotes arguments, so the masked arguments are parsed again for a message without secrets.
    match command.try_get_matches_from(redact::masked_arguments()) {
        Err(masked) if masked.kind() == error.kind() => {
            anstream::eprint!("{}", masked.render().ansi());
        }
        _ => anstream::eprint!("{}", redact(&error.render().to_string())),
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FAILED))
}

/// Prints an error on a file that an option names, and returns the exit status.
pub(crate) fn report_file(error: &FileError) -> u8 {
    Message::new(format!(
        "could not {} `{}`",
        error.action,
        error.path.display()
    ))
    .note(error.source.to_string())
    .print();
    FAILED
}

fn report_run(context: &Context, error: RunError) -> u8 {
    match error {
        RunError::Failed(failure) => {
            report_failure(context, *failure);
            FAILED
        }
        RunError::Interrupted(interruption) => {
            print_interruption(&interruption, &context.command_line);
            match interruption.signal {
                Signal::Interrupt => 130,
                Signal::Terminate => 143,
            }
        }
        RunError::Interpreter(_) => {
            Message::from_error(&error).help(NAME_INTERPRETER).print();
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
                    "install `{module}` for this interpreter, activate the project's virtual environment, or name it with --python"
                ))
                .print();
            FAILED
        }
        RunError::Command(refusal) => report(context, CliError::Refused(refusal)),
        RunError::Worker(error) => {
            let mut message = Message::from_error(&error);
            if let WorkerError::NotPython { .. } | WorkerError::Start { .. } = error {
                message = message.help(NAME_INTERPRETER);
            }
            message.print();
            match error {
                // Python's own end is a failure, even with status 0.
                WorkerError::Exited { status } => shell_status(status).max(FAILED),
                _ => FAILED,
            }
        }
        error => {
            Message::from_error(&error).print();
            FAILED
        }
    }
}

fn report_failure(context: &Context, mut failure: Failure) {
    if context.global.raiseerr {
        anstream::eprint!("{}", redact(&failure.traceback));
    }
    // The worker reports the option's name. Reading it again gives an error with file and line.
    if let Some(option) = &failure.option
        && let Ok(config) = context.config()
        && let Some(Err(error)) = config
            .ini()
            .map(|ini| ini.get(&option.section, &option.name))
    {
        failure.headline = error.to_string();
        failure.exception = None;
    }
    context.report_state(&failure.state);
    print_failure(&failure, &context.command_line);
}
