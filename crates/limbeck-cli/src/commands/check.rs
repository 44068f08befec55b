//! `check`: whether `revision --autogenerate` would find something.

use serde_json::json;

use crate::context::{Context, Outcome};

/// Check if revision command with autogenerate has pending upgrade ops.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {} = args;
    let project = context.project()?;
    context.alembic("check", json!({}), json!({}), Some(project))
}
