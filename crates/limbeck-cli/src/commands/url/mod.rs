//! `url`: what a database URL means, and the same for another driver.

mod convert;
mod json;
mod show;

use clap::Subcommand;
use limbeck::url::ConvertError;

use crate::context::Context;
use crate::diagnostics::Message;

/// The exit status where a URL can't be read or converted.
const REFUSED: u8 = 1;

/// Explain and convert database URLs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(convert::Args),
    Show(show::Args),
}

pub(crate) fn run(context: &Context, args: &Args) -> u8 {
    match &args.command {
        Command::Convert(args) => convert::run(context, args),
        Command::Show(args) => show::run(context, args),
    }
}

fn refuse(error: &ConvertError) -> u8 {
    let mut message = Message::new(error.to_string());
    message.help.extend(error.help.clone());
    message.print();
    REFUSED
}
