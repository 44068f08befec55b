//! Writer for the drivers of PostgreSQL.

use super::{Output, dropped_parameter, inexpressible, tls};
use crate::connection::{ConnectionInfo, Host, RootCertificates, Tls, TlsLevel};
use crate::convert::{ArgumentValue, Conversion};
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::read::write_options;
use crate::target::{Driver, Target};

mod parameters;

const DEFAULT_PORT: u16 = 5432;

/// Writes a connection for a driver of PostgreSQL.
pub(crate) fn render(info: &ConnectionInfo, target: Target) -> Result<Conversion, ConvertError> {
    let mut writer = Writer {
        info,
        driver: target.driver,
        output: Output::new(target.scheme),
    };
    writer.check_hosts()?;
    match target.driver {
        Driver::Sqlx => writer.write_sqlx_address()?,
        Driver::Libpq | Driver::TokioPostgres => writer.write_libpq_address(),
        _ => writer.write_sqlalchemy_address()?,
    }
    writer.tls()?;
    writer.settings();
    writer.timeout();
    writer.pooler();
    writer.parameters()?;
    Ok(writer.output.finish())
}

struct Writer<'a> {
    info: &'a ConnectionInfo,
    driver: Driver,
    output: Output,
}

impl Writer<'_> {
    /// Rejects hosts that another driver than libpq would resolve to another server.
    fn check_hosts(&self) -> Result<(), ConvertError> {
        let is_asyncpg = self.driver == Driver::Asyncpg;
        let several = self.info.hosts.len() > 1;
        let needs_libpq = |host: &Host| match &host.name {
            // libpq's default is a socket. SQLAlchemy rejects an empty name among several for asyncpg, and
            // tokio-postgres would resolve it as a host name.
            None => several && (is_asyncpg || self.driver == Driver::TokioPostgres),
            // An abstract socket. Other drivers would use a host or directory of this name.
            Some(name) if name.starts_with('@') => true,
            // asyncpg reads it as the path of the socket's file.
            Some(name) => is_asyncpg && name.contains(".s.PGSQL."),
        };
        if !self.driver.is_libpq() && self.info.hosts.iter().any(needs_libpq) {
            return Err(inexpressible(
                "host",
                self.driver.project_name(),
                "use the directory of a socket that has a file, or a host name",
            ));
        }
        Ok(())
    }

    /// Writes `user:password@host:port/database` in SQLAlchemy's syntax.
    fn write_sqlalchemy_address(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        info.write_credentials(&mut self.output.url);
        if self.driver == Driver::Pg8000 {
            info.one_host(self.driver.project_name())?;
        }
        match &info.hosts[..] {
            [] => {}
            [only] if only.socket_path().is_some() => {}
            [only] => self.output.url.push_host(only),
            _ => {}
        }
        if let Some(database) = &info.database {
            if info.database_needs_argument() {
                let keyword = if self.driver.is_libpq() {
                    "dbname"
                } else {
                    "database"
                };
                self.output
                    .add_argument(keyword, ArgumentValue::Text(database.clone()));
            } else {
                self.output.url.push("/");
                self.output.url.push(database);
            }
        }
        self.write_sqlalchemy_hosts();
        Ok(())
    }

    /// Writes a socket or several hosts, which belong into the query.
    fn write_sqlalchemy_hosts(&mut self) {
        let info = self.info;
        if let Some((folder, port)) = info.only_socket() {
            if self.driver == Driver::Pg8000 {
                let port = port.unwrap_or(DEFAULT_PORT);
                let file = format!("{}/.s.PGSQL.{port}", folder.trim_end_matches('/'));
                self.output.url.add_parameter("unix_sock", &file);
            } else {
                self.output.url.add_parameter("host", folder);
                if let Some(port) = port {
                    self.output.url.add_parameter("port", &port.to_string());
                }
            }
        } else if info.hosts.len() > 1 {
            let port = |host: &Host| host.port.unwrap_or(DEFAULT_PORT).to_string();
            let host_name = |host: &Host| host.name.clone().unwrap_or_default();
            let needs_list =
                |host: &Host| host.name.is_none() || host.is_ipv6() || host.socket_path().is_some();
            if info.hosts.iter().any(needs_list) {
                let join = |parts: Vec<String>| parts.join(",");
                self.output
                    .url
                    .add_parameter("host", &join(info.hosts.iter().map(host_name).collect()));
                self.output
                    .url
                    .add_parameter("port", &join(info.hosts.iter().map(port).collect()));
            } else {
                for host in &info.hosts {
                    self.output
                        .url
                        .add_parameter("host", &format!("{}:{}", host_name(host), port(host)));
                }
            }
        }
    }

    /// Writes the address of a libpq URI, in which every part is encoded.
    fn write_libpq_address(&mut self) {
        let info = self.info;
        info.write_credentials(&mut self.output.url);
        let sockets = info.hosts.iter().any(|host| host.socket_path().is_some());
        if !sockets {
            for (number, host) in info.hosts.iter().enumerate() {
                if number > 0 {
                    self.output.url.push(",");
                }
                self.output.url.push_encoded_host(host);
            }
        }
        if let Some(database) = &info.database {
            self.output.url.push("/");
            self.output.url.push_encoded(database, b"");
        } else if sockets {
            self.output.url.push("/");
        }
        if sockets {
            let names: Vec<_> = info
                .hosts
                .iter()
                .map(|host| host.name.clone().unwrap_or_default())
                .collect();
            self.output.url.add_parameter("host", &names.join(","));
            if info.hosts.iter().any(|host| host.port.is_some()) {
                let ports = info
                    .hosts
                    .iter()
                    .map(|host| host.port.map(|port| port.to_string()).unwrap_or_default());
                self.output
                    .url
                    .add_parameter("port", &ports.collect::<Vec<_>>().join(","));
            }
        }
    }

    /// Writes the address for sqlx. sqlx reads a socket from the host, an IPv6 address from the query only, and rejects a
    /// user without a host.
    fn write_sqlx_address(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        let host = info.one_host("sqlx")?;
        let name = host.and_then(|host| host.name.as_deref());
        let credentials_in_query =
            name.is_none() && (info.user.is_some() || info.password.is_some());
        if !credentials_in_query {
            info.write_credentials(&mut self.output.url);
        }
        match (host, name) {
            (Some(host), Some(_)) if host.is_ipv6() => {
                let local = Host {
                    name: Some("localhost".into()),
                    port: host.port,
                };
                self.output.url.push_host(&local);
            }
            (Some(host), Some(_)) => self.output.url.push_encoded_host(host),
            _ => {}
        }
        if let Some(database) = &info.database {
            self.output.url.push("/");
            self.output.url.push_encoded(database, b"");
        } else if credentials_in_query {
            self.output.url.push("/");
        }
        if let Some(host) = host.filter(|host| host.is_ipv6()) {
            self.output
                .url
                .add_parameter("host", host.name.as_deref().unwrap_or_default());
        }
        if credentials_in_query {
            if let Some(user) = &info.user {
                self.output.url.add_parameter("user", user);
            }
            if let Some(password) = &info.password {
                self.output
                    .url
                    .add_secret_parameter("password", password.reveal_clear_text());
            }
        }
        if let Some(port) = host.filter(|_| name.is_none()).and_then(|host| host.port) {
            self.output.url.add_parameter("port", &port.to_string());
        }
        Ok(())
    }

    fn tls(&mut self) -> Result<(), ConvertError> {
        let tls = &self.info.tls;
        if self.driver.is_libpq() {
            self.libpq_tls(tls);
            return Ok(());
        }
        if self.info.only_socket().is_some() {
            // Sockets have no TLS. libpq ignores the TLS parameters there, and other drivers would fail.
            return Ok(());
        }
        match self.driver {
            Driver::Asyncpg => self.asyncpg_tls(tls),
            Driver::Pg8000 => self.pg8000_tls(tls),
            Driver::TokioPostgres => self.tokio_tls(tls),
            _ => self.sqlx_tls(tls),
        }
    }

    fn libpq_tls(&mut self, tls: &Tls) {
        if let Some(level) = tls.level {
            self.output.url.add_parameter("sslmode", level.name());
        }
        match &tls.root_certificates {
            Some(RootCertificates::File(path)) => {
                self.output.url.add_parameter("sslrootcert", path);
            }
            Some(RootCertificates::System) => {
                self.output.url.add_parameter("sslrootcert", "system");
                if self.driver != Driver::Libpq {
                    self.output.warnings.push(Warning::about(
                        "sslrootcert",
                        "`sslrootcert=system` needs libpq 16 or newer; older versions read it as a file name",
                    ));
                }
            }
            None => {}
        }
        self.client_certificate(tls);
        if let Some(password) = &tls.client_key_password {
            self.output
                .url
                .add_secret_parameter("sslpassword", password.reveal_clear_text());
        }
        if let Some(path) = &tls.revocation_list {
            self.output.url.add_parameter("sslcrl", path);
        }
    }

    fn client_certificate(&mut self, tls: &Tls) {
        if let Some(path) = &tls.client_certificate {
            self.output.url.add_parameter("sslcert", path);
        }
        if let Some(path) = &tls.client_key {
            self.output.url.add_parameter("sslkey", path);
        }
    }

    fn asyncpg_tls(&mut self, tls: &Tls) -> Result<(), ConvertError> {
        let level = tls.effective_level();
        // A key without a certificate belongs to the certificate in ~/.postgresql.
        if !tls.has_files() && tls.client_key.is_none() {
            if let Some(level) = tls.level {
                self.output.url.add_parameter("ssl", level.name());
            }
            return Ok(());
        }
        if level == TlsLevel::Disable {
            self.output.url.add_parameter("ssl", level.name());
            return Ok(());
        }
        check_files_level(tls, level, "asyncpg")?;
        if tls.root_certificates.is_none() {
            // A context can't fall back on ~/.postgresql/root.crt, with which even `require` verifies; asyncpg's
            // own reader of a URI does.
            self.asyncpg_dsn(tls);
        } else if tls.root_certificates == Some(RootCertificates::System)
            && tls.client_certificate.is_none()
            && tls.revocation_list.is_none()
        {
            self.output.add_argument("ssl", ArgumentValue::Bool(true));
        } else {
            self.output.add_argument("ssl", tls::context(tls, level));
        }
        Ok(())
    }

    fn asyncpg_dsn(&mut self, tls: &Tls) {
        let mut inner = Writer {
            info: self.info,
            driver: Driver::Libpq,
            output: Output::new("postgresql"),
        };
        inner.libpq_tls(tls);
        let inner = inner.output.finish();
        if tls.client_key_password.is_some() {
            self.output
                .url
                .add_secret_parameter("dsn", inner.reveal_url());
        } else {
            self.output.url.add_parameter("dsn", inner.reveal_url());
        }
    }

    fn pg8000_tls(&mut self, tls: &Tls) -> Result<(), ConvertError> {
        let level = tls.effective_level();
        match level {
            TlsLevel::Disable => self
                .output
                .add_argument("ssl_context", ArgumentValue::Bool(false)),
            TlsLevel::Allow | TlsLevel::Prefer => {
                if tls.has_files() {
                    check_files_level(tls, level, "pg8000")?;
                }
            }
            TlsLevel::Require if tls.client_certificate.is_none() => {
                self.output
                    .add_argument("ssl_context", ArgumentValue::Bool(true));
            }
            TlsLevel::VerifyCa | TlsLevel::VerifyFull if tls.root_certificates.is_none() => {
                return Err(ConvertError::new(
                    ErrorKind::NeedsRootCert,
                    "pg8000 verifies a server only against explicit root certificates, and the URL names none",
                )
                .about("sslrootcert")
                .with_help("add sslrootcert=/path/to/ca.pem, or sslrootcert=system"));
            }
            level => self
                .output
                .add_argument("ssl_context", tls::context(tls, level)),
        }
        Ok(())
    }

    fn sqlx_tls(&mut self, tls: &Tls) -> Result<(), ConvertError> {
        if tls.client_key_password.is_some() {
            return Err(inexpressible(
                "sslpassword",
                "sqlx",
                "decrypt the key, or use a key without a password",
            ));
        }
        let level = tls.effective_level();
        if tls.revocation_list.is_some() && level > TlsLevel::Require {
            return Err(inexpressible(
                "sslcrl",
                "sqlx",
                "remove `sslcrl` if sqlx may accept a revoked certificate",
            ));
        }
        if tls.level.is_some() || tls.root_certificates.is_some() {
            // sqlx's `allow` never encrypts, and its `require` never verifies.
            let level = if level == TlsLevel::Allow {
                TlsLevel::Prefer
            } else {
                level
            };
            self.output.url.add_parameter("sslmode", level.name());
        }
        match &tls.root_certificates {
            Some(RootCertificates::File(path)) => self.output.url.add_parameter("sslrootcert", path),
            _ if level > TlsLevel::Require => self.output.warnings.push(Warning::about(
                "sslrootcert",
                "sqlx does not read ~/.postgresql/root.crt: it verifies with the root certificates that it was built with",
            )),
            _ => {}
        }
        self.client_certificate(tls);
        Ok(())
    }

    fn tokio_tls(&mut self, tls: &Tls) -> Result<(), ConvertError> {
        let level = tls.effective_level();
        if tls.has_files() || level > TlsLevel::Require {
            let parameter = if tls.root_certificates.is_some() {
                "sslrootcert"
            } else {
                "sslmode"
            };
            return Err(inexpressible(
                parameter,
                "tokio-postgres",
                "configure a verifying TLS connector, and use a URL with sslmode=require",
            ));
        }
        if tls.level.is_some() {
            let level = if level == TlsLevel::Allow {
                TlsLevel::Prefer
            } else {
                level
            };
            self.output.url.add_parameter("sslmode", level.name());
        }
        Ok(())
    }

    fn settings(&mut self) {
        let settings = &self.info.settings;
        let raw = self
            .info
            .parameters
            .iter()
            .find(|(key, _)| key == "options")
            .map(|(_, value)| value.clone());
        match self.driver {
            Driver::Asyncpg | Driver::Pg8000 => {
                let (keyword, in_url) = match self.driver {
                    Driver::Asyncpg => ("server_settings", None),
                    _ => ("startup_params", Some("application_name")),
                };
                let mut arguments = Vec::new();
                for (key, value) in settings {
                    if in_url == Some(&**key) {
                        self.output.url.add_parameter(key, value);
                    } else {
                        arguments.push((key.clone(), value.clone()));
                    }
                }
                arguments.extend(raw.map(|raw| ("options".to_owned(), raw)));
                if !arguments.is_empty() {
                    self.output
                        .add_argument(keyword, ArgumentValue::Map(arguments));
                }
            }
            Driver::Sqlx => {
                for (key, value) in settings {
                    if key == "application_name" {
                        self.output.url.add_parameter(key, value);
                    } else {
                        self.output
                            .url
                            .add_parameter(&format!("options[{key}]"), value);
                    }
                }
                if let Some(raw) = raw {
                    self.output.url.add_parameter("options", &raw);
                }
            }
            _ => {
                let session_settings = settings.iter().filter(|(key, _)| key != "application_name");
                let mut options =
                    write_options(session_settings.map(|(key, value)| (&**key, &**value)));
                if let Some(raw) = raw {
                    options = if options.is_empty() {
                        raw
                    } else {
                        format!("{raw} {options}")
                    };
                }
                for (key, value) in settings.iter().filter(|(key, _)| key == "application_name") {
                    self.output.url.add_parameter(key, value);
                }
                if !options.is_empty() {
                    self.output.url.add_parameter("options", &options);
                }
            }
        }
    }

    fn timeout(&mut self) {
        let Some(seconds) = self.info.connect_timeout else {
            return;
        };
        match self.driver {
            Driver::Asyncpg | Driver::Pg8000 => {
                self.output
                    .add_argument("timeout", ArgumentValue::Integer(seconds.into()));
            }
            Driver::Sqlx => self
                .output
                .warnings
                .push(dropped_parameter("connect_timeout", "a URL of sqlx")),
            _ => self
                .output
                .url
                .add_parameter("connect_timeout", &seconds.to_string()),
        }
    }

    /// Disables prepared statements behind a pooler by transaction, where the next transaction has another session.
    fn pooler(&mut self) {
        if !self.info.transaction_pooler {
            return;
        }
        match self.driver {
            Driver::Asyncpg => {
                self.output
                    .url
                    .add_parameter("prepared_statement_cache_size", "0");
                self.output
                    .add_argument("statement_cache_size", ArgumentValue::Integer(0));
            }
            Driver::Psycopg => self
                .output
                .add_argument("prepare_threshold", ArgumentValue::None),
            Driver::Sqlx => self
                .output
                .url
                .add_parameter("statement-cache-capacity", "0"),
            _ => {}
        }
    }
}

/// Rejects certificates and keys at a level below `require`, at which the driver would ignore them and libpq wouldn't.
fn check_files_level(tls: &Tls, level: TlsLevel, driver: &str) -> Result<(), ConvertError> {
    if level >= TlsLevel::Require {
        return Ok(());
    }
    let parameter = match tls {
        Tls {
            root_certificates: Some(_),
            ..
        } => "sslrootcert",
        Tls {
            client_certificate: Some(_),
            ..
        } => "sslcert",
        Tls {
            revocation_list: Some(_),
            ..
        } => "sslcrl",
        _ => "sslkey",
    };
    Err(inexpressible(
        parameter,
        driver,
        "set sslmode to verify-full, verify-ca or require",
    ))
}
