//! `history`: lists the revisions, newest first.

use limbeck::format::ShortForm;
use limbeck::migrator::InspectCommand;
use limbeck::project::Project;
use limbeck::revision::HistoryEnd;
use limbeck::{CommandError, Request};

use crate::cli_error::{CliError, CommandResult};
use crate::context::Context;

/// List changeset scripts in chronological order.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Specify a revision range; format is `[start]:[end]`.
    #[arg(short, long)]
    rev_range: Option<String>,
    /// Use more verbose output.
    #[arg(short, long)]
    verbose: bool,
    /// Indicate the current revision.
    #[arg(short, long)]
    indicate_current: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args {
        rev_range,
        verbose,
        indicate_current,
    } = args;
    let project = context.project()?;
    let (start, end) = match rev_range
        .as_deref()
        .map(|range| range.trim().split(':').collect::<Vec<_>>())
    {
        None => ("", ""),
        Some(sides) => {
            if let [start, end] = sides[..] {
                (start, end)
            } else {
                let text = "History range requires [start]:[end], [start]:, or :[end]";
                return Err(CliError::usage(text));
            }
        }
    };
    let listing = Listing {
        project,
        verbose: *verbose,
        indicate_current: *indicate_current,
    };
    let needs_environment = *indicate_current
        || start == "current"
        || end == "current"
        || project.config.revision_environment()?;
    if !needs_environment {
        listing.print(context, side(start, "base"), side(end, "heads"), &[])?;
        return Ok(0);
    }
    let print = |heads: &[String], _: Option<&str>| {
        // As in Alembic, the rows replace the side named `current`.
        let (start, end) = match (start, end) {
            (start, "current") => (side(start, "base"), HistoryEnd::Rows(heads)),
            ("current", end) => (HistoryEnd::Rows(heads), side(end, "heads")),
            (start, end) => (side(start, "base"), side(end, "heads")),
        };
        listing.print(context, start, end, heads)
    };
    let command = InspectCommand::History {
        rev_range: rev_range.clone(),
        verbose: *verbose,
        indicate_current: *indicate_current,
    };
    let request = Request::Inspect(command, Box::new(print));
    context.run(request, Some(project))
}

/// Returns one end of the range; an empty end is `default`.
fn side<'a>(given: &'a str, default: &'a str) -> HistoryEnd<'a> {
    HistoryEnd::Name(if given.is_empty() { default } else { given })
}

struct Listing<'a> {
    project: &'a Project,
    verbose: bool,
    indicate_current: bool,
}

impl Listing<'_> {
    fn print(
        &self,
        context: &Context,
        start: HistoryEnd<'_>,
        end: HistoryEnd<'_>,
        current: &[String],
    ) -> Result<(), CommandError> {
        let form = ShortForm {
            labels: true,
            doc: true,
            parents: true,
            tree_marks: true,
        };
        let marked = if self.indicate_current { current } else { &[] };
        // One write for all lines: a history can have ten thousand.
        let mut text = String::new();
        let ids = self.project.history(start, end)?;
        for (number, id) in ids.iter().enumerate() {
            if number > 0 {
                text.push('\n');
            }
            context.report_revision(self.project, id)?;
            self.project
                .add_entry(&mut text, id, self.verbose, form, marked)?;
        }
        if !ids.is_empty() {
            context.printer.result(&text);
        }
        Ok(())
    }
}
