//! The drivers and libraries that a URL can be written for.

use std::fmt;
use std::str::FromStr;

use crate::error::{ConvertError, ErrorKind};

/// The database behind a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// PostgreSQL, and what speaks its protocol.
    Postgresql,
    /// MySQL.
    Mysql,
    /// MariaDB; SQLAlchemy has a dialect of this name on the same drivers.
    Mariadb,
    /// SQLite.
    Sqlite,
}

impl Backend {
    /// The name in SQLAlchemy's URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
        }
    }

    /// MySQL and MariaDB share their drivers.
    pub(crate) fn family(self) -> Self {
        match self {
            Self::Mariadb => Self::Mysql,
            other => other,
        }
    }
}

/// Who reads the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is called as its project calls itself")]
pub enum Driver {
    Asyncpg,
    Psycopg2,
    Psycopg2cffi,
    Psycopg,
    Pg8000,
    /// `psql`, `pg_dump`, and all that gives its string to libpq.
    Libpq,
    /// Rust's sqlx, whichever database.
    Sqlx,
    TokioPostgres,
    Pymysql,
    Aiomysql,
    Asyncmy,
    Mysqldb,
    Mysqlconnector,
    Mariadbconnector,
    /// Python's own `sqlite3`.
    Pysqlite,
    Aiosqlite,
}

/// Every driver under SQLAlchemy: database, name in a URL, driver, whether it is asynchronous.
const SQLALCHEMY: &[(Backend, &str, Driver, bool)] = &[
    (Backend::Postgresql, "asyncpg", Driver::Asyncpg, true),
    (Backend::Postgresql, "psycopg2", Driver::Psycopg2, false),
    (
        Backend::Postgresql,
        "psycopg2cffi",
        Driver::Psycopg2cffi,
        false,
    ),
    (Backend::Postgresql, "psycopg", Driver::Psycopg, true),
    (Backend::Postgresql, "psycopg_async", Driver::Psycopg, true),
    (Backend::Postgresql, "pg8000", Driver::Pg8000, false),
    (Backend::Mysql, "pymysql", Driver::Pymysql, false),
    (Backend::Mysql, "aiomysql", Driver::Aiomysql, true),
    (Backend::Mysql, "asyncmy", Driver::Asyncmy, true),
    (Backend::Mysql, "mysqldb", Driver::Mysqldb, false),
    (
        Backend::Mysql,
        "mysqlconnector",
        Driver::Mysqlconnector,
        false,
    ),
    (
        Backend::Mysql,
        "mariadbconnector",
        Driver::Mariadbconnector,
        false,
    ),
    (Backend::Sqlite, "pysqlite", Driver::Pysqlite, false),
    (Backend::Sqlite, "aiosqlite", Driver::Aiosqlite, true),
];

/// A driver of a database, written as the scheme of its URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// The database.
    pub backend: Backend,
    /// The driver.
    pub driver: Driver,
    /// The scheme: `postgresql+asyncpg`, `postgresql` for libpq, `postgres` for sqlx.
    pub scheme: &'static str,
}

impl Driver {
    /// The driver that a SQLAlchemy URL of this database names.
    pub(crate) fn of_sqlalchemy(backend: Backend, name: &str) -> Option<Self> {
        SQLALCHEMY
            .iter()
            .find(|(of, known, ..)| *of == backend.family() && *known == name)
            .map(|(_, _, driver, _)| *driver)
    }

    /// Whether SQLAlchemy's asyncio extension takes it.
    pub fn is_async(self) -> bool {
        SQLALCHEMY
            .iter()
            .any(|(.., driver, is_async)| *driver == self && *is_async)
    }

    /// Whether its URLs are SQLAlchemy's.
    pub fn is_sqlalchemy(self) -> bool {
        SQLALCHEMY.iter().any(|(_, _, driver, _)| *driver == self)
    }

    /// Whether all of its parameters are libpq's.
    pub(crate) fn is_libpq(self) -> bool {
        matches!(
            self,
            Self::Libpq | Self::Psycopg | Self::Psycopg2 | Self::Psycopg2cffi
        )
    }
}

/// Names of targets: what is asked for, what it is.
const TARGETS: &[(&str, Target)] = &[
    target("postgresql+asyncpg", Backend::Postgresql, Driver::Asyncpg),
    target("postgresql+psycopg2", Backend::Postgresql, Driver::Psycopg2),
    target(
        "postgresql+psycopg2cffi",
        Backend::Postgresql,
        Driver::Psycopg2cffi,
    ),
    target("postgresql+psycopg", Backend::Postgresql, Driver::Psycopg),
    target(
        "postgresql+psycopg_async",
        Backend::Postgresql,
        Driver::Psycopg,
    ),
    target("postgresql+pg8000", Backend::Postgresql, Driver::Pg8000),
    named("libpq", "postgresql", Backend::Postgresql, Driver::Libpq),
    named("sqlx", "postgres", Backend::Postgresql, Driver::Sqlx),
    named(
        "sqlx-postgres",
        "postgres",
        Backend::Postgresql,
        Driver::Sqlx,
    ),
    named(
        "tokio-postgres",
        "postgresql",
        Backend::Postgresql,
        Driver::TokioPostgres,
    ),
    target("mysql+pymysql", Backend::Mysql, Driver::Pymysql),
    target("mysql+aiomysql", Backend::Mysql, Driver::Aiomysql),
    target("mysql+asyncmy", Backend::Mysql, Driver::Asyncmy),
    target("mysql+mysqldb", Backend::Mysql, Driver::Mysqldb),
    target(
        "mysql+mysqlconnector",
        Backend::Mysql,
        Driver::Mysqlconnector,
    ),
    target(
        "mysql+mariadbconnector",
        Backend::Mysql,
        Driver::Mariadbconnector,
    ),
    target("mariadb+pymysql", Backend::Mariadb, Driver::Pymysql),
    target("mariadb+aiomysql", Backend::Mariadb, Driver::Aiomysql),
    target("mariadb+asyncmy", Backend::Mariadb, Driver::Asyncmy),
    target("mariadb+mysqldb", Backend::Mariadb, Driver::Mysqldb),
    target(
        "mariadb+mysqlconnector",
        Backend::Mariadb,
        Driver::Mysqlconnector,
    ),
    target(
        "mariadb+mariadbconnector",
        Backend::Mariadb,
        Driver::Mariadbconnector,
    ),
    named("sqlx-mysql", "mysql", Backend::Mysql, Driver::Sqlx),
    target("sqlite", Backend::Sqlite, Driver::Pysqlite),
    target("sqlite+pysqlite", Backend::Sqlite, Driver::Pysqlite),
    target("sqlite+aiosqlite", Backend::Sqlite, Driver::Aiosqlite),
    named("sqlx-sqlite", "sqlite", Backend::Sqlite, Driver::Sqlx),
];

const fn target(scheme: &'static str, backend: Backend, driver: Driver) -> (&'static str, Target) {
    named(scheme, scheme, backend, driver)
}

const fn named(
    name: &'static str,
    scheme: &'static str,
    backend: Backend,
    driver: Driver,
) -> (&'static str, Target) {
    (
        name,
        Target {
            backend,
            driver,
            scheme,
        },
    )
}

impl Target {
    /// The names that can be asked for.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TARGETS.iter().map(|(name, _)| *name)
    }

    /// What a name means beside a URL of this database: `sqlx` is the driver's name for each of them.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedScheme`] when no target has this name.
    pub fn named(name: &str, backend: Backend) -> Result<Self, ConvertError> {
        match Self::of_driver(backend.family(), Driver::Sqlx) {
            Some(target) if name == "sqlx" => Ok(target),
            _ => name.parse(),
        }
    }

    /// The first target for this driver of this database.
    pub(crate) fn of_driver(backend: Backend, driver: Driver) -> Option<Self> {
        TARGETS
            .iter()
            .map(|(_, target)| *target)
            .find(|target| target.backend == backend && target.driver == driver)
    }
}

impl FromStr for Target {
    type Err = ConvertError;

    fn from_str(name: &str) -> Result<Self, ConvertError> {
        TARGETS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, target)| *target)
            .ok_or_else(|| {
                let names: Vec<_> = Self::names().collect();
                ConvertError::new(
                    ErrorKind::UnsupportedScheme,
                    "no URL can be written for this target",
                )
                .help(format!("known ones: {}", names.join(", ")))
            })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = TARGETS.iter().find(|(_, target)| target == self);
        out.write_str(name.map_or(self.scheme, |(name, _)| name))
    }
}
