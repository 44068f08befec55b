//! `limbeck doctor`: checks a project and reports what will fail, at which line, and how to fix it.
//!
//! The doctor writes nothing and imports nothing of the project. A problem never hides the next one.

mod check;
mod configuration;
mod database;
mod environment;
mod history;
mod interpreter;
mod pooler;
mod source;
mod url;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use limbeck_db::{ProcessEnvironment, VersionTable};
use limbeck_script::environment::{
    EnvironmentAnalysis, EnvironmentFindings, EnvironmentSyntaxError, analyze, inspect,
};
use limbeck_script::interpreter::{InstalledVersions, Interpreter, InterpreterError};

pub use check::{Check, CheckId, Severity};

use crate::config::{Config, ConfigFiles};
use crate::connection_check::{self, connect_options};
use crate::migration_url::MigrationUrl;
use crate::migrator::Migrator;
use crate::project::{FolderSearch, script_folder};
use crate::version_probe::engine_settings;
use database::ConnectionProblem;
use interpreter::QueriedInterpreter;
use source::{EnvSummary, UrlCandidate};
use url::ParsedUrl;

/// The project to check, and its surroundings.
pub struct Input<'a> {
    /// The configuration's files.
    pub files: ConfigFiles,
    /// The name of the ini's main section.
    pub section: &'a str,
    /// The environment of limbeck's process.
    pub process_environment: &'a ProcessEnvironment,
    /// The interpreter that would run `env.py`.
    pub interpreter: Result<Interpreter, InterpreterError>,
    /// The folders of Python packages, for a `script_location` of the form `package:path`.
    pub package_folders: Vec<PathBuf>,
    /// `true` to check without a connection to the database.
    pub offline: bool,
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Input")
            .field("files", &self.files)
            .field("section", &self.section)
            .field("process_environment", &self.process_environment)
            .field("interpreter", &self.interpreter)
            .field("package_folders", &self.package_folders)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

/// The maximum time for the check of a connection. It also limits the wait for a host whose URL has no timeout.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(20);

/// An `env.py` and the result of reading it.
struct EnvFile {
    path: PathBuf,
    analysis: EnvironmentAnalysis,
    findings: Result<EnvironmentFindings, EnvironmentSyntaxError>,
}

impl EnvFile {
    fn summary(&self) -> EnvSummary<'_> {
        EnvSummary {
            findings: self.findings.as_ref().ok(),
            is_stock: matches!(self.analysis, EnvironmentAnalysis::Stock(_)),
        }
    }
}

/// Returns the URLs that the migrations of a project use, as far as limbeck can find them without running `env.py`.
pub fn migration_urls(migrator: &Migrator) -> Vec<MigrationUrl> {
    let config = migrator.config().ok();
    let folders = || migrator.package_folders();
    let folder = config
        .as_ref()
        .and_then(|config| script_folder(config, folders).ok());
    let env_file = read_env_file(folder.as_deref());
    let urls = source::find_urls(
        Path::new(&migrator.files.ini),
        config.as_ref(),
        env_file.as_ref().ok().map(EnvFile::summary),
        &migrator.process_environment,
    );
    urls.into_iter().map(UrlCandidate::into_url).collect()
}

/// Checks a project. Returns the checks in the order of [`CheckId::ALL`]; some checks are repeated for each URL.
pub async fn check_project(input: Input<'_>) -> Vec<Check> {
    let config = Config::load(&input.files, input.section);
    let usable_config = config.as_ref().ok();
    let folders = usable_config.map(|config| FolderSearch {
        prepended: config.prepend_sys_path().unwrap_or_default(),
        package_folders: || input.package_folders.clone(),
    });
    let find_folder = |location: &str| folders.as_ref().and_then(|folders| folders.find(location));
    let script_folder = usable_config
        .and_then(|config| config.script_location().ok())
        .and_then(|location| find_folder(&location));
    let mut checks = configuration::check(&input.files, &config, script_folder.as_deref());

    let interpreter = match input.interpreter {
        Ok(interpreter) => Ok(QueriedInterpreter::query(interpreter).await),
        Err(error) => Err(error),
    };
    let installed: Option<&InstalledVersions> = interpreter
        .as_ref()
        .ok()
        .and_then(|interpreter| interpreter.installed.as_ref().ok());

    let env_file = read_env_file(script_folder.as_deref());
    let env = env_file.as_ref().ok().map(EnvFile::summary);
    let urls = source::find_urls(
        Path::new(&input.files.ini),
        usable_config,
        env,
        input.process_environment,
    );
    checks.extend(match &env_file {
        Ok(file) => environment::check(&environment::EnvContext {
            path: &file.path,
            analysis: &file.analysis,
            findings: &file.findings,
            engine_settings: &other_engine_settings(usable_config),
            urls: &urls,
            installed,
        }),
        Err(check) => {
            let mut all = vec![check.clone()];
            all.extend(environment::not_checked("`env.py` can't be read"));
            all
        }
    });

    let mut parsed_urls: Vec<(&UrlCandidate, ParsedUrl)> = Vec::new();
    for candidate in &urls {
        let (of_url, parsed) = url::check(candidate, env, installed);
        checks.extend(of_url);
        parsed_urls.extend(parsed.map(|parsed| (candidate, parsed)));
    }
    if urls.is_empty() {
        checks.push(no_url(env));
    }

    let is_async = env.and_then(|env| Some(env.findings?.is_async));
    let parsed: Vec<&ParsedUrl> = parsed_urls.iter().map(|(_, parsed)| parsed).collect();
    checks.extend(interpreter::check(&interpreter, &parsed, is_async));

    let (of_history, history) =
        history::check(usable_config, script_folder.as_deref(), &find_folder);
    checks.extend(of_history);

    let table = version_table(env);
    if input.offline {
        checks.extend(database::not_checked("of `--offline`"));
    } else if parsed_urls.is_empty() {
        checks.extend(database::not_checked("no URL is known"));
    } else {
        for (candidate, parsed) in &parsed_urls {
            let connection = check_connection(candidate, &table, input.process_environment).await;
            checks.extend(database::check(&connection, parsed, &history));
        }
    }
    checks
}

async fn check_connection(
    candidate: &UrlCandidate,
    table: &VersionTable,
    process_environment: &ProcessEnvironment,
) -> Result<connection_check::ConnectionCheck, ConnectionProblem> {
    let url = candidate.text.reveal_clear_text().trim();
    let options = connect_options(url, process_environment).map_err(ConnectionProblem::Options)?;
    let check = connection_check::check(&options, table);
    match tokio::time::timeout(CONNECTION_TIMEOUT, check).await {
        Ok(result) => result.map_err(ConnectionProblem::Database),
        Err(_) => Err(ConnectionProblem::Timeout),
    }
}

/// Reads the `env.py` of a script directory, or returns the check that reports why it can't be read.
fn read_env_file(script_folder: Option<&Path>) -> Result<EnvFile, Check> {
    let Some(folder) = script_folder else {
        return Err(CheckId::EnvFile.not_checked("`env.py`", "the script directory is not known"));
    };
    let path = folder.join("env.py");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(EnvFile {
            analysis: analyze(&text),
            findings: inspect(&text),
            path,
        }),
        Err(error) => Err(CheckId::EnvFile
            .error(format!("`env.py` can't be read: {error}"))
            .at(&path, None)
            .fix("correct `script_location`, or create `env.py` with `limbeck init`")),
    }
}

/// Returns the settings of `engine_from_config` other than the URL.
fn other_engine_settings(config: Option<&Config>) -> Vec<String> {
    let section = config.and_then(|config| Some((config.ini()?, config.section())));
    let settings = section.map(|(ini, section)| engine_settings(ini, section));
    settings
        .unwrap_or_default()
        .into_iter()
        .filter(|key| *key != "sqlalchemy.url")
        .map(str::to_owned)
        .collect()
}

fn no_url(env: Option<EnvSummary<'_>>) -> Check {
    let id = CheckId::UrlSource;
    match env {
        Some(env) if env.is_stock => id
            .error("`env.py` reads the URL from the ini, which has no `sqlalchemy.url`, and no environment variable contains a URL")
            .fix("set `DATABASE_URL`, or add `sqlalchemy.url = …` to the ini"),
        Some(_) => id.not_checked(
            "the URL",
            "only running `env.py` would show its URL, and no environment variable contains one",
        ),
        None => id.not_checked(
            "the URL",
            "`env.py` can't be read, and no environment variable contains a URL",
        ),
    }
}

fn version_table(env: Option<EnvSummary<'_>>) -> VersionTable {
    let findings = env.and_then(|env| env.findings);
    let default = VersionTable::default();
    VersionTable {
        name: findings
            .and_then(|findings| findings.version_table.clone())
            .unwrap_or(default.name),
        schema: findings.and_then(|findings| findings.version_table_schema.clone()),
    }
}

/// Formats names in backticks, separated by commas.
fn quoted(names: &[impl fmt::Display]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
