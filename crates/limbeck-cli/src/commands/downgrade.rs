//! `downgrade`: reverts to an earlier revision.

use limbeck::Request;
use limbeck::migrator::MigrationRequest;

use super::upgrade::{RunModes, print_dry_run};
use crate::cli_error::CommandResult;
use crate::context::Context;

/// Revert to a previous version.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Revision target, or a range for --sql mode.
    #[arg(allow_negative_numbers = true)]
    revision: String,
    #[command(flatten)]
    modes: RunModes,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args { revision, modes } = args;
    let request = MigrationRequest::downgrade(revision, modes.mode(), modes.tag.clone())?;
    let project = context.project()?;
    let request = Request::Downgrade(request);
    if modes.dry_run {
        print_dry_run(context, &context.dry_run(request, project)?);
        return Ok(0);
    }
    context.run(request, Some(project))
}
