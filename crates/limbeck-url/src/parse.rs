//! SQLAlchemy's URL grammar: `dialect+driver://user:password@host:port/database?key=value`.

use std::fmt;

use crate::Secret;
use crate::mask::mask_parameter;
use crate::percent::percent_decode;

/// A database URL in the parts that SQLAlchemy's `make_url` splits it into. `Display` and `Debug` mask passwords.
///
/// The parts are not interpreted. For the meaning of a URL use [`ConnectionInfo`](crate::ConnectionInfo).
///
/// ```
/// let url = limbeck_url::DatabaseUrl::parse("postgresql+asyncpg://app:p%40w@db/shop")?;
/// assert_eq!(url.driver.as_deref(), Some("asyncpg"));
/// assert_eq!(url.to_string(), "postgresql+asyncpg://app:***@db/shop");
/// # Ok::<(), limbeck_url::UrlError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// The dialect's name, as written: `postgresql`, `postgres`, `mysql`, `mariadb`, `sqlite`, …
    pub dialect: String,
    /// The driver after the `+`, if the URL names one: `asyncpg`, `psycopg2`, `aiosqlite`, …
    pub driver: Option<String>,
    /// The user, percent-decoded.
    pub user: Option<String>,
    /// The password, percent-decoded.
    pub password: Option<Secret>,
    /// The host, as written. An IPv6 address has no brackets.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The database's name after the slash, as written. For `sqlite`, the path of the file.
    pub database: Option<String>,
    /// The query's keys and values in order, percent-decoded. A key may occur more than once.
    pub query: Vec<(String, String)>,
}

/// An error from splitting a URL. No variant contains the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The text doesn't start with `dialect://`.
    #[error("the database URL doesn't start with `dialect://`")]
    NoDialect,
    /// The port is not a number from 0 to 65535, or the bracket of an IPv6 address is not closed.
    #[error("the port of the database URL is not a number from 0 to 65535")]
    InvalidPort,
}

impl DatabaseUrl {
    /// Splits a URL into its parts.
    ///
    /// # Errors
    /// Returns [`UrlError::NoDialect`] if the text doesn't start with `dialect://`, and [`UrlError::InvalidPort`] if the
    /// port is not a number from 0 to 65535.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(UrlError::NoDialect)?;
        let is_scheme_character =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '.' | '-');
        if scheme.is_empty() || !scheme.chars().all(is_scheme_character) {
            return Err(UrlError::NoDialect);
        }
        let (dialect, driver) = match scheme.split_once('+') {
            Some((dialect, driver)) => (dialect, Some(driver.to_owned())),
            None => (scheme, None),
        };
        let (credentials, rest) = split_credentials(rest);
        let (location, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        let (user, password) =
            match credentials.map(|c| c.split_once(':').map_or((c, None), |(u, p)| (u, Some(p)))) {
                Some((user, password)) => (
                    Some(unquote(user)),
                    password.map(|p| Secret::new(unquote(p))),
                ),
                None => (None, None),
            };
        let (host, port) = split_host(location)?;
        Ok(Self {
            dialect: dialect.to_owned(),
            driver,
            user: user.filter(|u| !u.is_empty()),
            password,
            host,
            port,
            database: path
                .strip_prefix('/')
                .filter(|p| !p.is_empty())
                .map(str::to_owned),
            query: query.map(parse_query).unwrap_or_default(),
        })
    }

    /// Returns the last value of a key in the query.
    pub fn query_value(&self, key: &str) -> Option<&str> {
        self.query
            .iter()
            .rev()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.dialect)?;
        if let Some(driver) = &self.driver {
            write!(out, "+{driver}")?;
        }
        write!(out, "://")?;
        if let Some(user) = &self.user {
            write!(out, "{user}")?;
        }
        if let Some(password) = &self.password {
            write!(out, ":{password}")?;
        }
        if self.user.is_some() || self.password.is_some() {
            write!(out, "@")?;
        }
        match &self.host {
            Some(host) if host.contains(':') => write!(out, "[{host}]")?,
            // Text before an `@` was probably meant as a part of the password.
            Some(host) => match host.rsplit_once('@') {
                Some((_, host)) => write!(out, "***@{host}")?,
                None => write!(out, "{host}")?,
            },
            None => {}
        }
        if let Some(port) = self.port {
            write!(out, ":{port}")?;
        }
        if let Some(database) = &self.database {
            write!(out, "/{database}")?;
        }
        for (index, (key, value)) in self.query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            write!(out, "{separator}{key}={}", mask_parameter(key, value))?;
        }
        Ok(())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatabaseUrl({self})")
    }
}

/// Splits off the credentials. As in SQLAlchemy, the user ends at a colon or slash, and the password at the next `@`,
/// whatever it contains.
fn split_credentials(rest: &str) -> (Option<&str>, &str) {
    let name_end = rest.find([':', '/']).unwrap_or(rest.len());
    let end = match rest[name_end..].strip_prefix(':') {
        Some(password) if password.contains('@') => {
            rest[name_end..].find('@').map(|at| name_end + at)
        }
        _ => rest[..name_end].rfind('@'),
    };
    match end {
        Some(end) => (Some(&rest[..end]), &rest[end + 1..]),
        None => (None, rest),
    }
}

fn split_host(location: &str) -> Result<(Option<String>, Option<u16>), UrlError> {
    let (host, port) = if let Some(inside) = location.strip_prefix('[') {
        let (host, after) = inside.split_once(']').ok_or(UrlError::InvalidPort)?;
        (host, after.strip_prefix(':'))
    } else {
        match location.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (location, None),
        }
    };
    let port = match port {
        Some("") | None => None,
        Some(digits) => Some(digits.parse().map_err(|_| UrlError::InvalidPort)?),
    };
    Ok(((!host.is_empty()).then(|| host.to_owned()), port))
}

fn parse_query(query: &str) -> Vec<(String, String)> {
    let decode = |part: &str| unquote(&part.replace('+', " "));
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        // Python's `parse_qsl`, which SQLAlchemy calls, drops a pair without a value.
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// Decodes like Python's `unquote`, which replaces bytes that are not UTF-8.
fn unquote(text: &str) -> String {
    String::from_utf8_lossy(&percent_decode(text)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{DatabaseUrl, UrlError};

    fn check(url: &str, expected: &str) {
        let parsed = DatabaseUrl::parse(url).unwrap();
        let actual = format!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            parsed.dialect,
            parsed.driver.as_deref().unwrap_or("-"),
            parsed.user.as_deref().unwrap_or("-"),
            parsed
                .password
                .as_ref()
                .map_or("-", |p| p.reveal_clear_text()),
            parsed.host.as_deref().unwrap_or("-"),
            parsed.port,
            parsed.database.as_deref().unwrap_or("-"),
            parsed.query,
        );
        assert_eq!(actual, expected, "{url}");
    }

    #[test]
    fn splits_as_sqlalchemy_does() {
        check(
            "postgresql+asyncpg://u:p%40w@h:5433/db?ssl=require",
            r#"postgresql "asyncpg" "u" "p@w" "h" Some(5433) "db" [("ssl", "require")]"#,
        );
        check(
            "sqlite+aiosqlite:////tmp/a.db",
            r#"sqlite "aiosqlite" "-" "-" "-" None "/tmp/a.db" []"#,
        );
        check(
            "sqlite:///a@b.db",
            r#"sqlite "-" "-" "-" "-" None "a@b.db" []"#,
        );
        check(
            "postgresql://u:a/b@c@h/db",
            r#"postgresql "-" "u" "a/b" "c@h" None "db" []"#,
        );
        check(
            "postgresql://u:p@h/d@b?user=a@b",
            r#"postgresql "-" "u" "p" "h" None "d@b" [("user", "a@b")]"#,
        );
        check(
            "postgresql://u@h/d@b",
            r#"postgresql "-" "u" "-" "h" None "d@b" []"#,
        );
        check(
            "postgresql://u@[::1]:5432/db",
            r#"postgresql "-" "u" "-" "::1" Some(5432) "db" []"#,
        );
        check(
            "postgresql:///db?host=/run/pg&user=a%40b",
            r#"postgresql "-" "-" "-" "-" None "db" [("host", "/run/pg"), ("user", "a@b")]"#,
        );
        check(
            "mysql+aiomysql://root@127.0.0.1:3306/d",
            r#"mysql "aiomysql" "root" "-" "127.0.0.1" Some(3306) "d" []"#,
        );
    }

    #[test]
    fn masks_passwords_in_display_and_debug() {
        let url = DatabaseUrl::parse("postgresql://u:hunter2@h/db?password=hunter3").unwrap();
        assert_eq!(url.to_string(), "postgresql://u:***@h/db?password=***");
        assert!(!format!("{url:?}").contains("hunter"));
    }

    #[test]
    fn rejects_a_text_without_a_dialect_and_a_port_out_of_range() {
        assert_eq!(DatabaseUrl::parse("nothing"), Err(UrlError::NoDialect));
        assert_eq!(
            DatabaseUrl::parse("postgresql://h:99999/d"),
            Err(UrlError::InvalidPort)
        );
    }
}
