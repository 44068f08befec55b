//! URLs for the drivers of PostgreSQL.

use super::{Output, inexpressible, left_out, tls};
use crate::connection::{ConnectionInfo, Host, Root, Tls, TlsLevel};
use crate::convert::{Argument, Conversion};
use crate::error::{ConvertError, ErrorKind, Warning};
use crate::read::write_options;
use crate::target::{Driver, Target};

mod parameters;

const DEFAULT_PORT: u16 = 5432;

pub(crate) fn render(info: &ConnectionInfo, target: Target) -> Result<Conversion, ConvertError> {
    let mut writer = Writer {
        info,
        driver: target.driver,
        out: Output::new(target.scheme),
    };
    writer.refuse_places_of_libpq()?;
    match target.driver {
        Driver::Sqlx => writer.sqlx_place()?,
        Driver::Libpq | Driver::TokioPostgres => writer.libpq_place(),
        _ => writer.sqlalchemy_place()?,
    }
    writer.tls()?;
    writer.settings();
    writer.timeout();
    writer.pooler();
    writer.parameters()?;
    Ok(writer.out.finish())
}

struct Writer<'a> {
    info: &'a ConnectionInfo,
    driver: Driver,
    out: Output,
}

fn name(driver: Driver) -> &'static str {
    match driver {
        Driver::Asyncpg => "asyncpg",
        Driver::Pg8000 => "pg8000",
        Driver::Sqlx => "sqlx",
        Driver::TokioPostgres => "tokio-postgres",
        Driver::Psycopg => "psycopg",
        Driver::Psycopg2 => "psycopg2",
        Driver::Psycopg2cffi => "psycopg2cffi",
        _ => "libpq",
    }
}

impl Writer<'_> {
    /// Places that libpq knows, and another driver takes for another one.
    fn refuse_places_of_libpq(&self) -> Result<(), ConvertError> {
        let is_asyncpg = self.driver == Driver::Asyncpg;
        let several = self.info.hosts.len() > 1;
        let is_libpqs = |host: &Host| match &host.name {
            // The default is a socket, wherever it is; SQLAlchemy refuses asyncpg an empty name among others, and
            // tokio-postgres would look for its address.
            None => several && (is_asyncpg || self.driver == Driver::TokioPostgres),
            // A socket without a file; others look for a server or a folder of this name.
            Some(name) if name.starts_with('@') => true,
            // asyncpg takes it for the socket's file.
            Some(name) => is_asyncpg && name.contains(".s.PGSQL."),
        };
        if !self.driver.is_libpq() && self.info.hosts.iter().any(is_libpqs) {
            return Err(inexpressible(
                "host",
                name(self.driver),
                "name the folder of a socket that has a file, or a host",
            ));
        }
        Ok(())
    }

    /// `user:password@host:port/database`, as SQLAlchemy splits it.
    fn sqlalchemy_place(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        info.write_credentials(&mut self.out.url);
        if self.driver == Driver::Pg8000 {
            info.one_host(name(self.driver))?;
        }
        match &info.hosts[..] {
            [] => {}
            [only] if only.socket().is_some() => {}
            [only] => self.out.url.host(only, false),
            _ => {}
        }
        if let Some(database) = &info.database {
            if info.database_needs_argument() {
                let keyword = if self.driver.is_libpq() {
                    "dbname"
                } else {
                    "database"
                };
                self.out.argument(keyword, Argument::Text(database.clone()));
            } else {
                self.out.url.raw("/");
                self.out.url.raw(database);
            }
        }
        self.sqlalchemy_hosts();
        Ok(())
    }

    /// Sockets and several hosts stand in the query.
    fn sqlalchemy_hosts(&mut self) {
        let info = self.info;
        if let Some((folder, port)) = info.only_socket() {
            if self.driver == Driver::Pg8000 {
                let port = port.unwrap_or(DEFAULT_PORT);
                let file = format!("{}/.s.PGSQL.{port}", folder.trim_end_matches('/'));
                self.out.url.pair("unix_sock", &file);
            } else {
                self.out.url.pair("host", folder);
                if let Some(port) = port {
                    self.out.url.pair("port", &port.to_string());
                }
            }
        } else if info.hosts.len() > 1 {
            let port = |host: &Host| host.port.unwrap_or(DEFAULT_PORT).to_string();
            let host_name = |host: &Host| host.name.clone().unwrap_or_default();
            let odd =
                |host: &Host| host.name.is_none() || host.is_ipv6() || host.socket().is_some();
            if info.hosts.iter().any(odd) {
                let join = |parts: Vec<String>| parts.join(",");
                self.out
                    .url
                    .pair("host", &join(info.hosts.iter().map(host_name).collect()));
                self.out
                    .url
                    .pair("port", &join(info.hosts.iter().map(port).collect()));
            } else {
                for host in &info.hosts {
                    self.out
                        .url
                        .pair("host", &format!("{}:{}", host_name(host), port(host)));
                }
            }
        }
    }

    /// libpq's URI: all in its place, all encoded.
    fn libpq_place(&mut self) {
        let info = self.info;
        info.write_credentials(&mut self.out.url);
        let sockets = info.hosts.iter().any(|host| host.socket().is_some());
        if !sockets {
            for (number, host) in info.hosts.iter().enumerate() {
                if number > 0 {
                    self.out.url.raw(",");
                }
                self.out.url.host(host, true);
            }
        }
        if let Some(database) = &info.database {
            self.out.url.raw("/");
            self.out.url.encoded(database, b"");
        } else if sockets {
            self.out.url.raw("/");
        }
        if sockets {
            let names: Vec<_> = info
                .hosts
                .iter()
                .map(|host| host.name.clone().unwrap_or_default())
                .collect();
            self.out.url.pair("host", &names.join(","));
            if info.hosts.iter().any(|host| host.port.is_some()) {
                let ports = info
                    .hosts
                    .iter()
                    .map(|host| host.port.map(|port| port.to_string()).unwrap_or_default());
                self.out
                    .url
                    .pair("port", &ports.collect::<Vec<_>>().join(","));
            }
        }
    }

    /// sqlx reads a socket from the host's place, an IPv6 address from the query alone, and no user without a host.
    fn sqlx_place(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        let host = info.one_host("sqlx")?;
        let name = host.and_then(|host| host.name.as_deref());
        let beside = name.is_none() && (info.user.is_some() || info.password.is_some());
        if !beside {
            info.write_credentials(&mut self.out.url);
        }
        match (host, name) {
            (Some(host), Some(_)) if host.is_ipv6() => {
                let local = Host {
                    name: Some("localhost".into()),
                    port: host.port,
                };
                self.out.url.host(&local, false);
            }
            (Some(host), Some(_)) => self.out.url.host(host, true),
            _ => {}
        }
        if let Some(database) = &info.database {
            self.out.url.raw("/");
            self.out.url.encoded(database, b"");
        } else if beside {
            self.out.url.raw("/");
        }
        if let Some(host) = host.filter(|host| host.is_ipv6()) {
            self.out
                .url
                .pair("host", host.name.as_deref().unwrap_or_default());
        }
        if beside {
            if let Some(user) = &info.user {
                self.out.url.pair("user", user);
            }
            if let Some(password) = &info.password {
                self.out
                    .url
                    .secret_pair("password", password.reveal_clear_text());
            }
        }
        if let Some(port) = host.filter(|_| name.is_none()).and_then(|host| host.port) {
            self.out.url.pair("port", &port.to_string());
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
            // Nothing is encrypted there, and libpq ignores what is asked for; the others fail.
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
            self.out.url.pair("sslmode", level.name());
        }
        match &tls.root {
            Some(Root::File(path)) => self.out.url.pair("sslrootcert", path),
            Some(Root::System) => {
                self.out.url.pair("sslrootcert", "system");
                if name(self.driver) != "libpq" {
                    self.out.warnings.push(Warning::about(
                        "sslrootcert",
                        "`sslrootcert=system` needs libpq 16 or newer; an older one looks for a file of that name",
                    ));
                }
            }
            None => {}
        }
        self.client_certificate(tls);
        if let Some(password) = &tls.key_password {
            self.out
                .url
                .secret_pair("sslpassword", password.reveal_clear_text());
        }
        if let Some(path) = &tls.revoked {
            self.out.url.pair("sslcrl", path);
        }
    }

    fn client_certificate(&mut self, tls: &Tls) {
        if let Some(path) = &tls.certificate {
            self.out.url.pair("sslcert", path);
        }
        if let Some(path) = &tls.key {
            self.out.url.pair("sslkey", path);
        }
    }

    fn asyncpg_tls(&mut self, tls: &Tls) -> Result<(), ConvertError> {
        let level = tls.effective();
        // A key alone belongs to the certificate in ~/.postgresql.
        if !tls.has_files() && tls.key.is_none() {
            if let Some(level) = tls.level {
                self.out.url.pair("ssl", level.name());
            }
            return Ok(());
        }
        if level == TlsLevel::Disable {
            self.out.url.pair("ssl", level.name());
            return Ok(());
        }
        refuse_below_require(tls, level, "asyncpg")?;
        if tls.root.is_none() {
            // A context can't fall back on ~/.postgresql/root.crt, with which even `require` verifies; asyncpg's
            // own reader of a URI does.
            self.asyncpg_dsn(tls);
        } else if tls.root == Some(Root::System)
            && tls.certificate.is_none()
            && tls.revoked.is_none()
        {
            self.out.argument("ssl", Argument::Bool(true));
        } else {
            self.out.argument("ssl", tls::context(tls, level));
        }
        Ok(())
    }

    fn asyncpg_dsn(&mut self, tls: &Tls) {
        let mut inner = Writer {
            info: self.info,
            driver: Driver::Libpq,
            out: Output::new("postgresql"),
        };
        inner.libpq_tls(tls);
        let inner = inner.out.finish();
        if tls.key_password.is_some() {
            self.out.url.secret_pair("dsn", inner.reveal_url());
        } else {
            self.out.url.pair("dsn", inner.reveal_url());
        }
    }

    fn pg8000_tls(&mut self, tls: &Tls) -> Result<(), ConvertError> {
        let level = tls.effective();
        match level {
            TlsLevel::Disable => self.out.argument("ssl_context", Argument::Bool(false)),
            TlsLevel::Allow | TlsLevel::Prefer => {
                if tls.has_files() {
                    refuse_below_require(tls, level, "pg8000")?;
                }
            }
            TlsLevel::Require if tls.certificate.is_none() => {
                self.out.argument("ssl_context", Argument::Bool(true));
            }
            TlsLevel::VerifyCa | TlsLevel::VerifyFull if tls.root.is_none() => {
                return Err(ConvertError::new(
                    ErrorKind::NeedsRootCert,
                    "pg8000 verifies a server only against authorities that it is given, and the URL names none",
                )
                .of("sslrootcert")
                .help("add sslrootcert=/path/to/ca.pem, or sslrootcert=system"));
            }
            level => self.out.argument("ssl_context", tls::context(tls, level)),
        }
        Ok(())
    }

    fn sqlx_tls(&mut self, tls: &Tls) -> Result<(), ConvertError> {
        if tls.key_password.is_some() {
            return Err(inexpressible(
                "sslpassword",
                "sqlx",
                "decrypt the key, or keep it in a file without a password",
            ));
        }
        let level = tls.effective();
        if tls.revoked.is_some() && level > TlsLevel::Require {
            return Err(inexpressible(
                "sslcrl",
                "sqlx",
                "sqlx would connect to a server whose certificate is revoked",
            ));
        }
        if tls.level.is_some() || tls.root.is_some() {
            // sqlx's `allow` never encrypts, and its `require` never verifies.
            let level = if level == TlsLevel::Allow {
                TlsLevel::Prefer
            } else {
                level
            };
            self.out.url.pair("sslmode", level.name());
        }
        match &tls.root {
            Some(Root::File(path)) => self.out.url.pair("sslrootcert", path),
            _ if level > TlsLevel::Require => self.out.warnings.push(Warning::about(
                "sslrootcert",
                "sqlx does not read ~/.postgresql/root.crt: it verifies with the root certificates that it was built with",
            )),
            _ => {}
        }
        self.client_certificate(tls);
        Ok(())
    }

    fn tokio_tls(&mut self, tls: &Tls) -> Result<(), ConvertError> {
        let level = tls.effective();
        if tls.has_files() || level > TlsLevel::Require {
            let parameter = if tls.root.is_some() {
                "sslrootcert"
            } else {
                "sslmode"
            };
            return Err(inexpressible(
                parameter,
                "tokio-postgres",
                "give it a TLS connector that verifies, and a URL with sslmode=require",
            ));
        }
        if tls.level.is_some() {
            let level = if level == TlsLevel::Allow {
                TlsLevel::Prefer
            } else {
                level
            };
            self.out.url.pair("sslmode", level.name());
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
                let mut beside = Vec::new();
                for (key, value) in settings {
                    if in_url == Some(&**key) {
                        self.out.url.pair(key, value);
                    } else {
                        beside.push((key.clone(), value.clone()));
                    }
                }
                beside.extend(raw.map(|raw| ("options".to_owned(), raw)));
                if !beside.is_empty() {
                    self.out.argument(keyword, Argument::Map(beside));
                }
            }
            Driver::Sqlx => {
                for (key, value) in settings {
                    if key == "application_name" {
                        self.out.url.pair(key, value);
                    } else {
                        self.out.url.pair(&format!("options[{key}]"), value);
                    }
                }
                if let Some(raw) = raw {
                    self.out.url.pair("options", &raw);
                }
            }
            _ => {
                let of_the_session = settings.iter().filter(|(key, _)| key != "application_name");
                let mut options =
                    write_options(of_the_session.map(|(key, value)| (&**key, &**value)));
                if let Some(raw) = raw {
                    options = if options.is_empty() {
                        raw
                    } else {
                        format!("{raw} {options}")
                    };
                }
                for (key, value) in settings.iter().filter(|(key, _)| key == "application_name") {
                    self.out.url.pair(key, value);
                }
                if !options.is_empty() {
                    self.out.url.pair("options", &options);
                }
            }
        }
    }

    fn timeout(&mut self) {
        let Some(seconds) = self.info.timeout else {
            return;
        };
        match self.driver {
            Driver::Asyncpg | Driver::Pg8000 => {
                self.out
                    .argument("timeout", Argument::Integer(seconds.into()));
            }
            Driver::Sqlx => self
                .out
                .warnings
                .push(left_out("connect_timeout", "a URL of sqlx")),
            _ => self.out.url.pair("connect_timeout", &seconds.to_string()),
        }
    }

    /// Prepared statements don't survive a pooler that gives each transaction another session.
    fn pooler(&mut self) {
        if !self.info.transaction_pooler {
            return;
        }
        match self.driver {
            Driver::Asyncpg => {
                self.out.url.pair("prepared_statement_cache_size", "0");
                self.out
                    .argument("statement_cache_size", Argument::Integer(0));
            }
            Driver::Psycopg => self.out.argument("prepare_threshold", Argument::None),
            Driver::Sqlx => self.out.url.pair("statement-cache-capacity", "0"),
            _ => {}
        }
    }
}

/// Files beside a level that demands nothing: a driver that ignores them would be told less than libpq is.
fn refuse_below_require(tls: &Tls, level: TlsLevel, driver: &str) -> Result<(), ConvertError> {
    if level >= TlsLevel::Require {
        return Ok(());
    }
    let parameter = match tls {
        Tls { root: Some(_), .. } => "sslrootcert",
        Tls {
            certificate: Some(_),
            ..
        } => "sslcert",
        Tls {
            revoked: Some(_), ..
        } => "sslcrl",
        _ => "sslkey",
    };
    Err(inexpressible(
        parameter,
        driver,
        "say what is meant: sslmode=verify-full, verify-ca or require",
    ))
}
