//! Writer for the drivers of SQLite.

use super::{UrlWriter, dropped_parameter, inexpressible, is_fragile};
use crate::connection::ConnectionInfo;
use crate::convert::Conversion;
use crate::error::{ConvertError, Warning};
use crate::percent;
use crate::target::{Driver, Target};

/// The parameters of `sqlite3.connect`.
const PYTHON_PARAMETERS: &[&str] = &[
    "cached_statements",
    "check_same_thread",
    "detect_types",
    "isolation_level",
    "timeout",
];
/// The parameters of SQLite's URIs.
const URI_PARAMETERS: &[&str] = &[
    "mode",
    "cache",
    "immutable",
    "vfs",
    "nolock",
    "psow",
    "modeof",
];
/// The parameters of sqlx.
const SQLX_PARAMETERS: &[&str] = &["mode", "cache", "immutable", "vfs"];

/// Writes a connection for a driver of SQLite.
pub(crate) fn render(info: &ConnectionInfo, target: Target) -> Result<Conversion, ConvertError> {
    if target.driver == Driver::Sqlx {
        render_sqlx(info)
    } else {
        render_sqlalchemy(info, target)
    }
}

fn render_sqlx(info: &ConnectionInfo) -> Result<Conversion, ConvertError> {
    let Some(file) = &info.database else {
        return Ok(Conversion::new(
            "sqlite::memory:".into(),
            "sqlite::memory:".into(),
        ));
    };
    let mut url = UrlWriter::new("sqlite");
    url.push_encoded(file, b"/:");
    // Without a mode, SQLAlchemy creates a missing file, and sqlx doesn't.
    if !info.parameters.iter().any(|(key, _)| key == "mode") {
        url.add_parameter("mode", "rwc");
    }
    let mut warnings = Vec::new();
    for (key, value) in &info.parameters {
        match &**key {
            name if SQLX_PARAMETERS.contains(&name) => url.add_parameter(key, value),
            "check_same_thread" | "cached_statements" => {}
            "nolock" => return Err(inexpressible(key, "sqlx", "remove it from the URL")),
            _ => warnings.push(dropped_parameter(key, "sqlx")),
        }
    }
    let mut conversion = url.finish();
    conversion.warnings = warnings;
    Ok(conversion)
}

fn render_sqlalchemy(info: &ConnectionInfo, target: Target) -> Result<Conversion, ConvertError> {
    let mut url = UrlWriter::new(target.scheme);
    let needs_uri = |(key, value): &&(String, String)| {
        URI_PARAMETERS.contains(&&**key) && (&**key, &**value) != ("mode", "rwc")
    };
    let as_uri = info.parameters.iter().any(|pair| needs_uri(&pair));
    match &info.database {
        None if !as_uri => {}
        None => url.push("/file::memory:"),
        Some(file) => {
            // SQLAlchemy 2.0 reads the name as written, and 2.1 decodes it. SQLite decodes the `%` of a URI once more.
            let is_ambiguous = |c: char| c == '?' || (as_uri && matches!(c, '%' | '#'));
            if percent::is_encoded(file) || file.contains(is_ambiguous) {
                return Err(inexpressible(
                    "database",
                    "SQLAlchemy",
                    "rename the file: SQLAlchemy's versions disagree about `%` and `?` in its name",
                ));
            }
            if is_fragile(file) {
                return Err(inexpressible(
                    "database",
                    "SQLAlchemy",
                    "rename the file: its name contains a control character, or ends with a blank",
                ));
            }
            url.push(if as_uri { "/file:" } else { "/" });
            url.push(file);
        }
    }
    let mut warnings = Vec::new();
    for (key, value) in &info.parameters {
        match &**key {
            name if PYTHON_PARAMETERS.contains(&name) => url.add_parameter(key, value),
            name if URI_PARAMETERS.contains(&name) => {
                if as_uri {
                    url.add_parameter(key, value);
                }
            }
            _ => warnings.push(Warning::about(
                key,
                format!("dropped `{key}`: SQLAlchemy would ignore it"),
            )),
        }
    }
    if as_uri {
        url.add_parameter("uri", "true");
    }
    let mut conversion = url.finish();
    conversion.warnings = warnings;
    Ok(conversion)
}
