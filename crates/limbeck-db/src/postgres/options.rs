//! PostgreSQL: what a connection needs to know.

mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use limbeck_url::{DatabaseUrl, Secret, TlsLevel};

use super::methods::RequiredMethods;
use super::parameters::{NEVER_EMPTY, Parameters};
use super::passfile::{self, Found};
use crate::tls::TlsOptions;
use crate::{ConnectArgs, ConnectError, ConnectErrorKind, ProcessEnvironment};

/// What opening a PostgreSQL session takes.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(super) targets: Vec<HostAddress>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: Option<Secret>,
    /// A password file that is not used, because others may read it.
    pub(super) ignored_passfile: Option<PathBuf>,
    pub(super) required: RequiredMethods,
    pub(super) ssl: TlsLevel,
    pub(super) direct_tls: bool,
    pub(super) tls: TlsOptions,
    pub(super) channel_binding: ChannelBinding,
    pub(super) session: SessionAttributes,
    pub(super) timeout: Option<Duration>,
    /// Parameters of the start-up message besides user and database.
    pub(super) startup: BTreeMap<String, String>,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PostgresOptions")
            .field("targets", &self.targets)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("password", &self.password)
            .field("ignored_passfile", &self.ignored_passfile)
            .field("required", &self.required)
            .field("ssl", &self.ssl)
            .field("direct_tls", &self.direct_tls)
            .field("tls", &self.tls)
            .field("channel_binding", &self.channel_binding)
            .field("session", &self.session)
            .field("timeout", &self.timeout)
            // A project may hand a secret to its own functions in a setting.
            .field("startup", &self.startup.keys())
            .finish()
    }
}

/// A place to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostAddress {
    /// A host's name or address, or the folder of a unix socket.
    pub(super) host: String,
    /// The address to use in place of looking the name up.
    pub(super) address: Option<String>,
    pub(super) port: u16,
    /// The host was given; otherwise it is only an address.
    pub(super) is_named: bool,
    /// The password of the password file for this place.
    pub(super) password: Option<Secret>,
}

/// libpq's `channel_binding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// libpq's `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionAttributes {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

impl HostAddress {
    pub(super) fn is_socket(&self) -> bool {
        self.address.is_none() && self.host.starts_with(['/', '@'])
    }
}

impl std::fmt::Display for HostAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_socket() {
            write!(out, "{}/.s.PGSQL.{}", self.host, self.port)
        } else if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

impl PostgresOptions {
    pub(crate) fn from_url(
        url: &DatabaseUrl,
        arguments: &ConnectArgs,
        process_environment: &ProcessEnvironment,
    ) -> Result<Self, ConnectError> {
        let Parameters {
            mut values,
            settings,
            tls: context,
        } = Parameters::collect(url, arguments, process_environment)?;
        for name in NEVER_EMPTY {
            if values.get(*name).is_some_and(String::is_empty) {
                return Err(problem(name, "it is empty"));
            }
        }
        values.retain(|_, value| !value.is_empty());
        let value = |name: &str| values.get(name).map(String::as_str);
        let user = value("user")
            .or(process_environment.user.as_deref())
            .map(str::to_owned);
        let user = user.ok_or_else(|| {
            problem(
                "the user",
                "there is none in the URL, in PGUSER or from the system",
            )
        })?;
        let database = value("dbname").unwrap_or(&user).to_owned();
        if value("gssencmode") == Some("require") {
            return Err(problem(
                "gssencmode",
                "limbeck's connection has no GSSAPI encryption",
            ));
        }
        let mut targets = targets(value("host"), value("hostaddr"), value("port"))?;
        let (ssl, tls) = tls::Sources {
            value,
            home: process_environment.home.as_deref(),
        }
        .read(context, !targets.iter().all(HostAddress::is_socket))?;
        let direct_tls = match value("sslnegotiation") {
            None | Some("postgres") => false,
            Some("direct") if ssl >= TlsLevel::Require => true,
            Some("direct") => {
                return Err(problem(
                    "sslnegotiation",
                    "`direct` needs at least `sslmode=require`",
                ));
            }
            Some(other) => {
                return Err(problem(
                    "sslnegotiation",
                    &format!("`{other}` is not a value of it"),
                ));
            }
        };
        let channel_binding = match value("channel_binding") {
            None | Some("prefer") => ChannelBinding::Prefer,
            Some("disable") => ChannelBinding::Disable,
            Some("require") => ChannelBinding::Require,
            Some(other) => {
                return Err(problem(
                    "channel_binding",
                    &format!("`{other}` is not a value of it"),
                ));
            }
        };
        let required = RequiredMethods::parse(value("require_auth"))
            .map_err(|why| problem("require_auth", &why))?;
        if value("requirepeer").is_some() && targets.iter().any(HostAddress::is_socket) {
            let why = "limbeck does not look at who runs the server behind a socket";
            return Err(problem("requirepeer", why));
        }
        let session = match value("target_session_attrs") {
            None | Some("any") => SessionAttributes::Any,
            Some("read-write") => SessionAttributes::ReadWrite,
            Some("read-only") => SessionAttributes::ReadOnly,
            Some("primary") => SessionAttributes::Primary,
            Some("standby") => SessionAttributes::Standby,
            Some("prefer-standby") => SessionAttributes::PreferStandby,
            Some(other) => {
                return Err(problem(
                    "target_session_attrs",
                    &format!("`{other}` is not a value of it"),
                ));
            }
        };
        let timeout = match value("connect_timeout").map(str::parse::<f64>) {
            None => None,
            Some(Ok(seconds)) if seconds.is_finite() => {
                (seconds > 0.0).then(|| Duration::from_secs_f64(seconds))
            }
            Some(_) => return Err(problem("connect_timeout", "it is not a number of seconds")),
        };
        let password = value("password").map(Secret::new);
        let mut ignored_passfile = None;
        if password.is_none() {
            let file = value("passfile").map(PathBuf::from);
            let file = file.or_else(|| {
                process_environment
                    .home
                    .as_ref()
                    .map(|home| home.join(".pgpass"))
            });
            for target in &mut targets {
                let found = file
                    .as_deref()
                    .map(|file| passfile::lookup(file, target, &database, &user));
                match found.unwrap_or(Found::Nothing) {
                    Found::Password(password) => target.password = Some(password),
                    Found::Readable => ignored_passfile.clone_from(&file),
                    Found::Nothing => {}
                }
            }
        }
        let mut startup: BTreeMap<String, String> = settings;
        startup.insert("client_encoding".into(), "UTF8".into());
        let name = value("application_name")
            .or(value("fallback_application_name"))
            .unwrap_or("limbeck");
        startup
            .entry("application_name".into())
            .or_insert_with(|| name.to_owned());
        if let Some(options) = value("options") {
            startup.insert("options".into(), options.to_owned());
        }
        Ok(Self {
            targets,
            user,
            database,
            password,
            ignored_passfile,
            required,
            ssl,
            direct_tls,
            tls,
            channel_binding,
            session,
            timeout,
            startup,
        })
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        &self.database
    }
}

fn targets(
    hosts: Option<&str>,
    addresses: Option<&str>,
    ports: Option<&str>,
) -> Result<Vec<HostAddress>, ConnectError> {
    let list = |text: Option<&str>| -> Vec<String> {
        text.map(|text| text.split(',').map(|part| part.trim().to_owned()).collect())
            .unwrap_or_default()
    };
    let (hosts, addresses, ports) = (list(hosts), list(addresses), list(ports));
    let count = hosts.len().max(addresses.len()).max(1);
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(problem(
            "hostaddr",
            "there must be as many addresses as hosts",
        ));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(problem(
            "port",
            "there must be one port, or as many as hosts",
        ));
    }
    let pick = |list: &[String], index: usize| {
        list.get(index)
            .or(list.first().filter(|_| list.len() == 1))
            .filter(|text| !text.is_empty())
            .cloned()
    };
    (0..count)
        .map(|index| {
            let address = pick(&addresses, index);
            if let Some(address) = &address
                && address.parse::<IpAddr>().is_err()
            {
                let why = format!("`{address}` is not an address in numbers");
                return Err(problem("hostaddr", &why));
            }
            let port = match pick(&ports, index) {
                None => 5432,
                Some(port) => port
                    .parse()
                    .map_err(|_| problem("port", &format!("`{port}` is not a port")))?,
            };
            let host = pick(&hosts, index);
            let is_named = host.is_some();
            let host = host
                .or_else(|| address.clone())
                .unwrap_or_else(|| default_host(port));
            Ok(HostAddress {
                host,
                address,
                port,
                is_named,
                password: None,
            })
        })
        .collect()
}

/// Where libpq looks when nobody names a host.
fn default_host(port: u16) -> String {
    let folders = ["/var/run/postgresql", "/tmp"];
    let found = folders
        .iter()
        .find(|folder| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists());
    found.map_or_else(|| "localhost".to_owned(), |folder| (*folder).to_owned())
}

fn problem(parameter: &str, why: &str) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: format!("the connection parameter `{parameter}` can't be used: {why}"),
        hint: None,
    }
}

#[cfg(test)]
mod tests;
