//! `stamp`: sets the version table without running migrations.

use limbeck::Request;
use limbeck::migrator::StampRequest;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// 'stamp' the revision table with the given revision; don't run any migrations.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One or more revisions, or 'heads' for all heads.
    #[arg(required = true, allow_negative_numbers = true)]
    revisions: Vec<String>,
    /// Don't emit SQL to database - dump to standard output/file instead. See docs on offline mode.
    #[arg(long)]
    sql: bool,
    /// Arbitrary 'tag' name - can be used by custom env.py scripts.
    #[arg(long)]
    tag: Option<String>,
    /// Unconditionally erase the version table before stamping.
    #[arg(long)]
    purge: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args {
        revisions,
        sql,
        tag,
        purge,
    } = args;
    let request = StampRequest::new(revisions, *sql, tag.clone(), *purge)?;
    let project = context.project()?;
    context.run(Request::Stamp(request), Some(project))
}
