//! `stamp`: sets the version table without running migrations.

use limbeck::run::Intent;
use serde_json::json;

use crate::cli_error::{CliError, Outcome};
use crate::context::Context;
use crate::context::run::WorkerCommand;

/// 'stamp' the revision table with the given revision; don't run any migrations.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One or more revisions, or 'heads' for all heads.
    #[arg(required = true, allow_negative_numbers = true)]
    revisions: Vec<String>,
    /// Don't emit SQL to database - dump to standard output/file instead. See docs on offline mode.
    #[arg(long)]
    sql: bool,
    /// Arbitrary 'tag' name - can be used by custom env.py scripts.
    #[arg(long)]
    tag: Option<String>,
    /// Unconditionally erase the version table before stamping.
    #[arg(long)]
    purge: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        revisions,
        sql,
        tag,
        purge,
    } = args;
    let mut start: Option<&str> = None;
    let mut targets = Vec::new();
    for revision in revisions {
        match revision.split_once(':') {
            Some((from, target)) if *sql => {
                if start.is_some_and(|start| start != from) {
                    let text = "Stamp operation with --sql only supports a single starting revision at a time";
                    return Err(CliError::Refused(text.into()));
                }
                start = Some(from);
                targets.push(target.to_owned());
            }
            _ => targets.push(revision.clone()),
        }
    }
    let project = context.project()?;
    let command = WorkerCommand {
        name: "stamp",
        options: json!({"revisions": revisions, "sql": sql, "tag": tag, "purge": purge}),
        arguments: json!({
            "as_sql": sql, "starting_rev": start, "destination_rev": targets, "tag": tag, "purge": purge,
        }),
    };
    context.run_environment(command, project, Intent::Stamp(targets))
}
