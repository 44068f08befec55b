//! `downgrade`: reverts to an earlier revision.

use limbeck::run::Intent;
use serde_json::json;

use super::upgrade::{RunModes, print_dry_run};
use crate::cli_error::{CliError, Outcome};
use crate::context::Context;
use crate::context::run::WorkerCommand;

/// Revert to a previous version.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Revision target, or a range for --sql mode.
    #[arg(allow_negative_numbers = true)]
    revision: String,
    #[command(flatten)]
    modes: RunModes,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        revision,
        modes: RunModes { sql, tag, dry_run },
    } = args;
    let refused = |text: &str| Err(CliError::Refused(text.into()));
    let (start, target) = match (revision.split_once(':'), sql) {
        (Some(_), false) => return refused("Range revision not allowed"),
        (None, true) => return refused("downgrade with --sql requires <fromrev>:<torev>"),
        (None, false) => (None, revision.as_str()),
        (Some((start, target)), true) => (Some(start), target),
    };
    let project = context.project()?;
    let command = WorkerCommand {
        name: "downgrade",
        options: json!({"revision": revision, "sql": sql, "tag": tag}),
        arguments: json!({
            "as_sql": sql, "starting_rev": start, "destination_rev": target, "tag": tag,
        }),
    };
    let intent = Intent::Downgrade(target.to_owned());
    if *dry_run {
        print_dry_run(context, &context.dry_run(command, project, intent)?);
        return Ok(0);
    }
    context.run_environment(command, project, intent)
}
