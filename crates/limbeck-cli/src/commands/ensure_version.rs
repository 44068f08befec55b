//! `ensure_version`: creates the version table.

use limbeck::Request;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// Create the alembic version table if it doesn't exist already.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Don't emit SQL to database - dump to standard output/file instead. See docs on offline mode.
    #[arg(long)]
    sql: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args { sql } = *args;
    let project = context.project()?;
    context.run(Request::EnsureVersion { sql }, Some(project))
}
