//! `check`: reports whether `revision --autogenerate` would generate operations.

use serde_json::json;

use crate::cli_error::Outcome;
use crate::context::Context;
use crate::context::run::WorkerCommand;

/// Check if revision command with autogenerate has pending upgrade ops.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {} = args;
    let project = context.project()?;
    let command = WorkerCommand {
        name: "check",
        options: json!({}),
        arguments: json!({}),
    };
    context.run_alembic(command, Some(project))
}
