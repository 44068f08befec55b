//! Says what a split text means: one reader for each family of databases.

use crate::connection::ConnectionInfo;
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::source::{Split, invalid, unencoded_at};
use crate::target::Backend;

mod mysql;
mod options;
mod postgresql;
mod sqlite;

pub(crate) use options::write as write_options;

/// What a text means, and what there is to say about how it was read.
pub(crate) fn read(split: Split) -> Result<(ConnectionInfo, Vec<Warning>), ConvertError> {
    let (info, warnings) = match split.backend {
        Backend::Postgresql => postgresql::read(split),
        Backend::Mysql | Backend::Mariadb => mysql::read(split),
        Backend::Sqlite => sqlite::read(split),
    }?;
    check_hosts(&info)?;
    Ok((info, warnings))
}

/// What no driver takes for a host, wherever it stands: written into another URL it would be more than a host.
fn check_hosts(info: &ConnectionInfo) -> Result<(), ConvertError> {
    for name in info.hosts.iter().filter_map(|host| host.name.as_deref()) {
        // Only libpq has sockets without a file.
        let is_abstract = name.starts_with('@') && info.backend == Backend::Postgresql;
        if name.starts_with('/') || is_abstract {
            continue;
        }
        if name.contains('@') {
            return Err(unencoded_at());
        }
        let odd = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(
                    c,
                    '/' | '?' | '#' | '%' | '\\' | '<' | '>' | '[' | ']' | ','
                )
        };
        if name.contains(odd) {
            return Err(
                invalid("the host's name holds a character that no host's name has").of("host"),
            );
        }
    }
    Ok(())
}

/// A query's pairs with each key once; drivers disagree about which of two values counts.
fn once(
    query: Vec<(String, String)>,
    lists: &[&str],
) -> Result<Vec<(String, String)>, ConvertError> {
    let mut seen: Vec<(String, String)> = Vec::with_capacity(query.len());
    for (key, value) in query {
        // SQLAlchemy drops an empty value, and to libpq it is the default.
        if value.is_empty() || key.is_empty() {
            continue;
        }
        match seen.iter().find(|(known, _)| *known == key) {
            Some((_, same)) if !lists.contains(&&*key) => {
                if *same != value {
                    return Err(conflict(&key));
                }
            }
            _ => seen.push((key, value)),
        }
    }
    Ok(seen)
}

fn conflict(key: &str) -> ConvertError {
    ConvertError::new(
        ErrorKind::ConflictingParameters,
        format!(
            "`{key}` is given twice with different values, and drivers disagree about which counts"
        ),
    )
    .of(key)
    .help("leave one of them")
}

fn bad_value(key: &str, expected: &str) -> ConvertError {
    ConvertError::new(
        ErrorKind::InvalidParameterValue,
        format!("`{key}` has a value that drivers refuse"),
    )
    .of(key)
    .help(format!("write {expected}"))
}

/// A yes or a no, in any of the words that people write.
fn flag(key: &str, value: &str) -> Result<bool, ConvertError> {
    match &*value.to_ascii_lowercase() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(bad_value(key, "`true` or `false`")),
    }
}

/// Whole seconds; a fraction is rounded up, and 0 means no limit.
fn seconds(key: &str, value: &str) -> Result<Option<u32>, ConvertError> {
    let wrong = || bad_value(key, "a number of seconds");
    let number: f64 = value.trim().parse().map_err(|_| wrong())?;
    if !(0.0..=4e9).contains(&number) {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was looked at"
    )]
    let whole = number.ceil() as u32;
    Ok((whole > 0).then_some(whole))
}
