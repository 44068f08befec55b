//! `branches`: lists the branch points and their branches.

use limbeck::format::ShortForm;
use limbeck::revision::HistoryEnd;

use crate::cli_error::CommandResult;
use crate::context::Context;

/// Show current branch points.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Use more verbose output.
    #[arg(short, long)]
    verbose: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args { verbose } = *args;
    let project = context.project()?;
    let point = ShortForm {
        labels: true,
        tree_marks: true,
        ..ShortForm::default()
    };
    let child = ShortForm {
        doc: verbose,
        ..point
    };
    for id in project.history(HistoryEnd::Name("base"), HistoryEnd::Name("heads"))? {
        let children = project.script(id)?.0.children();
        if children.len() < 2 {
            continue;
        }
        context.report_revision(project, id)?;
        let mut text = project.entry(id, verbose, point, &[])?;
        for next in children {
            text += &format!(
                "\n{} -> {}",
                " ".repeat(id.chars().count()),
                project.entry(next, false, child, &[])?
            );
        }
        context.printer.result(&format!("{text}\n"));
    }
    Ok(0)
}
