//! `list_templates`: what `init` can start from.

use serde_json::json;

use crate::context::{Context, Outcome};

/// List available templates.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {} = args;
    context.alembic("list_templates", json!({}), json!({}), None)
}
