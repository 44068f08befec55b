//! Database systems, drivers, and conversion targets.

use std::fmt;
use std::str::FromStr;

use crate::error::{ConvertError, ErrorKind};

/// A database system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// PostgreSQL, and servers with its protocol.
    Postgresql,
    /// MySQL.
    Mysql,
    /// MariaDB. SQLAlchemy has a dialect of this name, which uses MySQL's drivers.
    Mariadb,
    /// SQLite.
    Sqlite,
}

impl Backend {
    /// Returns the dialect's name in SQLAlchemy's URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
        }
    }

    /// Returns MySQL for MariaDB, which shares its drivers, and otherwise the system itself.
    pub(crate) fn family(self) -> Self {
        match self {
            Self::Mariadb => Self::Mysql,
            other => other,
        }
    }
}

/// A database driver or library that reads URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Driver {
    /// asyncpg, asynchronous, for PostgreSQL.
    Asyncpg,
    /// psycopg2, synchronous, for PostgreSQL. It uses libpq.
    Psycopg2,
    /// psycopg2cffi, a port of psycopg2 to CFFI.
    Psycopg2cffi,
    /// psycopg 3, synchronous and asynchronous, for PostgreSQL. It uses libpq.
    Psycopg,
    /// pg8000, synchronous, for PostgreSQL.
    Pg8000,
    /// libpq, for `psql`, `pg_dump` and other programs that pass their connection string to it.
    Libpq,
    /// Rust's sqlx, for any database system.
    Sqlx,
    /// Rust's tokio-postgres.
    TokioPostgres,
    /// PyMySQL, synchronous, for MySQL and MariaDB.
    Pymysql,
    /// aiomysql, asynchronous, for MySQL and MariaDB.
    Aiomysql,
    /// asyncmy, asynchronous, for MySQL and MariaDB.
    Asyncmy,
    /// mysqlclient, synchronous, for MySQL and MariaDB.
    Mysqldb,
    /// MySQL Connector/Python, synchronous.
    Mysqlconnector,
    /// MariaDB Connector/Python, synchronous.
    Mariadbconnector,
    /// Python's `sqlite3` module, synchronous.
    Pysqlite,
    /// aiosqlite, asynchronous, for SQLite.
    Aiosqlite,
}

/// A driver of SQLAlchemy.
struct SqlAlchemyDriver {
    backend: Backend,
    /// The driver's name in a URL.
    name: &'static str,
    driver: Driver,
    is_async: bool,
}

const fn synchronous(backend: Backend, name: &'static str, driver: Driver) -> SqlAlchemyDriver {
    SqlAlchemyDriver {
        backend,
        name,
        driver,
        is_async: false,
    }
}

const fn asynchronous(backend: Backend, name: &'static str, driver: Driver) -> SqlAlchemyDriver {
    SqlAlchemyDriver {
        backend,
        name,
        driver,
        is_async: true,
    }
}

/// SQLAlchemy's drivers. psycopg is both synchronous and asynchronous.
const SQLALCHEMY: &[SqlAlchemyDriver] = &[
    asynchronous(Backend::Postgresql, "asyncpg", Driver::Asyncpg),
    synchronous(Backend::Postgresql, "psycopg2", Driver::Psycopg2),
    synchronous(Backend::Postgresql, "psycopg2cffi", Driver::Psycopg2cffi),
    asynchronous(Backend::Postgresql, "psycopg", Driver::Psycopg),
    asynchronous(Backend::Postgresql, "psycopg_async", Driver::Psycopg),
    synchronous(Backend::Postgresql, "pg8000", Driver::Pg8000),
    synchronous(Backend::Mysql, "pymysql", Driver::Pymysql),
    asynchronous(Backend::Mysql, "aiomysql", Driver::Aiomysql),
    asynchronous(Backend::Mysql, "asyncmy", Driver::Asyncmy),
    synchronous(Backend::Mysql, "mysqldb", Driver::Mysqldb),
    synchronous(Backend::Mysql, "mysqlconnector", Driver::Mysqlconnector),
    synchronous(Backend::Mysql, "mariadbconnector", Driver::Mariadbconnector),
    synchronous(Backend::Sqlite, "pysqlite", Driver::Pysqlite),
    asynchronous(Backend::Sqlite, "aiosqlite", Driver::Aiosqlite),
];

/// A target of a conversion: a driver, and the database system that it is used with.
///
/// Parse a target from its name, as `"postgresql+asyncpg".parse::<Target>()`. [`Target::names`] lists the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Target {
    /// The database system.
    pub backend: Backend,
    /// The driver.
    pub driver: Driver,
    /// The scheme of the driver's URLs: `postgresql+asyncpg`, `postgresql` for libpq, `postgres` for sqlx.
    pub scheme: &'static str,
}

impl Driver {
    /// Returns the driver with this name in SQLAlchemy's URLs.
    pub(crate) fn from_sqlalchemy_name(backend: Backend, name: &str) -> Option<Self> {
        SQLALCHEMY
            .iter()
            .find(|known| known.backend == backend.family() && known.name == name)
            .map(|known| known.driver)
    }

    /// Returns the name that the driver's project uses, for messages.
    pub(crate) fn project_name(self) -> &'static str {
        match self {
            Self::Asyncpg => "asyncpg",
            Self::Psycopg2 => "psycopg2",
            Self::Psycopg2cffi => "psycopg2cffi",
            Self::Psycopg => "psycopg",
            Self::Pg8000 => "pg8000",
            Self::Libpq => "libpq",
            Self::Sqlx => "sqlx",
            Self::TokioPostgres => "tokio-postgres",
            Self::Pymysql => "PyMySQL",
            Self::Aiomysql => "aiomysql",
            Self::Asyncmy => "asyncmy",
            Self::Mysqldb => "mysqlclient",
            Self::Mysqlconnector => "mysql-connector-python",
            Self::Mariadbconnector => "mariadb-connector-python",
            Self::Pysqlite => "sqlite3",
            Self::Aiosqlite => "aiosqlite",
        }
    }

    /// Returns `true` if SQLAlchemy's asyncio extension can use the driver.
    pub fn is_async(self) -> bool {
        SQLALCHEMY
            .iter()
            .any(|known| known.driver == self && known.is_async)
    }

    /// Returns `true` if SQLAlchemy can use the driver.
    pub fn is_sqlalchemy(self) -> bool {
        SQLALCHEMY.iter().any(|known| known.driver == self)
    }

    /// Returns `true` if the driver passes its parameters to libpq.
    pub(crate) fn is_libpq(self) -> bool {
        matches!(
            self,
            Self::Libpq | Self::Psycopg | Self::Psycopg2 | Self::Psycopg2cffi
        )
    }
}

/// The targets by name. A target's first name is the one that `Display` writes.
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
    /// Returns the names of all targets.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TARGETS.iter().map(|(name, _)| *name)
    }

    /// Returns the target of a name for a URL of the given database system, which `sqlx` alone doesn't determine.
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnsupportedScheme`] if no target has this name.
    pub fn from_name(name: &str, backend: Backend) -> Result<Self, ConvertError> {
        match Self::from_driver(backend.family(), Driver::Sqlx) {
            Some(target) if name == "sqlx" => Ok(target),
            _ => name.parse(),
        }
    }

    /// Returns the first target with this database system and driver.
    pub(crate) fn from_driver(backend: Backend, driver: Driver) -> Option<Self> {
        TARGETS
            .iter()
            .map(|(_, target)| *target)
            .find(|target| target.backend == backend && target.driver == driver)
    }
}

impl FromStr for Target {
    type Err = ConvertError;

    /// Parses a target's name.
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnsupportedScheme`] if no target has this name.
    fn from_str(name: &str) -> Result<Self, ConvertError> {
        TARGETS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, target)| *target)
            .ok_or_else(|| {
                let names: Vec<_> = Self::names().collect();
                ConvertError::new(ErrorKind::UnsupportedScheme, "unknown conversion target")
                    .with_help(format!("use one of {}", names.join(", ")))
            })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = TARGETS.iter().find(|(_, target)| target == self);
        out.write_str(name.map_or(self.scheme, |(name, _)| name))
    }
}
