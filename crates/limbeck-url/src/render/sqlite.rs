//! URLs for the drivers of SQLite.

use super::{UrlWriter, inexpressible, is_fragile, left_out};
use crate::connection::ConnectionInfo;
use crate::convert::Conversion;
use crate::error::{ConvertError, Warning};
use crate::percent;
use crate::target::{Driver, Target};

/// What `sqlite3.connect` and SQLAlchemy understand.
const PYTHON: &[&str] = &[
    "cached_statements",
    "check_same_thread",
    "detect_types",
    "isolation_level",
    "timeout",
];
/// What SQLite itself understands in a URI.
const URI: &[&str] = &[
    "mode",
    "cache",
    "immutable",
    "vfs",
    "nolock",
    "psow",
    "modeof",
];
/// What sqlx takes.
const SQLX: &[&str] = &["mode", "cache", "immutable", "vfs"];

pub(crate) fn render(info: &ConnectionInfo, target: Target) -> Result<Conversion, ConvertError> {
    if target.driver == Driver::Sqlx {
        sqlx(info)
    } else {
        sqlalchemy(info, target)
    }
}

fn sqlx(info: &ConnectionInfo) -> Result<Conversion, ConvertError> {
    let Some(file) = &info.database else {
        return Ok(Conversion::new(
            "sqlite::memory:".into(),
            "sqlite::memory:".into(),
        ));
    };
    let mut url = UrlWriter::new("sqlite");
    url.encoded(file, b"/:");
    // sqlx opens what is there; SQLAlchemy makes what is not.
    if !info.parameters.iter().any(|(key, _)| key == "mode") {
        url.pair("mode", "rwc");
    }
    let mut warnings = Vec::new();
    for (key, value) in &info.parameters {
        match &**key {
            name if SQLX.contains(&name) => url.pair(key, value),
            "check_same_thread" | "cached_statements" => {}
            "nolock" => return Err(inexpressible(key, "sqlx", "take it out of the URL")),
            _ => warnings.push(left_out(key, "sqlx")),
        }
    }
    let mut conversion = url.finish();
    conversion.warnings = warnings;
    Ok(conversion)
}

fn sqlalchemy(info: &ConnectionInfo, target: Target) -> Result<Conversion, ConvertError> {
    let mut url = UrlWriter::new(target.scheme);
    let is_uri = |(key, value): &&(String, String)| {
        URI.contains(&&**key) && (&**key, &**value) != ("mode", "rwc")
    };
    let as_uri = info.parameters.iter().any(|pair| is_uri(&pair));
    match &info.database {
        None if !as_uri => {}
        None => url.raw("/file::memory:"),
        Some(file) => {
            // SQLAlchemy 2.0 takes the name as it is written, 2.1 decodes it; a URI's own `%` would be a third way.
            let odd = |c: char| c == '?' || (as_uri && matches!(c, '%' | '#'));
            if percent::is_encoded(file) || file.contains(odd) {
                return Err(inexpressible(
                    "database",
                    "SQLAlchemy",
                    "rename the file: versions of SQLAlchemy disagree about `%` and `?` in its name",
                ));
            }
            if is_fragile(file) {
                return Err(inexpressible(
                    "database",
                    "SQLAlchemy",
                    "rename the file: its name has a control character, or a blank at its end",
                ));
            }
            url.raw(if as_uri { "/file:" } else { "/" });
            url.raw(file);
        }
    }
    let mut warnings = Vec::new();
    for (key, value) in &info.parameters {
        match &**key {
            name if PYTHON.contains(&name) => url.pair(key, value),
            name if URI.contains(&name) => {
                if as_uri {
                    url.pair(key, value);
                }
            }
            _ => warnings.push(Warning::about(
                key,
                format!("`{key}` was left out: SQLAlchemy would ignore it"),
            )),
        }
    }
    if as_uri {
        url.pair("uri", "true");
    }
    let mut conversion = url.finish();
    conversion.warnings = warnings;
    Ok(conversion)
}
