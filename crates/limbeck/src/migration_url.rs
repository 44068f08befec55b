//! The database URL of migrations whose ini leaves the URL to the environment: variables and `.env` files.

use std::path::{Path, PathBuf};

use limbeck_db::ProcessEnvironment;
use limbeck_script::worker::{EnvironmentUrl, FileVariable, UrlEnvironment};
use limbeck_url::{
    ConvertError, DatabaseConfigProvider, DatabaseUrl, ErrorKind, Secret, UrlSource, convert,
    env_file_variables,
};

use crate::config::Config;

/// The URL in Alembic's templates.
pub(crate) const PLACEHOLDER: &str = "driver://user:pass@localhost/dbname";

/// The key of the URL in the ini.
pub(crate) const URL_KEY: &str = "sqlalchemy.url";

/// A database URL of the environment, and its source.
#[derive(Debug, Clone)]
pub struct MigrationUrl {
    /// The URL as it was given.
    pub text: Secret,
    /// The source in words: ``the variable `DATABASE_URL` ``.
    pub source: String,
    /// The file that contains the URL; `None` for a variable of the process.
    pub file: Option<PathBuf>,
    /// The line in the file, from 1.
    pub line: Option<usize>,
}

impl MigrationUrl {
    /// Returns the URL in a form that SQLAlchemy accepts. A URL with a driver is returned as it is.
    ///
    /// # Errors
    /// Returns [`ConvertError`] if the URL can't be read, or SQLAlchemy's URL can't contain all of it.
    pub(crate) fn for_sqlalchemy(&self) -> Result<Secret, ConvertError> {
        let text = self.text.reveal_clear_text().trim();
        let (info, _) = limbeck_url::ConnectionInfo::parse(text)?;
        if DatabaseUrl::parse(text).is_ok_and(|url| url.driver.is_some()) {
            return Ok(Secret::new(text));
        }
        let target = crate::connection_check::sqlalchemy_target(info.backend);
        let converted = convert(text, target.parse()?)?;
        if !converted.is_complete() {
            let message = "the URL needs keyword arguments that SQLAlchemy's URL can't contain";
            return Err(
                ConvertError::new(ErrorKind::InexpressibleParameter, message).with_help(format!(
                    "pass the URL and `connect_args` of `limbeck url convert --json --to {target}` to the engine in `env.py`"
                )),
            );
        }
        // Without a driver's name, SQLAlchemy chooses its default driver. Each of them accepts libpq's parameters.
        let url = converted.reveal_url();
        Ok(Secret::new(
            match url.strip_prefix("postgresql+psycopg2://") {
                Some(rest) => format!("postgresql://{rest}"),
                None => url.to_owned(),
            },
        ))
    }
}

/// A `.env` file.
struct EnvFile {
    path: PathBuf,
    text: String,
}

/// The environment that a project's URL may come from: the variables of the process, and the `.env` files of the current
/// folder and of the ini's folder.
pub struct ProjectEnvironment<'a> {
    process: &'a ProcessEnvironment,
    files: Vec<EnvFile>,
}

impl<'a> ProjectEnvironment<'a> {
    /// Reads the `.env` files. A file that doesn't exist or can't be read counts as empty.
    pub fn read(ini: &Path, process: &'a ProcessEnvironment) -> Self {
        let files = env_file_paths(ini)
            .into_iter()
            .filter_map(|path| {
                let text = std::fs::read_to_string(&path).ok()?;
                Some(EnvFile { path, text })
            })
            .collect();
        Self { process, files }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.process.variables.get(name).cloned()
    }

    /// Returns the provider of the database URLs, and the `.env` file that it was made with. The file of the current folder
    /// takes precedence.
    fn find(&self) -> Result<(DatabaseConfigProvider, Option<&Path>), ConvertError> {
        let variable = |name: &str| self.variable(name);
        for file in &self.files {
            match DatabaseConfigProvider::from_variables(&variable, Some(&file.text)) {
                Err(error) if error.kind == ErrorKind::MissingUrl => {}
                found => return Ok((found?, Some(&file.path))),
            }
        }
        Ok((
            DatabaseConfigProvider::from_variables(&variable, None)?,
            None,
        ))
    }

    /// Returns the provider of the database URLs.
    ///
    /// # Errors
    /// Returns [`ErrorKind::MissingUrl`] if no variable contains a URL or a host.
    pub fn provider(&self) -> Result<DatabaseConfigProvider, ConvertError> {
        self.find().map(|(provider, _)| provider)
    }

    /// Returns the URL for migrations, or an error of kind [`ErrorKind::MissingUrl`].
    ///
    /// # Errors
    /// Returns [`ErrorKind::MissingUrl`] if no variable contains a URL or a host.
    pub fn migration_url(&self) -> Result<MigrationUrl, ConvertError> {
        let (provider, file) = self.find()?;
        let source = provider.migration_source();
        let (file, line) = match source {
            UrlSource::DotEnv { line, .. } => (file.map(Path::to_owned), Some(*line)),
            _ => (None, None),
        };
        Ok(MigrationUrl {
            text: provider.migration_url().clone(),
            source: describe(source, file.as_deref()),
            file,
            line,
        })
    }

    /// Returns the value of a variable and its source; `None` if the variable is not set.
    pub(crate) fn named(&self, name: &str) -> Option<MigrationUrl> {
        if let Some(value) = self.variable(name) {
            return Some(MigrationUrl {
                text: Secret::new(value),
                source: format!("the variable `{name}`"),
                file: None,
                line: None,
            });
        }
        self.files.iter().find_map(|file| {
            let variables = env_file_variables(&file.text, &|name| self.variable(name));
            let found = variables
                .into_iter()
                .rev()
                .find(|variable| variable.name == name)?;
            Some(MigrationUrl {
                text: Secret::new(found.value),
                source: in_file(name, &file.path, found.line),
                file: Some(file.path.clone()),
                line: Some(found.line),
            })
        })
    }

    /// Returns the variables of the `.env` files that the process doesn't have.
    fn file_variables(&self) -> Vec<FileVariable> {
        let mut found: Vec<FileVariable> = Vec::new();
        for file in &self.files {
            // The last line of a name counts.
            let variables = env_file_variables(&file.text, &|name| self.variable(name));
            for variable in variables.into_iter().rev() {
                let is_set = self.process.variables.contains_key(&variable.name);
                let is_known = found.iter().any(|known| known.name == variable.name);
                if !is_set && !is_known {
                    found.push(FileVariable {
                        source: in_file(&variable.name, &file.path, variable.line),
                        name: variable.name,
                        value: variable.value,
                    });
                }
            }
        }
        found
    }

    /// Returns the part of the environment that the worker gets.
    pub(crate) fn for_worker(&self, config: Option<&Config>) -> UrlEnvironment {
        let url = config
            .filter(|config| !has_several_databases(config))
            .and_then(|_| self.migration_url().ok())
            .map(|found| match found.for_sqlalchemy() {
                Ok(url) => EnvironmentUrl::Url {
                    url: url.reveal_clear_text().to_owned(),
                    source: found.source,
                },
                Err(error) => EnvironmentUrl::Unusable {
                    problem: problem(&found.source, &error),
                },
            });
        UrlEnvironment {
            url,
            placeholder: PLACEHOLDER,
            variables: self.file_variables(),
        }
    }
}

/// Returns the paths of the `.env` files that the URL of a project with this ini may come from: that of the current folder,
/// and the one beside the ini.
pub fn env_file_paths(ini: &Path) -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::from(".env")];
    let folder = ini.parent();
    if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
        let path = folder.join(".env");
        if std::path::absolute(&path).ok() != std::path::absolute(&paths[0]).ok() {
            paths.push(path);
        }
    }
    paths
}

/// Returns `true` if a section of the ini has no usable URL: none, an empty one or the template's placeholder.
pub(crate) fn leaves_url_open(config: &Config) -> bool {
    match config.ini_text(URL_KEY) {
        Ok(Some(text)) => is_open(&text),
        Ok(None) => true,
        Err(_) => false,
    }
}

/// Returns `true` for an empty URL and for the template's placeholder.
pub(crate) fn is_open(text: &str) -> bool {
    matches!(text.trim(), "" | PLACEHOLDER)
}

/// Returns `true` if the ini lists databases, as the template `multidb` does: one URL is not enough for them.
fn has_several_databases(config: &Config) -> bool {
    matches!(config.ini_text("databases"), Ok(Some(_)))
}

/// Returns the URL of the environment if the ini leaves the URL open and names no list of databases.
pub(crate) fn open_url(config: &Config, process: &ProcessEnvironment) -> Option<MigrationUrl> {
    if !leaves_url_open(config) || has_several_databases(config) {
        return None;
    }
    ProjectEnvironment::read(Path::new(&config.files().ini), process)
        .migration_url()
        .ok()
}

fn problem(source: &str, error: &ConvertError) -> String {
    let help = error.help.as_deref().map(|help| format!("; {help}"));
    format!(
        "the URL from {source} can't be used: {error}{}",
        help.unwrap_or_default()
    )
}

fn describe(source: &UrlSource, file: Option<&Path>) -> String {
    match (source, file) {
        (UrlSource::DotEnv { name, line }, Some(path)) => in_file(name, path, *line),
        (UrlSource::Variable(name), _) => format!("`{name}`"),
        (UrlSource::Parts(names), _) => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        }
        (source, _) => source.to_string(),
    }
}

fn in_file(name: &str, path: &Path, line: usize) -> String {
    format!("`{name}` ({}, line {line})", path.display())
}
