//! `show`: prints all details of revisions.

use limbeck::Request;
use limbeck::format::ShortForm;
use limbeck::migrator::InspectCommand;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// Show the revision(s) denoted by the given symbol.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The revision, or `current`, `head`, `heads`.
    #[arg(allow_negative_numbers = true)]
    rev: String,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
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
    let command = InspectCommand::Show { rev: rev.clone() };
    let request = Request::Inspect(command, Box::new(print_current));
    context.run(request, Some(project))
}
