//! The options of a connection, from a URL, the driver's arguments, and the process environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use limbeck_url::DatabaseUrl;

use crate::mysql::MysqlOptions;
use crate::postgres::PostgresOptions;
use crate::sqlite::SqliteOptions;
use crate::{ConnectError, ConnectErrorKind};

/// The variables, home folder and user of a process. The library itself reads no environment. `Debug` shows no value
/// of a variable.
#[derive(Clone, Default)]
pub struct ProcessEnvironment {
    /// The environment variables (`PGHOST`, `PGSSLMODE`, …).
    pub variables: BTreeMap<String, String>,
    /// The home folder (`~/.pgpass`, `~/.postgresql/root.crt`).
    pub home: Option<PathBuf>,
    /// The operating system's user, which is libpq's default.
    pub user: Option<String>,
}

impl ProcessEnvironment {
    /// Returns the environment of a process with these variables, for example `std::env::vars()`.
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

/// The keyword arguments that the project passes to its driver (`connect_args`), by name.
pub type ConnectArgs = BTreeMap<String, ConnectArg>;

/// A keyword argument of a driver's `connect`. `Debug` shows no text, because it may be a password.
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
    /// A `dict` (asyncpg's `server_settings`, pymysql's `ssl`).
    Map(BTreeMap<String, ConnectArg>),
    /// An `ssl.SSLContext`.
    Tls(PythonSslContext),
    /// Another Python object, with the name of its type.
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

/// The readable part of a Python `ssl.SSLContext`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PythonSslContext {
    /// `true` if `verify_mode` is `CERT_REQUIRED`.
    pub verify: bool,
    /// The value of `check_hostname`.
    pub check_hostname: bool,
    /// The loaded authorities, in DER.
    pub authorities: Vec<Vec<u8>>,
    /// The files of the client's certificate and key that `load_cert_chain` was called with.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// The options of a connection.
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
    /// Reads the options with the driver's precedence: arguments, then URL, then environment, then defaults.
    ///
    /// # Errors
    /// Returns a [`ConnectError`] of kind `Parameter` that names the parameter if one can't be used.
    pub fn from_url(
        url: &DatabaseUrl,
        arguments: &ConnectArgs,
        process_environment: &ProcessEnvironment,
    ) -> Result<Self, ConnectError> {
        // The text before the `@` is a part of a password, so the message does not show it.
        if url.host.as_deref().is_some_and(|host| host.contains('@')) {
            return Err(ConnectError {
                kind: ConnectErrorKind::Parameter,
                message: "the host of the database URL contains an `@`: SQLAlchemy ends the password at the first `@`"
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
                message: format!("limbeck does not support the dialect `{other}`"),
                hint: Some("use a postgresql, mysql, mariadb or sqlite URL".into()),
            }),
        }
    }

    /// Returns the parameters of a `PostgreSQL` connection under libpq's names: user, database, hosts, ports, TLS level and
    /// options, but no secret. Empty for other databases.
    pub fn libpq_parameters(&self) -> BTreeMap<String, String> {
        match self {
            Self::Postgres(options) => options.libpq_parameters(),
            Self::Sqlite(_) | Self::Mysql(_) => BTreeMap::new(),
        }
    }

    /// Returns the database and its server for people, without secrets: `shop on db.example.org:5432`, or `SQLite`'s file.
    pub fn database(&self) -> String {
        match self {
            Self::Postgres(options) => {
                format!("{} on {}", options.database(), options.addresses())
            }
            Self::Mysql(options) => {
                let database = options.database().unwrap_or("(no database)");
                format!("{database} on {}", options.address())
            }
            Self::Sqlite(options) => options.display_name().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use limbeck_url::DatabaseUrl;

    use super::{ConnectArg, ConnectArgs, ConnectOptions, ProcessEnvironment};
    use crate::ConnectErrorKind;

    /// URLs with the name of their timeout, and the name that errors use for it.
    const TIMEOUTS: [(&str, &str, &str); 7] = [
        ("sqlite:///a.db", "timeout", "timeout"),
        (
            "postgresql+psycopg2://u@h/d",
            "connect_timeout",
            "connect_timeout",
        ),
        ("postgresql+asyncpg://u@h/d", "timeout", "connect_timeout"),
        (
            "mysql+pymysql://u@h/d",
            "connect_timeout",
            "connect_timeout",
        ),
        (
            "mysql+mysqldb://u@h/d",
            "connect_timeout",
            "connect_timeout",
        ),
        (
            "mariadb+asyncmy://u@h/d",
            "connect_timeout",
            "connect_timeout",
        ),
        (
            "mysql+mysqlconnector://u@h/d",
            "connection_timeout",
            "connection_timeout",
        ),
    ];

    fn read(url: &str, arguments: &ConnectArgs) -> Result<ConnectOptions, crate::ConnectError> {
        let environment = ProcessEnvironment {
            user: Some("u".into()),
            ..ProcessEnvironment::default()
        };
        ConnectOptions::from_url(&DatabaseUrl::parse(url).unwrap(), arguments, &environment)
    }

    #[test]
    fn rejects_timeouts_that_no_duration_can_hold() {
        for (url, parameter, name) in TIMEOUTS {
            for value in ["1e20", "nan", "inf", "1e400", "x"] {
                let text = format!("{url}?{parameter}={value}");
                let error = read(&text, &ConnectArgs::new()).expect_err(&text);
                assert_eq!(error.kind, ConnectErrorKind::Parameter, "{text}");
                let expected = [format!("`{name}`"), format!("`{value}`")];
                assert!(
                    expected.iter().all(|part| error.message.contains(part)),
                    "{text}: {error}"
                );
            }
            for value in [1e20, f64::NAN, f64::INFINITY, 1e300] {
                let argument = (parameter.to_owned(), ConnectArg::Real(value));
                let error = read(url, &ConnectArgs::from([argument])).expect_err(url);
                assert_eq!(error.kind, ConnectErrorKind::Parameter, "{url}, {value}");
                assert!(error.message.contains(name), "{url}, {value}: {error}");
            }
        }
        let variable = ("PGCONNECT_TIMEOUT".to_owned(), "1e20".to_owned());
        let environment = ProcessEnvironment {
            variables: [variable].into(),
            user: Some("u".into()),
            home: None,
        };
        let url = DatabaseUrl::parse("postgresql://h/d").unwrap();
        let error = ConnectOptions::from_url(&url, &ConnectArgs::new(), &environment).unwrap_err();
        assert!(error.message.contains("`1e20`"), "{error}");
    }

    #[test]
    fn reads_a_negative_timeout_as_each_driver() {
        for (url, parameter, name) in TIMEOUTS {
            let text = format!("{url}?{parameter}=-1");
            match read(&text, &ConnectArgs::new()) {
                // No wait for locks.
                Ok(ConnectOptions::Sqlite(options)) => {
                    assert!(format!("{options:?}").contains("busy_timeout: 0ns"));
                }
                // No limit.
                Ok(ConnectOptions::Postgres(options)) => {
                    assert!(format!("{options:?}").contains("timeout: None"));
                }
                Ok(other) => panic!("{text}: {other:?}"),
                Err(error) => {
                    assert!(url.starts_with('m'), "{text}: {error}");
                    assert!(error.message.contains(name) && error.message.contains("`-1`"));
                }
            }
        }
    }

    #[test]
    fn names_a_python_object_that_no_parameter_can_be() {
        let argument = ConnectArg::Object("function".into());
        let arguments = ConnectArgs::from([("password".to_owned(), argument)]);
        for url in ["postgresql+psycopg2://u@h/d", "mysql+pymysql://u@h/d"] {
            let error = read(url, &arguments).expect_err(url);
            assert_eq!(error.kind, ConnectErrorKind::Parameter, "{url}");
            let named = [
                "`password`",
                if url.starts_with('p') {
                    "`function`"
                } else {
                    "text"
                },
            ];
            assert!(
                named.iter().all(|part| error.message.contains(part)),
                "{error}"
            );
        }
    }

    #[test]
    fn accepts_the_longest_timeout() {
        for (url, parameter, _) in TIMEOUTS {
            read(&format!("{url}?{parameter}=1e19"), &ConnectArgs::new()).expect(url);
        }
    }

    #[test]
    fn rejects_an_at_sign_in_a_password_without_showing_the_rest() {
        for dialect in ["postgresql", "mysql+pymysql", "mariadb"] {
            let url = DatabaseUrl::parse(&format!("{dialect}://u:p@Geheim@h/d")).unwrap();
            let result =
                ConnectOptions::from_url(&url, &ConnectArgs::new(), &ProcessEnvironment::default());
            let error = result.unwrap_err();
            assert!(error.hint.as_ref().is_some_and(|hint| hint.contains("%40")));
            let shown = format!("{url} {url:?} {error} {error:?}");
            assert!(!shown.contains("Geheim"), "{shown}");
        }
    }
}
