//! The part between the slashes: user, password, hosts and ports.

use super::{Reader, Split, invalid, parse_query, port, unencoded_at};
use crate::connection::Host;
use crate::error::{ConvertError, Warning};
use crate::percent;
use crate::target::Backend;

fn decode(what: &str, text: &str) -> Result<String, ConvertError> {
    let decoded = percent::decode(text).ok_or_else(|| {
        invalid(format!(
            "{what} holds bytes that are no UTF-8, which drivers replace"
        ))
    })?;
    if decoded.contains('\0') {
        return Err(invalid(format!(
            "{what} holds a zero byte, which no server takes"
        )));
    }
    Ok(decoded)
}

fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// SQLAlchemy's expression: a user up to a colon or slash, a password up to the next `@`, whatever it holds.
pub(super) fn read_sqlalchemy(split: &mut Split, rest: &str) -> Result<(), ConvertError> {
    let name_end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, after_name) = rest.split_at(name_end);
    let password = after_name
        .strip_prefix(':')
        .and_then(|after| after.split_once('@'));
    let location = if let Some((password, location)) = password {
        if ends_like_a_port(password) {
            return Err(invalid(
                "an `@` behind the host makes SQLAlchemy take all before it for a user and a password",
            )
            .help("write %40 for the `@` in the parameters"));
        }
        split.user = given(decode("the user's name", name)?);
        split.password = Some(decode("the password", password)?);
        location
    } else if let Some((user, _)) = name.rsplit_once('@') {
        split.user = given(decode("the user's name", user)?);
        &rest[user.len() + 1..]
    } else {
        rest
    };
    let (location, query) = match location.split_once('?') {
        Some((location, query)) => (location, Some(query)),
        None => (location, None),
    };
    let (hosts, database) = match location.split_once('/') {
        Some((hosts, database)) => (hosts, given(database.to_owned())),
        None => (location, None),
    };
    if hosts.contains(',') {
        split.warnings.push(Warning {
            parameter: Some("host".into()),
            message:
                "SQLAlchemy itself reads several hosts from the parameters only (`?host=…&host=…`)"
                    .into(),
        });
    }
    read_hosts(split, hosts)?;
    if database.as_deref().is_some_and(percent::is_encoded) {
        split.warnings.push(Warning {
            parameter: Some("database".into()),
            message: "the database's name is taken as it is written: SQLAlchemy 2.1 decodes the `%` in it, \
                      older versions do not"
                .into(),
        });
    }
    split.database = database;
    if let Some(query) = query {
        split.query = parse_query(query, true)?;
    }
    Ok(())
}

/// `5432/app?key=…`: no password that anybody chose.
fn ends_like_a_port(password: &str) -> bool {
    let digits = password.bytes().take_while(u8::is_ascii_digit).count();
    let after = password.get(digits..).unwrap_or_default();
    after.starts_with(['/', '?']) && after.contains('?')
}

/// libpq's rules: credentials end at the first `@` that comes before a slash; everything is decoded.
pub(super) fn read_plain(split: &mut Split, rest: &str) -> Result<(), ConvertError> {
    let is_libpq = split.backend == Backend::Postgresql;
    let end = rest
        .find(['@', '/'])
        .filter(|&at| rest[at..].starts_with('@'));
    let location = match end {
        Some(at) => {
            let (user, password) = match rest[..at].split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (&rest[..at], None),
            };
            split.user = given(decode("the user's name", user)?);
            split.password = password
                .map(|text| decode("the password", text))
                .transpose()?;
            &rest[at + 1..]
        }
        None => rest,
    };
    if percent::has_stray(rest) {
        split.warnings.push(Warning {
            parameter: None,
            message:
                "a `%` that begins no `%XX` was taken as it is; libpq refuses it, so write %25"
                    .into(),
        });
    }
    let (location, query) = match location.split_once('?') {
        Some((location, query)) => (location, Some(query)),
        None => (location, None),
    };
    let (hosts, database) = match location.split_once('/') {
        Some((hosts, database)) => (hosts, database),
        None => (location, ""),
    };
    read_hosts(split, hosts)?;
    split.database = given(decode("the database's name", database)?);
    if let Some(query) = query {
        split.query = parse_query(query, !is_libpq)?;
    }
    Ok(())
}

/// `host:port`, or several of them.
fn read_hosts(split: &mut Split, hosts: &str) -> Result<(), ConvertError> {
    if hosts.is_empty() {
        return Ok(());
    }
    for host in hosts.split(',') {
        if host.starts_with('@') {
            // To libpq a socket without a file: but `user:p@@host` has lost a part of its password.
            return Err(unencoded_at());
        }
        let (name, digits) = if let Some(inside) = host.strip_prefix('[') {
            let (name, after) = inside
                .split_once(']')
                .ok_or_else(|| invalid("the `[` before the host's address is not closed"))?;
            let digits = match after.strip_prefix(':') {
                Some(digits) => digits,
                None if after.is_empty() => "",
                None => {
                    return Err(invalid(
                        "something stands between the host's `]` and its port",
                    ));
                }
            };
            if name.is_empty() {
                return Err(invalid("no address stands between `[` and `]`"));
            }
            (name, digits)
        } else {
            host.split_once(':').unwrap_or((host, ""))
        };
        // A socket of Linux begins with one, too, but nobody writes it here: it is a password's.
        if name.contains('@') {
            return Err(unencoded_at());
        }
        let name = match split.reader {
            // SQLAlchemy hands the host on as it is written.
            Reader::SqlAlchemy(_) => name.to_owned(),
            Reader::Plain => decode("the host's name", name)?,
        };
        split.hosts.push(Host {
            name: given(name),
            port: port(digits)?,
        });
    }
    Ok(())
}
