//! What a developer runs: `[tool.limbeck.dev]` of `pyproject.toml`, else a `Procfile`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use limbeck::config::tool_limbeck;
use serde::Deserialize;

use crate::cli_error::CliError;
use crate::context::Context;
use crate::launch_error::LaunchError;

/// The file with a line for each process.
const PROCFILE: &str = "Procfile";

/// What a developer runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DevSettings {
    /// The processes by name: a command, or a table.
    pub(crate) processes: BTreeMap<String, Process>,
    /// Folders and files whose changes restart processes; the project's folder, where none is named.
    pub(crate) watch: Vec<PathBuf>,
    /// What becomes of new revisions.
    pub(crate) migrate: Option<Migrate>,
}

/// What becomes of revisions that appear while the processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Migrate {
    /// They are applied at once.
    Apply,
    /// They are told, and applied when Enter is pressed.
    Offer,
    /// They are told.
    Tell,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Process {
    /// A shell's command.
    Command(String),
    /// A command and more.
    Table {
        /// The shell's command.
        command: String,
        /// Whether it is restarted when sources change; not needed for what reloads by itself.
        #[serde(default = "yes")]
        restart: bool,
    },
}

fn yes() -> bool {
    true
}

impl Process {
    pub(crate) fn command(&self) -> &str {
        match self {
            Self::Command(command) | Self::Table { command, .. } => command,
        }
    }

    pub(crate) fn restarts(&self) -> bool {
        match self {
            Self::Command(_) => true,
            Self::Table { restart, .. } => *restart,
        }
    }
}

impl DevSettings {
    /// Reads what there is.
    pub(crate) fn read(context: &Context) -> Result<Self, CliError> {
        let files = context.migrator()?.files;
        let mut settings: Self = tool_limbeck(&files, "dev")?.unwrap_or_default();
        if settings.processes.is_empty()
            && let Ok(text) = std::fs::read_to_string(PROCFILE)
        {
            settings.processes = procfile(&text);
        }
        if settings.processes.is_empty() {
            return Err(LaunchError::NoProcesses.into());
        }
        Ok(settings)
    }
}

/// The processes of a `Procfile`: `name: command`. A `release` process prepares a release, which is done here already.
fn procfile(text: &str) -> BTreeMap<String, Process> {
    let is_name = |name: &str| {
        let plain = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
        !name.is_empty() && name.chars().all(plain)
    };
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, command)| (name.trim(), command.trim()))
        .filter(|(name, command)| is_name(name) && !command.is_empty() && *name != "release")
        .map(|(name, command)| (name.to_owned(), Process::Command(command.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::procfile;

    #[test]
    fn lines_of_a_procfile() {
        let text = "# comment: not one\nweb: uvicorn app:app --port $PORT\n\nrelease: migrate\nworker-2 :  python -m w \nno command:\n";
        let found: Vec<(String, String)> = procfile(text)
            .into_iter()
            .map(|(name, process)| (name, process.command().to_owned()))
            .collect();
        let expected = [
            ("web", "uvicorn app:app --port $PORT"),
            ("worker-2", "python -m w"),
        ];
        assert_eq!(
            found,
            expected.map(|(name, command)| (name.to_owned(), command.to_owned()))
        );
    }
}
