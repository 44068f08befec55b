//! `heads`: lists the heads of the script directory.

use limbeck::format::ShortForm;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// Show current available heads in the script directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Use more verbose output.
    #[arg(short, long)]
    verbose: bool,
    /// Treat dependency versions as down revisions.
    #[arg(long)]
    resolve_dependencies: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args {
        verbose,
        resolve_dependencies,
    } = *args;
    let project = context.project()?;
    let heads = if resolve_dependencies {
        project.map.real_heads()
    } else {
        project.map.heads()
    };
    let form = ShortForm {
        labels: true,
        ..ShortForm::default()
    };
    for id in heads {
        context.report_revision(project, id)?;
        context
            .printer
            .result(&project.entry(id, verbose, form, &[])?);
    }
    Ok(0)
}
