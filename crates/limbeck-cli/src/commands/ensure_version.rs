//! `ensure_version`: the version table itself.

use limbeck::run::Intent;
use serde_json::json;

use crate::context::{Context, Outcome};

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
    context.environment(
        "ensure_version",
        json!({"sql": sql}),
        json!({"as_sql": sql}),
        project,
        Intent::EnsureVersion,
    )
}
