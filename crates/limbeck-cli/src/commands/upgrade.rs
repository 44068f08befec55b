//! `upgrade`: upgrades to a later revision.

use limbeck::migrator::{MigrationMode, MigrationRequest};
use limbeck::{DryRunReport, Request};

use crate::cli_error::CommandResult;
use crate::context::Context;
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

impl RunModes {
    /// Returns the mode of the migration.
    pub(crate) fn mode(&self) -> MigrationMode {
        match (self.sql, self.dry_run) {
            (true, _) => MigrationMode::Sql,
            (false, true) => MigrationMode::DryRun,
            (false, false) => MigrationMode::Online,
        }
    }
}

/// Prints the statements and losses of a dry run.
pub(crate) fn print_dry_run(context: &Context, result: &DryRunReport) {
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

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args { revision, modes } = args;
    let request = MigrationRequest::upgrade(revision, modes.mode(), modes.tag.clone())?;
    let project = context.project()?;
    if request.mode() == MigrationMode::Online
        && let Some(probe) = context.probe_versions(project)?
        && probe.is_up_to_date(&project.map, request.target())
    {
        print_log(&probe.log);
        context.report_unchanged(&probe.heads.unwrap_or_default());
        return Ok(0);
    }
    let request = Request::Upgrade(request);
    if modes.dry_run {
        print_dry_run(context, &context.dry_run(request, project)?);
        return Ok(0);
    }
    context.run(request, Some(project))
}
