//! What a SQLite URL means.

use super::{flag, once};
use crate::connection::ConnectionInfo;
use crate::error::{ConvertError, Warning};
use crate::percent;
use crate::source::{Split, invalid};
use crate::target::Backend;

pub(super) fn read(split: Split) -> Result<(ConnectionInfo, Vec<Warning>), ConvertError> {
    let Split {
        database,
        query,
        mut warnings,
        ..
    } = split;
    let mut info = ConnectionInfo::new(Backend::Sqlite);
    info.database = database;
    let mut is_uri = false;
    for (key, value) in once(query, &[])? {
        match &*key {
            "uri" => is_uri = flag(&key, &value)?,
            _ => info.parameters.push((key, value)),
        }
    }
    if is_uri
        && let Some(path) = info
            .database
            .as_deref()
            .and_then(|name| name.strip_prefix("file:"))
    {
        // `file:///path` and `file://localhost/path` are the same file.
        let path = match path.strip_prefix("//") {
            None => path,
            Some(after) => match after.strip_prefix("localhost").unwrap_or(after) {
                path if path.starts_with('/') => path,
                _ => {
                    return Err(invalid(
                        "the SQLite URI names a host: only an empty one and `localhost` exist",
                    ));
                }
            },
        };
        let path = percent::decode(path)
            .ok_or_else(|| invalid("the file's name holds bytes that are no UTF-8"))?;
        let named = !path.is_empty() && path != ":memory:";
        info.database = named.then_some(path);
    } else if let Some((_, mode)) = info.parameters.iter().find(|(key, _)| key == "mode")
        && mode != "rwc"
    {
        warnings.push(Warning::about(
            "mode",
            "SQLAlchemy drops `mode` without `file:` and `uri=true`, and opens the file for writing",
        ));
    }
    if let Some(at) = info
        .parameters
        .iter()
        .position(|(key, value)| key == "mode" && value == "memory")
    {
        info.parameters.remove(at);
        info.database = None;
    }
    Ok((info, warnings))
}
