//! Where the database URLs of an application come from, and the two that it needs.

use std::fmt;

use crate::connection::{ConnectionInfo, TlsLevel};
use crate::convert::{Conversion, convert_to, ensure_async_database_url, ensure_sync_database_url};
use crate::dotenv;
use crate::error::{ConvertError, ErrorKind};
use crate::percent;
use crate::secret::Secret;

/// Variables whose URL is for migrations, the first that is set: a hoster's direct way beside its pooler.
pub const MIGRATION_VARIABLES: [&str; 2] = ["MIGRATION_DATABASE_URL", "DIRECT_URL"];
/// Variables whose URL is the application's.
pub const APPLICATION_VARIABLES: [&str; 3] =
    ["DATABASE_URL", "POSTGRES_URL", "SQLALCHEMY_DATABASE_URI"];
/// Prefixes of the parts that a URL is put together from: `POSTGRES_HOST`, `DB_PORT`, `PGUSER`, …
const PREFIXES: [&str; 4] = ["POSTGRES_", "DATABASE_", "DB_", "PG"];

/// Where a value was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It was handed over.
    Given,
    /// A variable of the process.
    Variable(String),
    /// A variable in `.env`, and its line there.
    DotEnv(String, usize),
    /// Several variables, each a part of the URL.
    Parts(Vec<String>),
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given => out.write_str("given"),
            Self::Variable(name) => out.write_str(name),
            Self::DotEnv(name, line) => write!(out, "{name} (.env, line {line})"),
            Self::Parts(names) => out.write_str(&names.join(", ")),
        }
    }
}

/// What an environment demands of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    /// The least protection.
    pub tls: Option<TlsLevel>,
    /// Whether the server may be on this machine.
    pub refuses_local: bool,
}

impl Policy {
    /// Production: the server's certificate and name are verified, and it is another machine.
    pub const PRODUCTION: Self = Self {
        tls: Some(TlsLevel::VerifyFull),
        refuses_local: true,
    };

    /// Whether a connection keeps to it.
    ///
    /// # Errors
    /// [`ErrorKind::PolicyViolation`], with the parameter.
    pub fn check(&self, info: &ConnectionInfo) -> Result<(), ConvertError> {
        let is_local = |name: &str| {
            name.starts_with("127.")
                || matches!(name, "localhost" | "::1" | "0.0.0.0")
                || name.starts_with(['/', '@'])
        };
        let names = || info.hosts.iter().map(|host| host.name.as_deref());
        let local = info.hosts.is_empty() || names().any(|name| name.is_none_or(is_local));
        if self.refuses_local && local {
            return Err(ConvertError::new(
                ErrorKind::PolicyViolation,
                "this environment's database is on another machine, and the URL names this one",
            )
            .of("host"));
        }
        let level = info.tls.effective();
        match self.tls {
            Some(least) if level < least => Err(ConvertError::new(
                ErrorKind::PolicyViolation,
                format!(
                    "this environment demands `{}`, and the URL asks for `{}`",
                    least.name(),
                    level.name()
                ),
            )
            .of("sslmode")
            .help(format!("write sslmode={} into the URL", least.name()))),
            _ => Ok(()),
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Found {
    url: Secret,
    origin: Origin,
}

/// The synchronous URL for migrations and the asynchronous one for the application, from one place.
///
/// `Debug` shows where the URLs come from, and no URL.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseConfigProvider {
    application: Found,
    migration: Option<Found>,
    policy: Policy,
}

impl fmt::Debug for DatabaseConfigProvider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DatabaseConfigProvider")
            .field("application", &self.application.origin)
            .field(
                "migration",
                &self.migration.as_ref().map(|found| &found.origin),
            )
            .field("policy", &self.policy)
            .finish()
    }
}

impl DatabaseConfigProvider {
    /// With the application's URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            application: Found {
                url: Secret::new(url),
                origin: Origin::Given,
            },
            migration: None,
            policy: Policy::default(),
        }
    }

    /// From variables: [`MIGRATION_VARIABLES`], [`APPLICATION_VARIABLES`], then parts (`POSTGRES_HOST`,
    /// `POSTGRES_PORT`, `POSTGRES_USER`, `POSTGRES_PASSWORD`, `POSTGRES_DB`, and the same behind `DATABASE_`,
    /// `DB_` and `PG`). A variable of the process counts before the same one in `.env`, whose text is `file`.
    ///
    /// The crate reads no environment itself:
    ///
    /// ```
    /// let variable = |name: &str| std::env::var(name).ok();
    /// let file = std::fs::read_to_string(".env").ok();
    /// let provider = limbeck_url::DatabaseConfigProvider::from_variables(&variable, file.as_deref());
    /// # drop(provider);
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::MissingUrl`] when none of them is set.
    pub fn from_variables(
        variable: &dyn Fn(&str) -> Option<String>,
        file: Option<&str>,
    ) -> Result<Self, ConvertError> {
        let variables = Variables {
            process: variable,
            file: file
                .map(|text| dotenv::parse(text, variable))
                .unwrap_or_default(),
        };
        let migration = variables.first(&MIGRATION_VARIABLES);
        let application = variables
            .first(&APPLICATION_VARIABLES)
            .or_else(|| variables.parts())
            .or_else(|| migration.clone());
        let application = application.ok_or_else(|| {
            ConvertError::new(ErrorKind::MissingUrl, "no variable names a database").help(format!(
                "set {} (or {} for migrations alone)",
                APPLICATION_VARIABLES[0], MIGRATION_VARIABLES[0]
            ))
        })?;
        Ok(Self {
            application,
            migration,
            policy: Policy::default(),
        })
    }

    /// With another URL for migrations: past a pooler, with another user.
    #[must_use]
    pub fn with_migration_url(mut self, url: impl Into<String>) -> Self {
        self.migration = Some(Found {
            url: Secret::new(url),
            origin: Origin::Given,
        });
        self
    }

    /// With what the environment demands.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The application's URL as it was found.
    pub fn application_url(&self) -> &Secret {
        &self.application.url
    }

    /// Where the URL for migrations comes from.
    pub fn migration_origin(&self) -> &Origin {
        &self.migration.as_ref().unwrap_or(&self.application).origin
    }

    /// Where the application's URL comes from.
    pub fn application_origin(&self) -> &Origin {
        &self.application.origin
    }

    /// The URL for migrations as it was found, for a driver of the caller's choice.
    ///
    /// # Errors
    /// [`ConvertError`] when it can't be read, and when the policy is not kept to.
    pub fn allowed_migration_url(&self) -> Result<&Secret, ConvertError> {
        self.allowed(self.migration.as_ref().unwrap_or(&self.application))
    }

    /// The application's URL as it was found, for a driver of the caller's choice.
    ///
    /// # Errors
    /// The same.
    pub fn allowed_application_url(&self) -> Result<&Secret, ConvertError> {
        self.allowed(&self.application)
    }

    fn allowed<'a>(&self, found: &'a Found) -> Result<&'a Secret, ConvertError> {
        let (info, _) = ConnectionInfo::parse(found.url.reveal_clear_text())?;
        self.policy.check(&info)?;
        Ok(&found.url)
    }

    /// The synchronous URL, for migrations.
    ///
    /// # Errors
    /// [`ConvertError`], as [`ensure_sync_database_url`] has it, and when the policy is not kept to.
    pub fn sync_database_url(&self) -> Result<Conversion, ConvertError> {
        ensure_sync_database_url(self.allowed_migration_url()?.reveal_clear_text())
    }

    /// [`Self::sync_database_url`], under the name that it has in Python code bases.
    ///
    /// # Errors
    /// The same.
    pub fn get_sync_database_url(&self) -> Result<Conversion, ConvertError> {
        self.sync_database_url()
    }

    /// The asynchronous URL, for the application.
    ///
    /// # Errors
    /// [`ConvertError`], as [`ensure_async_database_url`] has it, and when the policy is not kept to.
    pub fn async_database_url(&self) -> Result<Conversion, ConvertError> {
        ensure_async_database_url(self.allowed_application_url()?.reveal_clear_text())
    }

    /// The application's URL for the driver of this name: `sqlx`, `libpq`, `postgresql+psycopg`, …
    ///
    /// # Errors
    /// [`ConvertError`], as [`convert_to`] has it, and when the policy is not kept to.
    pub fn database_url_for(&self, name: &str) -> Result<Conversion, ConvertError> {
        convert_to(self.allowed_application_url()?.reveal_clear_text(), name)
    }

    /// [`Self::async_database_url`], under the name that it has in Python code bases.
    ///
    /// # Errors
    /// The same.
    pub fn get_async_database_url(&self) -> Result<Conversion, ConvertError> {
        self.async_database_url()
    }
}

struct Variables<'a> {
    process: &'a dyn Fn(&str) -> Option<String>,
    file: Vec<dotenv::Variable>,
}

impl Variables<'_> {
    fn get(&self, name: &str) -> Option<Found> {
        if let Some(value) = (self.process)(name).filter(|value| !value.trim().is_empty()) {
            return Some(Found {
                url: Secret::new(value),
                origin: Origin::Variable(name.to_owned()),
            });
        }
        let found = self
            .file
            .iter()
            .rev()
            .find(|variable| variable.name == name && !variable.value.is_empty())?;
        Some(Found {
            url: Secret::new(found.value.clone()),
            origin: Origin::DotEnv(found.name.clone(), found.line),
        })
    }

    fn first(&self, names: &[&str]) -> Option<Found> {
        names.iter().find_map(|name| self.get(name))
    }

    /// A URL of its parts; a host must be among them.
    fn parts(&self) -> Option<Found> {
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
            let encoded = |url: &mut String, secret: &Secret| {
                percent::encode(url, secret.reveal_clear_text(), b"");
            };
            if let Some(user) = &user {
                encoded(&mut url, user);
            }
            if let Some(password) = &password {
                url.push(':');
                encoded(&mut url, password);
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
                encoded(&mut url, port);
            }
            url.push('/');
            if let Some(database) = &database {
                encoded(&mut url, database);
            }
            if let Some(mode) = &mode {
                url.push_str("?sslmode=");
                encoded(&mut url, mode);
            }
            Some(Found {
                url: Secret::new(url),
                origin: Origin::Parts(names),
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
        let look_up = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        DatabaseConfigProvider::from_variables(&look_up, file)
    }

    #[test]
    fn one_url_serves_both() {
        let provider = provider(
            &[("DATABASE_URL", "postgres://u:p@h/d?sslmode=require")],
            None,
        )
        .unwrap();
        let (sync, other) = (
            provider.sync_database_url().unwrap(),
            provider.get_async_database_url().unwrap(),
        );
        assert_eq!(
            sync.reveal_url(),
            "postgresql+psycopg2://u:p@h/d?sslmode=require"
        );
        assert_eq!(
            other.reveal_url(),
            "postgresql+asyncpg://u:p@h/d?ssl=require"
        );
        let rust = provider.database_url_for("sqlx").unwrap();
        assert_eq!(rust.reveal_url(), "postgres://u:p@h/d?sslmode=require");
        assert_eq!(provider.migration_origin().to_string(), "DATABASE_URL");
        assert!(!format!("{provider:?}").contains("u:p"));
    }

    #[test]
    fn which_variable_counts() {
        for (variables, file, migration, origin) in [
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
            assert_eq!(provider.migration_origin().to_string(), origin);
        }
        assert_eq!(
            provider(&[("DATABASE_URL", "")], None).unwrap_err().kind,
            ErrorKind::MissingUrl
        );
    }

    #[test]
    fn production_demands_a_verified_server_elsewhere() {
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
            let refused = provider
                .sync_database_url()
                .err()
                .map(|error| error.parameter.unwrap());
            assert_eq!(refused.as_deref(), parameter, "{url}");
        }
    }
}
