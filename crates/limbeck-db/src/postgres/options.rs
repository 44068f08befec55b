//! The options of a PostgreSQL connection.

mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use limbeck_url::{DatabaseUrl, Secret, TlsLevel};

use super::auth_method::AllowedMethods;
use super::host::HostAddress;
use super::parameters::{NEVER_EMPTY, Parameters};
use super::passfile::{self, PasswordLookup};
use crate::seconds::parse_seconds;
use crate::tls::TlsOptions;
use crate::{ConnectArgs, ConnectError, ConnectErrorKind, ProcessEnvironment};

/// The options of a PostgreSQL connection.
#[derive(Clone)]
pub struct PostgresOptions {
    /// The hosts, in the order in which they are tried.
    pub(super) hosts: Vec<HostAddress>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: Option<Secret>,
    /// The password file that limbeck ignores because other users can read it.
    pub(super) ignored_passfile: Option<PathBuf>,
    pub(super) allowed_methods: AllowedMethods,
    pub(super) tls_level: TlsLevel,
    /// TLS starts without the protocol's own request for it (`sslnegotiation=direct`).
    pub(super) direct_tls: bool,
    pub(super) tls: TlsOptions,
    pub(super) channel_binding: ChannelBinding,
    pub(super) session_attributes: SessionAttributes,
    /// The limit of each attempt to connect.
    pub(super) timeout: Option<Duration>,
    /// The parameters of the start-up message, except user and database.
    pub(super) startup: BTreeMap<String, String>,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PostgresOptions")
            .field("hosts", &self.hosts)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("password", &self.password)
            .field("ignored_passfile", &self.ignored_passfile)
            .field("allowed_methods", &self.allowed_methods)
            .field("tls_level", &self.tls_level)
            .field("direct_tls", &self.direct_tls)
            .field("tls", &self.tls)
            .field("channel_binding", &self.channel_binding)
            .field("session_attributes", &self.session_attributes)
            .field("timeout", &self.timeout)
            // A setting may carry a secret to the project's own functions.
            .field("startup", &self.startup.keys())
            .finish()
    }
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
                "user",
                "it is missing: neither the URL nor PGUSER nor the system names a user",
            )
        })?;
        let database = value("dbname").unwrap_or(&user).to_owned();
        if value("gssencmode") == Some("require") {
            return Err(problem(
                "gssencmode",
                "limbeck does not support GSSAPI encryption",
            ));
        }
        let mut hosts = hosts(value("host"), value("hostaddr"), value("port"))?;
        let (tls_level, tls) = tls::TlsParameters {
            value,
            home: process_environment.home.as_deref(),
        }
        .read(context, !hosts.iter().all(HostAddress::is_socket))?;
        let direct_tls = match value("sslnegotiation") {
            None | Some("postgres") => false,
            Some("direct") if tls_level >= TlsLevel::Require => true,
            Some("direct") => {
                return Err(problem(
                    "sslnegotiation",
                    "`direct` needs at least `sslmode=require`",
                ));
            }
            Some(other) => {
                return Err(problem(
                    "sslnegotiation",
                    &format!("`{other}` is not one of its values"),
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
                    &format!("`{other}` is not one of its values"),
                ));
            }
        };
        let allowed_methods = AllowedMethods::parse(value("require_auth"))
            .map_err(|why| problem("require_auth", &why))?;
        if value("requirepeer").is_some() && hosts.iter().any(HostAddress::is_socket) {
            let why = "limbeck does not check which user runs the server behind a socket";
            return Err(problem("requirepeer", why));
        }
        let session_attributes = match value("target_session_attrs") {
            None | Some("any") => SessionAttributes::Any,
            Some("read-write") => SessionAttributes::ReadWrite,
            Some("read-only") => SessionAttributes::ReadOnly,
            Some("primary") => SessionAttributes::Primary,
            Some("standby") => SessionAttributes::Standby,
            Some("prefer-standby") => SessionAttributes::PreferStandby,
            Some(other) => {
                return Err(problem(
                    "target_session_attrs",
                    &format!("`{other}` is not one of its values"),
                ));
            }
        };
        let timeout = value("connect_timeout")
            .map(parse_seconds)
            .transpose()
            .map_err(|why| problem("connect_timeout", &why))?
            .filter(|timeout| !timeout.is_zero());
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
            for host in &mut hosts {
                let found = file
                    .as_deref()
                    .map(|file| passfile::lookup(file, host, &database, &user));
                match found.unwrap_or(PasswordLookup::NotFound) {
                    PasswordLookup::Found(password) => host.password = Some(password),
                    PasswordLookup::ReadableByOthers => ignored_passfile.clone_from(&file),
                    PasswordLookup::NotFound => {}
                }
            }
        }
        let mut startup: BTreeMap<String, String> = settings;
        startup.insert("client_encoding".into(), "UTF8".into());
        let options = value("options").unwrap_or_default();
        let name = value("application_name").or(value("fallback_application_name"));
        // A name in `options` is the project's, and the server would prefer one that is a parameter of its own.
        let name = name.or((!options.contains("application_name")).then_some("limbeck"));
        if let Some(name) = name {
            startup
                .entry("application_name".into())
                .or_insert_with(|| name.to_owned());
        }
        if !options.is_empty() {
            startup.insert("options".into(), options.to_owned());
        }
        Ok(Self {
            hosts,
            user,
            database,
            password,
            ignored_passfile,
            allowed_methods,
            tls_level,
            direct_tls,
            tls,
            channel_binding,
            session_attributes,
            timeout,
            startup,
        })
    }

    /// Returns the addresses of all hosts.
    pub(crate) fn addresses(&self) -> String {
        let address = |host: &HostAddress| {
            let name = host.address.as_ref().unwrap_or(&host.name);
            format!("{name}:{}", host.port)
        };
        let addresses: Vec<String> = self.hosts.iter().map(address).collect();
        addresses.join(",")
    }

    /// Returns the parameters under libpq's names, without secrets; see [`crate::ConnectOptions::libpq_parameters`].
    pub(crate) fn libpq_parameters(&self) -> BTreeMap<String, String> {
        let join = |part: fn(&HostAddress) -> String| {
            let parts: Vec<String> = self.hosts.iter().map(part).collect();
            parts.join(",")
        };
        let mut parameters = BTreeMap::from([
            ("user".to_owned(), self.user.clone()),
            ("dbname".to_owned(), self.database.clone()),
            ("host".to_owned(), join(|host| host.name.clone())),
            ("port".to_owned(), join(|host| host.port.to_string())),
            ("sslmode".to_owned(), self.tls_level.name().to_owned()),
        ]);
        if let Some(options) = self.startup.get("options") {
            parameters.insert("options".to_owned(), options.clone());
        }
        parameters
    }

    /// Returns the database's name.
    pub fn database(&self) -> &str {
        &self.database
    }
}

/// Pairs the comma-separated values of `host`, `hostaddr` and `port`.
fn hosts(
    names: Option<&str>,
    addresses: Option<&str>,
    ports: Option<&str>,
) -> Result<Vec<HostAddress>, ConnectError> {
    let list = |text: Option<&str>| -> Vec<String> {
        text.map(|text| text.split(',').map(|part| part.trim().to_owned()).collect())
            .unwrap_or_default()
    };
    let (names, addresses, ports) = (list(names), list(addresses), list(ports));
    let count = names.len().max(addresses.len()).max(1);
    if !names.is_empty() && !addresses.is_empty() && names.len() != addresses.len() {
        return Err(problem(
            "hostaddr",
            "its number of addresses differs from the number of hosts",
        ));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(problem(
            "port",
            "its number of ports is neither 1 nor the number of hosts",
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
                let why = format!("`{address}` is not an IP address");
                return Err(problem("hostaddr", &why));
            }
            let port = match pick(&ports, index) {
                None => 5432,
                Some(port) => port
                    .parse()
                    .map_err(|_| problem("port", &format!("`{port}` is not a port")))?,
            };
            let name = pick(&names, index);
            let is_named = name.is_some();
            let name = name
                .or_else(|| address.clone())
                .unwrap_or_else(|| default_host(port));
            Ok(HostAddress {
                name,
                address,
                port,
                is_named,
                password: None,
            })
        })
        .collect()
}

/// Returns libpq's default: the folder that contains the server's socket, or else `localhost`.
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
