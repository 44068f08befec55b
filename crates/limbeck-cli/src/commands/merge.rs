//! `merge`: creates a script that merges revisions.

use limbeck::Request;
use limbeck::migrator::AlembicCommand;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// Merge two revisions together. Creates a new migration file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One or more revisions, or 'heads' for all heads.
    #[arg(required = true)]
    revisions: Vec<String>,
    /// Message string to use with 'revision'.
    #[arg(short, long)]
    message: Option<String>,
    /// Specify a branch label to apply to the new revision.
    #[arg(long)]
    branch_label: Option<String>,
    /// Specify a hardcoded revision id instead of generating one.
    #[arg(long)]
    rev_id: Option<String>,
    /// Allow a non-head revision as the 'head' to splice onto.
    #[arg(long)]
    splice: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args {
        revisions,
        message,
        branch_label,
        rev_id,
        splice,
    } = args;
    let project = context.project()?;
    let command = AlembicCommand::Merge {
        revisions: revisions.clone(),
        message: message.clone(),
        branch_label: branch_label.clone(),
        rev_id: rev_id.clone(),
        splice: *splice,
    };
    let status = context.run(Request::Alembic(command), Some(project))?;
    context.report_new_revisions(project)?;
    Ok(status)
}
