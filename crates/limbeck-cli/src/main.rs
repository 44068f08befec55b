//! The binary `limbeck`.

mod args;
mod commands;
mod context;
mod diagnostics;
mod exit;
mod messaging;
mod overrides;
mod redact;
mod report;
mod signals;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Arguments, Command};
use crate::commands::{
    branches, check, current, doctor, downgrade, edit, ensure_version, fix, heads, history, init,
    list_templates, merge, revision, show, stamp, upgrade, url,
};
use crate::context::{Context, Outcome};

fn main() -> ExitCode {
    let matches = match Arguments::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return exit::refuse_arguments(error),
    };
    let name = matches.subcommand_name().unwrap_or_default().to_owned();
    let Arguments { global, command } = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => return exit::refuse_arguments(error),
    };
    let context = match Context::new(global) {
        Ok(context) => context,
        Err(error) => return ExitCode::from(exit::refuse_file(&error)),
    };
    let (status, reason) = match run(&context, &command) {
        Ok(status) => (status, None),
        Err(error) => {
            let reason = exit::reason(&error);
            (exit::report(&context, error), Some(reason))
        }
    };
    ExitCode::from(context.close(&name, status, reason))
}

fn run(context: &Context, command: &Command) -> Outcome {
    match command {
        Command::Branches(args) => branches::run(context, args),
        Command::Check(args) => check::run(context, args),
        Command::Current(args) => current::run(context, args),
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
        Command::Show(args) => show::run(context, args),
        Command::Stamp(args) => stamp::run(context, args),
        Command::Upgrade(args) => upgrade::run(context, args),
        Command::Url(args) => url::run(context, args),
    }
}
