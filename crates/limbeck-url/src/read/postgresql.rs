//! What a PostgreSQL URL means.

use super::{bad_value, conflict, flag, once, options, seconds};
use crate::connection::{ConnectionInfo, Host, Root, Tls, TlsLevel};
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::secret::Secret;
use crate::source::{Reader, Split, port};
use crate::target::{Backend, Driver};

/// Names that a session's settings have and no driver's parameter has.
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

/// Other spellings of a parameter: sqlx's and those of its forerunners.
fn usual(key: &str) -> &str {
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

pub(super) fn read(split: Split) -> Result<(ConnectionInfo, Vec<Warning>), ConvertError> {
    let Split {
        reader,
        user,
        password,
        hosts,
        database,
        query,
        mut warnings,
        ..
    } = split;
    let mut info = ConnectionInfo::new(Backend::Postgresql);
    info.user = user;
    info.password = password.map(Secret::new);
    info.database = database;
    let mut places = Places {
        hosts,
        ..Places::default()
    };
    let mut levels = Vec::new();
    let query = query
        .into_iter()
        .map(|(key, value)| (usual(&key).to_owned(), value));
    let mut nested = None;
    for (key, value) in once(query.collect(), &["host"])? {
        match &*key {
            "user" | "username" => info.user = Some(value),
            "password" | "passwd" => info.password = Some(Secret::new(value)),
            "dbname" | "database" => info.database = Some(value),
            "host"
                if reader == Reader::SqlAlchemy(Driver::Asyncpg)
                    && value.starts_with('/')
                    && value.contains("/.s.PGSQL.") =>
            {
                places.socket_file(&key, &value)?;
            }
            "host" => places.names.push(value),
            "port" => places.ports = Some(value),
            "unix_sock" => places.socket_file(&key, &value)?,
            "sslmode" => levels.push((key, sslmode(&value)?)),
            "ssl" => levels.push((key, ssl(&value)?)),
            "requiressl" => {
                let level = if flag(&key, &value)? {
                    TlsLevel::Require
                } else {
                    TlsLevel::Prefer
                };
                levels.push((key, level));
            }
            "sslrootcert" if value == "system" => info.tls.root = Some(Root::System),
            "sslrootcert" => info.tls.root = Some(Root::File(value)),
            "sslcert" => info.tls.certificate = Some(value),
            "sslkey" => info.tls.key = Some(value),
            "sslpassword" => info.tls.key_password = Some(Secret::new(value)),
            "sslcrl" => info.tls.revoked = Some(value),
            "connect_timeout" | "timeout" => info.timeout = seconds(&key, &value)?,
            "pgbouncer" => info.transaction_pooler = flag(&key, &value)?,
            "options" => match options::read(&value) {
                Some(settings) => {
                    for (name, value) in settings {
                        info.set(&name, &value);
                    }
                }
                None => info.parameters.push((key, value)),
            },
            "schema" | "currentSchema" => {
                warnings.push(Warning::about(
                    &key,
                    format!("`{key}` was taken for the search path"),
                ));
                info.set("search_path", &value);
            }
            "dsn" if reader == Reader::SqlAlchemy(Driver::Asyncpg) => nested = Some(value),
            "direct_tls" => {
                let way = if flag(&key, &value)? {
                    "direct"
                } else {
                    "postgres"
                };
                info.parameters.push(("sslnegotiation".into(), way.into()));
            }
            name if SETTINGS.contains(&name) => info.set(name, &value),
            name => match name
                .strip_prefix("options[")
                .and_then(|name| name.strip_suffix(']'))
            {
                Some(setting) => info.set(setting, &value),
                None => info.parameters.push((key, value)),
            },
        }
    }
    info.tls.level = one_level(levels)?;
    info.hosts = places.resolve(reader)?;
    // An address alone is a host; beside a name it says where that name is.
    if info.hosts.is_empty()
        && let Some(address) = info.take("hostaddr")
    {
        info.hosts.push(Host {
            name: Some(address),
            port: None,
        });
    }
    if let Some(text) = nested {
        merge(&mut info, &text, &mut warnings)?;
    }
    Ok((info, warnings))
}

/// libpq's word for a level; it refuses every other one.
fn sslmode(value: &str) -> Result<TlsLevel, ConvertError> {
    TlsLevel::named(value).ok_or_else(|| {
        bad_value(
            "sslmode",
            "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`",
        )
    })
}

/// asyncpg's word for a level, or one of the ways to say yes and no.
fn ssl(value: &str) -> Result<TlsLevel, ConvertError> {
    if let Some(level) = TlsLevel::named(&value.replace('_', "-")) {
        return Ok(level);
    }
    let wrong = "`disable`, `prefer`, `require`, `verify-ca` or `verify-full`";
    let yes = flag("ssl", value).map_err(|_| bad_value("ssl", wrong))?;
    Ok(if yes {
        TlsLevel::Require
    } else {
        TlsLevel::Disable
    })
}

fn one_level(levels: Vec<(String, TlsLevel)>) -> Result<Option<TlsLevel>, ConvertError> {
    let mut levels = levels.into_iter();
    let Some((_, first)) = levels.next() else {
        return Ok(None);
    };
    match levels.find(|(_, level)| *level != first) {
        Some((key, _)) => Err(conflict(&key)),
        None => Ok(Some(first)),
    }
}

/// asyncpg's `dsn`: a URI in the URL, whose TLS and settings count where the URL itself has none.
fn merge(
    info: &mut ConnectionInfo,
    text: &str,
    warnings: &mut Vec<Warning>,
) -> Result<(), ConvertError> {
    let split = Split::parse(text)?;
    if split.backend != Backend::Postgresql || split.reader != Reader::Plain {
        return Err(bad_value("dsn", "a URI of libpq's"));
    }
    let (inner, more) = read(split)?;
    warnings.extend(more);
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
    info.timeout = info.timeout.or(inner.timeout);
    for (name, value) in inner.settings {
        if !info.settings.iter().any(|(known, _)| *known == name) {
            info.set(&name, &value);
        }
    }
    for (name, value) in inner.parameters {
        if !info.parameters.iter().any(|(known, _)| *known == name) {
            info.parameters.push((name, value));
        }
    }
    Ok(())
}

/// What a URL says in several places about where the server is.
#[derive(Default)]
struct Places {
    /// Those before the slash.
    hosts: Vec<Host>,
    /// The values of `host`.
    names: Vec<String>,
    /// The value of `port`.
    ports: Option<String>,
}

impl Places {
    /// pg8000's socket, and asyncpg's other form: a file, where others name the folder and the port.
    fn socket_file(&mut self, key: &str, path: &str) -> Result<(), ConvertError> {
        let (folder, number) = path
            .rsplit_once("/.s.PGSQL.")
            .ok_or_else(|| bad_value(key, "the socket's file: `/run/postgresql/.s.PGSQL.5432`"))?;
        // The root's own name is its slash.
        let folder = if folder.is_empty() { "/" } else { folder };
        self.names = vec![folder.to_owned()];
        self.ports = (number != "5432").then(|| number.to_owned());
        Ok(())
    }

    fn resolve(self, reader: Reader) -> Result<Vec<Host>, ConvertError> {
        let Self {
            hosts,
            names,
            ports,
        } = self;
        let ports = match &ports {
            Some(list) => list
                .split(',')
                .map(|digits| port(digits.trim()))
                .collect::<Result<Vec<_>, _>>()?,
            None => Vec::new(),
        };
        let mut places: Vec<Host> = if names.is_empty() {
            hosts
        } else {
            // What is said in a parameter counts; a port that only the other place has still does.
            let shared = match &hosts[..] {
                [only] => only.port,
                _ => None,
            };
            let list = match &names[..] {
                [list] => list.split(',').collect::<Vec<_>>(),
                several => several.iter().map(String::as_str).collect(),
            };
            let place = |name: &str| place(name, reader, ports.is_empty(), shared);
            list.into_iter().map(place).collect::<Result<_, _>>()?
        };
        match &ports[..] {
            [] => {}
            [only] if places.is_empty() => places.push(Host {
                name: None,
                port: *only,
            }),
            [only] => places.iter_mut().for_each(|place| place.port = *only),
            several if several.len() == places.len() => {
                for (place, port) in places.iter_mut().zip(several) {
                    place.port = *port;
                }
            }
            several => {
                return Err(ConvertError::new(
                    ErrorKind::ConflictingParameters,
                    format!(
                        "the URL names {} hosts and {} ports",
                        places.len(),
                        several.len()
                    ),
                )
                .of("port"));
            }
        }
        Ok(places)
    }
}

/// An address as it stands without its port.
fn without_brackets(name: &str) -> &str {
    name.strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name)
}

/// A host in a parameter; SQLAlchemy reads a port behind it, libpq does not.
fn place(
    text: &str,
    reader: Reader,
    may_have_port: bool,
    shared: Option<u16>,
) -> Result<Host, ConvertError> {
    if text.starts_with(['/', '@']) {
        // Any character may be part of a folder's name.
        return Ok(Host {
            name: Some(text.to_owned()),
            port: shared,
        });
    }
    let text = text.trim();
    let whole = |name: &str| Host {
        name: (!name.is_empty()).then(|| without_brackets(name).to_owned()),
        port: shared,
    };
    let is_sqlalchemy = matches!(reader, Reader::SqlAlchemy(_));
    match text.split_once(':') {
        Some((name, digits))
            if is_sqlalchemy
                && may_have_port
                && !digits.contains(':')
                && !text.starts_with('[') =>
        {
            Ok(Host {
                name: (!name.is_empty()).then(|| name.to_owned()),
                port: port(digits)?.or(shared),
            })
        }
        _ => Ok(whole(text)),
    }
}
