//! `revision`: creates a script.

use limbeck::Request;
use limbeck::migrator::AlembicCommand;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// Create a new revision file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Message string to use with 'revision'.
    #[arg(short, long)]
    message: Option<String>,
    /// Populate revision script with candidate migration operations, based on comparison of database
    /// to model.
    #[arg(long)]
    autogenerate: bool,
    /// Don't emit SQL to database - dump to standard output/file instead. See docs on offline mode.
    #[arg(long)]
    sql: bool,
    /// Specify head revision or `<branchname>@head` to base new revision on.
    #[arg(long)]
    head: Option<String>,
    /// Allow a non-head revision as the 'head' to splice onto.
    #[arg(long)]
    splice: bool,
    /// Specify a branch label to apply to the new revision.
    #[arg(long)]
    branch_label: Option<String>,
    /// Specify specific path from config for version file.
    #[arg(long)]
    version_path: Option<String>,
    /// Specify a hardcoded revision id instead of generating one.
    #[arg(long)]
    rev_id: Option<String>,
    /// Specify one or more revision identifiers which this revision should depend on.
    #[arg(long)]
    depends_on: Vec<String>,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args {
        message,
        autogenerate,
        sql,
        head,
        splice,
        branch_label,
        version_path,
        rev_id,
        depends_on,
    } = args;
    let project = context.project()?;
    let command = AlembicCommand::Revision {
        message: message.clone(),
        autogenerate: *autogenerate,
        sql: *sql,
        head: head.clone(),
        splice: *splice,
        branch_label: branch_label.clone(),
        version_path: version_path.clone(),
        rev_id: rev_id.clone(),
        depends_on: (!depends_on.is_empty()).then(|| depends_on.clone()),
    };
    let status = context.run(Request::Alembic(command), Some(project))?;
    context.report_new_revisions(project)?;
    Ok(status)
}
