//! What a MySQL or MariaDB URL means.

use super::{bad_value, conflict, flag, once, seconds};
use crate::connection::{ConnectionInfo, Host, Root, TlsLevel};
use crate::error::{ConvertError, Warning};
use crate::secret::Secret;
use crate::source::{Reader, Split, port};
use crate::target::Driver;

/// Other spellings of a parameter: those of `mysql`'s options, of sqlx, JDBC and Prisma.
fn usual(key: &str) -> &str {
    match key {
        "ssl-mode" | "sslmode" | "sslMode" => "ssl_mode",
        "ssl-ca" | "sslca" => "ssl_ca",
        "ssl-cert" | "sslcert" => "ssl_cert",
        "ssl-key" | "sslkey" => "ssl_key",
        "socket" => "unix_socket",
        "connect-timeout" | "connectTimeout" => "connect_timeout",
        other => other,
    }
}

/// What a URL says about TLS, before the driver's way of putting it together is applied.
#[derive(Default)]
struct Asked {
    mode: Option<TlsLevel>,
    disabled: bool,
    check_hostname: Option<bool>,
    verify_certificate: Option<bool>,
    verify_identity: Option<bool>,
}

pub(super) fn read(split: Split) -> Result<(ConnectionInfo, Vec<Warning>), ConvertError> {
    let Split {
        backend,
        reader,
        user,
        password,
        hosts,
        database,
        query,
        mut warnings,
    } = split;
    let mut info = ConnectionInfo::new(backend);
    info.user = user;
    info.password = password.map(|text| Secret::new(as_sent(reader, text)));
    info.database = database;
    info.hosts = hosts;
    let mut asked = Asked::default();
    let query = query
        .into_iter()
        .map(|(key, value)| (usual(&key).to_owned(), value));
    for (key, value) in once(query.collect(), &[])? {
        match &*key {
            "user" => info.user = Some(value),
            "password" | "passwd" => info.password = Some(Secret::new(as_sent(reader, value))),
            "db" | "database" => info.database = Some(value),
            "host" => {
                let port = info.hosts.first().and_then(|host| host.port);
                info.hosts = vec![Host {
                    name: Some(value),
                    port,
                }];
            }
            "port" => {
                let number = port(&value)?;
                match info.hosts.first_mut() {
                    Some(host) => host.port = number,
                    None => info.hosts.push(Host {
                        name: None,
                        port: number,
                    }),
                }
            }
            "unix_socket" if !value.starts_with('/') => {
                return Err(bad_value(&key, "the socket's path from the root"));
            }
            "unix_socket" => {
                info.hosts = vec![Host {
                    name: Some(value),
                    port: None,
                }];
            }
            "ssl_mode" => asked.level(&key, mode(&value)?)?,
            "ssl" => match value.strip_prefix('{') {
                // Node's way: `ssl={"rejectUnauthorized":true}`.
                Some(object)
                    if object
                        .replace(' ', "")
                        .contains("\"rejectUnauthorized\":true") =>
                {
                    asked.level(&key, TlsLevel::VerifyFull)?;
                }
                Some(_) => asked.level(&key, TlsLevel::Require)?,
                None => asked.yes_or_no(&key, &value)?,
            },
            "useSSL" | "requireSSL" | "use_ssl" => asked.yes_or_no(&key, &value)?,
            "sslaccept" => match &*value {
                "strict" => asked.level(&key, TlsLevel::VerifyFull)?,
                "accept_invalid_certs" => asked.level(&key, TlsLevel::Require)?,
                _ => return Err(bad_value(&key, "`strict` or `accept_invalid_certs`")),
            },
            "ssl_disabled" if flag(&key, &value)? => asked.disabled = true,
            "ssl_disabled" => {
                return Err(bad_value(
                    &key,
                    "nothing: in a URL even `false` switches TLS off, as any text is true",
                ));
            }
            "ssl_check_hostname" => asked.check_hostname = Some(flag(&key, &value)?),
            "ssl_verify_cert" | "verifyServerCertificate" => {
                asked.verify_certificate = Some(flag(&key, &value)?);
            }
            "ssl_verify_identity" => asked.verify_identity = Some(flag(&key, &value)?),
            "ssl_ca" => info.tls.root = Some(Root::File(value)),
            "ssl_cert" => info.tls.certificate = Some(value),
            "ssl_key" => info.tls.key = Some(value),
            "connect_timeout" => info.timeout = seconds(&key, &value)?,
            _ => info.parameters.push((key, value)),
        }
    }
    info.tls.level = asked.together(info.tls.root.is_some(), info.tls.certificate.is_some())?;
    if info.tls.root.is_some()
        && info.tls.level == Some(TlsLevel::VerifyFull)
        && reader == Reader::SqlAlchemy(Driver::Mysqldb)
        && asked.mode.is_none()
    {
        warnings.push(Warning::about(
            "ssl_ca",
            "mysqlclient without `ssl_mode` may go on in clear; the certificate and its name were taken to be asked for",
        ));
    }
    Ok((info, warnings))
}

/// MySQL's word for a level, or libpq's.
fn mode(value: &str) -> Result<TlsLevel, ConvertError> {
    Ok(match &*value.to_ascii_uppercase().replace('-', "_") {
        "DISABLED" | "DISABLE" => TlsLevel::Disable,
        "PREFERRED" | "PREFER" => TlsLevel::Prefer,
        "REQUIRED" | "REQUIRE" => TlsLevel::Require,
        "VERIFY_CA" => TlsLevel::VerifyCa,
        "VERIFY_IDENTITY" | "VERIFY_FULL" => TlsLevel::VerifyFull,
        _ => {
            let words = "`DISABLED`, `PREFERRED`, `REQUIRED`, `VERIFY_CA` or `VERIFY_IDENTITY`";
            return Err(bad_value("ssl_mode", words));
        }
    })
}

impl Asked {
    fn level(&mut self, key: &str, level: TlsLevel) -> Result<(), ConvertError> {
        match self.mode.replace(level) {
            Some(other) if other != level => Err(conflict(key)),
            _ => Ok(()),
        }
    }

    fn yes_or_no(&mut self, key: &str, value: &str) -> Result<(), ConvertError> {
        let level = if flag(key, value)? {
            TlsLevel::Require
        } else {
            TlsLevel::Disable
        };
        self.level(key, level)
    }

    /// As PyMySQL puts it together: authorities are there to verify with, the name included.
    fn together(
        &self,
        has_root: bool,
        has_certificate: bool,
    ) -> Result<Option<TlsLevel>, ConvertError> {
        let asks = has_root || has_certificate || self.check_hostname.is_some();
        if self.disabled {
            return match self.mode {
                Some(level) if level > TlsLevel::Prefer => Err(conflict("ssl_disabled")),
                _ => Ok(Some(TlsLevel::Disable)),
            };
        }
        let verified = if self.check_hostname == Some(false) || self.verify_identity == Some(false)
        {
            TlsLevel::VerifyCa
        } else {
            TlsLevel::VerifyFull
        };
        let derived = if self.verify_certificate == Some(false) {
            Some(TlsLevel::Require)
        } else if has_root
            || self.verify_certificate == Some(true)
            || self.verify_identity == Some(true)
        {
            Some(verified)
        } else if asks {
            Some(TlsLevel::Require)
        } else {
            None
        };
        Ok(match (self.mode, derived) {
            (None, derived) => derived,
            // A mode is the last word, but authorities beside `REQUIRED` are there to verify with.
            (Some(TlsLevel::Require), Some(derived)) if has_root => {
                Some(derived.min(TlsLevel::VerifyCa))
            }
            (Some(mode), _) => Some(mode),
        })
    }
}

/// Drivers that send a password's characters as Latin-1: theirs is the text whose UTF-8 they stand for.
fn as_sent(reader: Reader, text: String) -> String {
    if !matches!(
        reader,
        Reader::SqlAlchemy(Driver::Pymysql | Driver::Aiomysql | Driver::Asyncmy)
    ) {
        return text;
    }
    let bytes: Option<Vec<u8>> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or(text)
}
