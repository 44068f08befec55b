//! `upgrade`: to a later version.

use limbeck::run::Intent;
use serde_json::json;

use crate::context::{CliError, Context, Outcome};

/// Upgrade to a later version.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Revision target, or a range for --sql mode.
    #[arg(allow_negative_numbers = true)]
    revision: String,
    #[command(flatten)]
    pub(crate) offline: Offline,
}

/// What `upgrade` and `downgrade` share.
#[derive(Debug, clap::Args)]
pub(crate) struct Offline {
    /// Don't emit SQL to database - dump to standard output/file instead. See docs on offline mode.
    #[arg(long)]
    pub(crate) sql: bool,
    /// Arbitrary 'tag' name - can be used by custom env.py scripts.
    #[arg(long)]
    pub(crate) tag: Option<String>,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        revision,
        offline: Offline { sql, tag },
    } = args;
    let (start, target) = match revision.split_once(':') {
        None => (None, revision.as_str()),
        Some(_) if !sql => return Err(CliError::Refused("Range revision not allowed".into())),
        Some((start, target)) => (Some(start), target),
    };
    let project = context.project()?;
    if !sql
        && let Some(found) = context.look(project)?
        && let Some(rows) = &found.heads
        && !rows.is_empty()
        && let Ok(plan) = project.map.plan_upgrade(rows, target)
        && plan.steps.is_empty()
    {
        context.log(&found.log);
        context.found(rows);
        return Ok(0);
    }
    let options = json!({"revision": revision, "sql": sql, "tag": tag});
    let arguments =
        json!({"as_sql": sql, "starting_rev": start, "destination_rev": target, "tag": tag});
    context.environment(
        "upgrade",
        options,
        arguments,
        project,
        Intent::Upgrade(target.to_owned()),
    )
}
