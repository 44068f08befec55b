//! Writer for the drivers of MySQL and MariaDB.

use super::{Output, dropped_parameter, inexpressible, tls};
use crate::connection::{ConnectionInfo, Host, RootCertificates, Tls, TlsLevel};
use crate::convert::{ArgumentValue, Conversion};
use crate::error::{ConvertError, Warning};
use crate::target::{Driver, Target};

/// Parameters that change the effect of statements or the credentials. They are never dropped.
const REQUIRED_PARAMETERS: &[&str] = &[
    "auth_plugin",
    "client_flag",
    "init_command",
    "read_default_file",
    "read_default_group",
    "server_public_key",
    "server_public_key_path",
    "sql_mode",
    "ssl_capath",
    "ssl_cipher",
    "time_zone",
    "timezone",
];

/// Writes a connection for a driver of MySQL or MariaDB.
pub(crate) fn render(info: &ConnectionInfo, target: Target) -> Result<Conversion, ConvertError> {
    let mut writer = Writer {
        info,
        driver: target.driver,
        output: Output::new(target.scheme),
    };
    if target.driver == Driver::Sqlx {
        writer.write_sqlx_address()?;
    } else {
        writer.write_sqlalchemy_address()?;
    }
    if info.only_socket().is_none() || target.driver != Driver::Sqlx {
        writer.check_certificate()?;
        writer.tls();
    }
    if let Some(seconds) = info.connect_timeout {
        match target.driver {
            Driver::Sqlx => writer
                .output
                .warnings
                .push(dropped_parameter("connect_timeout", "a URL of sqlx")),
            _ => writer
                .output
                .url
                .add_parameter("connect_timeout", &seconds.to_string()),
        }
    }
    writer.parameters()?;
    Ok(writer.output.finish())
}

struct Writer<'a> {
    info: &'a ConnectionInfo,
    driver: Driver,
    output: Output,
}

impl Writer<'_> {
    fn write_sqlalchemy_address(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        let password = info
            .password
            .as_ref()
            .map(|secret| self.encode_password(secret.reveal_clear_text()));
        self.output
            .url
            .push_credentials(info.user.as_deref(), password.as_deref());
        let host = info.one_host(self.driver.project_name())?;
        if let Some(host) = host.filter(|host| host.socket_path().is_none()) {
            self.output.url.push_host(host);
        }
        if let Some(database) = &info.database {
            if info.database_needs_argument() {
                // The drivers that know both names share the older one.
                let keyword = match self.driver {
                    Driver::Mysqlconnector | Driver::Mariadbconnector => "database",
                    _ => "db",
                };
                self.output
                    .add_argument(keyword, ArgumentValue::Text(database.clone()));
            } else {
                self.output.url.push("/");
                self.output.url.push(database);
            }
        } else if info.only_socket().is_some() {
            self.output.url.push("/");
        }
        if let Some((path, _)) = info.only_socket() {
            self.output.url.add_parameter("unix_socket", path);
        }
        Ok(())
    }

    fn write_sqlx_address(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        info.write_credentials(&mut self.output.url);
        match info.one_host("sqlx")? {
            Some(host) if host.socket_path().is_none() && host.name.is_some() => {
                self.output.url.push_encoded_host(host);
            }
            Some(Host {
                port: Some(port),
                name: None,
            }) => self.output.url.push(&format!("localhost:{port}")),
            // sqlx accepts a user only together with a host.
            _ => self.output.url.push("localhost"),
        }
        if let Some(database) = &info.database {
            self.output.url.push("/");
            self.output.url.push_encoded(database, b"");
        }
        if let Some((path, _)) = info.only_socket() {
            self.output.url.add_parameter("socket", path);
        }
        Ok(())
    }

    /// Returns the password for the URL. Some drivers send each character as one byte (Latin-1), so that their URL must
    /// contain the UTF-8 bytes as characters.
    fn encode_password(&self, password: &str) -> String {
        match self.driver {
            Driver::Pymysql | Driver::Aiomysql | Driver::Asyncmy => {
                password.bytes().map(char::from).collect()
            }
            _ => password.to_owned(),
        }
    }

    /// Rejects a client certificate below `require`: these drivers would not send it.
    ///
    /// They have TLS parameters only for connections that require TLS.
    fn check_certificate(&self) -> Result<(), ConvertError> {
        let tls = &self.info.tls;
        let below_require = matches!(tls.level, Some(TlsLevel::Allow | TlsLevel::Prefer));
        if tls.client_certificate.is_some()
            && below_require
            && !matches!(self.driver, Driver::Sqlx | Driver::Mysqldb)
        {
            return Err(inexpressible(
                "ssl_cert",
                self.driver.project_name(),
                "set ssl_mode to REQUIRED, VERIFY_CA or VERIFY_IDENTITY",
            ));
        }
        Ok(())
    }

    fn tls(&mut self) {
        let tls = &self.info.tls;
        let level = tls.level;
        match self.driver {
            Driver::Sqlx => self.sqlx_tls(tls),
            Driver::Mysqldb => self.mysqldb_tls(tls),
            Driver::Pymysql | Driver::Asyncmy => self.pymysql_tls(tls),
            Driver::Aiomysql => self.aiomysql_tls(tls),
            _ => {
                if level.is_some_and(|level| level >= TlsLevel::Require) {
                    self.connector_tls(tls);
                } else if level == Some(TlsLevel::Disable) && self.driver == Driver::Mysqlconnector
                {
                    self.output
                        .add_argument("ssl_disabled", ArgumentValue::Bool(true));
                }
            }
        }
    }

    /// Adds root certificates, client certificate and client key under the driver's names for them.
    fn add_files(&mut self, tls: &Tls, keys: [&str; 3]) {
        let root = match &tls.root_certificates {
            Some(RootCertificates::File(path)) => Some(path),
            _ => None,
        };
        for (key, value) in keys.into_iter().zip([
            root,
            tls.client_certificate.as_ref(),
            tls.client_key.as_ref(),
        ]) {
            if let Some(value) = value {
                self.output.url.add_parameter(key, value);
            }
        }
    }

    fn warn_of_fallback(&mut self) {
        let driver = self.driver.project_name();
        self.output.warnings.push(Warning::about(
            "ssl",
            format!(
                "{driver} connects without TLS if the server has none, and no setting prevents this downgrade; require TLS \
                 for this user on the server (`REQUIRE SSL`)"
            ),
        ));
    }

    fn warn_of_missing_preference(&mut self) {
        let driver = self.driver.project_name();
        self.output.warnings.push(Warning::about(
            "ssl-mode",
            format!("dropped `ssl-mode`: {driver} encrypts only if TLS is required"),
        ));
    }

    fn sqlx_tls(&mut self, tls: &Tls) {
        if let Some(level) = tls.level {
            let mode = mode_name(level);
            self.output.url.add_parameter("ssl-mode", mode);
        }
        self.add_files(tls, ["ssl-ca", "ssl-cert", "ssl-key"]);
    }

    fn mysqldb_tls(&mut self, tls: &Tls) {
        self.add_files(tls, ["ssl_ca", "ssl_cert", "ssl_key"]);
        if let Some(level) = tls.level {
            self.output.url.add_parameter("ssl_mode", mode_name(level));
            if level == TlsLevel::Require {
                self.warn_of_fallback();
            }
        }
    }

    /// PyMySQL and asyncmy verify the certificate if the URL names root certificates, and by default the host name, too.
    fn pymysql_tls(&mut self, tls: &Tls) {
        match tls.level {
            // PyMySQL's default is to prefer TLS, and asyncmy's is to use none.
            Some(TlsLevel::Allow | TlsLevel::Prefer) if self.driver == Driver::Asyncmy => {
                self.warn_of_missing_preference();
            }
            Some(TlsLevel::Disable) if self.driver == Driver::Pymysql => {
                self.output
                    .add_argument("ssl_disabled", ArgumentValue::Bool(true));
            }
            None | Some(TlsLevel::Disable | TlsLevel::Allow | TlsLevel::Prefer) => {}
            Some(level @ (TlsLevel::VerifyCa | TlsLevel::VerifyFull))
                if !matches!(tls.root_certificates, Some(RootCertificates::File(_))) =>
            {
                self.add_system_context(tls, level);
            }
            Some(level) => {
                let without_root = Tls {
                    root_certificates: None,
                    ..tls.clone()
                };
                // With root certificates, the drivers would verify, which `require` doesn't ask for.
                let tls = if level == TlsLevel::Require {
                    &without_root
                } else {
                    tls
                };
                self.add_files(tls, ["ssl_ca", "ssl_cert", "ssl_key"]);
                if level < TlsLevel::VerifyFull {
                    self.output.url.add_parameter("ssl_check_hostname", "false");
                }
            }
        }
    }

    fn aiomysql_tls(&mut self, tls: &Tls) {
        match tls.level {
            None | Some(TlsLevel::Disable) => {}
            Some(TlsLevel::Allow | TlsLevel::Prefer) => self.warn_of_missing_preference(),
            Some(level) => {
                if level > TlsLevel::Require
                    && !matches!(tls.root_certificates, Some(RootCertificates::File(_)))
                {
                    self.add_system_context(tls, level);
                } else {
                    self.output.add_argument("ssl", tls::context(tls, level));
                }
                self.warn_of_fallback();
            }
        }
    }

    fn add_system_context(&mut self, tls: &Tls, level: TlsLevel) {
        self.output.add_argument("ssl", tls::context(tls, level));
        self.output.warnings.push(Warning::about(
            "ssl_ca",
            "verifying against the system's certificate store, because the URL names no root certificates",
        ));
    }

    fn connector_tls(&mut self, tls: &Tls) {
        self.add_files(tls, ["ssl_ca", "ssl_cert", "ssl_key"]);
        if self.driver == Driver::Mariadbconnector {
            self.output.add_argument("ssl", ArgumentValue::Bool(true));
            self.warn_of_fallback();
        }
        let level = tls.level.unwrap_or(TlsLevel::Require);
        if level > TlsLevel::Require {
            self.output
                .add_argument("ssl_verify_cert", ArgumentValue::Bool(true));
            if self.driver == Driver::Mysqlconnector && level == TlsLevel::VerifyFull {
                self.output
                    .add_argument("ssl_verify_identity", ArgumentValue::Bool(true));
            }
        } else if self.driver == Driver::Mysqlconnector {
            self.warn_of_fallback();
        }
    }

    fn parameters(&mut self) -> Result<(), ConvertError> {
        for (key, value) in &self.info.parameters {
            if self.accepts(key) {
                self.output.url.add_parameter(key, value);
            } else if REQUIRED_PARAMETERS.contains(&&**key) {
                let help = format!("remove `{key}` from the URL if the connection doesn't need it");
                return Err(inexpressible(key, self.driver.project_name(), &help));
            } else {
                self.output
                    .warnings
                    .push(dropped_parameter(key, self.driver.project_name()));
            }
        }
        Ok(())
    }

    /// Returns `true` if the driver has a parameter of this name.
    fn accepts(&self, key: &str) -> bool {
        use Driver::{Aiomysql, Asyncmy, Mariadbconnector, Mysqlconnector, Mysqldb, Pymysql, Sqlx};
        let drivers: &[Driver] = match key {
            "charset" => &[Pymysql, Aiomysql, Asyncmy, Mysqldb, Mysqlconnector, Sqlx],
            "collation" => &[Pymysql, Mysqlconnector, Sqlx],
            "timezone" => &[Sqlx],
            "time_zone" => &[Mysqlconnector],
            "init_command" => &[
                Pymysql,
                Aiomysql,
                Asyncmy,
                Mysqldb,
                Mysqlconnector,
                Mariadbconnector,
            ],
            "sql_mode" => &[Pymysql, Aiomysql, Asyncmy, Mysqldb, Mysqlconnector],
            "read_default_file" | "read_default_group" => {
                &[Pymysql, Aiomysql, Asyncmy, Mysqldb, Mariadbconnector]
            }
            "client_flag" | "local_infile" => {
                &[Pymysql, Aiomysql, Asyncmy, Mysqldb, Mariadbconnector]
            }
            "read_timeout" => &[Pymysql, Asyncmy, Mysqldb, Mariadbconnector],
            "write_timeout" => &[Pymysql, Mysqldb, Mariadbconnector],
            "use_unicode" => &[Pymysql, Aiomysql, Asyncmy, Mysqldb, Mysqlconnector],
            "program_name" => &[Pymysql, Aiomysql, Asyncmy],
            "server_public_key" => &[Pymysql, Aiomysql, Asyncmy],
            "ssl_capath" | "ssl_cipher" => &[Pymysql, Asyncmy, Mysqldb],
            _ => &[],
        };
        drivers.contains(&self.driver)
    }
}

/// Returns MySQL's name of a level.
fn mode_name(level: TlsLevel) -> &'static str {
    match level {
        TlsLevel::Disable => "DISABLED",
        TlsLevel::Allow | TlsLevel::Prefer => "PREFERRED",
        TlsLevel::Require => "REQUIRED",
        TlsLevel::VerifyCa => "VERIFY_CA",
        TlsLevel::VerifyFull => "VERIFY_IDENTITY",
    }
}
