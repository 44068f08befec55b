//! The URLs that the migrations of a project would use, as far as limbeck can find them without running `env.py`.

use std::path::PathBuf;

use limbeck_script::environment::EnvironmentFindings;
use limbeck_url::{DatabaseConfigProvider, Secret, UrlSource};

use super::configuration::databases;
use crate::config::Config;

/// The URL in Alembic's templates.
pub(super) const PLACEHOLDER: &str = "driver://user:pass@localhost/dbname";

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

/// The facts about `env.py` that decide where its URL comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct EnvSummary<'a> {
    /// The findings; `None` if `env.py` is not valid Python.
    pub(super) findings: Option<&'a EnvironmentFindings>,
    /// `true` if `env.py` is a stock template, which uses only the ini's URL.
    pub(super) is_stock: bool,
}

/// Finds the URLs. `variable` returns the value of an environment variable, `dotenv` is the text of `.env`.
pub(super) fn find_urls(
    config: Option<&Config>,
    env: Option<EnvSummary<'_>>,
    variable: &dyn Fn(&str) -> Option<String>,
    dotenv: Option<&str>,
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
    if is_stock {
        return ini_url.into_iter().collect();
    }
    let mut variables = findings
        .into_iter()
        .flat_map(|findings| &findings.variables);
    let variable_url = variables.find_map(|(name, line)| {
        let value = variable(name).filter(|value| is_database_url(value))?;
        Some(UrlCandidate {
            text: Secret::new(value),
            source: format!("the variable `{name}`, which `env.py` reads in line {line}"),
            file: None,
            line: None,
            is_certain: false,
        })
    });
    let is_placeholder =
        |candidate: &UrlCandidate| candidate.text.reveal_clear_text().trim() == PLACEHOLDER;
    let usable_ini_url = ini_url.clone().filter(|url| !is_placeholder(url));
    if let Some(candidate) = variable_url.or(usable_ini_url) {
        return vec![candidate];
    }
    match DatabaseConfigProvider::from_variables(variable, dotenv) {
        Ok(provider) => vec![application_url(&provider)],
        // The only error is that no variable is set.
        Err(_) => ini_url.into_iter().collect(),
    }
}

/// Returns whether a variable's value is a database URL, valid or not, rather than the URL of a cache or a website.
fn is_database_url(value: &str) -> bool {
    let scheme = value.trim().split_once("://").map(|(scheme, _)| scheme);
    let dialect = scheme.and_then(|scheme| scheme.split('+').next());
    dialect.is_some_and(|dialect| DIALECTS.contains(&dialect))
}

fn application_url(provider: &DatabaseConfigProvider) -> UrlCandidate {
    let source = provider.application_source();
    let line = match source {
        UrlSource::DotEnv { line, .. } => Some(*line),
        _ => None,
    };
    UrlCandidate {
        text: provider.application_url().clone(),
        source: format!("{source}, the application's URL"),
        file: line.map(|_| PathBuf::from(".env")),
        line,
        is_certain: false,
    }
}

/// Returns a section's URL, or its text without interpolation if the interpolation fails.
fn url_of_section(config: &Config, section: &str, is_certain: bool) -> Option<UrlCandidate> {
    let key = "sqlalchemy.url";
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
