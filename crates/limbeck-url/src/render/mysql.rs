//! URLs for the drivers of MySQL and MariaDB.

use super::{Output, inexpressible, left_out, tls};
use crate::connection::{ConnectionInfo, Host, Root, Tls, TlsLevel};
use crate::convert::{Argument, Conversion};
use crate::error::{ConvertError, Warning};
use crate::target::{Driver, Target};

/// Parameters that change what statements do, or with which credentials: they are never left out.
const NEEDED: &[&str] = &[
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

pub(crate) fn render(info: &ConnectionInfo, target: Target) -> Result<Conversion, ConvertError> {
    let mut writer = Writer {
        info,
        driver: target.driver,
        out: Output::new(target.scheme),
    };
    if target.driver == Driver::Sqlx {
        writer.sqlx_place()?;
    } else {
        writer.sqlalchemy_place()?;
    }
    if info.only_socket().is_none() || target.driver != Driver::Sqlx {
        writer.keep_certificate()?;
        writer.tls();
    }
    if let Some(seconds) = info.timeout {
        match target.driver {
            Driver::Sqlx => writer
                .out
                .warnings
                .push(left_out("connect_timeout", "a URL of sqlx")),
            _ => writer.out.url.pair("connect_timeout", &seconds.to_string()),
        }
    }
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
        Driver::Pymysql => "PyMySQL",
        Driver::Aiomysql => "aiomysql",
        Driver::Asyncmy => "asyncmy",
        Driver::Mysqldb => "mysqlclient",
        Driver::Mysqlconnector => "mysql-connector-python",
        Driver::Mariadbconnector => "mariadb-connector-python",
        _ => "sqlx",
    }
}

impl Writer<'_> {
    fn sqlalchemy_place(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        let password = info
            .password
            .as_ref()
            .map(|secret| self.as_sent(secret.reveal_clear_text()));
        self.out
            .url
            .credentials(info.user.as_deref(), password.as_deref());
        let host = info.one_host(name(self.driver))?;
        if let Some(host) = host.filter(|host| host.socket().is_none()) {
            self.out.url.host(host, false);
        }
        if let Some(database) = &info.database {
            if info.database_needs_argument() {
                // Every driver of the family knows the older of its two names.
                let keyword = match self.driver {
                    Driver::Mysqlconnector | Driver::Mariadbconnector => "database",
                    _ => "db",
                };
                self.out.argument(keyword, Argument::Text(database.clone()));
            } else {
                self.out.url.raw("/");
                self.out.url.raw(database);
            }
        } else if info.only_socket().is_some() {
            self.out.url.raw("/");
        }
        if let Some((path, _)) = info.only_socket() {
            self.out.url.pair("unix_socket", path);
        }
        Ok(())
    }

    fn sqlx_place(&mut self) -> Result<(), ConvertError> {
        let info = self.info;
        info.write_credentials(&mut self.out.url);
        match info.one_host("sqlx")? {
            Some(host) if host.socket().is_none() && host.name.is_some() => {
                self.out.url.host(host, true);
            }
            Some(Host {
                port: Some(port),
                name: None,
            }) => self.out.url.raw(&format!("localhost:{port}")),
            // A user needs a host behind it.
            _ => self.out.url.raw("localhost"),
        }
        if let Some(database) = &info.database {
            self.out.url.raw("/");
            self.out.url.encoded(database, b"");
        }
        if let Some((path, _)) = info.only_socket() {
            self.out.url.pair("socket", path);
        }
        Ok(())
    }

    /// These drivers send a text's characters as Latin-1: UTF-8 must come in as such characters.
    fn as_sent(&self, password: &str) -> String {
        match self.driver {
            Driver::Pymysql | Driver::Aiomysql | Driver::Asyncmy => {
                password.bytes().map(char::from).collect()
            }
            _ => password.to_owned(),
        }
    }

    /// Drivers that are told of TLS only when it is required would leave a client's certificate at home.
    fn keep_certificate(&self) -> Result<(), ConvertError> {
        let tls = &self.info.tls;
        let below_require = matches!(tls.level, Some(TlsLevel::Allow | TlsLevel::Prefer));
        if tls.certificate.is_some()
            && below_require
            && !matches!(self.driver, Driver::Sqlx | Driver::Mysqldb)
        {
            return Err(inexpressible(
                "ssl_cert",
                name(self.driver),
                "say what is meant: ssl_mode=REQUIRED, VERIFY_CA or VERIFY_IDENTITY",
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
                    self.out.argument("ssl_disabled", Argument::Bool(true));
                }
            }
        }
    }

    fn files(&mut self, tls: &Tls, keys: [&str; 3]) {
        let root = match &tls.root {
            Some(Root::File(path)) => Some(path),
            _ => None,
        };
        for (key, value) in keys
            .into_iter()
            .zip([root, tls.certificate.as_ref(), tls.key.as_ref()])
        {
            if let Some(value) = value {
                self.out.url.pair(key, value);
            }
        }
    }

    fn warn_of_plain(&mut self) {
        let driver = name(self.driver);
        self.out.warnings.push(Warning::about(
            "ssl",
            format!(
                "{driver} goes on in clear with a server that has no TLS, a downgrade that no setting of it prevents; \
                 have the server demand TLS of this user (`REQUIRE SSL`)"
            ),
        ));
    }

    fn warn_of_no_preference(&mut self) {
        let driver = name(self.driver);
        self.out.warnings.push(Warning::about(
            "ssl-mode",
            format!(
                "`ssl-mode` was left out: {driver} encrypts when it is told to, and never by itself"
            ),
        ));
    }

    fn sqlx_tls(&mut self, tls: &Tls) {
        if let Some(level) = tls.level {
            let word = mode(level);
            self.out.url.pair("ssl-mode", word);
        }
        self.files(tls, ["ssl-ca", "ssl-cert", "ssl-key"]);
    }

    fn mysqldb_tls(&mut self, tls: &Tls) {
        self.files(tls, ["ssl_ca", "ssl_cert", "ssl_key"]);
        if let Some(level) = tls.level {
            self.out.url.pair("ssl_mode", mode(level));
            if level == TlsLevel::Require {
                self.warn_of_plain();
            }
        }
    }

    /// PyMySQL and asyncmy verify when they are given authorities, and the name unless told otherwise.
    fn pymysql_tls(&mut self, tls: &Tls) {
        match tls.level {
            // PyMySQL prefers it by itself, and asyncmy has none by itself.
            Some(TlsLevel::Allow | TlsLevel::Prefer) if self.driver == Driver::Asyncmy => {
                self.warn_of_no_preference();
            }
            Some(TlsLevel::Disable) if self.driver == Driver::Pymysql => {
                self.out.argument("ssl_disabled", Argument::Bool(true));
            }
            None | Some(TlsLevel::Disable | TlsLevel::Allow | TlsLevel::Prefer) => {}
            Some(level @ (TlsLevel::VerifyCa | TlsLevel::VerifyFull))
                if !matches!(tls.root, Some(Root::File(_))) =>
            {
                self.system_authorities(tls, level);
            }
            Some(level) => {
                let without_root = Tls {
                    root: None,
                    ..tls.clone()
                };
                // Authorities would be verified against, which `require` does not ask for.
                let tls = if level == TlsLevel::Require {
                    &without_root
                } else {
                    tls
                };
                self.files(tls, ["ssl_ca", "ssl_cert", "ssl_key"]);
                if level < TlsLevel::VerifyFull {
                    self.out.url.pair("ssl_check_hostname", "false");
                }
            }
        }
    }

    fn aiomysql_tls(&mut self, tls: &Tls) {
        match tls.level {
            None | Some(TlsLevel::Disable) => {}
            Some(TlsLevel::Allow | TlsLevel::Prefer) => self.warn_of_no_preference(),
            Some(level) => {
                if level > TlsLevel::Require && !matches!(tls.root, Some(Root::File(_))) {
                    self.system_authorities(tls, level);
                } else {
                    self.out.argument("ssl", tls::context(tls, level));
                }
                self.warn_of_plain();
            }
        }
    }

    fn system_authorities(&mut self, tls: &Tls, level: TlsLevel) {
        self.out.argument("ssl", tls::context(tls, level));
        self.out.warnings.push(Warning::about(
            "ssl_ca",
            "no file of root certificates is named: the system's are verified against",
        ));
    }

    fn connector_tls(&mut self, tls: &Tls) {
        self.files(tls, ["ssl_ca", "ssl_cert", "ssl_key"]);
        if self.driver == Driver::Mariadbconnector {
            self.out.argument("ssl", Argument::Bool(true));
            self.warn_of_plain();
        }
        let level = tls.level.unwrap_or(TlsLevel::Require);
        if level > TlsLevel::Require {
            self.out.argument("ssl_verify_cert", Argument::Bool(true));
            if self.driver == Driver::Mysqlconnector && level == TlsLevel::VerifyFull {
                self.out
                    .argument("ssl_verify_identity", Argument::Bool(true));
            }
        } else if self.driver == Driver::Mysqlconnector {
            self.warn_of_plain();
        }
    }

    fn parameters(&mut self) -> Result<(), ConvertError> {
        for (key, value) in &self.info.parameters {
            if self.takes(key) {
                self.out.url.pair(key, value);
            } else if NEEDED.contains(&&**key) {
                let way_out =
                    format!("take `{key}` out of the URL if the connection may do without it");
                return Err(inexpressible(key, name(self.driver), &way_out));
            } else {
                self.out.warnings.push(left_out(key, name(self.driver)));
            }
        }
        Ok(())
    }

    fn takes(&self, key: &str) -> bool {
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

/// MySQL's word for a level.
fn mode(level: TlsLevel) -> &'static str {
    match level {
        TlsLevel::Disable => "DISABLED",
        TlsLevel::Allow | TlsLevel::Prefer => "PREFERRED",
        TlsLevel::Require => "REQUIRED",
        TlsLevel::VerifyCa => "VERIFY_CA",
        TlsLevel::VerifyFull => "VERIFY_IDENTITY",
    }
}
