//! `edit`: a script in the user's editor.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use limbeck::run::{Intent, Refusal};
use serde_json::json;

use crate::context::{CliError, Context, Outcome};

/// The editors that Alembic looks for behind the ones that EDITOR and VISUAL name.
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
            .try_for_each(|id| open_in_editor(context, &project.script(id)?.1.path()))
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
        project,
        Intent::Inspect(Box::new(look)),
    )
}

fn open_in_editor(context: &Context, script: &Path) -> Result<(), Refusal> {
    let failed = |why: String| Refusal(format!("Error executing editor ({why})"));
    let editor = find_editor(context).ok_or_else(|| {
        let text = "No suitable editor found. Please set the \"EDITOR\" or \"VISUAL\" environment variables";
        failed(text.into())
    })?;
    let status = Command::new(&editor)
        .arg(script)
        .status()
        .map_err(|error| failed(system_error(&error, &editor)))?;
    if status.success() {
        return Ok(());
    }
    let command = format!("Command '[{}, {}]'", repr(&editor), repr(script));
    Err(failed(match status.signal() {
        Some(number) => format!("{command} died with {}.", signal_name(number)),
        None => format!(
            "{command} returned non-zero exit status {}.",
            status.code().unwrap_or_default()
        ),
    }))
}

/// A signal as Python shows it.
fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        6 => "SIGABRT",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return format!("unknown signal {number}"),
    };
    format!("<Signals.{name}: {number}>")
}

/// An error of the system in Python's words.
fn system_error(error: &std::io::Error, path: &Path) -> String {
    let Some(number) = error.raw_os_error() else {
        return error.to_string();
    };
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("[Errno {number}] {text}: {}", repr(path))
}

/// A path as Python shows a string.
fn repr(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.contains('\'') && !text.contains('"') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

/// A file that EDITOR or VISUAL names, else the first of their names and the usual ones that is on the PATH.
fn find_editor(context: &Context) -> Option<PathBuf> {
    let variable = |name: &str| context.variable(name).filter(|value| !value.is_empty());
    let mut candidates = EDITORS.to_vec();
    for (place, name) in ["EDITOR", "VISUAL"].into_iter().enumerate() {
        if let Some(choice) = variable(name) {
            if Path::new(choice).exists() {
                return Some(choice.into());
            }
            if !choice.contains('/') {
                candidates.insert(place, choice);
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
