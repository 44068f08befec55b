//! The shape `dialect+driver://user:password@host:port/database?key=value`, split as SQLAlchemy splits it.

use std::fmt;

use crate::Secret;
use crate::mask::shown;
use crate::percent::percent_decode;

/// A database URL, split into its parts; `Display` and `Debug` mask the password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// The dialect's name, as written: `postgresql`, `postgres`, `mysql`, `mariadb`, `sqlite`, …
    pub dialect: String,
    /// The driver after the `+`, where there is one: `asyncpg`, `psycopg2`, `aiosqlite`, …
    pub driver: Option<String>,
    /// The user, percent-decoded.
    pub user: Option<String>,
    /// The password, percent-decoded.
    pub password: Option<Secret>,
    /// The host between `@` and the port; the brackets of an IPv6 address are taken off.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// What follows the slash, as written; a file path for `sqlite`.
    pub database: Option<String>,
    /// The query's pairs in their order, decoded; a key may occur more than once.
    pub query: Vec<(String, String)>,
}

/// Why a text is no database URL. No variant holds the text, which may carry a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// There is no `dialect://`.
    #[error("the database URL has no `dialect://` at its start")]
    NoDialect,
    /// The port is not a number from 0 to 65535.
    #[error("the port of the database URL is not a number from 0 to 65535")]
    Port,
}

impl DatabaseUrl {
    /// Splits a URL.
    ///
    /// # Errors
    /// [`UrlError`] when the text has no dialect or no valid port.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(UrlError::NoDialect)?;
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '.' | '-');
        if scheme.is_empty() || !scheme.chars().all(word) {
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

    /// The last value of a query key.
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
            // What stands before an `@` was meant for a part of the password.
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
            write!(out, "{separator}{key}={}", shown(key, value))?;
        }
        Ok(())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatabaseUrl({self})")
    }
}

/// The credentials, if there are any, and what follows: SQLAlchemy's user has no colon and no slash, and its
/// password ends at the next `@`, whatever it holds.
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
        let (host, after) = inside.split_once(']').ok_or(UrlError::Port)?;
        (host, after.strip_prefix(':'))
    } else {
        match location.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (location, None),
        }
    };
    let port = match port {
        Some("") | None => None,
        Some(digits) => Some(digits.parse().map_err(|_| UrlError::Port)?),
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

/// As Python's `unquote`: bytes that are no UTF-8 are replaced.
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
    fn masks_the_password_everywhere() {
        let url = DatabaseUrl::parse("postgresql://u:hunter2@h/db?password=hunter3").unwrap();
        assert_eq!(url.to_string(), "postgresql://u:***@h/db?password=***");
        assert!(!format!("{url:?}").contains("hunter"));
    }

    #[test]
    fn refuses_what_is_no_url() {
        assert_eq!(DatabaseUrl::parse("nothing"), Err(UrlError::NoDialect));
        assert_eq!(
            DatabaseUrl::parse("postgresql://h:99999/d"),
            Err(UrlError::Port)
        );
    }
}
