//! `upgrade`: upgrades to a later revision.

use limbeck::run::{Intent, Rehearsed};
use serde_json::json;

use crate::cli_error::{CliError, Outcome};
use crate::context::Context;
use crate::context::run::WorkerCommand;
use crate::output::notices::print_log;

/// Upgrade to a later version.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Revision target, or a range for --sql mode.
    #[arg(allow_negative_numbers = true)]
    revision: String,
    #[command(flatten)]
    modes: RunModes,
}

/// The options that `upgrade` and `downgrade` share.
#[derive(Debug, clap::Args)]
pub(crate) struct RunModes {
    /// Don't emit SQL to database - dump to standard output/file instead. See docs on offline mode.
    #[arg(long)]
    pub(crate) sql: bool,
    /// Arbitrary 'tag' name - can be used by custom env.py scripts.
    #[arg(long)]
    pub(crate) tag: Option<String>,
    /// Run in a transaction that is rolled back, and show the SQL and the data that would be lost. Not supported on
    /// MySQL and MariaDB.
    #[arg(long, conflicts_with = "sql")]
    pub(crate) dry_run: bool,
}

/// Prints the statements and losses of a dry run.
pub(crate) fn print_dry_run(context: &Context, result: &Rehearsed) {
    let mut last_revision = None;
    for statement in &result.statements {
        if last_revision != Some(&statement.revision) {
            last_revision = Some(&statement.revision);
            if let Some(revision) = &statement.revision {
                context.printer.result(&format!("-- {revision}"));
            }
        }
        let sql = statement.sql.trim().trim_end_matches(';');
        context.printer.result(&format!("{sql};\n"));
    }
    for loss in &result.losses {
        context.printer.result(&format!("-- would be lost: {loss}"));
    }
    anstream::eprintln!("limbeck: nothing has been changed");
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        revision,
        modes: RunModes { sql, tag, dry_run },
    } = args;
    let (start, target) = match revision.split_once(':') {
        None => (None, revision.as_str()),
        Some(_) if !sql => return Err(CliError::Refused("Range revision not allowed".into())),
        Some((start, target)) => (Some(start), target),
    };
    let project = context.project()?;
    if !sql
        && !dry_run
        && let Some(found) = context.probe_versions(project)?
        && let Some(rows) = &found.heads
        && !rows.is_empty()
        && let Ok(plan) = project.map.plan_upgrade(rows, target)
        && plan.steps.is_empty()
    {
        print_log(&found.log);
        context.report_unchanged(rows);
        return Ok(0);
    }
    let command = WorkerCommand {
        name: "upgrade",
        options: json!({"revision": revision, "sql": sql, "tag": tag}),
        arguments: json!({
            "as_sql": sql, "starting_rev": start, "destination_rev": target, "tag": tag,
        }),
    };
    let intent = Intent::Upgrade(target.to_owned());
    if *dry_run {
        print_dry_run(context, &context.dry_run(command, project, intent)?);
        return Ok(0);
    }
    context.run_environment(command, project, intent)
}
