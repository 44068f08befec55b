//! `fix`: repairs the `env.py` of a project that stays with plain Alembic.

use std::io::{IsTerminal, Write};

use limbeck::fix::{self, Change, Fix, FixError, Reason};
use limbeck::url::mask;

use crate::context::{CliError, Context};
use crate::diagnostics::{Message, shown};
use crate::exit;

/// Nothing is left to do.
const DONE: u8 = 0;
/// There is something to do, and it was not done.
const PENDING: u8 = 1;
/// The project can't be repaired, or the repair can't be taken back.
const REFUSED: u8 = 2;

/// Repair env.py so that plain `alembic` takes the application's database URL.
///
/// Shows the change and asks before it is made. Exits with 0 when nothing is left to do, 1 when there is a change
/// that was not made, and 2 when the project is left to its author.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Make the change without asking.
    #[arg(short, long)]
    yes: bool,
    /// Only show the change.
    #[arg(long, visible_alias = "dry-run", conflicts_with_all = ["yes", "undo"])]
    check: bool,
    /// Put back what was changed, to the byte.
    #[arg(long, conflicts_with = "yes")]
    undo: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> u8 {
    let read = || {
        let migrator = context.migrator()?;
        Ok((migrator.config()?, migrator))
    };
    let (config, migrator) = match read() {
        Ok(read) => read,
        Err(error) => return other(context, error),
    };
    let folders = || migrator.package_folders();
    if args.undo {
        return match fix::undo(&config, folders) {
            Ok(files) => {
                for file in files {
                    anstream::eprintln!("limbeck: `{}` is as it was", shown(&file));
                }
                DONE
            }
            Err(error) => refuse(context, error),
        };
    }
    match Fix::find(&config, folders) {
        Ok(Fix::NothingToDo { file, reason }) => {
            let why = match reason {
                Reason::Converted => "converts each database URL that it hands on",
                Reason::Suits => "hands on only database URLs that its engine takes",
            };
            anstream::eprintln!("limbeck: nothing to do: `{}` {why}", shown(&file));
            DONE
        }
        Ok(Fix::Change(change)) => offer(context, args, &change),
        Err(error) => refuse(context, error),
    }
}

/// Shows a change and makes it where that is wanted.
fn offer(context: &Context, args: &Args, change: &Change) -> u8 {
    let name = shown(&change.file);
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
                "limbeck: nothing was changed: run `{} --yes` to make this change",
                context.typed
            );
            return PENDING;
        }
        if !confirmed() {
            anstream::eprintln!("limbeck: nothing was changed");
            return PENDING;
        }
    }
    match change.apply() {
        Ok(()) => {
            anstream::eprintln!("limbeck: changed `{name}`; `limbeck fix --undo` puts it back");
            DONE
        }
        Err(error) => refuse(context, error),
    }
}

fn confirmed() -> bool {
    anstream::eprint!("limbeck: make this change? [y/N] ");
    // A prompt that can't be shown or read is not answered with yes.
    let mut answer = String::new();
    std::io::stderr().flush().is_ok()
        && std::io::stdin().read_line(&mut answer).is_ok()
        && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

fn refuse(context: &Context, error: FixError) -> u8 {
    if let FixError::Project(error) = error {
        return other(context, CliError::Project(error));
    }
    let mut message = Message::from_error(&error);
    message.help.extend(error.hint());
    message.print();
    if let Some(snippet) = error.snippet() {
        context.printer.result(snippet.trim_end());
    }
    REFUSED
}

/// Tells what every command may meet.
fn other(context: &Context, error: CliError) -> u8 {
    exit::report(context, error);
    REFUSED
}
