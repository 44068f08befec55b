//! The options of a SQLite connection.

use std::path::PathBuf;
use std::time::Duration;

use limbeck_url::{DatabaseUrl, percent_decode};

use crate::seconds::parse_seconds;
use crate::{ConnectArg, ConnectArgs, ConnectError, ConnectErrorKind, ProcessEnvironment};

/// Parameters of SQLAlchemy's URLs and of `sqlite3.connect` that only affect Python.
const WITHOUT_EFFECT: &[&str] = &[
    "autocommit",
    "cached_statements",
    "check_same_thread",
    "detect_types",
    "factory",
    "isolation_level",
    "iter_chunk_size",
    "loop",
    "native_datetime",
    "uri",
];

/// The options of a SQLite connection. `Debug` shows no parameters of a URI.
#[derive(Clone)]
pub struct SqliteOptions {
    /// The file's path, a `file:` URI, or `:memory:`.
    pub(super) name: String,
    /// `true` if the name is a URI.
    pub(super) uri: bool,
    /// The maximum time to wait for another connection's lock.
    pub(super) busy_timeout: Duration,
}

impl std::fmt::Debug for SqliteOptions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SqliteOptions")
            .field("name", &self.display_name())
            .field("uri", &self.uri)
            .field("busy_timeout", &self.busy_timeout)
            .finish()
    }
}

impl SqliteOptions {
    pub(crate) fn from_url(
        url: &DatabaseUrl,
        arguments: &ConnectArgs,
        _surroundings: &ProcessEnvironment,
    ) -> Result<Self, ConnectError> {
        let problem = |name: &str, why: &str| ConnectError {
            kind: ConnectErrorKind::Parameter,
            message: format!(
                "the connection parameter `{name}` can't be used for a SQLite connection: {why}"
            ),
            hint: None,
        };
        if url.host.is_some() || url.user.is_some() {
            return Err(ConnectError {
                kind: ConnectErrorKind::Parameter,
                message: "the SQLite URL has a host instead of a file's path".into(),
                hint: Some(
                    "write sqlite:///relative/path.db or sqlite:////absolute/path.db".into(),
                ),
            });
        }
        let mut timeout = "5".to_owned();
        let mut uri = url
            .query_value("uri")
            .is_some_and(|word| matches!(word, "true" | "1" | "yes" | "on"));
        let mut rest = Vec::new();
        for (key, value) in &url.query {
            match key.as_str() {
                "timeout" => timeout.clone_from(value),
                key if WITHOUT_EFFECT.contains(&key) => {}
                _ => rest.push(format!("{key}={value}")),
            }
        }
        for (key, argument) in arguments {
            match (key.as_str(), argument) {
                ("timeout", ConnectArg::Integer(seconds)) => timeout = seconds.to_string(),
                ("timeout", ConnectArg::Real(seconds)) => timeout = seconds.to_string(),
                ("uri", ConnectArg::Bool(flag)) => uri = *flag,
                (key, _) if WITHOUT_EFFECT.contains(&key) => {}
                (_, ConnectArg::Null) => {}
                (key, _) => return Err(problem(key, "limbeck does not know it")),
            }
        }
        let busy_timeout = parse_seconds(&timeout).map_err(|why| problem("timeout", &why))?;
        let mut name = url.database.clone().unwrap_or_else(|| ":memory:".into());
        if uri && !rest.is_empty() {
            name = format!("{name}?{}", rest.join("&"));
        } else if let Some(key) = rest.first() {
            return Err(problem(
                key.split('=').next().unwrap_or(key),
                "limbeck does not know it",
            ));
        }
        // The bundled library treats each such name as a URI, Python's `sqlite3` only with `uri=True`.
        if !uri && name.starts_with("file:") {
            name.insert_str(0, "./");
        }
        Ok(Self {
            name,
            uri,
            busy_timeout,
        })
    }

    /// Returns the name for messages, without the parameters of a URI: one may be the key of an encrypting library.
    pub(crate) fn display_name(&self) -> &str {
        match self.name.split_once('?').filter(|_| self.uri) {
            Some((name, _)) => name,
            None => &self.name,
        }
    }

    /// Returns `true` if opening creates a missing file.
    pub fn creates_file(&self) -> bool {
        let query = self.name.split_once('?').filter(|_| self.uri);
        let mut pairs = query.into_iter().flat_map(|(_, query)| query.split('&'));
        !pairs.any(|pair| matches!(pair, "mode=ro" | "mode=rw"))
    }

    /// Returns the database's file, or `None` for a database in memory.
    pub fn file(&self) -> Option<PathBuf> {
        let path = match self.name.strip_prefix("file:").filter(|_| self.uri) {
            Some(uri) => {
                let uri = uri.split('#').next().unwrap_or(uri);
                let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
                if query.contains("mode=memory") {
                    return None;
                }
                let path = path
                    .strip_prefix("//")
                    .map_or(path, |path| &path[path.find('/').unwrap_or(0)..]);
                String::from_utf8_lossy(&percent_decode(path)).into_owned()
            }
            None => self.name.clone(),
        };
        (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use limbeck_url::DatabaseUrl;

    use super::SqliteOptions;
    use crate::{ConnectArgs, ProcessEnvironment};

    #[test]
    fn distinguishes_files_uris_and_memory() {
        let check = |url: &str, name: &str, file: Option<&str>| {
            let url = DatabaseUrl::parse(url).unwrap();
            let options =
                SqliteOptions::from_url(&url, &ConnectArgs::new(), &ProcessEnvironment::default())
                    .unwrap();
            assert_eq!(
                (options.name.as_str(), options.file().as_deref()),
                (name, file.map(Path::new))
            );
        };
        check("sqlite://", ":memory:", None);
        check("sqlite+aiosqlite:///:memory:", ":memory:", None);
        check("sqlite:///a.db?timeout=1", "a.db", Some("a.db"));
        check("sqlite:////tmp/a.db", "/tmp/a.db", Some("/tmp/a.db"));
        check(
            "sqlite:///file:a.db?mode=ro&uri=true",
            "file:a.db?mode=ro",
            Some("a.db"),
        );
        check(
            "sqlite:///file:a%20%C3%BC%2.db?uri=true",
            "file:a%20%C3%BC%2.db",
            Some("a ü%2.db"),
        );
        check(
            "sqlite:///file:///b/a.db?uri=true",
            "file:///b/a.db",
            Some("/b/a.db"),
        );
        check(
            "sqlite:///file:x?mode=memory&cache=shared&uri=true",
            "file:x?mode=memory&cache=shared",
            None,
        );
    }

    #[test]
    fn rejects_an_unknown_parameter_by_name() {
        let url = DatabaseUrl::parse("sqlite:///a.db?sslmode=require").unwrap();
        let error =
            SqliteOptions::from_url(&url, &ConnectArgs::new(), &ProcessEnvironment::default())
                .unwrap_err();
        assert!(error.message.contains("`sslmode`"));
    }
}
