//! Splitting of SQLAlchemy's URLs, libpq's URIs and connection strings, and the URLs of sqlx and hosters into parts.

use crate::connection::Host;
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::percent;
use crate::target::{Backend, Driver};

mod authority;
mod keywords;

/// The syntax that a text follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// SQLAlchemy's: `dialect+driver://…`, with this driver.
    SqlAlchemy(Driver),
    /// libpq's, for a scheme without a driver. Hosters, sqlx and the drivers' own parsers share it.
    Plain,
}

/// The parts of a URL or connection string, decoded.
#[derive(Debug)]
pub(crate) struct SplitUrl {
    pub(crate) backend: Backend,
    pub(crate) syntax: Syntax,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) database: Option<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) warnings: Vec<Warning>,
}

/// Returns an [`ErrorKind::InvalidUrl`] error.
pub(crate) fn invalid_url(message: impl Into<String>) -> ConvertError {
    ConvertError::new(ErrorKind::InvalidUrl, message)
}

/// Returns the database system of a scheme without a driver.
fn backend_of_dialect(dialect: &str) -> Option<Backend> {
    Some(match dialect {
        "postgres" | "postgresql" => Backend::Postgresql,
        "mysql" => Backend::Mysql,
        "mariadb" => Backend::Mariadb,
        "sqlite" => Backend::Sqlite,
        _ => return None,
    })
}

/// The parameters of sqlx's SQLite URLs.
const SQLX_PARAMETERS: [&str; 4] = ["mode", "cache", "immutable", "vfs"];

impl SplitUrl {
    /// Splits a URL, a libpq URI or a libpq connection string.
    pub(crate) fn parse(text: &str) -> Result<Self, ConvertError> {
        let mut warnings = Vec::new();
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(invalid_url("the database URL is empty"));
        }
        if trimmed.len() != text.len() {
            // SQLAlchemy would read a line end as a part of the database's name.
            warnings.push(Warning {
                parameter: None,
                message: "ignored white space around the URL".into(),
            });
        }
        if trimmed.starts_with(['"', '\'', '`']) {
            return Err(invalid_url("the database URL is in quotes").with_help(
                "remove the quotes where the URL is set: they become part of the value",
            ));
        }
        if let Some(control) = trimmed.chars().find(|c| c.is_control()) {
            return Err(invalid_url(format!(
                "the database URL contains the control character `{}`",
                control.escape_default()
            )));
        }
        let mut parts = Self::parse_trimmed(trimmed)?;
        parts.warnings.splice(..0, warnings);
        Ok(parts)
    }

    fn parse_trimmed(text: &str) -> Result<Self, ConvertError> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return keywords::parse(text);
        };
        let is_scheme_character =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '.' | '-');
        if scheme.is_empty() || !scheme.chars().all(is_scheme_character) {
            return keywords::parse(text);
        }
        let lower = scheme.to_ascii_lowercase();
        let (dialect, driver) = match lower.split_once('+') {
            Some((dialect, driver)) => (dialect, Some(driver)),
            None => (&*lower, None),
        };
        let after_slashes = rest.strip_prefix("//");
        if after_slashes.is_none() && dialect != "sqlite" {
            return if lower == "jdbc" {
                Err(unsupported_scheme(&lower))
            } else {
                keywords::parse(text)
            };
        }
        let backend = backend_of_dialect(dialect).ok_or_else(|| unsupported_scheme(&lower))?;
        let syntax = match driver {
            None => Syntax::Plain,
            Some(name) => Syntax::SqlAlchemy(
                Driver::from_sqlalchemy_name(backend, name)
                    .ok_or_else(|| unsupported_scheme(&lower))?,
            ),
        };
        let mut parts = Self {
            backend,
            syntax,
            user: None,
            password: None,
            hosts: Vec::new(),
            database: None,
            query: Vec::new(),
            warnings: Vec::new(),
        };
        match (backend, syntax, after_slashes) {
            (Backend::Sqlite, ..) => parts.split_sqlite(rest)?,
            (_, Syntax::SqlAlchemy(_), Some(rest)) => {
                authority::split_sqlalchemy(&mut parts, text, rest)?;
            }
            (_, _, Some(rest)) => authority::split_plain(&mut parts, text, rest)?,
            (_, _, None) => return Err(unsupported_scheme(&lower)),
        }
        if dialect == "postgres" && driver.is_some() {
            parts.warnings.push(Warning {
                parameter: None,
                message:
                    "read the dialect `postgres`, which SQLAlchemy doesn't know, as `postgresql`"
                        .into(),
            });
        }
        Ok(parts)
    }

    /// Splits SQLAlchemy's `sqlite:///file`, and sqlx's `sqlite:file` and `sqlite::memory:`.
    fn split_sqlite(&mut self, rest: &str) -> Result<(), ConvertError> {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        self.query = query
            .map(|query| parse_query(query, true))
            .transpose()?
            .unwrap_or_default();
        let has = |key: &str| self.query.iter().any(|(known, _)| known == key);
        if self.syntax == Syntax::Plain && !has("uri") && SQLX_PARAMETERS.iter().any(|key| has(key))
        {
            return self.split_sqlx_sqlite(path);
        }
        let path = match path.strip_prefix("//") {
            None if self.syntax == Syntax::Plain => path,
            None => return Err(sqlite_host_error()),
            Some("") => "",
            Some(after) => after.strip_prefix('/').ok_or_else(sqlite_host_error)?,
        };
        if percent::is_encoded(path) {
            self.warnings.push(Warning {
                parameter: None,
                message: "used the file's name as written: SQLAlchemy 2.1 decodes the `%` in it, older versions don't"
                    .into(),
            });
        }
        self.database = (!path.is_empty() && path != ":memory:").then(|| path.to_owned());
        Ok(())
    }

    /// Splits sqlx's `sqlite://relative.db` and `sqlite:///absolute.db`, which are percent-encoded.
    ///
    /// The parameters identify sqlx: SQLAlchemy supports them only together with `uri=true`.
    fn split_sqlx_sqlite(&mut self, path: &str) -> Result<(), ConvertError> {
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = percent::decode(path)
            .ok_or_else(|| invalid_url("the file's name contains bytes that are not UTF-8"))?;
        // Users of SQLAlchemy write four slashes, which name the same file.
        let path = path
            .strip_prefix('/')
            .filter(|rest| rest.starts_with('/'))
            .unwrap_or(&path);
        self.database = (!path.is_empty() && path != ":memory:").then(|| path.to_owned());
        Ok(())
    }
}

/// Returns the error for an `@` in a user or password that would end the credentials too early.
pub(crate) fn unencoded_at_error() -> ConvertError {
    invalid_url("the part before the host contains an `@` that is not encoded")
        .with_help("write `%40` for an `@` in a user name or password")
}

fn unsupported_scheme(scheme: &str) -> ConvertError {
    ConvertError::new(
        ErrorKind::UnsupportedScheme,
        format!("unknown database or driver in the scheme `{scheme}`"),
    )
    .with_help("use `postgresql`, `mysql`, `mariadb` or `sqlite`, and one of their drivers")
}

fn sqlite_host_error() -> ConvertError {
    invalid_url("the SQLite URL has a host in place of the file's path")
        .with_help("write `sqlite:///relative/path.db` or `sqlite:////absolute/path.db`")
}

/// Decodes the keys and values of a query, in order. In libpq a `+` is a plus, elsewhere a space.
pub(crate) fn parse_query(
    query: &str,
    plus_is_space: bool,
) -> Result<Vec<(String, String)>, ConvertError> {
    let decode = |part: &str| {
        let decoded = if plus_is_space && part.contains('+') {
            percent::decode(&part.replace('+', "%20"))
        } else {
            percent::decode(part)
        };
        let decoded = decoded.ok_or_else(|| {
            invalid_url("a parameter of the URL contains bytes that are not UTF-8")
        })?;
        if decoded.contains('\0') {
            // C libraries such as libpq would use the text before the zero byte.
            return Err(invalid_url("a parameter of the URL contains a zero byte"));
        }
        Ok(decoded)
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(key)?, decode(value)?))
        })
        .collect()
}

/// Parses a port. Returns `None` for an empty text.
///
/// # Errors
/// Returns [`ErrorKind::InvalidPort`] if the text is not a number from 1 to 65535.
pub(crate) fn parse_port(digits: &str) -> Result<Option<u16>, ConvertError> {
    if digits.is_empty() {
        return Ok(None);
    }
    let number = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse::<u16>().ok());
    match number.flatten() {
        Some(number) if number > 0 => Ok(Some(number)),
        _ => Err(ConvertError::new(
            ErrorKind::InvalidPort,
            "the port of the database URL is not a number from 1 to 65535",
        )
        .about("port")
        .with_help("write `%2F`, `%3F` or `%23` for a `/`, `?` or `#` in a password")),
    }
}
