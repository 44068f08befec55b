//! Examines a project as it stands: what is right, what will fail, at which line, and what to do.
//!
//! Nothing is written, nothing of the project's is imported, and no problem keeps the next from being found.

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
use limbeck_script::directory::ScriptDirectory;
use limbeck_script::environment::{
    EnvironmentAnalysis, EnvironmentFindings, EnvironmentSyntaxError, analyze, inspect,
};
use limbeck_script::interpreter::{InstalledVersions, Interpreter, InterpreterError};

pub use check::{Check, Id, Severity};

use crate::config::{Config, ConfigFiles};
use crate::connection_check::{self, connect_options};
use crate::project::FolderSearch;
use crate::version_probe::engine_settings;
use database::NoConnection;
use history::History;
use source::{Env, FoundUrl};
use url::Understood;

/// What is examined, and with what around it. `Debug` does not show the text of `.env`.
pub struct Subject<'a> {
    /// The configuration's files.
    pub files: ConfigFiles,
    /// The ini's main section.
    pub section: &'a str,
    /// The environment.
    pub process_environment: &'a ProcessEnvironment,
    /// The text of `.env`, where there is one.
    pub dotenv: Option<String>,
    /// The interpreter that would run.
    pub interpreter: Result<Interpreter, InterpreterError>,
    /// Where packages may lie, for a `script_location` of the form `package:path`.
    pub package_folders: Vec<PathBuf>,
    /// Whether the database is left alone.
    pub offline: bool,
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Subject")
            .field("files", &self.files)
            .field("section", &self.section)
            .field("process_environment", &self.process_environment)
            .field("interpreter", &self.interpreter)
            .field("package_folders", &self.package_folders)
            .field("offline", &self.offline)
            .finish_non_exhaustive()
    }
}

/// How long a database is waited for where its URL sets no limit: somebody stands there and wants to know.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was made of `env.py`.
struct EnvFile {
    path: PathBuf,
    reading: EnvironmentAnalysis,
    survey: Result<EnvironmentFindings, EnvironmentSyntaxError>,
}

/// Examines a project.
pub async fn examine(subject: Subject<'_>) -> Vec<Check> {
    let config = Config::load(&subject.files, subject.section);
    let usable = config.as_ref().ok();
    let folders = usable.map(|config| FolderSearch {
        prepended: config.prepend_sys_path().unwrap_or_default(),
        package_folders: || subject.package_folders.clone(),
    });
    let find = |location: &str| folders.as_ref().and_then(|folders| folders.find(location));
    let folder = usable
        .and_then(|config| config.script_location().ok())
        .and_then(|location| find(&location));
    let mut checks = configuration::check(&subject.files, &config, folder.as_deref());

    let asked = match subject.interpreter {
        Ok(interpreter) => {
            let installed = interpreter
                .installed_versions(&interpreter::packages())
                .await;
            Ok((interpreter, installed))
        }
        Err(error) => Err(error),
    };
    let installed: Option<&InstalledVersions> = match &asked {
        Ok((_, Ok(installed))) => Some(installed),
        _ => None,
    };

    let variable = |name: &str| subject.process_environment.variables.get(name).cloned();
    let env_file = env_file(folder.as_deref());
    let env = env_file.as_ref().ok().map(|file| Env {
        survey: file.survey.as_ref().ok(),
        is_stock: matches!(file.reading, EnvironmentAnalysis::Stock(_)),
    });
    let urls = source::find(usable, env, &variable, subject.dotenv.as_deref());
    let engine_settings = engine_settings_of(usable);
    checks.extend(match &env_file {
        Ok(file) => environment::check(&environment::Examined {
            path: &file.path,
            reading: &file.reading,
            survey: &file.survey,
            engine_settings: &engine_settings,
            urls: &urls,
            installed,
        }),
        Err(check) => {
            let mut all = vec![check.clone()];
            all.extend(environment::not_checked("there is no `env.py` to read"));
            all
        }
    });

    let mut understood: Vec<(&FoundUrl, Understood)> = Vec::new();
    for found in &urls {
        let (of_url, meaning) = url::check(found, env, installed);
        checks.extend(of_url);
        understood.extend(meaning.map(|meaning| (found, meaning)));
    }
    if urls.is_empty() {
        checks.push(no_url(env));
    }

    let is_async = env.and_then(|env| Some(env.survey?.is_async));
    let meanings: Vec<&Understood> = understood.iter().map(|(_, meaning)| meaning).collect();
    checks.extend(interpreter::check(&asked, &meanings, is_async));

    let (of_history, history) = match (usable, folder.as_deref()) {
        (Some(config), Some(folder)) if folder.is_dir() => history_of(config, folder, &find),
        _ => (
            history::not_checked("the script directory is not known"),
            History::default(),
        ),
    };
    checks.extend(of_history);

    let table = version_table(env);
    if subject.offline {
        checks.extend(database::not_checked("of `--offline`"));
    } else if understood.is_empty() {
        checks.extend(database::not_checked("no URL is known"));
    } else {
        for (found, meaning) in &understood {
            let connected = connect(found, &table, subject.process_environment).await;
            checks.extend(database::check(&connected, meaning, &history));
        }
    }
    checks
}

async fn connect(
    found: &FoundUrl,
    table: &VersionTable,
    process_environment: &ProcessEnvironment,
) -> Result<connection_check::ConnectionCheck, NoConnection> {
    let options = connect_options(found.text.reveal_clear_text().trim(), process_environment)
        .map_err(NoConnection::Options)?;
    let checking = connection_check::check(&options, table);
    match tokio::time::timeout(PATIENCE, checking).await {
        Ok(checked) => checked.map_err(NoConnection::Database),
        Err(_) => Err(NoConnection::Timeout),
    }
}

fn env_file(folder: Option<&Path>) -> Result<EnvFile, Check> {
    let Some(folder) = folder else {
        return Err(Id::EnvFile.not_checked("`env.py`", "the script directory is not known"));
    };
    let path = folder.join("env.py");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(EnvFile {
            reading: analyze(&text),
            survey: inspect(&text),
            path,
        }),
        Err(error) => Err(Id::EnvFile
            .error(format!("`env.py` can't be read: {error}"))
            .at(&path, None)
            .fix("correct `script_location`, or create it with `limbeck init`")),
    }
}

/// What `engine_from_config` is told besides the URL.
fn engine_settings_of(config: Option<&Config>) -> Vec<String> {
    let section = config.and_then(|config| Some((config.ini()?, config.section())));
    let settings = section.map(|(ini, section)| engine_settings(ini, section));
    let others = settings.unwrap_or_default().into_iter();
    others
        .filter(|key| *key != "sqlalchemy.url")
        .map(str::to_owned)
        .collect()
}

fn no_url(env: Option<Env<'_>>) -> Check {
    let id = Id::UrlSource;
    match env {
        Some(env) if env.is_stock => id
            .error("`env.py` takes the URL from the ini, and there is no `sqlalchemy.url`")
            .fix("write `sqlalchemy.url = …` into the ini"),
        Some(_) => id.not_checked(
            "the URL",
            "`env.py` gets it in a way that only running it shows, and no variable names one",
        ),
        None => id.not_checked("the URL", "there is no `env.py`, and no variable names one"),
    }
}

fn history_of(
    config: &Config,
    folder: &Path,
    find: &dyn Fn(&str) -> Option<PathBuf>,
) -> (Vec<Check>, History) {
    let skipped = |why: &str| (history::not_checked(why), History::default());
    let locations = match config.version_locations() {
        Ok(None) => Some(vec![folder.join("versions")]),
        Ok(Some(locations)) => locations.iter().map(|location| find(location)).collect(),
        Err(error) => return skipped(&error.to_string()),
    };
    let Some(locations) = locations else {
        return skipped("only Python can find a package of `version_locations`");
    };
    match (
        config.literal_true("sourceless"),
        config.literal_true("recursive_version_locations"),
    ) {
        (Ok(true), _) => skipped("`sourceless` is on, and Python reads what is compiled"),
        (Ok(false), Ok(recursive)) => history::check(
            &locations,
            ScriptDirectory::load_readable(&locations, recursive),
        ),
        (Err(error), _) | (_, Err(error)) => skipped(&error.to_string()),
    }
}

fn version_table(env: Option<Env<'_>>) -> VersionTable {
    let survey = env.and_then(|env| env.survey);
    let usual = VersionTable::default();
    VersionTable {
        name: survey
            .and_then(|survey| survey.version_table.clone())
            .unwrap_or(usual.name),
        schema: survey.and_then(|survey| survey.version_table_schema.clone()),
    }
}

/// Names in backticks, with commas.
fn quoted(names: &[impl std::fmt::Display]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
