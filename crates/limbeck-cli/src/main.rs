//! The binary `limbeck`.

mod args;
mod cli_error;
mod commands;
mod context;
mod exit;
mod global_options;
mod launch_error;
mod launcher;
mod output;
mod page;
mod signals;
mod value_parsers;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Arguments, Command};
use crate::cli_error::CommandResult;
use crate::commands::{
    branches, check, current, dev, doctor, downgrade, edit, ensure_version, fix, heads, history,
    init, list_templates, merge, revision, run as launch, show, stamp, status, upgrade, url, wait,
};
use crate::context::Context;
use crate::output::message::Message;
use crate::output::printer;

fn main() -> ExitCode {
    if let Some(status) = run_helper() {
        return status;
    }
    let matches = match Arguments::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return exit::report_arguments(error, Arguments::command()),
    };
    let name = matches.subcommand_name().unwrap_or_default().to_owned();
    let Arguments { global, command } = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => return exit::report_arguments(error, Arguments::command()),
    };
    let context = match Context::new(global) {
        Ok(context) => context,
        Err(error) => return ExitCode::from(exit::report_file(&error)),
    };
    let (status, reason) = match run(&context, &command) {
        Ok(status) => (status, None),
        Err(error) => {
            let reason = exit::reason(&error);
            (exit::report(&context, error), Some(reason))
        }
    };
    let status = match context.close(&name, status, reason) {
        Ok(()) => status,
        Err(error) => exit::report_file(&error).max(status),
    };
    ExitCode::from(printer::exit_status(status))
}

/// Runs one of the helper processes that limbeck starts around an application. They take no options.
fn run_helper() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let name = arguments.next()?;
    if name == launcher::GUARD {
        limbeck_supervisor::run_guard();
        return Some(ExitCode::SUCCESS);
    }
    if name == launcher::EXEC {
        let parent = arguments.next()?.to_str()?.parse().ok()?;
        let command: Vec<OsString> = arguments.collect();
        let error = limbeck_supervisor::exec_under_parent(parent, &command);
        let program = command.first()?.to_string_lossy().into_owned();
        Message::new(format!("could not start `{program}`"))
            .note(error.to_string())
            .print();
        return Some(ExitCode::from(126));
    }
    None
}

fn run(context: &Context, command: &Command) -> CommandResult {
    match command {
        Command::Branches(args) => branches::run(context, args),
        Command::Check(args) => check::run(context, args),
        Command::Current(args) => current::run(context, args),
        Command::Dev(args) => dev::run(context, args),
        Command::Doctor(args) => doctor::run(context, args),
        Command::Downgrade(args) => downgrade::run(context, args),
        Command::Edit(args) => edit::run(context, args),
        Command::EnsureVersion(args) => ensure_version::run(context, args),
        Command::Fix(args) => Ok(fix::run(context, args)),
        Command::Heads(args) => heads::run(context, args),
        Command::History(args) => history::run(context, args),
        Command::Init(args) => init::run(context, args),
        Command::ListTemplates(args) => list_templates::run(context, args),
        Command::Merge(args) => merge::run(context, args),
        Command::Revision(args) => revision::run(context, args),
        Command::Run(args) => launch::run(context, args),
        Command::Show(args) => show::run(context, args),
        Command::Stamp(args) => stamp::run(context, args),
        Command::Status(args) => status::run(context, args),
        Command::Upgrade(args) => upgrade::run(context, args),
        Command::Url(args) => url::run(context, args),
        Command::Wait(args) => wait::run(context, args),
    }
}
