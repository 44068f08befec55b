//! `upgrade`: to a later version.

use limbeck::run::{Intent, Rehearsed};
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
    /// Run everything in a transaction that is undone: show the SQL, and what would be lost. Not for MySQL and MariaDB.
    #[arg(long, conflicts_with = "sql")]
    pub(crate) dry_run: bool,
}

/// Shows what a run would do.
pub(crate) fn show(context: &Context, rehearsed: &Rehearsed) -> u8 {
    let mut last = None;
    for statement in &rehearsed.statements {
        if last != Some(&statement.revision) {
            last = Some(&statement.revision);
            if let Some(revision) = &statement.revision {
                context.printer.result(&format!("-- {revision}"));
            }
        }
        let sql = statement.sql.trim().trim_end_matches(';');
        context.printer.result(&format!("{sql};\n"));
    }
    for loss in &rehearsed.losses {
        context.printer.result(&format!("-- would be lost: {loss}"));
    }
    anstream::eprintln!("limbeck: nothing has been changed");
    0
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        revision,
        offline: Offline { sql, tag, dry_run },
    } = args;
    let (start, target) = match revision.split_once(':') {
        None => (None, revision.as_str()),
        Some(_) if !sql => return Err(CliError::Refused("Range revision not allowed".into())),
        Some((start, target)) => (Some(start), target),
    };
    let project = context.project()?;
    if !sql
        && !dry_run
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
    let intent = Intent::Upgrade(target.to_owned());
    if *dry_run {
        let rehearsed = context.rehearse("upgrade", options, arguments, project, intent)?;
        return Ok(show(context, &rehearsed));
    }
    context.environment("upgrade", options, arguments, project, intent)
}
