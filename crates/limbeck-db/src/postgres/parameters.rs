//! Connection parameters under libpq's names, from arguments, URL, service file and environment.

use std::collections::BTreeMap;

use limbeck_url::DatabaseUrl;

use super::service;
use crate::{
    ConnectArg, ConnectArgs, ConnectError, ConnectErrorKind, ProcessEnvironment, PythonSslContext,
};

/// Environment variables and their parameters.
const VARIABLES: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGDATABASE", "dbname"),
    ("PGPASSFILE", "passfile"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLCRL", "sslcrl"),
    ("PGSSLCRLDIR", "sslcrldir"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLMINPROTOCOLVERSION", "ssl_min_protocol_version"),
    ("PGSSLMAXPROTOCOLVERSION", "ssl_max_protocol_version"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGSSLCERTMODE", "sslcertmode"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGREQUIREAUTH", "require_auth"),
    ("PGREQUIREPEER", "requirepeer"),
    ("PGGSSENCMODE", "gssencmode"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGAPPNAME", "application_name"),
    ("PGOPTIONS", "options"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGTZ", "setting.timezone"),
    ("PGDATESTYLE", "setting.datestyle"),
    ("PGGEQO", "setting.geqo"),
];

/// Parameters that libpq rejects if they are empty, even in a variable.
pub(super) const NEVER_EMPTY: &[&str] = &["channel_binding", "sslmode", "target_session_attrs"];

/// Parameters that limbeck reads.
const USED: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssencmode",
    "host",
    "hostaddr",
    "options",
    "passfile",
    "password",
    "port",
    "require_auth",
    "requirepeer",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "user",
];

/// Parameters of drivers, or of libpq's sockets, that do not affect limbeck's connection.
const WITHOUT_EFFECT: &[&str] = &[
    "async_",
    "async_fallback",
    "autocommit",
    "client_encoding",
    "command_timeout",
    "connection_factory",
    "context",
    "cursor_factory",
    "gssdelegation",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "loop",
    "max_cacheable_statement_size",
    "max_cached_statement_lifetime",
    "max_protocol_version",
    "min_protocol_version",
    "prepare_threshold",
    "prepared_statement_cache_size",
    "prepared_statement_name_func",
    "record_class",
    "row_factory",
    "service",
    "sslcompression",
    "sslpassword",
    "statement_cache_size",
    "tcp_keepalive",
    "tcp_user_timeout",
];

/// Parameters under libpq's names, and those that have no text form.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pub(super) values: BTreeMap<String, String>,
    /// Run-time settings of the session, by name.
    pub(super) settings: BTreeMap<String, String>,
    /// A Python `SSLContext`.
    pub(super) tls: Option<PythonSslContext>,
}

impl Parameters {
    /// Collects the parameters. Arguments override the URL, and the URL overrides service file and environment.
    pub(super) fn collect(
        url: &DatabaseUrl,
        arguments: &ConnectArgs,
        process_environment: &ProcessEnvironment,
    ) -> Result<Self, ConnectError> {
        let mut parameters = Self::default();
        for (variable, name) in VARIABLES {
            if let Some(value) = process_environment.variables.get(*variable) {
                if value.is_empty() && !NEVER_EMPTY.contains(name) {
                    continue;
                }
                match name.strip_prefix("setting.") {
                    Some(setting) => parameters
                        .settings
                        .insert(setting.to_owned(), value.clone()),
                    None => parameters.values.insert((*name).to_owned(), value.clone()),
                };
            }
        }
        let service = match arguments.get("service") {
            Some(ConnectArg::Text(name)) => Some(name.as_str()),
            _ => url.query_value("service"),
        };
        let found = service::settings(service, process_environment)?;
        for (name, value) in found.unwrap_or_default() {
            parameters.set_text(&name, &value)?;
        }
        parameters.read_url(url)?;
        for (name, argument) in arguments {
            parameters.read_argument(name, argument)?;
        }
        Ok(parameters)
    }

    fn read_url(&mut self, url: &DatabaseUrl) -> Result<(), ConnectError> {
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                self.values.insert(name.to_owned(), value);
            }
        };
        set("user", url.user.clone());
        set(
            "password",
            url.password
                .as_ref()
                .map(|password| password.reveal_clear_text().to_owned()),
        );
        set("dbname", url.database.clone());
        if url.host.is_some() {
            self.values
                .insert("host".into(), url.host.clone().unwrap_or_default());
        }
        if let Some(port) = url.port {
            self.values.insert("port".into(), port.to_string());
        }
        // `host` may be repeated, each time with its own port.
        let hosts: Vec<&str> = url
            .query
            .iter()
            .filter(|(key, _)| key == "host")
            .map(|(_, value)| value.as_str())
            .collect();
        let is_socket_file = |host: &str| host.starts_with('/') && host.contains("/.s.PGSQL.");
        match &hosts[..] {
            [] => {}
            // asyncpg also accepts the socket's file here; pg8000 has `unix_sock` for it.
            [host] if url.driver.as_deref() == Some("asyncpg") && is_socket_file(host) => {
                self.set_text("unix_sock", host)?;
            }
            hosts => self.read_hosts(hosts),
        }
        for (key, value) in url.query.iter().filter(|(key, _)| key != "host") {
            self.set_text(key, value)?;
        }
        Ok(())
    }

    fn read_hosts(&mut self, hosts: &[&str]) {
        let mut names = Vec::new();
        let mut ports = Vec::new();
        for host in hosts.iter().flat_map(|hosts| hosts.split(',')) {
            if host.starts_with(['/', '@']) {
                // A socket's name may contain any character.
                names.push(host);
                ports.push("");
                continue;
            }
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port))
                    if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) =>
                {
                    (name, port)
                }
                _ => (host, ""),
            };
            names.push(name.trim_matches(['[', ']']));
            ports.push(port);
        }
        if ports.iter().any(|port| !port.is_empty()) {
            self.values.insert("port".into(), ports.join(","));
        }
        self.values.insert("host".into(), names.join(","));
    }

    fn read_argument(&mut self, name: &str, argument: &ConnectArg) -> Result<(), ConnectError> {
        match argument {
            ConnectArg::Null => Ok(()),
            _ if WITHOUT_EFFECT.contains(&name) => Ok(()),
            ConnectArg::Tls(context) if matches!(name, "ssl" | "ssl_context" | "sslcontext") => {
                self.tls = Some(context.clone());
                Ok(())
            }
            ConnectArg::Bool(flag) if matches!(name, "ssl" | "ssl_context") => {
                // `True` verifies certificate and name with the system's authorities in asyncpg, and nothing in
                // pg8000.
                let (mode, authorities) = match (name, flag) {
                    (_, false) => ("disable", None),
                    ("ssl", true) => ("verify-full", Some("system")),
                    (_, true) => ("require", None),
                };
                self.values.insert("sslmode".into(), mode.into());
                if let Some(authorities) = authorities {
                    self.values.insert("sslrootcert".into(), authorities.into());
                }
                Ok(())
            }
            // asyncpg's name, and pg8000's.
            ConnectArg::Map(settings) if matches!(name, "server_settings" | "startup_params") => {
                for (setting, value) in settings {
                    let text =
                        text_of(value).ok_or_else(|| unusable(&format!("{name}.{setting}")))?;
                    self.settings.insert(setting.clone(), text);
                }
                Ok(())
            }
            other => {
                let text = text_of(other).ok_or_else(|| match other {
                    ConnectArg::Object(kind) => unusable_object(name, kind),
                    _ => unusable(name),
                })?;
                self.set_text(name, &text)
            }
        }
    }

    fn set_text(&mut self, key: &str, value: &str) -> Result<(), ConnectError> {
        let (name, value) = match key {
            "database" | "db" => ("dbname", value.to_owned()),
            "timeout" => ("connect_timeout", value.to_owned()),
            "passwd" => ("password", value.to_owned()),
            // pg8000 names the socket's file, libpq its folder and its port.
            "unix_sock" => match value.rsplit_once("/.s.PGSQL.") {
                Some((folder, port)) => {
                    self.values.insert("port".into(), port.to_owned());
                    // The root folder is `/`, not empty.
                    (
                        "host",
                        if folder.is_empty() { "/" } else { folder }.to_owned(),
                    )
                }
                None => ("host", value.to_owned()),
            },
            // SQLAlchemy passes the value to asyncpg, which accepts underscores for dashes.
            "ssl" => ("sslmode", value.replace('_', "-")),
            "direct_tls" => (
                "sslnegotiation",
                if value == "true" {
                    "direct"
                } else {
                    "postgres"
                }
                .to_owned(),
            ),
            "requiressl" => (
                "sslmode",
                if value == "1" { "require" } else { "prefer" }.to_owned(),
            ),
            other => (other, value.to_owned()),
        };
        if USED.contains(&name) {
            self.values.insert(name.to_owned(), value);
            Ok(())
        } else if WITHOUT_EFFECT.contains(&name) {
            Ok(())
        } else {
            Err(unusable(key))
        }
    }
}

fn text_of(argument: &ConnectArg) -> Option<String> {
    match argument {
        ConnectArg::Text(text) => Some(text.clone()),
        ConnectArg::Integer(number) => Some(number.to_string()),
        ConnectArg::Real(number) => Some(number.to_string()),
        ConnectArg::Bool(flag) => Some(flag.to_string()),
        ConnectArg::Null | ConnectArg::Map(_) | ConnectArg::Tls(_) | ConnectArg::Object(_) => None,
    }
}

fn unusable_object(name: &str, kind: &str) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: format!(
            "the connection parameter `{name}` can't be used for a PostgreSQL connection: it is a Python object of the type \
             `{kind}`"
        ),
        hint: Some(
            "give it a text or a number in `connect_args`, or set it in a listener of `do_connect`"
                .into(),
        ),
    }
}

fn unusable(name: &str) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: format!(
            "the connection parameter `{name}` can't be used for a PostgreSQL connection"
        ),
        hint: Some(
            "remove it from the URL or from `connect_args`, or use libpq's name for it".into(),
        ),
    }
}
