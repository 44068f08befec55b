//! The settings of a launch: `[tool.limbeck.run]` in `pyproject.toml`, and the defaults.

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use limbeck::config::tool_limbeck;
use limbeck_supervisor::{PageAccess, Probe};
use serde::{Deserialize, Deserializer, de};

use crate::cli_error::CliError;
use crate::context::Context;
use crate::value_parsers::{parse_address, parse_duration};

/// The action after a migration if the application does not become ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnUnhealthy {
    /// Keep the migration.
    Keep,
    /// Roll the migration back if each step can be reverted and no data would be lost.
    Rollback,
}

/// The settings of a launch.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    #[serde(deserialize_with = "probe")]
    pub(crate) probe: Option<Probe>,
    #[serde(deserialize_with = "time")]
    pub(crate) probe_interval: Duration,
    #[serde(deserialize_with = "time")]
    pub(crate) probe_timeout: Duration,
    #[serde(deserialize_with = "health_address")]
    pub(crate) health_addr: Option<SocketAddr>,
    #[serde(deserialize_with = "page_access")]
    pub(crate) page: PageAccess,
    #[serde(deserialize_with = "time")]
    pub(crate) wait: Duration,
    #[serde(deserialize_with = "time")]
    pub(crate) ready_timeout: Duration,
    #[serde(deserialize_with = "time")]
    pub(crate) stop_timeout: Duration,
    pub(crate) on_unhealthy: OnUnhealthy,
    pub(crate) allow_data_loss: bool,
    pub(crate) revision: String,
    pub(crate) url_variable: String,
    pub(crate) migration_url_variable: String,
    pub(crate) driver: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            probe: None,
            probe_interval: Duration::from_secs(10),
            probe_timeout: Duration::from_secs(1),
            health_addr: None,
            page: PageAccess::default(),
            wait: Duration::from_secs(60),
            ready_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(4),
            on_unhealthy: OnUnhealthy::Keep,
            allow_data_loss: false,
            revision: "head".into(),
            url_variable: "DATABASE_URL".into(),
            migration_url_variable: "MIGRATION_DATABASE_URL".into(),
            driver: None,
        }
    }
}

impl Settings {
    /// Reads the settings. Without the table in `pyproject.toml` they are the defaults.
    pub(crate) fn read(context: &Context) -> Result<Self, CliError> {
        let files = context.migrator()?.files;
        Ok(tool_limbeck(&files, "run")?.unwrap_or_default())
    }
}

/// Parses a duration as the command line takes it, or a number of seconds.
fn time<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Duration, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Time {
        Seconds(u32),
        Text(String),
    }
    match Time::deserialize(deserializer)? {
        Time::Seconds(seconds) => Ok(Duration::from_secs(seconds.into())),
        Time::Text(text) => parse_duration(&text).map_err(de::Error::custom),
    }
}

fn probe<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<Probe>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(de::Error::custom)
}

fn health_address<'a, D: Deserializer<'a>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_address(&text).map(Some).map_err(de::Error::custom)
}

fn page_access<'a, D: Deserializer<'a>>(deserializer: D) -> Result<PageAccess, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(de::Error::custom)
}
