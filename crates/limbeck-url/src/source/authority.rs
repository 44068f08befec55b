//! Splitting of a URL's text behind `://`: user, password, hosts, ports, database and parameters.

use super::{SplitUrl, Syntax, invalid_url, parse_port, parse_query, unencoded_at_error};
use crate::connection::Host;
use crate::error::{ConvertError, Warning};
use crate::percent;
use crate::target::Backend;

/// Decodes a part of a URL. `part` names it in errors.
fn decode(part: &str, text: &str) -> Result<String, ConvertError> {
    let decoded = percent::decode(text).ok_or_else(|| {
        invalid_url(format!(
            "{part} contains bytes that are not UTF-8, which drivers replace"
        ))
    })?;
    if decoded.contains('\0') {
        return Err(invalid_url(format!(
            "{part} contains a zero byte, which no server accepts"
        )));
    }
    Ok(decoded)
}

/// Returns `None` for an empty text.
fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Splits by SQLAlchemy's rules: the user ends at a colon or slash, and the password at the next `@`, whatever it contains.
/// `rest` is the end of the URL `text`.
pub(super) fn split_sqlalchemy(
    parts: &mut SplitUrl,
    text: &str,
    rest: &str,
) -> Result<(), ConvertError> {
    let name_end = rest.find([':', '/']).unwrap_or(rest.len());
    let (name, after_name) = rest.split_at(name_end);
    let password = after_name
        .strip_prefix(':')
        .and_then(|after| after.split_once('@'));
    let location = if let Some((password, location)) = password {
        if is_like_port_and_database(password) {
            return Err(invalid_url(
                "an `@` behind the host makes SQLAlchemy read everything before it as user and password",
            )
            .with_help("write `%40` for the `@` in the parameters"));
        }
        parts.user = non_empty(decode("the user name", name)?);
        parts.password = Some(decode("the password", password)?);
        location
    } else if let Some((user, _)) = name.rsplit_once('@') {
        parts.user = non_empty(decode("the user name", user)?);
        &rest[user.len() + 1..]
    } else {
        rest
    };
    let (location, query) = match location.split_once('?') {
        Some((location, query)) => (location, Some(query)),
        None => (location, None),
    };
    let (hosts, database) = match location.split_once('/') {
        Some((hosts, database)) => (hosts, non_empty(database.to_owned())),
        None => (location, None),
    };
    if hosts.contains(',') {
        parts.warnings.push(Warning {
            parameter: Some("host".into()),
            message:
                "SQLAlchemy itself accepts several hosts only as parameters (`?host=…&host=…`)"
                    .into(),
        });
    }
    if parts.password.is_some() {
        refuse_cut_password(text, database.as_deref(), query)?;
    }
    split_hosts(parts, hosts)?;
    if database.as_deref().is_some_and(percent::is_encoded) {
        parts.warnings.push(Warning {
            parameter: Some("database".into()),
            message: "used the database's name as written: SQLAlchemy 2.1 decodes the `%` in it, older versions don't"
                .into(),
        });
    }
    parts.database = database;
    if let Some(query) = query {
        parts.query = parse_query(query, true)?;
    }
    Ok(())
}

/// Returns `true` for a text like `5432/app?key=…`, which is a port and a database rather than a password.
fn is_like_port_and_database(password: &str) -> bool {
    let digits = password.bytes().take_while(u8::is_ascii_digit).count();
    let after = password.get(digits..).unwrap_or_default();
    after.starts_with(['/', '?']) && after.contains('?')
}

/// Splits by libpq's rules: credentials end at the first `@` before a slash, and every part is decoded.
/// `rest` is the end of the URL `text`.
pub(super) fn split_plain(
    parts: &mut SplitUrl,
    text: &str,
    rest: &str,
) -> Result<(), ConvertError> {
    let is_libpq = parts.backend == Backend::Postgresql;
    let end = rest
        .find(['@', '/'])
        .filter(|&at| rest[at..].starts_with('@'));
    let location = match end {
        Some(at) => {
            let (user, password) = match rest[..at].split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (&rest[..at], None),
            };
            parts.user = non_empty(decode("the user name", user)?);
            parts.password = password
                .map(|text| decode("the password", text))
                .transpose()?;
            &rest[at + 1..]
        }
        None => rest,
    };
    if percent::has_stray_percent(rest) {
        parts.warnings.push(Warning {
            parameter: None,
            message:
                "kept a `%` without two hexadecimal digits, which libpq refuses; write `%25` instead"
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
    // In `user:p/ss@host/app` the slash ends the credentials, so that `user` would be a host and `p` its port.
    let may_be_user_and_password = parts.user.is_none() && hosts.contains(':');
    if parts.password.is_some() || may_be_user_and_password {
        refuse_cut_password(text, Some(database), query)?;
    }
    split_hosts(parts, hosts)?;
    parts.database = non_empty(decode("the database's name", database)?);
    if let Some(query) = query {
        parts.query = parse_query(query, !is_libpq)?;
    }
    Ok(())
}

/// Refuses an `@` in the database's name, and in the name of the first parameter. It probably belongs to the password: in
/// `user:p@ss/word@host/app` the host would be `ss` and the database `word@host/app`, which messages don't hide.
fn refuse_cut_password(
    text: &str,
    database: Option<&str>,
    query: Option<&str>,
) -> Result<(), ConvertError> {
    let first_parameter = query.and_then(|query| query.split(['=', '&']).next());
    let has_at = |part: Option<&str>| part.is_some_and(|part| part.contains('@'));
    if !has_at(database) && !has_at(first_parameter) {
        return Ok(());
    }
    // The values of parameters may contain an `@`.
    let after_names = query.map_or(0, |query| {
        query.len() - first_parameter.unwrap_or_default().len()
    });
    let names = &text[..text.len() - after_names];
    let place = names.rfind('@').map_or(0, |at| text[..=at].chars().count());
    Err(invalid_url(format!(
        "the `@` at character {place} of the URL is behind the host: the user name or password probably contains a \
         character that is not encoded"
    ))
    .with_help(
        "in the user name and password, write `%40` for `@`, `%2F` for `/`, `%3F` for `?`, `%23` for `#` and `%25` for `%`; \
         if the `@` belongs to the database's name, write the name as a parameter, with `%40`",
    ))
}

/// Splits `host:port`, or a list of them separated by commas.
fn split_hosts(parts: &mut SplitUrl, hosts: &str) -> Result<(), ConvertError> {
    if hosts.is_empty() {
        return Ok(());
    }
    for host in hosts.split(',') {
        if host.starts_with('@') {
            // libpq reads an abstract socket, but in `user:p@@host` the `@` belongs to the password.
            return Err(unencoded_at_error());
        }
        let (name, digits) = if let Some(inside) = host.strip_prefix('[') {
            let (name, after) = inside
                .split_once(']')
                .ok_or_else(|| invalid_url("the `[` before the host's address has no `]`"))?;
            let digits = match after.strip_prefix(':') {
                Some(digits) => digits,
                None if after.is_empty() => "",
                None => {
                    return Err(invalid_url(
                        "the host's `]` is followed by something other than a port",
                    ));
                }
            };
            if name.is_empty() {
                return Err(invalid_url("the host's `[` and `]` contain no address"));
            }
            (name, digits)
        } else {
            host.split_once(':').unwrap_or((host, ""))
        };
        // An abstract socket starts with `@`, too, but isn't written here. The `@` belongs to a password.
        if name.contains('@') {
            return Err(unencoded_at_error());
        }
        let name = match parts.syntax {
            // SQLAlchemy passes the host on without decoding it.
            Syntax::SqlAlchemy(_) => name.to_owned(),
            Syntax::Plain => decode("the host name", name)?,
        };
        parts.hosts.push(Host {
            name: non_empty(name),
            port: parse_port(digits)?,
        });
    }
    Ok(())
}
