//! `edit`: opens scripts in the user's editor.

use std::path::{Path, PathBuf};
use std::process::Command;

use limbeck::migrator::InspectCommand;
use limbeck::{CommandError, CommandErrorKind, Request};

use crate::cli_error::{CliError, CommandResult};
use crate::context::Context;

/// The editors that Alembic tries after those that EDITOR and VISUAL name.
const EDITORS: [&str; 5] = ["sensible-editor", "editor", "nano", "vim", "code"];

/// Edit revision script(s) using $EDITOR.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The revision, or `current`, `head`, `heads`.
    #[arg(allow_negative_numbers = true)]
    rev: String,
}

pub(crate) fn run(context: &Context, args: &Args) -> CommandResult {
    let Args { rev } = args;
    let project = context.project()?;
    let open = |ids: &[&str]| {
        ids.iter()
            .try_for_each(|id| open_in_editor(context, &project.script(id)?.1.path()))
    };
    if rev != "current" {
        let ids = project.resolve(rev)?;
        if ids.is_empty() {
            return Err(CliError::usage(format!(
                "No revision files indicated by symbol '{rev}'"
            )));
        }
        open(&ids)?;
        return Ok(0);
    }
    let open_current = |heads: &[String], _: Option<&str>| {
        if heads.is_empty() {
            let text = "No current revisions";
            return Err(CommandError::new(CommandErrorKind::NotAtHead, text));
        }
        open(&project.resolve_all(heads)?)
    };
    let command = InspectCommand::Edit { rev: rev.clone() };
    let request = Request::Inspect(command, Box::new(open_current));
    context.run(request, Some(project))
}

fn open_in_editor(context: &Context, script: &Path) -> Result<(), CommandError> {
    let failed = |reason: String| {
        let text = format!("Error executing editor ({reason})");
        CommandError::new(CommandErrorKind::Raised, text)
    };
    let editor = find_editor(context).ok_or_else(|| {
        let text = "No suitable editor found. Please set the \"EDITOR\" or \"VISUAL\" environment variables";
        failed(text.into())
    })?;
    let command = format!("`{} {}`", editor.display(), script.display());
    match Command::new(&editor).arg(script).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("{command}: {status}"))),
        Err(error) => Err(failed(format!("{command}: {error}"))),
    }
}

/// Returns the file that EDITOR or VISUAL names, else the first editor on the PATH: those names, then [`EDITORS`].
fn find_editor(context: &Context) -> Option<PathBuf> {
    let variable = |name: &str| context.variable(name).filter(|value| !value.is_empty());
    let mut candidates = EDITORS.to_vec();
    for (index, name) in ["EDITOR", "VISUAL"].into_iter().enumerate() {
        if let Some(choice) = variable(name) {
            if Path::new(choice).exists() {
                return Some(choice.into());
            }
            if !choice.contains('/') {
                candidates.insert(index, choice);
            }
        }
    }
    let path = context.variable("PATH").unwrap_or_default();
    candidates.iter().find_map(|name| {
        std::env::split_paths(path)
            .map(|folder| folder.join(name))
            .find(|program| program.exists())
    })
}
