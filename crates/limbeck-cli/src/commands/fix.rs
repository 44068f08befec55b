//! `fix`: edits `env.py` so that plain Alembic takes the application's database URL.

use std::io::{IsTerminal, Write};

use limbeck::fix::{self, Change, Fix, FixError, UnchangedReason};
use limbeck::url::mask;

use crate::cli_error::CliError;
use crate::context::Context;
use crate::exit;
use crate::output::message::Message;
use crate::output::paths::display_path;

/// The exit status if nothing is left to change.
const DONE: u8 = 0;
/// The exit status if a change was found and not made.
const PENDING: u8 = 1;
/// The exit status if limbeck can't fix the project, or can't undo the fix.
const REFUSED: u8 = 2;

/// Edit env.py so that plain `alembic` takes the application's database URL.
///
/// Shows the change and asks before making it. Exit status: 0 if nothing is left to change, 1 if a change was found
/// and not made, 2 if limbeck can't fix the project.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make the change without asking.
    #[arg(short, long)]
    yes: bool,
    /// Only show the change.
    #[arg(long, visible_alias = "dry-run", conflicts_with_all = ["yes", "undo"])]
    check: bool,
    /// Restore the original files, byte for byte.
    #[arg(long, conflicts_with = "yes")]
    undo: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> u8 {
    let load = || {
        let migrator = context.migrator()?;
        Ok((migrator.config()?, migrator))
    };
    let (config, migrator) = match load() {
        Ok(loaded) => loaded,
        Err(error) => return report_error(context, error),
    };
    let folders = || migrator.package_folders();
    if args.undo {
        return match fix::undo(&config, folders) {
            Ok(files) => {
                for file in files {
                    anstream::eprintln!("limbeck: restored `{}`", display_path(&file));
                }
                DONE
            }
            Err(error) => refuse(context, error),
        };
    }
    match Fix::find(&config, folders) {
        Ok(Fix::NothingToDo { file, reason }) => {
            let why = match reason {
                UnchangedReason::AlreadyConverted => "converts each database URL that it uses",
                UnchangedReason::UrlsSuit => "uses only database URLs that its engine accepts",
            };
            anstream::eprintln!("limbeck: nothing to do: `{}` {why}", display_path(&file));
            DONE
        }
        Ok(Fix::Change(change)) => offer(context, args, &change),
        Err(error) => refuse(context, error),
    }
}

/// Shows a change, and makes it if the user agrees.
fn offer(context: &Context, args: &Args, change: &Change) -> u8 {
    let name = display_path(&change.file);
    let diff = change.diff(&name);
    context
        .printer
        .result(mask(diff.trim_end_matches('\n')).as_ref());
    if args.check {
        return PENDING;
    }
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            anstream::eprintln!(
                "limbeck: nothing was changed; run `{} --yes` to make this change",
                context.command_line
            );
            return PENDING;
        }
        if !ask_for_consent() {
            anstream::eprintln!("limbeck: nothing was changed");
            return PENDING;
        }
    }
    match change.apply() {
        Ok(()) => {
            anstream::eprintln!("limbeck: changed `{name}`; `limbeck fix --undo` restores it");
            DONE
        }
        Err(error) => refuse(context, error),
    }
}

fn ask_for_consent() -> bool {
    anstream::eprint!("limbeck: make this change? [y/N] ");
    // If the prompt can't be shown or the answer can't be read, the answer is no.
    let mut answer = String::new();
    std::io::stderr().flush().is_ok()
        && std::io::stdin().read_line(&mut answer).is_ok()
        && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

fn refuse(context: &Context, error: FixError) -> u8 {
    if let FixError::Project(error) = error {
        return report_error(context, CliError::Project(error));
    }
    let mut message = Message::from_error(&error);
    message.help.extend(error.hint());
    message.print();
    if let Some(snippet) = error.snippet() {
        context.printer.result(snippet.trim_end());
    }
    REFUSED
}

/// Reports an error that any command can have.
fn report_error(context: &Context, error: CliError) -> u8 {
    exit::report(context, error);
    REFUSED
}
