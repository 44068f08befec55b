//! Interpretation of PostgreSQL URLs.

use super::{conflict, invalid_value, options, parse_bool, parse_seconds, unique_parameters};
use crate::connection::{ConnectionInfo, Host, RootCertificates, Tls, TlsLevel};
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::secret::Secret;
use crate::source::{SplitUrl, Syntax, parse_port};
use crate::target::{Backend, Driver};

/// Parameters that are settings of the session, and not a driver's own.
const SETTINGS: &[&str] = &[
    "application_name",
    "search_path",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "timezone",
    "TimeZone",
    "DateStyle",
    "datestyle",
    "IntervalStyle",
    "role",
    "synchronous_commit",
    "work_mem",
];

/// Returns the usual name of a parameter for its spelling in sqlx and older libraries.
fn canonical_name(key: &str) -> &str {
    match key {
        "ssl-mode" => "sslmode",
        "ssl-root-cert" | "ssl-ca" => "sslrootcert",
        "ssl-cert" => "sslcert",
        "ssl-key" => "sslkey",
        "statement-cache-capacity" => "prepared_statement_cache_size",
        "tcp_keepalive" => "keepalives",
        other => other,
    }
}

/// Interprets the parts of a PostgreSQL URL.
pub(super) fn interpret(parts: SplitUrl) -> Result<(ConnectionInfo, Vec<Warning>), ConvertError> {
    let SplitUrl {
        syntax,
        user,
        password,
        hosts,
        database,
        query,
        mut warnings,
        ..
    } = parts;
    let mut info = ConnectionInfo::new(Backend::Postgresql);
    info.user = user;
    info.password = password.map(Secret::new);
    info.database = database;
    let mut addresses = HostParameters {
        authority: hosts,
        ..HostParameters::default()
    };
    let mut levels = Vec::new();
    let query = query
        .into_iter()
        .map(|(key, value)| (canonical_name(&key).to_owned(), value));
    let mut dsn = None;
    for (key, value) in unique_parameters(query.collect(), &["host"])? {
        match &*key {
            "user" | "username" => info.user = Some(value),
            "password" | "passwd" => info.password = Some(Secret::new(value)),
            "dbname" | "database" => info.database = Some(value),
            "host"
                if syntax == Syntax::SqlAlchemy(Driver::Asyncpg)
                    && value.starts_with('/')
                    && value.contains("/.s.PGSQL.") =>
            {
                addresses.set_socket_file(&key, &value)?;
            }
            "host" => addresses.names.push(value),
            "port" => addresses.ports = Some(value),
            "unix_sock" => addresses.set_socket_file(&key, &value)?,
            "sslmode" => levels.push((key, parse_sslmode(&value)?)),
            "ssl" => levels.push((key, parse_ssl(&value)?)),
            "requiressl" => {
                let level = if parse_bool(&key, &value)? {
                    TlsLevel::Require
                } else {
                    TlsLevel::Prefer
                };
                levels.push((key, level));
            }
            "sslrootcert" if value == "system" => {
                info.tls.root_certificates = Some(RootCertificates::System);
            }
            "sslrootcert" => info.tls.root_certificates = Some(RootCertificates::File(value)),
            "sslcert" => info.tls.client_certificate = Some(value),
            "sslkey" => info.tls.client_key = Some(value),
            "sslpassword" => info.tls.client_key_password = Some(Secret::new(value)),
            "sslcrl" => info.tls.revocation_list = Some(value),
            "connect_timeout" | "timeout" => info.connect_timeout = parse_seconds(&key, &value)?,
            "pgbouncer" => info.transaction_pooler = parse_bool(&key, &value)?,
            "options" => match options::parse(&value) {
                Some(settings) => {
                    for (name, value) in settings {
                        info.add_setting(&name, &value);
                    }
                }
                None => info.parameters.push((key, value)),
            },
            "schema" | "currentSchema" => {
                warnings.push(Warning::about(
                    &key,
                    format!("used `{key}` as the search path"),
                ));
                info.add_setting("search_path", &value);
            }
            "dsn" if syntax == Syntax::SqlAlchemy(Driver::Asyncpg) => dsn = Some(value),
            "direct_tls" => {
                let negotiation = if parse_bool(&key, &value)? {
                    "direct"
                } else {
                    "postgres"
                };
                info.parameters
                    .push(("sslnegotiation".into(), negotiation.into()));
            }
            name if SETTINGS.contains(&name) => info.add_setting(name, &value),
            name => match name
                .strip_prefix("options[")
                .and_then(|name| name.strip_suffix(']'))
            {
                Some(setting) => info.add_setting(setting, &value),
                None => info.parameters.push((key, value)),
            },
        }
    }
    info.tls.level = single_level(levels)?;
    info.hosts = addresses.resolve(syntax)?;
    // `hostaddr` alone is a host. Beside `host` it is that host's address.
    if info.hosts.is_empty()
        && let Some(address) = info.remove_parameter("hostaddr")
    {
        info.hosts.push(Host {
            name: Some(address),
            port: None,
        });
    }
    if let Some(text) = dsn {
        merge_dsn(&mut info, &text, &mut warnings)?;
    }
    Ok((info, warnings))
}

/// Parses libpq's `sslmode`.
fn parse_sslmode(value: &str) -> Result<TlsLevel, ConvertError> {
    TlsLevel::from_name(value).ok_or_else(|| {
        invalid_value(
            "sslmode",
            "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`",
        )
    })
}

/// Parses `ssl`: asyncpg's levels, or a boolean.
fn parse_ssl(value: &str) -> Result<TlsLevel, ConvertError> {
    if let Some(level) = TlsLevel::from_name(&value.replace('_', "-")) {
        return Ok(level);
    }
    let expected = "`disable`, `prefer`, `require`, `verify-ca` or `verify-full`";
    let is_required = parse_bool("ssl", value).map_err(|_| invalid_value("ssl", expected))?;
    Ok(if is_required {
        TlsLevel::Require
    } else {
        TlsLevel::Disable
    })
}

/// Returns the only level of several parameters.
///
/// # Errors
/// Returns [`ErrorKind::ConflictingParameters`] if the parameters have different levels.
fn single_level(levels: Vec<(String, TlsLevel)>) -> Result<Option<TlsLevel>, ConvertError> {
    let mut levels = levels.into_iter();
    let Some((_, first)) = levels.next() else {
        return Ok(None);
    };
    match levels.find(|(_, level)| *level != first) {
        Some((key, _)) => Err(conflict(&key)),
        None => Ok(Some(first)),
    }
}

/// Merges asyncpg's `dsn`, a URI inside the URL. Its parts apply if the URL itself doesn't set them.
///
/// # Errors
/// Returns [`ErrorKind::ConflictingParameters`] if URI and URL contradict each other.
fn merge_dsn(
    info: &mut ConnectionInfo,
    text: &str,
    warnings: &mut Vec<Warning>,
) -> Result<(), ConvertError> {
    let parts = SplitUrl::parse(text)?;
    if parts.backend != Backend::Postgresql || parts.syntax != Syntax::Plain {
        return Err(invalid_value("dsn", "a libpq URI"));
    }
    let (inner, inner_warnings) = interpret(parts)?;
    warnings.extend(inner_warnings);
    let differs = |outer: bool, inner: bool| outer && inner;
    if differs(
        info.tls != Tls::default(),
        inner.tls != Tls::default() && inner.tls != info.tls,
    ) || differs(
        !info.hosts.is_empty(),
        !inner
            .hosts
            .iter()
            .all(|host| host.name.is_none() || info.hosts.contains(host)),
    ) || differs(
        info.user.is_some(),
        inner.user.is_some() && inner.user != info.user,
    ) || differs(
        info.password.is_some(),
        inner.password.is_some() && inner.password != info.password,
    ) || differs(
        info.database.is_some(),
        inner.database.is_some() && inner.database != info.database,
    ) {
        return Err(conflict("dsn"));
    }
    if inner.tls != Tls::default() {
        info.tls = inner.tls;
    }
    if info.hosts.is_empty() {
        info.hosts = inner.hosts;
    }
    info.user = info.user.take().or(inner.user);
    info.password = info.password.take().or(inner.password);
    info.database = info.database.take().or(inner.database);
    info.connect_timeout = info.connect_timeout.or(inner.connect_timeout);
    for (name, value) in inner.settings {
        if !info.settings.iter().any(|(known, _)| *known == name) {
            info.add_setting(&name, &value);
        }
    }
    for (name, value) in inner.parameters {
        if !info.parameters.iter().any(|(known, _)| *known == name) {
            info.parameters.push((name, value));
        }
    }
    Ok(())
}

/// The hosts and ports of a URL, which may be in several parts of it.
#[derive(Default)]
struct HostParameters {
    /// The hosts before the slash.
    authority: Vec<Host>,
    /// The values of the parameter `host`.
    names: Vec<String>,
    /// The value of the parameter `port`, a list separated by commas.
    ports: Option<String>,
}

impl HostParameters {
    /// Sets the host to the path of a socket's file, as pg8000 and asyncpg name it. Other drivers name directory and port.
    fn set_socket_file(&mut self, key: &str, path: &str) -> Result<(), ConvertError> {
        let (directory, number) = path.rsplit_once("/.s.PGSQL.").ok_or_else(|| {
            invalid_value(
                key,
                "the path of the socket's file, such as `/run/postgresql/.s.PGSQL.5432`",
            )
        })?;
        let directory = if directory.is_empty() { "/" } else { directory };
        self.names = vec![directory.to_owned()];
        self.ports = (number != "5432").then(|| number.to_owned());
        Ok(())
    }

    /// Returns the hosts with their ports.
    fn resolve(self, syntax: Syntax) -> Result<Vec<Host>, ConvertError> {
        let Self {
            authority,
            names,
            ports,
        } = self;
        let ports = match &ports {
            Some(list) => list
                .split(',')
                .map(|digits| parse_port(digits.trim()))
                .collect::<Result<Vec<_>, _>>()?,
            None => Vec::new(),
        };
        let mut hosts: Vec<Host> = if names.is_empty() {
            authority
        } else {
            // The parameter `host` takes precedence over the host before the slash, whose port still applies.
            let default_port = match &authority[..] {
                [only] => only.port,
                _ => None,
            };
            let list = match &names[..] {
                [list] => list.split(',').collect::<Vec<_>>(),
                several => several.iter().map(String::as_str).collect(),
            };
            let may_have_port = matches!(syntax, Syntax::SqlAlchemy(_)) && ports.is_empty();
            let host = |name: &str| parse_host(name, may_have_port, default_port);
            list.into_iter().map(host).collect::<Result<_, _>>()?
        };
        match &ports[..] {
            [] => {}
            [only] if hosts.is_empty() => hosts.push(Host {
                name: None,
                port: *only,
            }),
            [only] => hosts.iter_mut().for_each(|host| host.port = *only),
            several if several.len() == hosts.len() => {
                for (host, port) in hosts.iter_mut().zip(several) {
                    host.port = *port;
                }
            }
            several => {
                return Err(ConvertError::new(
                    ErrorKind::ConflictingParameters,
                    format!(
                        "the URL names {} hosts and {} ports",
                        hosts.len(),
                        several.len()
                    ),
                )
                .about("port"));
            }
        }
        Ok(hosts)
    }
}

/// Removes the brackets around an IPv6 address.
fn without_brackets(name: &str) -> &str {
    name.strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name)
}

/// Parses a host of the parameter `host`. SQLAlchemy accepts a port behind the name, libpq doesn't.
fn parse_host(
    text: &str,
    may_have_port: bool,
    default_port: Option<u16>,
) -> Result<Host, ConvertError> {
    if text.starts_with(['/', '@']) {
        // A directory's name may contain any character.
        return Ok(Host {
            name: Some(text.to_owned()),
            port: default_port,
        });
    }
    let text = text.trim();
    let whole = |name: &str| Host {
        name: (!name.is_empty()).then(|| without_brackets(name).to_owned()),
        port: default_port,
    };
    match text.split_once(':') {
        Some((name, digits))
            if may_have_port && !digits.contains(':') && !text.starts_with('[') =>
        {
            Ok(Host {
                name: (!name.is_empty()).then(|| name.to_owned()),
                port: parse_port(digits)?.or(default_port),
            })
        }
        _ => Ok(whole(text)),
    }
}
