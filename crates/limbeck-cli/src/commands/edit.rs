//! `edit`: opens scripts in the user's editor.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use limbeck::run::{Intent, Refusal};
use serde_json::json;

use crate::cli_error::{CliError, Outcome};
use crate::context::Context;
use crate::context::run::WorkerCommand;

/// The editors that Alembic tries after those that EDITOR and VISUAL name.
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
    let open_current = |heads: &[String], _: Option<&str>| {
        if heads.is_empty() {
            return Err(Refusal("No current revisions".into()));
        }
        open(&project.resolve_all(heads)?)
    };
    let command = WorkerCommand {
        name: "edit",
        options: json!({"rev": rev}),
        arguments: json!({}),
    };
    context.run_environment(command, project, Intent::Inspect(Box::new(open_current)))
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
        .map_err(|error| failed(format_system_error(&error, &editor)))?;
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

/// Formats a signal as Python does.
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

/// Formats a system error as Python does.
fn format_system_error(error: &std::io::Error, path: &Path) -> String {
    let Some(number) = error.raw_os_error() else {
        return error.to_string();
    };
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("[Errno {number}] {text}: {}", repr(path))
}

/// Formats a path as Python's `repr` does.
fn repr(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.contains('\'') && !text.contains('"') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
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
