//! `merge`: a new script that joins several revisions.

use serde_json::json;

use crate::context::{Context, Outcome};

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
    let status = context.alembic("merge", arguments.clone(), arguments, Some(project))?;
    context.made(project)?;
    Ok(status)
}
