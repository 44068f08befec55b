//! `current`: where the database stands.

use std::collections::BTreeSet;

use limbeck::format::ShortForm;
use limbeck::project::Project;
use limbeck::run::{Intent, Refusal};
use serde_json::json;

use crate::context::{Context, Outcome};

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
    let look = |rows: &[String], url: Option<&str>| {
        if verbose {
            context.printer.result(&format!(
                "Current revision(s) for {}:",
                url.unwrap_or_default()
            ));
        }
        if check_heads && !at_heads(project, rows) {
            return Err(Refusal("Database is not on all head revisions".into()));
        }
        context.found(rows);
        for id in project.current(rows)? {
            context.listed(project, id)?;
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
    if let Some(found) = context.look(project)? {
        let rows = found.heads.unwrap_or_default();
        // A refusal is logged, too, by the logging that `env.py` sets up: the worker's part.
        if !check_heads || at_heads(project, &rows) {
            context.log(&found.log);
            look(&rows, Some(&found.url))?;
            return Ok(0);
        }
    }
    let options = json!({"check_heads": check_heads, "verbose": verbose});
    let arguments = json!({"dont_mutate": true});
    context.environment(
        "current",
        options,
        arguments,
        project,
        Intent::Inspect(Box::new(look)),
    )
}

/// Whether the rows are just the heads, as Alembic compares them.
fn at_heads(project: &Project, rows: &[String]) -> bool {
    let rows: BTreeSet<&str> = rows.iter().map(String::as_str).collect();
    rows == project.map.heads().into_iter().collect()
}
