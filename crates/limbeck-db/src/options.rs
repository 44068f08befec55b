//! What a connection needs to know: the URL, the driver's arguments, the surroundings.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use limbeck_url::DatabaseUrl;

use crate::mysql::MysqlOptions;
use crate::postgres::PostgresOptions;
use crate::sqlite::SqliteOptions;
use crate::{ConnectError, ConnectErrorKind};

/// What a process has around it; the library reads no environment itself. `Debug` shows no variable's value.
#[derive(Clone, Default)]
pub struct ProcessEnvironment {
    /// The environment variables (`PGHOST`, `PGSSLMODE`, …).
    pub variables: BTreeMap<String, String>,
    /// The home folder (`~/.pgpass`, `~/.postgresql/root.crt`).
    pub home: Option<PathBuf>,
    /// The operating system's user, libpq's default user.
    pub user: Option<String>,
}

impl ProcessEnvironment {
    /// What a process with these variables has around it: `std::env::vars()`.
    pub fn from_variables(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables: BTreeMap<String, String> = variables.into_iter().collect();
        let first = |names: &[&str]| names.iter().find_map(|name| variables.get(*name).cloned());
        Self {
            home: first(&["HOME"]).map(PathBuf::from),
            user: first(&["USER", "LOGNAME"]),
            variables,
        }
    }
}

impl fmt::Debug for ProcessEnvironment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ProcessEnvironment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .field("user", &self.user)
            .finish()
    }
}

/// Keyword arguments that the project gave its driver (`connect_args`), by name.
pub type ConnectArgs = BTreeMap<String, ConnectArg>;

/// One keyword argument for a driver's `connect`. `Debug` shows no text, which may be the password.
#[derive(Clone, PartialEq)]
pub enum ConnectArg {
    /// `None`.
    Null,
    /// `True` or `False`.
    Bool(bool),
    /// An `int`.
    Integer(i64),
    /// A `float`.
    Real(f64),
    /// A `str`.
    Text(String),
    /// A `dict` of texts (asyncpg's `server_settings`, pymysql's `ssl`).
    Map(BTreeMap<String, ConnectArg>),
    /// An `ssl.SSLContext`.
    Tls(PythonSslContext),
    /// Another object of Python, by its type's name.
    Object(String),
}

impl fmt::Debug for ConnectArg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => out.write_str("Null"),
            Self::Bool(flag) => write!(out, "Bool({flag})"),
            Self::Integer(number) => write!(out, "Integer({number})"),
            Self::Real(number) => write!(out, "Real({number})"),
            Self::Text(_) => out.write_str("Text(***)"),
            Self::Map(arguments) => out.debug_tuple("Map").field(arguments).finish(),
            Self::Tls(context) => out.debug_tuple("Tls").field(context).finish(),
            Self::Object(kind) => write!(out, "Object({kind})"),
        }
    }
}

/// What can be read out of a Python `ssl.SSLContext`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonSslContext {
    /// `verify_mode` is `CERT_REQUIRED`.
    pub verify: bool,
    /// `check_hostname`.
    pub check_hostname: bool,
    /// The authorities loaded into it, as DER.
    pub authorities: Vec<Vec<u8>>,
    /// The files of the client's certificate and of its key, given to `load_cert_chain`.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Everything that opening a session takes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ConnectOptions {
    /// `PostgreSQL`.
    Postgres(PostgresOptions),
    /// `SQLite`.
    Sqlite(SqliteOptions),
    /// `MySQL` and `MariaDB`.
    Mysql(MysqlOptions),
}

impl ConnectOptions {
    /// Reads the options out of a URL, the driver's arguments, and the surroundings, with the
    /// precedence that the driver has: arguments, then URL, then environment, then defaults.
    ///
    /// # Errors
    /// [`ConnectError`] of kind `Parameter` names a parameter that can't be used.
    pub fn from_url(
        url: &DatabaseUrl,
        arguments: &ConnectArgs,
        process_environment: &ProcessEnvironment,
    ) -> Result<Self, ConnectError> {
        // What stands before the `@` is a part of a password, and is not shown.
        if url.host.as_deref().is_some_and(|host| host.contains('@')) {
            return Err(ConnectError {
                kind: ConnectErrorKind::Parameter,
                message: "the host of the database URL holds an `@`: to SQLAlchemy a password ends at its first one"
                    .into(),
                hint: Some("write %40 for an `@` in the password".into()),
            });
        }
        match url.dialect.as_str() {
            "postgresql" | "postgres" => {
                PostgresOptions::from_url(url, arguments, process_environment).map(Self::Postgres)
            }
            "sqlite" => {
                SqliteOptions::from_url(url, arguments, process_environment).map(Self::Sqlite)
            }
            "mysql" | "mariadb" => {
                MysqlOptions::from_url(url, arguments, process_environment).map(Self::Mysql)
            }
            other => Err(ConnectError {
                kind: ConnectErrorKind::Parameter,
                message: format!("limbeck has no connection for the dialect `{other}`"),
                hint: Some("use a postgresql, mysql, mariadb or sqlite URL".into()),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use limbeck_url::DatabaseUrl;

    use super::{ConnectArgs, ConnectOptions, ProcessEnvironment};

    #[test]
    fn an_at_sign_in_a_password_is_told_and_what_follows_it_is_not_shown() {
        for dialect in ["postgresql", "mysql+pymysql", "mariadb"] {
            let url = DatabaseUrl::parse(&format!("{dialect}://u:p@Geheim@h/d")).unwrap();
            let told =
                ConnectOptions::from_url(&url, &ConnectArgs::new(), &ProcessEnvironment::default());
            let error = told.unwrap_err();
            assert!(error.hint.as_ref().is_some_and(|hint| hint.contains("%40")));
            let shown = format!("{url} {url:?} {error} {error:?}");
            assert!(!shown.contains("Geheim"), "{shown}");
        }
    }
}
