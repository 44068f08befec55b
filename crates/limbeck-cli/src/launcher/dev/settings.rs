//! The settings of `limbeck dev`: `[tool.limbeck.dev]` in `pyproject.toml`, or a `Procfile`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use limbeck::config::tool_limbeck;
use serde::Deserialize;

use crate::cli_error::CliError;
use crate::context::Context;
use crate::launch_error::LaunchError;

/// The file that lists one process per line.
const PROCFILE: &str = "Procfile";

/// The settings of `limbeck dev`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct DevSettings {
    /// The processes by name.
    pub(crate) processes: BTreeMap<String, Process>,
    /// The folders and files whose changes restart processes. If empty, the project's folder.
    pub(crate) watch: Vec<PathBuf>,
    /// The action for new revisions.
    pub(crate) migrate: Option<NewRevisions>,
}

/// The action for revisions that appear while the processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NewRevisions {
    /// Apply them at once.
    Apply,
    /// Print them, and apply them when Enter is pressed.
    Offer,
    /// Print them.
    #[serde(rename = "tell")]
    #[value(name = "tell")]
    Announce,
}

/// A process of the project.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Process {
    /// A shell command.
    Command(String),
    /// A shell command with options.
    Table {
        /// The shell command.
        command: String,
        /// `true` if the process is restarted when sources change. A process that reloads itself doesn't need this.
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

    pub(crate) fn restarts_on_change(&self) -> bool {
        match self {
            Self::Command(_) => true,
            Self::Table { restart, .. } => *restart,
        }
    }
}

impl DevSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// Returns an error if `pyproject.toml` can't be used, or no processes are configured.
    pub(crate) fn read(context: &Context) -> Result<Self, CliError> {
        let files = context.migrator()?.files;
        let mut settings: Self = tool_limbeck(&files, "dev")?.unwrap_or_default();
        if settings.processes.is_empty()
            && let Ok(text) = std::fs::read_to_string(PROCFILE)
        {
            settings.processes = parse_procfile(&text);
        }
        if settings.processes.is_empty() {
            return Err(LaunchError::NoProcesses.into());
        }
        Ok(settings)
    }
}

/// Parses a `Procfile` with lines `name: command`. Ignores `release`, which would migrate: limbeck has already done that.
fn parse_procfile(text: &str) -> BTreeMap<String, Process> {
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
    use super::parse_procfile;

    #[test]
    fn parses_a_procfile() {
        let text = "# comment: not one\nweb: uvicorn app:app --port $PORT\n\nrelease: migrate\nworker-2 :  python -m w \nno command:\n";
        let found: Vec<(String, String)> = parse_procfile(text)
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
