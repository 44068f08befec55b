//! `check`: reports whether `revision --autogenerate` would generate operations.

use limbeck::Request;
use limbeck::migrator::AlembicCommand;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// Check if revision command with autogenerate has pending upgrade ops.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args {} = args;
    let project = context.project()?;
    context.run(Request::Alembic(AlembicCommand::Check {}), Some(project))
}
