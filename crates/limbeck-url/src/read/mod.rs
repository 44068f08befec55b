//! Interprets the parts of a URL as a [`ConnectionInfo`]: one module for each database system.

use crate::connection::ConnectionInfo;
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::source::{SplitUrl, invalid_url, unencoded_at_error};
use crate::target::Backend;

mod mysql;
mod options;
mod postgresql;
mod sqlite;

pub(crate) use options::write as write_options;

/// Interprets the parts of a URL. The warnings are about parameters that have several interpretations.
pub(crate) fn interpret(parts: SplitUrl) -> Result<(ConnectionInfo, Vec<Warning>), ConvertError> {
    let (info, warnings) = match parts.backend {
        Backend::Postgresql => postgresql::interpret(parts),
        Backend::Mysql | Backend::Mariadb => mysql::interpret(parts),
        Backend::Sqlite => sqlite::interpret(parts),
    }?;
    check_hosts(&info)?;
    Ok((info, warnings))
}

/// Rejects hosts with characters that would change the structure of another URL.
fn check_hosts(info: &ConnectionInfo) -> Result<(), ConvertError> {
    for name in info.hosts.iter().filter_map(|host| host.name.as_deref()) {
        // Only libpq has abstract sockets.
        let is_abstract = name.starts_with('@') && info.backend == Backend::Postgresql;
        if name.starts_with('/') || is_abstract {
            continue;
        }
        if name.contains('@') {
            return Err(unencoded_at_error());
        }
        let is_forbidden = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || matches!(
                    c,
                    '/' | '?' | '#' | '%' | '\\' | '<' | '>' | '[' | ']' | ','
                )
        };
        if name.contains(is_forbidden) {
            return Err(invalid_url(
                "the host name contains a character that host names can't have",
            )
            .about("host"));
        }
    }
    Ok(())
}

/// The parameters that decide whether a connection has TLS.
const TLS_SWITCHES: [&str; 10] = [
    "sslmode",
    "ssl",
    "requiressl",
    "direct_tls",
    "ssl_mode",
    "ssl_disabled",
    "useSSL",
    "requireSSL",
    "use_ssl",
    "sslaccept",
];

/// Removes empty and repeated parameters of a query. The keys in `repeatable` may have several values.
///
/// # Errors
/// - [`ErrorKind::ConflictingParameters`] if another key has different values: drivers disagree about which counts.
/// - [`ErrorKind::InvalidParameterValue`] if a parameter that decides about TLS is empty. libpq refuses an empty
///   `sslmode`, and SQLAlchemy drops it, with which the connection may have no TLS.
fn unique_parameters(
    query: Vec<(String, String)>,
    repeatable: &[&str],
) -> Result<Vec<(String, String)>, ConvertError> {
    let mut unique: Vec<(String, String)> = Vec::with_capacity(query.len());
    for (key, value) in query {
        if value.is_empty() && TLS_SWITCHES.contains(&&*key) {
            return Err(ConvertError::new(
                ErrorKind::InvalidParameterValue,
                format!("`{key}` is empty, and drivers disagree about whether the connection has TLS then"),
            )
            .about(&key)
            .with_help(format!(
                "write a value behind `{key}=`, or remove `{key}` to use the driver's default"
            )));
        }
        // SQLAlchemy ignores an empty value, and libpq uses the default for it.
        if value.is_empty() || key.is_empty() {
            continue;
        }
        match unique.iter().find(|(known, _)| *known == key) {
            Some((_, first)) if !repeatable.contains(&&*key) => {
                if *first != value {
                    return Err(conflict(&key));
                }
            }
            _ => unique.push((key, value)),
        }
    }
    Ok(unique)
}

fn conflict(key: &str) -> ConvertError {
    ConvertError::new(
        ErrorKind::ConflictingParameters,
        format!("conflicting values for `{key}`, and drivers disagree about which one counts"),
    )
    .about(key)
    .with_help("keep one of the values")
}

fn invalid_value(key: &str, expected: &str) -> ConvertError {
    ConvertError::new(
        ErrorKind::InvalidParameterValue,
        format!("`{key}` has a value that drivers reject"),
    )
    .about(key)
    .with_help(format!("write {expected}"))
}

/// Parses a boolean in any of its usual spellings.
fn parse_bool(key: &str, value: &str) -> Result<bool, ConvertError> {
    match &*value.to_ascii_lowercase() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(invalid_value(key, "`true` or `false`")),
    }
}

/// Parses a number of seconds, rounded up. Returns `None` for 0, which means no limit.
fn parse_seconds(key: &str, value: &str) -> Result<Option<u32>, ConvertError> {
    let invalid = || invalid_value(key, "a number of seconds");
    let number: f64 = value.trim().parse().map_err(|_| invalid())?;
    if !(0.0..=4e9).contains(&number) {
        return Err(invalid());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked"
    )]
    let whole = number.ceil() as u32;
    Ok((whole > 0).then_some(whole))
}
