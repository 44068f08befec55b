//! `init`: a new script directory, from the templates of the project's own Alembic.

use serde_json::json;

use crate::context::{Context, Outcome, expect_no_url};

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

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        directory,
        template,
        package,
    } = args;
    expect_no_url("the folder to make", directory)?;
    let arguments = json!({"directory": directory, "template": template, "package": package});
    context.alembic("init", arguments.clone(), arguments, None)
}
