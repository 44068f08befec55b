//! The database URLs of an application: their variables, and a policy for them.

use std::fmt;

use crate::connection::{ConnectionInfo, TlsLevel};
use crate::convert::{Conversion, convert_to, ensure_async_database_url, ensure_sync_database_url};
use crate::dotenv::{EnvFileVariable, env_file_variables};
use crate::error::{ConvertError, ErrorKind};
use crate::percent;
use crate::secret::Secret;

/// The variables with a URL for migrations. The first that is set counts.
///
/// Hosters that offer a pooler use `DIRECT_URL` for the connection without it.
pub const MIGRATION_VARIABLES: [&str; 2] = ["MIGRATION_DATABASE_URL", "DIRECT_URL"];
/// The variables with the application's URL. The first that is set counts.
pub const APPLICATION_VARIABLES: [&str; 3] =
    ["DATABASE_URL", "POSTGRES_URL", "SQLALCHEMY_DATABASE_URI"];
/// The prefixes of variables with a part of a URL: `POSTGRES_HOST`, `DB_PORT`, `PGUSER`, …
const PREFIXES: [&str; 4] = ["POSTGRES_", "DATABASE_", "DB_", "PG"];

/// The source of a database URL. `Display` names the variables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlSource {
    /// The caller.
    Given,
    /// The process's environment variable of this name.
    Variable(String),
    /// A variable in the `.env` file.
    DotEnv {
        /// The variable's name.
        name: String,
        /// The number of the variable's line, from 1.
        line: usize,
    },
    /// Several variables, each with a part of the URL.
    Parts(Vec<String>),
}

impl fmt::Display for UrlSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => out.write_str("given"),
            Self::Variable(name) => out.write_str(name),
            Self::DotEnv { name, line } => write!(out, "{name} (.env, line {line})"),
            Self::Parts(names) => out.write_str(&names.join(", ")),
        }
    }
}

/// The requirements of an environment on database connections. The default has none.
///
/// ```
/// use limbeck_url::{Policy, TlsLevel};
///
/// let mut policy = Policy::default();
/// policy.minimum_tls = Some(TlsLevel::Require);
/// let (info, _) = limbeck_url::ConnectionInfo::parse("postgresql://app@db/shop")?;
/// assert!(policy.check(&info).is_err());
/// # Ok::<(), limbeck_url::ConvertError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The weakest TLS level that is acceptable. `None` accepts every level.
    pub minimum_tls: Option<TlsLevel>,
    /// `true` if the server must not be on this machine.
    pub refuses_local: bool,
}

impl Policy {
    /// The policy for production: the server is another machine, and its certificate and name are verified.
    pub const PRODUCTION: Self = Self {
        minimum_tls: Some(TlsLevel::VerifyFull),
        refuses_local: true,
    };

    /// Checks that a connection complies with the policy.
    ///
    /// # Errors
    /// Returns [`ErrorKind::PolicyViolation`], with the parameter, if the connection doesn't.
    pub fn check(&self, info: &ConnectionInfo) -> Result<(), ConvertError> {
        let is_local = |name: &str| {
            name.starts_with("127.")
                || matches!(name, "localhost" | "::1" | "0.0.0.0")
                || name.starts_with(['/', '@'])
        };
        let names = || info.hosts.iter().map(|host| host.name.as_deref());
        let may_be_local = info.hosts.is_empty() || names().any(|name| name.is_none_or(is_local));
        if self.refuses_local && may_be_local {
            return Err(ConvertError::new(
                ErrorKind::PolicyViolation,
                "the policy forbids a database on this machine, and the URL names one",
            )
            .about("host"));
        }
        let level = info.tls.effective_level();
        match self.minimum_tls {
            Some(minimum) if level < minimum => Err(ConvertError::new(
                ErrorKind::PolicyViolation,
                format!(
                    "the policy requires `sslmode={}`, but the URL asks for `{}`",
                    minimum.name(),
                    level.name()
                ),
            )
            .about("sslmode")
            .with_help(format!("add sslmode={} to the URL", minimum.name()))),
            _ => Ok(()),
        }
    }
}

/// A URL, or a part of one, and its source.
#[derive(Clone, PartialEq, Eq)]
struct FoundUrl {
    url: Secret,
    source: UrlSource,
}

/// A provider of two URLs from one source: a synchronous URL for migrations, and an asynchronous one for the application.
///
/// `Debug` shows the sources of the URLs, but not the URLs.
///
/// ```
/// use limbeck_url::DatabaseConfigProvider;
///
/// let provider = DatabaseConfigProvider::new("postgres://app:pw@db/shop");
/// let sync = provider.sync_database_url()?;
/// assert_eq!(sync.reveal_url(), "postgresql+psycopg2://app:pw@db/shop");
/// let asynchronous = provider.async_database_url()?;
/// assert_eq!(asynchronous.reveal_url(), "postgresql+asyncpg://app:pw@db/shop");
/// # Ok::<(), limbeck_url::ConvertError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseConfigProvider {
    application: FoundUrl,
    migration: Option<FoundUrl>,
    policy: Policy,
}

impl fmt::Debug for DatabaseConfigProvider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DatabaseConfigProvider")
            .field("application", &self.application.source)
            .field(
                "migration",
                &self.migration.as_ref().map(|found| &found.source),
            )
            .field("policy", &self.policy)
            .finish()
    }
}

impl DatabaseConfigProvider {
    /// Creates a provider from the application's URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            application: FoundUrl {
                url: Secret::new(url),
                source: UrlSource::Given,
            },
            migration: None,
            policy: Policy::default(),
        }
    }

    /// Creates a provider from environment variables and the text of a `.env` file.
    ///
    /// The migration URL is the first of [`MIGRATION_VARIABLES`] that is set. The application's URL is the first of
    /// [`APPLICATION_VARIABLES`]; otherwise it is composed of parts (`POSTGRES_HOST`, `POSTGRES_PORT`, `POSTGRES_USER`,
    /// `POSTGRES_PASSWORD`, `POSTGRES_DB`, `POSTGRES_SSLMODE`, or the same with the prefix `DATABASE_`, `DB_` or `PG`).
    /// If only one of the two URLs is set, both uses share it. A variable of the process takes precedence over the
    /// same variable in the file.
    ///
    /// The crate doesn't read the environment. `process_variable` looks up a variable of the process, and `env_file` is
    /// the text of the file:
    ///
    /// ```
    /// let variable = |name: &str| (name == "DATABASE_URL").then(|| "postgres://app@db/shop".to_owned());
    /// let provider = limbeck_url::DatabaseConfigProvider::from_variables(&variable, None)?;
    /// assert_eq!(provider.application_source().to_string(), "DATABASE_URL");
    /// # Ok::<(), limbeck_url::ConvertError>(())
    /// ```
    ///
    /// A program passes `&|name| std::env::var(name).ok()` and the content of `.env`.
    ///
    /// # Errors
    /// Returns [`ErrorKind::MissingUrl`] if no variable contains a URL or a host.
    pub fn from_variables(
        process_variable: &dyn Fn(&str) -> Option<String>,
        env_file: Option<&str>,
    ) -> Result<Self, ConvertError> {
        let variables = Variables {
            process: process_variable,
            file: env_file
                .map(|text| env_file_variables(text, process_variable))
                .unwrap_or_default(),
        };
        let migration = variables.first(&MIGRATION_VARIABLES);
        let application = variables
            .first(&APPLICATION_VARIABLES)
            .or_else(|| variables.compose())
            .or_else(|| migration.clone());
        let application = application.ok_or_else(|| {
            ConvertError::new(ErrorKind::MissingUrl, "no variable contains a database URL")
                .with_help(format!(
                    "set {} (or {} for migrations only)",
                    APPLICATION_VARIABLES[0], MIGRATION_VARIABLES[0]
                ))
        })?;
        Ok(Self {
            application,
            migration,
            policy: Policy::default(),
        })
    }

    /// Sets a separate URL for migrations, such as one without the pooler or with another user.
    #[must_use]
    pub fn with_migration_url(mut self, url: impl Into<String>) -> Self {
        self.migration = Some(FoundUrl {
            url: Secret::new(url),
            source: UrlSource::Given,
        });
        self
    }

    /// Sets the policy for both URLs.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Returns the application's URL as it was given, without a check of the policy.
    pub fn application_url(&self) -> &Secret {
        &self.application.url
    }

    /// Returns the URL for migrations as it was given, without a check of the policy.
    pub fn migration_url(&self) -> &Secret {
        &self.migration.as_ref().unwrap_or(&self.application).url
    }

    /// Returns the source of the URL for migrations.
    pub fn migration_source(&self) -> &UrlSource {
        &self.migration.as_ref().unwrap_or(&self.application).source
    }

    /// Returns the source of the application's URL.
    pub fn application_source(&self) -> &UrlSource {
        &self.application.source
    }

    /// Returns the URL for migrations as it was given, after a check of the policy.
    ///
    /// # Errors
    /// Returns the errors of [`ConnectionInfo::parse`] and [`Policy::check`].
    pub fn allowed_migration_url(&self) -> Result<&Secret, ConvertError> {
        self.check_policy(self.migration.as_ref().unwrap_or(&self.application))
    }

    /// Returns the application's URL as it was given, after a check of the policy.
    ///
    /// # Errors
    /// Returns the errors of [`ConnectionInfo::parse`] and [`Policy::check`].
    pub fn allowed_application_url(&self) -> Result<&Secret, ConvertError> {
        self.check_policy(&self.application)
    }

    fn check_policy<'a>(&self, found: &'a FoundUrl) -> Result<&'a Secret, ConvertError> {
        let (info, _) = ConnectionInfo::parse(found.url.reveal_clear_text())?;
        self.policy.check(&info)?;
        Ok(&found.url)
    }

    /// Returns the URL for migrations with a synchronous driver.
    ///
    /// # Errors
    /// Returns the errors of [`ensure_sync_database_url`] and [`Policy::check`].
    pub fn sync_database_url(&self) -> Result<Conversion, ConvertError> {
        ensure_sync_database_url(self.allowed_migration_url()?.reveal_clear_text())
    }

    /// Returns [`Self::sync_database_url`]. Python projects use this name.
    ///
    /// # Errors
    /// Returns the errors of [`Self::sync_database_url`].
    pub fn get_sync_database_url(&self) -> Result<Conversion, ConvertError> {
        self.sync_database_url()
    }

    /// Returns the application's URL with an asynchronous driver.
    ///
    /// # Errors
    /// Returns the errors of [`ensure_async_database_url`] and [`Policy::check`].
    pub fn async_database_url(&self) -> Result<Conversion, ConvertError> {
        ensure_async_database_url(self.allowed_application_url()?.reveal_clear_text())
    }

    /// Returns the application's URL for the target of this name: `sqlx`, `libpq`, `postgresql+psycopg`, …
    ///
    /// # Errors
    /// Returns the errors of [`convert_to`] and [`Policy::check`].
    pub fn database_url_for(&self, target: &str) -> Result<Conversion, ConvertError> {
        convert_to(self.allowed_application_url()?.reveal_clear_text(), target)
    }

    /// Returns [`Self::async_database_url`]. Python projects use this name.
    ///
    /// # Errors
    /// Returns the errors of [`Self::async_database_url`].
    pub fn get_async_database_url(&self) -> Result<Conversion, ConvertError> {
        self.async_database_url()
    }
}

/// The variables of the process and of a `.env` file.
struct Variables<'a> {
    process: &'a dyn Fn(&str) -> Option<String>,
    file: Vec<EnvFileVariable>,
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<FoundUrl> {
        if let Some(value) = (self.process)(name).filter(|value| !value.trim().is_empty()) {
            return Some(FoundUrl {
                url: Secret::new(value),
                source: UrlSource::Variable(name.to_owned()),
            });
        }
        let found = self
            .file
            .iter()
            .rev()
            .find(|variable| variable.name == name && !variable.value.is_empty())?;
        Some(FoundUrl {
            url: Secret::new(found.value.clone()),
            source: UrlSource::DotEnv {
                name: found.name.clone(),
                line: found.line,
            },
        })
    }

    fn first(&self, names: &[&str]) -> Option<FoundUrl> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Composes a PostgreSQL URL of the first prefix that has a host.
    fn compose(&self) -> Option<FoundUrl> {
        PREFIXES.iter().find_map(|prefix| {
            let mut names = Vec::new();
            let mut part = |endings: &[&str]| {
                let found = endings.iter().find_map(|ending| {
                    let name = format!("{prefix}{ending}");
                    Some((self.get(&name)?, name))
                });
                let (found, name) = found?;
                names.push(name);
                Some(found.url)
            };
            let host = part(&["HOST", "SERVER"])?;
            let user = part(&["USER", "USERNAME"]);
            let password = part(&["PASSWORD", "PASS"]);
            let port = part(&["PORT"]);
            let database = part(&["DB", "DATABASE", "NAME"]);
            let mode = part(&["SSLMODE"]);
            let mut url = String::from("postgresql://");
            let push_encoded = |url: &mut String, secret: &Secret| {
                percent::encode(url, secret.reveal_clear_text(), b"");
            };
            if let Some(user) = &user {
                push_encoded(&mut url, user);
            }
            if let Some(password) = &password {
                url.push(':');
                push_encoded(&mut url, password);
            }
            if user.is_some() || password.is_some() {
                url.push('@');
            }
            let host = host.reveal_clear_text();
            if host.contains(':') && !host.starts_with('/') {
                url.push_str(&format!("[{}]", host.trim_matches(['[', ']'])));
            } else {
                percent::encode(&mut url, host, b"");
            }
            if let Some(port) = &port {
                url.push(':');
                push_encoded(&mut url, port);
            }
            url.push('/');
            if let Some(database) = &database {
                push_encoded(&mut url, database);
            }
            if let Some(mode) = &mode {
                url.push_str("?sslmode=");
                push_encoded(&mut url, mode);
            }
            Some(FoundUrl {
                url: Secret::new(url),
                source: UrlSource::Parts(names),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{DatabaseConfigProvider, Policy};
    use crate::{ConvertError, ErrorKind};

    fn provider(
        variables: &[(&str, &str)],
        file: Option<&str>,
    ) -> Result<DatabaseConfigProvider, ConvertError> {
        let process_variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        DatabaseConfigProvider::from_variables(&process_variable, file)
    }

    #[test]
    fn derives_both_urls_from_one() {
        let provider = provider(
            &[("DATABASE_URL", "postgres://u:p@h/d?sslmode=require")],
            None,
        )
        .unwrap();
        let (sync, asynchronous) = (
            provider.sync_database_url().unwrap(),
            provider.get_async_database_url().unwrap(),
        );
        assert_eq!(
            sync.reveal_url(),
            "postgresql+psycopg2://u:p@h/d?sslmode=require"
        );
        assert_eq!(
            asynchronous.reveal_url(),
            "postgresql+asyncpg://u:p@h/d?ssl=require"
        );
        let rust = provider.database_url_for("sqlx").unwrap();
        assert_eq!(rust.reveal_url(), "postgres://u:p@h/d?sslmode=require");
        assert_eq!(provider.migration_source().to_string(), "DATABASE_URL");
        assert!(!format!("{provider:?}").contains("u:p"));
    }

    #[test]
    fn prefers_migration_variables_and_the_process() {
        for (variables, file, migration, source) in [
            (
                &[
                    ("DATABASE_URL", "postgresql://a/d"),
                    ("DIRECT_URL", "postgresql://b/d"),
                ][..],
                None,
                "postgresql+psycopg2://b/d",
                "DIRECT_URL",
            ),
            (
                &[],
                Some("X=1\nDATABASE_URL=postgresql://c/d"),
                "postgresql+psycopg2://c/d",
                "DATABASE_URL (.env, line 2)",
            ),
            (
                &[("DATABASE_URL", "postgresql://a/d")],
                Some("DATABASE_URL=postgresql://c/d"),
                "postgresql+psycopg2://a/d",
                "DATABASE_URL",
            ),
            (
                &[
                    ("POSTGRES_HOST", "h"),
                    ("POSTGRES_PASSWORD", "p@w"),
                    ("POSTGRES_USER", "u"),
                    ("POSTGRES_DB", "d"),
                ],
                None,
                "postgresql+psycopg2://u:p%40w@h/d",
                "POSTGRES_HOST, POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB",
            ),
            (
                &[("DB_HOST", "::1"), ("DB_PORT", "5433")],
                Some("DB_NAME=n"),
                "postgresql+psycopg2://[::1]:5433/n",
                "DB_HOST, DB_PORT, DB_NAME",
            ),
        ] {
            let provider = provider(variables, file).unwrap();
            assert_eq!(
                provider.sync_database_url().unwrap().reveal_url(),
                migration
            );
            assert_eq!(provider.migration_source().to_string(), source);
        }
        assert_eq!(
            provider(&[("DATABASE_URL", "")], None).unwrap_err().kind,
            ErrorKind::MissingUrl
        );
    }

    #[test]
    fn production_requires_a_verified_remote_server() {
        for (url, parameter) in [
            ("postgresql://u@db/d?sslmode=verify-full", None),
            ("postgresql+asyncpg://u@db/d?ssl=verify-full", None),
            ("postgresql://u@db/d?sslmode=require", Some("sslmode")),
            (
                "postgresql://u@localhost/d?sslmode=verify-full",
                Some("host"),
            ),
            ("postgresql:///d?sslmode=verify-full", Some("host")),
        ] {
            let provider = DatabaseConfigProvider::new(url).with_policy(Policy::PRODUCTION);
            let violated = provider
                .sync_database_url()
                .err()
                .map(|error| error.parameter.unwrap());
            assert_eq!(violated.as_deref(), parameter, "{url}");
        }
    }
}
