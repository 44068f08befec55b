//! Splits what applications have: SQLAlchemy's URLs, libpq's URIs and strings, what sqlx and hosters write.

use crate::connection::Host;
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::percent;
use crate::target::{Backend, Driver};

mod authority;
mod keywords;

/// Whose rules a text follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// `dialect+driver://…`: the driver under SQLAlchemy.
    SqlAlchemy(Driver),
    /// A scheme without a driver: libpq's rules, which hosters, sqlx and the drivers' own readers share.
    Plain,
}

/// A text's parts, decoded.
#[derive(Debug)]
pub(crate) struct Split {
    pub(crate) backend: Backend,
    pub(crate) reader: Reader,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) database: Option<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) warnings: Vec<Warning>,
}

pub(crate) fn invalid(message: impl Into<String>) -> ConvertError {
    ConvertError::new(ErrorKind::InvalidUrl, message)
}

/// The schemes without a driver.
fn backend_of(dialect: &str) -> Option<Backend> {
    Some(match dialect {
        "postgres" | "postgresql" => Backend::Postgresql,
        "mysql" => Backend::Mysql,
        "mariadb" => Backend::Mariadb,
        "sqlite" => Backend::Sqlite,
        _ => return None,
    })
}

/// What sqlx knows in a URL of SQLite.
const SQLX_KEYS: [&str; 4] = ["mode", "cache", "immutable", "vfs"];

impl Split {
    pub(crate) fn parse(text: &str) -> Result<Self, ConvertError> {
        let mut warnings = Vec::new();
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err(invalid("there is no database URL: the text is empty"));
        }
        if trimmed.len() != text.len() {
            // To SQLAlchemy a line's end would be part of the database's name.
            warnings.push(Warning {
                parameter: None,
                message: "white space around the URL was left out".into(),
            });
        }
        if trimmed.starts_with(['"', '\'', '`']) {
            return Err(invalid("the database URL is in quotes")
                .help("take the quotes away where the URL is set: they are part of it"));
        }
        if let Some(control) = trimmed.chars().find(|c| c.is_control()) {
            return Err(invalid(format!(
                "the database URL holds the control character {}",
                control.escape_default()
            )));
        }
        let mut split = Self::parse_clean(trimmed)?;
        split.warnings.splice(..0, warnings);
        Ok(split)
    }

    fn parse_clean(text: &str) -> Result<Self, ConvertError> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return keywords::parse(text);
        };
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '.' | '-');
        if scheme.is_empty() || !scheme.chars().all(word) {
            return keywords::parse(text);
        }
        let lower = scheme.to_ascii_lowercase();
        let (dialect, driver) = match lower.split_once('+') {
            Some((dialect, driver)) => (dialect, Some(driver)),
            None => (&*lower, None),
        };
        let slashes = rest.strip_prefix("//");
        if slashes.is_none() && dialect != "sqlite" {
            return if lower == "jdbc" {
                Err(unsupported(&lower))
            } else {
                keywords::parse(text)
            };
        }
        let backend = backend_of(dialect).ok_or_else(|| unsupported(&lower))?;
        let reader = match driver {
            None => Reader::Plain,
            Some(name) => Reader::SqlAlchemy(
                Driver::of_sqlalchemy(backend, name).ok_or_else(|| unsupported(&lower))?,
            ),
        };
        let mut split = Self {
            backend,
            reader,
            user: None,
            password: None,
            hosts: Vec::new(),
            database: None,
            query: Vec::new(),
            warnings: Vec::new(),
        };
        match (backend, reader, slashes) {
            (Backend::Sqlite, ..) => split.read_file(rest)?,
            (_, Reader::SqlAlchemy(_), Some(rest)) => authority::read_sqlalchemy(&mut split, rest)?,
            (_, _, Some(rest)) => authority::read_plain(&mut split, rest)?,
            (_, _, None) => return Err(unsupported(&lower)),
        }
        if dialect == "postgres" && driver.is_some() {
            split.warnings.push(Warning {
                parameter: None,
                message: "SQLAlchemy knows no dialect `postgres`: `postgresql` is meant".into(),
            });
        }
        Ok(split)
    }

    /// `sqlite:///file`, and sqlx's `sqlite:file` and `sqlite::memory:`.
    fn read_file(&mut self, rest: &str) -> Result<(), ConvertError> {
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        self.query = query
            .map(|query| parse_query(query, true))
            .transpose()?
            .unwrap_or_default();
        let has = |key: &str| self.query.iter().any(|(known, _)| known == key);
        if self.reader == Reader::Plain && !has("uri") && SQLX_KEYS.iter().any(|key| has(key)) {
            return self.read_file_of_sqlx(path);
        }
        let path = match path.strip_prefix("//") {
            None if self.reader == Reader::Plain => path,
            None => return Err(no_file()),
            Some("") => "",
            Some(after) => after.strip_prefix('/').ok_or_else(no_file)?,
        };
        if percent::is_encoded(path) {
            self.warnings.push(Warning {
                parameter: None,
                message: "the file's name is taken as it is written: SQLAlchemy 2.1 decodes the `%` in it, \
                          older versions do not"
                    .into(),
            });
        }
        self.database = (!path.is_empty() && path != ":memory:").then(|| path.to_owned());
        Ok(())
    }

    /// sqlx's own: `sqlite://rel.db` and `sqlite:///abs.db`, encoded. Its keys tell it from SQLAlchemy's, where
    /// they work with `uri=true` alone.
    fn read_file_of_sqlx(&mut self, path: &str) -> Result<(), ConvertError> {
        let path = path.strip_prefix("//").unwrap_or(path);
        let path = percent::decode(path)
            .ok_or_else(|| invalid("the file's name holds bytes that are no UTF-8"))?;
        // Four slashes are the habit from SQLAlchemy, and the same file.
        let path = path
            .strip_prefix('/')
            .filter(|rest| rest.starts_with('/'))
            .unwrap_or(&path);
        self.database = (!path.is_empty() && path != ":memory:").then(|| path.to_owned());
        Ok(())
    }
}

/// An `@` of a password that is taken for its end.
pub(crate) fn unencoded_at() -> ConvertError {
    invalid("the part before the host holds an `@` that is not encoded")
        .help("write %40 for an `@` in a user's name or a password")
}

fn unsupported(scheme: &str) -> ConvertError {
    ConvertError::new(
        ErrorKind::UnsupportedScheme,
        format!("the scheme `{scheme}` names no database and driver that limbeck knows"),
    )
    .help("limbeck knows postgresql, mysql, mariadb and sqlite, and their usual drivers")
}

fn no_file() -> ConvertError {
    invalid("the SQLite URL names a host where its file's path should begin")
        .help("write sqlite:///relative/path.db or sqlite:////absolute/path.db")
}

/// A query's pairs in their order. To libpq a `+` is a `+`, to the others a space.
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
        let decoded = decoded
            .ok_or_else(|| invalid("a parameter of the URL holds bytes that are no UTF-8"))?;
        if decoded.contains('\0') {
            // libpq, and all that is written in C, would take what is before it.
            return Err(invalid("a parameter of the URL holds a zero byte"));
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

/// A port's number.
pub(crate) fn port(digits: &str) -> Result<Option<u16>, ConvertError> {
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
        .of("port")
        .help("a `/`, `?` or `#` in a password must be written as %2F, %3F or %23")),
    }
}
