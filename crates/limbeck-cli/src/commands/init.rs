//! `init`: creates a script directory from a template of the project's Alembic.

use limbeck::Request;
use limbeck::migrator::AlembicCommand;

use crate::cli_error::CommandResult;
use crate::context::Context;
use crate::context::project::expect_no_url;

/// Initialize a new scripts directory.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Location of scripts directory.
    directory: String,
    /// Setup template for use with 'init'.
    #[arg(short, long, default_value = "generic")]
    template: String,
    /// Write empty __init__.py files to the environment and version locations.
    #[arg(long)]
    package: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args {
        directory,
        template,
        package,
    } = args;
    expect_no_url("the scripts directory", directory)?;
    let command = AlembicCommand::Init {
        directory: directory.clone(),
        template: template.clone(),
        package: *package,
    };
    context.run(Request::Alembic(command), None)
}
