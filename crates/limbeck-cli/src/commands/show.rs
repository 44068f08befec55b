//! `show`: prints all details of revisions.

use limbeck::format::ShortForm;
use limbeck::run::Intent;
use serde_json::json;

use crate::cli_error::Outcome;
use crate::context::Context;
use crate::context::run::WorkerCommand;

/// Show the revision(s) denoted by the given symbol.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The revision, or `current`, `head`, `heads`.
    #[arg(allow_negative_numbers = true)]
    rev: String,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args { rev } = args;
    let project = context.project()?;
    let print = |ids: &[&str]| {
        for id in ids {
            context.report_revision(project, id)?;
            context
                .printer
                .result(&project.entry(id, true, ShortForm::default(), &[])?);
        }
        Ok(())
    };
    if rev != "current" {
        print(&project.resolve(rev)?)?;
        return Ok(0);
    }
    let print_current = |heads: &[String], _: Option<&str>| print(&project.resolve_all(heads)?);
    let command = WorkerCommand {
        name: "show",
        options: json!({"rev": rev}),
        arguments: json!({}),
    };
    context.run_environment(command, project, Intent::Inspect(Box::new(print_current)))
}
