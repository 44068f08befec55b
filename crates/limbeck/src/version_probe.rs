//! Reading the version table without Python, for projects with a stock `env.py`.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use limbeck_db::{
    ConnectArgs, ConnectOptions, DbError, ProcessEnvironment, Product, ServerInfo, Session,
    VersionTable,
};
use limbeck_revision::RevisionMap;
use limbeck_script::environment::{EnvironmentAnalysis, StockEnvironment, analyze};
use limbeck_url::DatabaseUrl;

use crate::command_error::CommandError;
use crate::config::{Ini, LogLines};
use crate::migration_url::{URL_KEY, open_url};
use crate::project::Project;
use crate::version_table_location::VersionTableLocation;

/// The drivers that a stock asynchronous `env.py` works with.
pub(crate) const ASYNC_DRIVERS: &[&str] = &[
    "aiomysql",
    "aiosqlite",
    "asyncmy",
    "asyncpg",
    "psycopg",
    "psycopg_async",
];

/// The drivers that a stock synchronous `env.py` works with over limbeck's connection.
const DRIVERS: &[&str] = &[
    "aiomysql",
    "aiosqlite",
    "asyncmy",
    "asyncpg",
    "mysqldb",
    "pg8000",
    "psycopg",
    "psycopg2",
    "psycopg_async",
    "pymysql",
    "pysqlite",
];

/// The database and the version table of a project with a stock `env.py`, known without running it.
#[derive(Debug)]
pub struct ProbeTarget {
    url: DatabaseUrl,
    location: VersionTableLocation,
    log: LogLines,
    /// The URL's source, if the ini leaves the URL to the environment.
    source: Option<String>,
}

/// The version rows, read without Python.
#[derive(Debug)]
pub struct VersionProbe {
    /// The version rows; `None` if the version table doesn't exist.
    pub heads: Option<Vec<String>>,
    /// The log lines that Alembic writes before it reads the version table.
    pub log: Vec<String>,
    /// The URL with its password masked.
    pub url: String,
    /// The session, for a run with the same URL to reuse; `None` if it can't be reused.
    pub session: Option<OpenSession>,
}

/// An open session that has only run reads, with the URL it was opened for. A later run may reuse it.
#[derive(Debug)]
pub struct OpenSession {
    pub(crate) url: DatabaseUrl,
    pub(crate) options: ConnectOptions,
    pub(crate) session: Session,
}

impl OpenSession {
    /// Closes the session.
    ///
    /// # Errors
    /// [`DbError::ConnectionLost`] if the connection is already broken.
    pub async fn close(self) -> Result<(), DbError> {
        self.session.close().await
    }
}

impl VersionProbe {
    /// Closes the session, if it is open.
    pub(crate) async fn close_session(&mut self) {
        if let Some(session) = self.session.take() {
            // The rows are read, so an error while closing changes nothing.
            let _ = session.close().await;
        }
    }

    /// Returns `true` if `upgrade` to `target` has nothing to do. Returns `false` without version rows, as `upgrade` then
    /// creates the version table, and for a target that can't be resolved, so that the run reports the error.
    pub fn is_up_to_date(&self, map: &RevisionMap, target: &str) -> bool {
        let heads = self.heads.as_deref().unwrap_or_default();
        !heads.is_empty()
            && map
                .plan_upgrade(heads, target)
                .is_ok_and(|plan| plan.steps.is_empty())
    }
}

impl ProbeTarget {
    /// Reads a project's `env.py`; returns `None` if only Python can run it.
    ///
    /// # Errors
    /// [`CommandError`] if the configuration can't be used.
    pub fn read(
        project: &Project,
        environment: &ProcessEnvironment,
    ) -> Result<Option<Self>, CommandError> {
        let Some(path) = project
            .script_folder
            .as_ref()
            .map(|folder| folder.join("env.py"))
        else {
            return Ok(None);
        };
        let Ok(source) = std::fs::read_to_string(path) else {
            return Ok(None);
        };
        let EnvironmentAnalysis::Stock(StockEnvironment {
            configures_logging,
            version_table,
            version_table_schema,
            is_async,
        }) = analyze(&source)
        else {
            return Ok(None);
        };
        let config = &project.config;
        let log = if configures_logging {
            LogLines::read(config)?
        } else {
            Some(LogLines::Silent)
        };
        let (Some(log), Some(ini)) = (log, config.ini()) else {
            return Ok(None);
        };
        let mut settings = engine_settings(ini, config.section()).into_iter();
        if settings.any(|key| key != URL_KEY) {
            return Ok(None);
        }
        let found = open_url(config, environment);
        let text = match &found {
            Some(found) => found
                .for_sqlalchemy()
                .ok()
                .map(|url| url.reveal_clear_text().to_owned()),
            None => config.ini_text(URL_KEY).ok().flatten(),
        };
        let Some(text) = text else {
            return Ok(None);
        };
        let Ok(mut url) = DatabaseUrl::parse(&text) else {
            return Ok(None);
        };
        if url.dialect == "postgres" {
            url.dialect = "postgresql".into();
        }
        if !is_unambiguous(&text, &url) {
            return Ok(None);
        }
        let driver = url.driver.as_deref();
        let known = match (is_async, driver) {
            (true, driver) => driver.is_some_and(|driver| ASYNC_DRIVERS.contains(&driver)),
            (false, driver) => driver.is_none_or(|driver| DRIVERS.contains(&driver)),
        };
        if !known
            || !matches!(
                url.dialect.as_str(),
                "postgresql" | "mysql" | "mariadb" | "sqlite"
            )
        {
            return Ok(None);
        }
        let Ok(options) = ConnectOptions::from_url(&url, &ConnectArgs::new(), environment) else {
            return Ok(None);
        };
        let table = VersionTable {
            name: version_table.unwrap_or_else(|| VersionTable::default().name),
            schema: version_table_schema,
        };
        Ok(Some(Self {
            url,
            location: VersionTableLocation { options, table },
            log,
            source: found.map(|found| found.source),
        }))
    }

    /// Connects and reads the version table; writes nothing.
    ///
    /// # Errors
    /// [`DbError`] if the database can't be reached or the table can't be read.
    pub async fn probe(&self) -> Result<VersionProbe, DbError> {
        let VersionTableLocation { options, table } = &self.location;
        let mut session = Session::open_on_caller_thread(options).await?;
        let heads = table.heads(&mut session).await?;
        let log = self.log_lines(session.info());
        let session = if session.info().product == Product::Sqlite {
            // The session is bound to this thread.
            session.close().await?;
            None
        } else {
            let url = self.url.clone();
            let options = options.clone();
            Some(OpenSession {
                url,
                options,
                session,
            })
        };
        Ok(VersionProbe {
            heads,
            log,
            url: self.url.to_string(),
            session,
        })
    }

    /// Probes a `SQLite` database, which needs no event loop. Returns `None` for other databases.
    pub fn probe_now(&self) -> Option<Result<VersionProbe, DbError>> {
        let ConnectOptions::Sqlite(_) = self.location.options else {
            return None;
        };
        let mut context = Context::from_waker(Waker::noop());
        match pin!(self.probe()).poll(&mut context) {
            Poll::Ready(found) => Some(found),
            Poll::Pending => None,
        }
    }

    /// Returns the location of the version table.
    pub fn location(&self) -> &VersionTableLocation {
        &self.location
    }

    fn log_lines(&self, info: &ServerInfo) -> Vec<String> {
        // Alembic chooses by the dialect's name. For MariaDB, the URL may name either dialect.
        let (name, transactional) = match (info.product, self.url.dialect.as_str()) {
            (Product::Postgresql, _) => ("PostgresqlImpl", true),
            (Product::Sqlite, _) => ("SQLiteImpl", false),
            (_, "mariadb") => ("MariaDBImpl", false),
            _ => ("MySQLImpl", false),
        };
        let kind = if transactional {
            "transactional"
        } else {
            "non-transactional"
        };
        let lines = [
            format!("Context impl {name}."),
            format!("Will assume {kind} DDL."),
        ];
        let source = self.using().map(|what| format!("limbeck: using {what}"));
        source
            .into_iter()
            .chain(lines.iter().filter_map(|line| self.log.line(line)))
            .collect()
    }

    /// Returns the URL and its source in words, if the URL comes from the environment.
    pub(crate) fn using(&self) -> Option<String> {
        let source = self.source.as_ref()?;
        Some(format!("the URL from {source}"))
    }
}

/// Returns the keys of a section that `engine_from_config` reads. limbeck understands only the URL.
pub(crate) fn engine_settings<'a>(ini: &'a Ini, section: &str) -> Vec<&'a str> {
    let keys = ini.keys(section).into_iter();
    keys.filter(|key| key.starts_with("sqlalchemy.")).collect()
}

/// Returns `true` if every version of SQLAlchemy splits and decodes this URL as [`DatabaseUrl::parse`] does. Versions
/// differ for a `%` in the database's name, which 2.1 decodes, and for an `@` in a password.
fn is_unambiguous(text: &str, url: &DatabaseUrl) -> bool {
    let before_query = text.split('?').next().unwrap_or(text);
    let encoded = url
        .database
        .as_deref()
        .is_some_and(|name| name.contains('%'));
    let blank = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    !encoded && !blank && before_query.matches('@').count() <= 1
}

#[cfg(test)]
mod tests {
    use limbeck_url::DatabaseUrl;

    use super::is_unambiguous;

    #[test]
    fn leaves_ambiguous_urls_to_sqlalchemy() {
        for (text, same) in [
            ("postgresql://u:p%40w@h/d?x=%20", true),
            ("sqlite:////tmp/\u{e9} b.db", true),
            ("sqlite:///a@b.db", true),
            ("sqlite:///a%20b.db", false),
            ("postgresql://u:a@b@h/d", false),
            ("sqlite:///a.db ", false),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(is_unambiguous(text, &url), same, "{text}");
        }
    }
}
