//! `ensure_version`: creates the version table.

use limbeck::run::Intent;
use serde_json::json;

use crate::cli_error::Outcome;
use crate::context::Context;
use crate::context::run::WorkerCommand;

/// Create the alembic version table if it doesn't exist already.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Don't emit SQL to database - dump to standard output/file instead. See docs on offline mode.
    #[arg(long)]
    sql: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args { sql } = *args;
    let project = context.project()?;
    let command = WorkerCommand {
        name: "ensure_version",
        options: json!({"sql": sql}),
        arguments: json!({"as_sql": sql}),
    };
    context.run_environment(command, project, Intent::EnsureVersion)
}
