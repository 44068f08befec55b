//! `merge`: creates a script that merges revisions.

use serde_json::json;

use crate::cli_error::Outcome;
use crate::context::Context;
use crate::context::run::WorkerCommand;

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

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        revisions,
        message,
        branch_label,
        rev_id,
        splice,
    } = args;
    let project = context.project()?;
    let arguments = json!({
        "revisions": revisions, "message": message, "branch_label": branch_label, "rev_id": rev_id, "splice": splice,
    });
    let command = WorkerCommand {
        name: "merge",
        options: arguments.clone(),
        arguments,
    };
    let status = context.run_alembic(command, Some(project))?;
    context.report_new_revisions(project)?;
    Ok(status)
}
