//! `edit`: a script in the user's editor.

use std::path::{Path, PathBuf};
use std::process::Command;

use limbeck::run::{Intent, Refusal};
use serde_json::json;

use crate::context::{CliError, Context, Outcome};

/// The editors that Alembic looks for when neither EDITOR nor VISUAL names one.
const EDITORS: [&str; 5] = ["sensible-editor", "editor", "nano", "vim", "code"];

/// Edit revision script(s) using $EDITOR.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The revision, or `current`, `head`, `heads`.
    #[arg(allow_negative_numbers = true)]
    rev: String,
}

pub(crate) fn run(context: &Context, args: &Args) -> Outcome {
    let Args { rev } = args;
    let project = context.project()?;
    let open = |ids: &[&str]| {
        ids.iter()
            .try_for_each(|id| open_in_editor(context, &project.script(id)?.path))
    };
    if rev != "current" {
        let ids = project.resolve(rev)?;
        if ids.is_empty() {
            return Err(CliError::Refused(format!(
                "No revision files indicated by symbol '{rev}'"
            )));
        }
        open(&ids)?;
        return Ok(0);
    }
    let look = |heads: &[String], _: Option<&str>| {
        if heads.is_empty() {
            return Err(Refusal("No current revisions".into()));
        }
        open(&project.resolve_all(heads)?)
    };
    context.environment(
        "edit",
        json!({"rev": rev}),
        json!({}),
        &project,
        Intent::Inspect(Box::new(look)),
    )
}

fn open_in_editor(context: &Context, script: &Path) -> Result<(), Refusal> {
    let failed = |why: &str| Refusal(format!("Error executing editor ({why})"));
    let editor = find_editor(context).map_err(|why| failed(&why))?;
    let status = Command::new(editor)
        .arg(script)
        .status()
        .map_err(|error| failed(&error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(&status.to_string()))
    }
}

fn find_editor(context: &Context) -> Result<PathBuf, String> {
    let variable = |name: &str| context.variable(name).filter(|value| !value.is_empty());
    let on_path = |name: &str| {
        let path = variable("PATH")?;
        std::env::split_paths(path)
            .map(|folder| folder.join(name))
            .find(|program| program.is_file())
    };
    match variable("EDITOR").or_else(|| variable("VISUAL")) {
        Some(named) if Path::new(named).exists() => Ok(named.into()),
        Some(named) => on_path(named).ok_or_else(|| format!("No editor found: '{named}'")),
        None => EDITORS
            .iter()
            .find_map(|name| on_path(name))
            .ok_or_else(|| "No suitable editor found. Please set the \"EDITOR\" or \"VISUAL\" environment variables".into()),
    }
}
