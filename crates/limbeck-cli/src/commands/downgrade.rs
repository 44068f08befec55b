//! `downgrade`: to an earlier version.

use limbeck::run::Intent;
use serde_json::json;

use super::upgrade::{Offline, show};
use crate::context::{CliError, Context, Outcome};

/// Revert to a previous version.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Revision target, or a range for --sql mode.
    #[arg(allow_negative_numbers = true)]
    revision: String,
    #[command(flatten)]
    offline: Offline,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        revision,
        offline: Offline { sql, tag, dry_run },
    } = args;
    let refused = |text: &str| Err(CliError::Refused(text.into()));
    let (start, target) = match (revision.split_once(':'), sql) {
        (Some(_), false) => return refused("Range revision not allowed"),
        (None, true) => return refused("downgrade with --sql requires <fromrev>:<torev>"),
        (None, false) => (None, revision.as_str()),
        (Some((start, target)), true) => (Some(start), target),
    };
    let project = context.project()?;
    let options = json!({"revision": revision, "sql": sql, "tag": tag});
    let arguments =
        json!({"as_sql": sql, "starting_rev": start, "destination_rev": target, "tag": tag});
    let intent = Intent::Downgrade(target.to_owned());
    if *dry_run {
        let rehearsed = context.rehearse("downgrade", options, arguments, project, intent)?;
        return Ok(show(context, &rehearsed));
    }
    context.environment("downgrade", options, arguments, project, intent)
}
