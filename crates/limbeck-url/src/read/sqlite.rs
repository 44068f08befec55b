//! Interpretation of SQLite URLs.

use super::{parse_bool, unique_parameters};
use crate::connection::ConnectionInfo;
use crate::error::{ConvertError, Warning};
use crate::percent;
use crate::source::{SplitUrl, invalid_url};
use crate::target::Backend;

/// Interprets the parts of a SQLite URL.
pub(super) fn interpret(parts: SplitUrl) -> Result<(ConnectionInfo, Vec<Warning>), ConvertError> {
    let SplitUrl {
        database,
        query,
        mut warnings,
        ..
    } = parts;
    let mut info = ConnectionInfo::new(Backend::Sqlite);
    info.database = database;
    let mut is_uri = false;
    for (key, value) in unique_parameters(query, &[])? {
        match &*key {
            "uri" => is_uri = parse_bool(&key, &value)?,
            _ => info.parameters.push((key, value)),
        }
    }
    if is_uri
        && let Some(path) = info
            .database
            .as_deref()
            .and_then(|name| name.strip_prefix("file:"))
    {
        // `file:///path` and `file://localhost/path` name the same file.
        let path = match path.strip_prefix("//") {
            None => path,
            Some(after) => match after.strip_prefix("localhost").unwrap_or(after) {
                path if path.starts_with('/') => path,
                _ => {
                    return Err(invalid_url(
                        "the SQLite URI has a host other than `localhost`",
                    ));
                }
            },
        };
        let path = percent::decode(path)
            .ok_or_else(|| invalid_url("the file's name contains bytes that are not UTF-8"))?;
        let is_file = !path.is_empty() && path != ":memory:";
        info.database = is_file.then_some(path);
    } else if let Some((_, mode)) = info.parameters.iter().find(|(key, _)| key == "mode")
        && mode != "rwc"
    {
        warnings.push(Warning::about(
            "mode",
            "SQLAlchemy ignores `mode` without `file:` and `uri=true`, and opens the file for writing",
        ));
    }
    if let Some(position) = info
        .parameters
        .iter()
        .position(|(key, value)| key == "mode" && value == "memory")
    {
        info.parameters.remove(position);
        info.database = None;
    }
    Ok((info, warnings))
}
