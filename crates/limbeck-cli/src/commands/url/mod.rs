//! `url`: what a database URL means, and the same for another driver.

mod convert;
mod json;

use clap::Subcommand;

use crate::context::Context;

/// Explain and convert database URLs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(convert::Args),
}

pub(crate) fn run(context: &Context, args: &Args) -> u8 {
    match &args.command {
        Command::Convert(args) => convert::run(context, args),
    }
}
