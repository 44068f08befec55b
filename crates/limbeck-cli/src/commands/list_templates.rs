//! `list_templates`: lists the templates of `init`.

use serde_json::json;

use crate::cli_error::Outcome;
use crate::context::Context;
use crate::context::run::WorkerCommand;

/// List available templates.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {} = args;
    let command = WorkerCommand {
        name: "list_templates",
        options: json!({}),
        arguments: json!({}),
    };
    context.run_alembic(command, None)
}
