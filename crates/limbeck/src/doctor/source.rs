//! The URLs that the migrations of a project would use, as far as limbeck can find them without running `env.py`.

use std::path::{Path, PathBuf};

use limbeck_db::ProcessEnvironment;
use limbeck_script::environment::EnvironmentFindings;
use limbeck_url::Secret;

use super::configuration::databases;
use crate::config::Config;
use crate::migration_url::{MigrationUrl, ProjectEnvironment, URL_KEY, is_open};

/// The dialects that limbeck supports, and `postgres`, which hosting providers write for `postgresql`.
const DIALECTS: [&str; 5] = ["postgresql", "postgres", "mysql", "mariadb", "sqlite"];

/// A URL that the migrations may use, and its source.
#[derive(Debug, Clone)]
pub(super) struct UrlCandidate {
    pub(super) text: Secret,
    /// The source in words: ``the variable `DATABASE_URL` ``.
    pub(super) source: String,
    pub(super) file: Option<PathBuf>,
    pub(super) line: Option<usize>,
    /// `true` if `env.py` certainly uses this URL.
    pub(super) is_certain: bool,
}

impl UrlCandidate {
    pub(super) fn into_url(self) -> MigrationUrl {
        MigrationUrl {
            text: self.text,
            source: self.source,
            file: self.file,
            line: self.line,
        }
    }
}

/// The facts about `env.py` that decide where its URL comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct EnvSummary<'a> {
    /// The findings; `None` if `env.py` is not valid Python.
    pub(super) findings: Option<&'a EnvironmentFindings>,
    /// `true` if `env.py` is a stock template, which uses only the ini's URL.
    pub(super) is_stock: bool,
}

/// Finds the URLs in the ini, the process's variables and the `.env` files.
pub(super) fn find_urls(
    ini: &Path,
    config: Option<&Config>,
    env: Option<EnvSummary<'_>>,
    process: &ProcessEnvironment,
) -> Vec<UrlCandidate> {
    let is_stock = env.is_some_and(|env| env.is_stock);
    let findings = env.and_then(|env| env.findings);
    if let (Some(config), true) = (config, findings.is_some_and(|findings| findings.is_multidb)) {
        let urls: Vec<_> = databases(config)
            .iter()
            .filter_map(|section| url_of_section(config, section, true))
            .collect();
        if !urls.is_empty() {
            return urls;
        }
    }
    let ini_url = config.and_then(|config| url_of_section(config, config.section(), is_stock));
    let usable_ini_url = ini_url
        .clone()
        .filter(|url| !is_open(url.text.reveal_clear_text()));
    let environment = ProjectEnvironment::read(ini, process);
    if is_stock {
        let found = usable_ini_url.or_else(|| of_environment(&environment, true));
        return found.or(ini_url).into_iter().collect();
    }
    let mut variables = findings
        .into_iter()
        .flat_map(|findings| &findings.variables);
    let variable_url = variables.find_map(|(name, line)| {
        let found = environment.named(name)?;
        is_database_url(found.text.reveal_clear_text()).then(|| UrlCandidate {
            source: format!("{}, which `env.py` reads in line {line}", found.source),
            ..candidate(found, false)
        })
    });
    if let Some(candidate) = variable_url.or(usable_ini_url) {
        return vec![candidate];
    }
    let found = of_environment(&environment, false).or(ini_url);
    found.into_iter().collect()
}

/// Returns the environment's URL. The only error is that no variable is set.
fn of_environment(environment: &ProjectEnvironment<'_>, is_certain: bool) -> Option<UrlCandidate> {
    Some(candidate(environment.migration_url().ok()?, is_certain))
}

fn candidate(found: MigrationUrl, is_certain: bool) -> UrlCandidate {
    UrlCandidate {
        text: found.text,
        source: found.source,
        file: found.file,
        line: found.line,
        is_certain,
    }
}

/// Returns whether a variable's value is a database URL, valid or not, rather than the URL of a cache or a website.
fn is_database_url(value: &str) -> bool {
    let scheme = value.trim().split_once("://").map(|(scheme, _)| scheme);
    let dialect = scheme.and_then(|scheme| scheme.split('+').next());
    dialect.is_some_and(|dialect| DIALECTS.contains(&dialect))
}

/// Returns a section's URL, or its text without interpolation if the interpolation fails.
fn url_of_section(config: &Config, section: &str, is_certain: bool) -> Option<UrlCandidate> {
    let key = URL_KEY;
    let ini = config.ini()?;
    let text = match ini.get(section, key) {
        Ok(text) => text,
        Err(_) => ini.get_as_written(section, key).map(str::to_owned),
    };
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(UrlCandidate {
        text: Secret::new(text),
        source: format!("`{key}` of [{section}]"),
        file: Some(PathBuf::from(&config.files().ini)),
        line: ini.line(section, key),
        is_certain,
    })
}
