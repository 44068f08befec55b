//! Which URLs the migrations of a project would use, as far as that can be told without running `env.py`.

use std::path::PathBuf;

use limbeck_script::environment::EnvironmentFindings;
use limbeck_url::{DatabaseConfigProvider, Secret, UrlSource};

use super::configuration::databases;
use crate::config::Config;

/// The URL that Alembic's templates have.
pub(super) const PLACEHOLDER: &str = "driver://user:pass@localhost/dbname";

/// The dialects of URLs that limbeck connects with, and what hosters write for one of them.
const DIALECTS: [&str; 5] = ["postgresql", "postgres", "mysql", "mariadb", "sqlite"];

/// A URL and where it was found.
#[derive(Debug, Clone)]
pub(super) struct FoundUrl {
    pub(super) text: Secret,
    /// In words: ``the variable `DATABASE_URL` ``.
    pub(super) origin: String,
    pub(super) file: Option<PathBuf>,
    pub(super) line: Option<usize>,
    /// `env.py` can only take this one.
    pub(super) is_certain: bool,
}

/// What is known of `env.py`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Env<'a> {
    pub(super) survey: Option<&'a EnvironmentFindings>,
    /// It is a stock one, which takes the ini's URL and no other.
    pub(super) is_stock: bool,
}

/// Finds them. `variable` reads the environment, `dotenv` is the text of `.env`.
pub(super) fn find(
    config: Option<&Config>,
    env: Option<Env<'_>>,
    variable: &dyn Fn(&str) -> Option<String>,
    dotenv: Option<&str>,
) -> Vec<FoundUrl> {
    let is_stock = env.is_some_and(|env| env.is_stock);
    let survey = env.and_then(|env| env.survey);
    if let (Some(config), true) = (config, survey.is_some_and(|survey| survey.is_multidb)) {
        let urls: Vec<_> = databases(config)
            .iter()
            .filter_map(|section| of_ini(config, section, true))
            .collect();
        if !urls.is_empty() {
            return urls;
        }
    }
    let ini = config.and_then(|config| of_ini(config, config.section(), is_stock));
    if is_stock {
        return ini.into_iter().collect();
    }
    let mut read_by_env = survey.into_iter().flat_map(|survey| &survey.variables);
    let of_variable = read_by_env.find_map(|(name, line)| {
        let value = variable(name).filter(|value| is_database_url(value))?;
        Some(FoundUrl {
            text: Secret::new(value),
            origin: format!("the variable `{name}`, which `env.py` reads in line {line}"),
            file: None,
            line: None,
            is_certain: false,
        })
    });
    let is_placeholder = |found: &FoundUrl| found.text.reveal_clear_text().trim() == PLACEHOLDER;
    if let Some(found) = of_variable.or_else(|| ini.clone().filter(|it| !is_placeholder(it))) {
        return vec![found];
    }
    match DatabaseConfigProvider::from_variables(variable, dotenv) {
        Ok(provider) => vec![of_provider(&provider)],
        // That none is set is the one reason.
        Err(_) => ini.into_iter().collect(),
    }
}

/// Whether a variable's value is a database's URL, right or wrong, and not that of a cache or a site.
fn is_database_url(value: &str) -> bool {
    let scheme = value.trim().split_once("://").map(|(scheme, _)| scheme);
    let dialect = scheme.and_then(|scheme| scheme.split('+').next());
    dialect.is_some_and(|dialect| DIALECTS.contains(&dialect))
}

fn of_provider(provider: &DatabaseConfigProvider) -> FoundUrl {
    let origin = provider.application_source();
    let line = match origin {
        UrlSource::DotEnv { line, .. } => Some(*line),
        _ => None,
    };
    FoundUrl {
        text: provider.application_url().clone(),
        origin: format!("{origin}, the application's"),
        file: line.map(|_| PathBuf::from(".env")),
        line,
        is_certain: false,
    }
}

/// A section's URL; as it is written, where its percent signs keep it from being read.
fn of_ini(config: &Config, section: &str, is_certain: bool) -> Option<FoundUrl> {
    let key = "sqlalchemy.url";
    let ini = config.ini()?;
    let text = match ini.get(section, key) {
        Ok(text) => text,
        Err(_) => ini.get_as_written(section, key).map(str::to_owned),
    };
    let text = text.filter(|text| !text.trim().is_empty())?;
    Some(FoundUrl {
        text: Secret::new(text),
        origin: format!("`{key}` of [{section}]"),
        file: Some(PathBuf::from(&config.files().ini)),
        line: ini.line(section, key),
        is_certain,
    })
}
