//! How an application is launched: `[tool.limbeck.run]` of `pyproject.toml`, and what stands there for nothing.

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use limbeck::config::tool_limbeck;
use limbeck_supervisor::{Audience, Probe};
use serde::{Deserialize, Deserializer, de};

use crate::cli_error::CliError;
use crate::context::Context;
use crate::value_parsers::{parse_address, parse_duration};

/// What becomes of a migration after which the application does not get well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnUnhealthy {
    /// It stays.
    Keep,
    /// It is undone, where each step can be and nothing is lost.
    Rollback,
}

/// How an application is launched.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    #[serde(deserialize_with = "probe")]
    pub(crate) probe: Option<Probe>,
    #[serde(deserialize_with = "time")]
    pub(crate) probe_interval: Duration,
    #[serde(deserialize_with = "time")]
    pub(crate) probe_timeout: Duration,
    #[serde(deserialize_with = "place")]
    pub(crate) health_addr: Option<SocketAddr>,
    #[serde(deserialize_with = "audience")]
    pub(crate) page: Audience,
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
            page: Audience::default(),
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
    /// Reads the table, where there is one.
    pub(crate) fn read(context: &Context) -> Result<Self, CliError> {
        let files = context.migrator()?.files;
        Ok(tool_limbeck(&files, "run")?.unwrap_or_default())
    }
}

/// A time as it can be typed, or a number of seconds.
fn time<'a, D: Deserializer<'a>>(given: D) -> Result<Duration, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Time {
        Seconds(u32),
        Text(String),
    }
    match Time::deserialize(given)? {
        Time::Seconds(seconds) => Ok(Duration::from_secs(seconds.into())),
        Time::Text(text) => parse_duration(&text).map_err(de::Error::custom),
    }
}

fn probe<'a, D: Deserializer<'a>>(given: D) -> Result<Option<Probe>, D::Error> {
    let text = String::deserialize(given)?;
    text.parse().map(Some).map_err(de::Error::custom)
}

fn place<'a, D: Deserializer<'a>>(given: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(given)?;
    parse_address(&text).map(Some).map_err(de::Error::custom)
}

fn audience<'a, D: Deserializer<'a>>(given: D) -> Result<Audience, D::Error> {
    let text = String::deserialize(given)?;
    text.parse().map_err(de::Error::custom)
}
