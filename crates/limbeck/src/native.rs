//! Looks at the version table without Python, for projects whose `env.py` has the shape of a stock template.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use limbeck_db::{
    ConnectArgs, ConnectOptions, DbError, ProcessEnvironment, Product, ServerInfo, Session,
    VersionTable,
};
use limbeck_script::environment::{EnvironmentAnalysis, StockEnvironment, analyze};
use limbeck_url::DatabaseUrl;

use crate::config::{Ini, LogLines};
use crate::location::VersionLocation;
use crate::project::Project;
use crate::run::Refusal;

/// Drivers that an asynchronous `env.py` works with.
pub(crate) const ASYNC_DRIVERS: &[&str] = &[
    "aiomysql",
    "aiosqlite",
    "asyncmy",
    "asyncpg",
    "psycopg",
    "psycopg_async",
];

/// Drivers that a synchronous `env.py` works with over limbeck's connection.
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

/// A stock environment, understood.
#[derive(Debug)]
pub struct NativeEnvironment {
    url: DatabaseUrl,
    location: VersionLocation,
    log: LogLines,
}

/// What the version table holds, and the lines that Alembic logs before it looks there.
#[derive(Debug)]
pub struct Look {
    /// The rows; none when there is no table.
    pub heads: Option<Vec<String>>,
    /// Log lines, ready to be printed.
    pub log: Vec<String>,
    /// The URL with its password masked.
    pub url: String,
    /// The session, for a run that opens the same one next; none where it could not be passed on.
    pub session: Option<OpenSession>,
}

/// A session that nothing has been done with but looking, and the URL that it was opened with, without arguments.
#[derive(Debug)]
pub struct OpenSession {
    pub(crate) url: DatabaseUrl,
    pub(crate) options: ConnectOptions,
    pub(crate) session: Session,
}

impl OpenSession {
    /// Ends it politely.
    ///
    /// # Errors
    /// [`DbError::ConnectionLost`] when the connection broke before.
    pub async fn close(self) -> Result<(), DbError> {
        self.session.close().await
    }
}

impl NativeEnvironment {
    /// Reads a project's environment; `None` when only Python can tell what it does.
    ///
    /// # Errors
    /// The configuration's problem.
    pub fn read(
        project: &Project,
        process_environment: &ProcessEnvironment,
    ) -> Result<Option<Self>, Refusal> {
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
        let refuse = |error: crate::config::ConfigError| Refusal(error.to_string());
        let log = if configures_logging {
            LogLines::read(config).map_err(refuse)?
        } else {
            Some(LogLines::Silent)
        };
        let (Some(log), Some(ini)) = (log, config.ini()) else {
            return Ok(None);
        };
        if engine_settings(ini, config.section()) != ["sqlalchemy.url"] {
            return Ok(None);
        }
        let Ok(Some(text)) = config.ini_text("sqlalchemy.url") else {
            return Ok(None);
        };
        let Ok(url) = DatabaseUrl::parse(&text) else {
            return Ok(None);
        };
        if !means_the_same_to_all(&text, &url) {
            return Ok(None);
        }
        let driver = url.driver.as_deref();
        let known = match (is_async, driver) {
            (true, driver) => driver.is_some_and(|driver| ASYNC_DRIVERS.contains(&driver)),
            (false, driver) => driver.is_none_or(|driver| DRIVERS.contains(&driver)),
        };
        // `postgres://` is none of SQLAlchemy's names: its own message is the one to show.
        if !known
            || !matches!(
                url.dialect.as_str(),
                "postgresql" | "mysql" | "mariadb" | "sqlite"
            )
        {
            return Ok(None);
        }
        let Ok(options) = ConnectOptions::from_url(&url, &ConnectArgs::new(), process_environment)
        else {
            return Ok(None);
        };
        let table = VersionTable {
            name: version_table.unwrap_or_else(|| VersionTable::default().name),
            schema: version_table_schema,
        };
        Ok(Some(Self {
            url,
            location: VersionLocation { options, table },
            log,
        }))
    }

    /// Connects and reads the version table; writes nothing.
    ///
    /// # Errors
    /// [`DbError`] when the database can't be reached or asked.
    pub async fn look(&self) -> Result<Look, DbError> {
        let VersionLocation { options, table } = &self.location;
        let mut session = Session::open_on_caller_thread(options).await?;
        let heads = table.heads(&mut session).await?;
        let log = self.log_lines(session.info());
        let session = if session.info().product == Product::Sqlite {
            // It works on this thread.
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
        Ok(Look {
            heads,
            log,
            url: self.url.to_string(),
            session,
        })
    }

    /// [`Self::look`] where nothing has to be waited for, which is so with `SQLite`; `None` elsewhere. It needs no
    /// runtime.
    pub fn look_at_once(&self) -> Option<Result<Look, DbError>> {
        let ConnectOptions::Sqlite(_) = self.location.options else {
            return None;
        };
        let mut context = Context::from_waker(Waker::noop());
        match pin!(self.look()).poll(&mut context) {
            Poll::Ready(found) => Some(found),
            Poll::Pending => None,
        }
    }

    /// Where the version rows are.
    pub fn location(&self) -> &VersionLocation {
        &self.location
    }

    fn log_lines(&self, info: &ServerInfo) -> Vec<String> {
        // Alembic goes by the dialect's name, which for MariaDB is the URL's to choose.
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
        lines
            .iter()
            .filter_map(|line| self.log.line(line))
            .collect()
    }
}

/// What a section tells `engine_from_config`. All but the URL (echo, pool, `connect_args`) is SQLAlchemy's to read.
pub(crate) fn engine_settings<'a>(ini: &'a Ini, section: &str) -> Vec<&'a str> {
    let keys = ini.keys(section).into_iter();
    keys.filter(|key| key.starts_with("sqlalchemy.")).collect()
}

/// Whether each SQLAlchemy splits and decodes this URL as [`DatabaseUrl::parse`] does. They disagree about
/// a `%` in the database's name (2.1 decodes it), and about an `@` in a password.
fn means_the_same_to_all(text: &str, url: &DatabaseUrl) -> bool {
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

    use super::means_the_same_to_all;

    #[test]
    fn a_url_that_versions_of_sqlalchemy_read_in_two_ways_is_left_to_them() {
        for (text, same) in [
            ("postgresql://u:p%40w@h/d?x=%20", true),
            ("sqlite:////tmp/\u{e9} b.db", true),
            ("sqlite:///a@b.db", true),
            ("sqlite:///a%20b.db", false),
            ("postgresql://u:a@b@h/d", false),
            ("sqlite:///a.db ", false),
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert_eq!(means_the_same_to_all(text, &url), same, "{text}");
        }
    }
}
