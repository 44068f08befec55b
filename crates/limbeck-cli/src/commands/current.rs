//! `current`: shows the current revisions of the database.

use std::collections::BTreeSet;

use limbeck::format::ShortForm;
use limbeck::migrator::InspectCommand;
use limbeck::project::Project;
use limbeck::{CommandError, CommandErrorKind, Request};

use crate::cli_error::Outcome;
use crate::context::Context;
use crate::output::notices::print_log;

/// Display the current revision for a database.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Check if all head revisions are applied to the database. Exit with an error code if this is
    /// not the case.
    #[arg(short, long)]
    check_heads: bool,
    /// Use more verbose output.
    #[arg(short, long)]
    verbose: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args {
        check_heads,
        verbose,
    } = *args;
    let project = context.project()?;
    let print = |rows: &[String], url: Option<&str>| {
        if verbose {
            context.printer.result(&format!(
                "Current revision(s) for {}:",
                url.unwrap_or_default()
            ));
        }
        if check_heads && !is_at_heads(project, rows) {
            let text = "Database is not on all head revisions";
            return Err(CommandError::new(CommandErrorKind::NotAtHead, text));
        }
        context.report_unchanged(rows);
        for id in project.current(rows)? {
            context.report_revision(project, id)?;
            let form = ShortForm {
                tree_marks: true,
                ..ShortForm::default()
            };
            context
                .printer
                .result(&project.entry(id, verbose, form, &[])?);
        }
        Ok(())
    };
    if let Some(found) = context.probe_versions(project)? {
        let rows = found.heads.unwrap_or_default();
        // If the check fails, the worker has to run: the logging that `env.py` sets up logs the error, too.
        if !check_heads || is_at_heads(project, &rows) {
            print_log(&found.log);
            print(&rows, Some(&found.url))?;
            return Ok(0);
        }
    }
    let command = InspectCommand::Current {
        check_heads,
        verbose,
    };
    let request = Request::Inspect(command, Box::new(print));
    context.run(request, Some(project))
}

/// Returns `true` if the rows equal the heads, as Alembic compares them.
fn is_at_heads(project: &Project, rows: &[String]) -> bool {
    let rows: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    rows == project.map.heads().into_iter().collect()
}
