//! `list_templates`: lists the templates of `init`.

use limbeck::Request;
use limbeck::migrator::AlembicCommand;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// List available templates.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args {} = args;
    context.run(Request::Alembic(AlembicCommand::ListTemplates {}), None)
}
