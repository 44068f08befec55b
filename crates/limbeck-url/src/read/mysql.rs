//! Interpretation of MySQL and MariaDB URLs.

use super::{conflict, invalid_value, parse_bool, parse_seconds, unique_parameters};
use crate::connection::{ConnectionInfo, Host, RootCertificates, Tls, TlsLevel};
use crate::error::{ConvertError, Warning};
use crate::secret::Secret;
use crate::source::{SplitUrl, Syntax, parse_port};
use crate::target::Driver;

/// Returns the usual name of a parameter for its spelling in `mysql`'s options, sqlx, JDBC or Prisma.
fn canonical_name(key: &str) -> &str {
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

/// The TLS parameters of a URL, before they are combined.
#[derive(Default)]
struct TlsParameters {
    mode: Option<TlsLevel>,
    disabled: Option<bool>,
    check_hostname: Option<bool>,
    verify_certificate: Option<bool>,
    verify_identity: Option<bool>,
}

/// Interprets the parts of a MySQL or MariaDB URL.
pub(super) fn interpret(parts: SplitUrl) -> Result<(ConnectionInfo, Vec<Warning>), ConvertError> {
    let SplitUrl {
        backend,
        syntax,
        user,
        password,
        hosts,
        database,
        query,
        mut warnings,
    } = parts;
    let mut info = ConnectionInfo::new(backend);
    info.user = user;
    info.password = password.map(|text| Secret::new(decode_password(syntax, text)));
    info.database = database;
    info.hosts = hosts;
    let mut parameters = TlsParameters::default();
    let query = query
        .into_iter()
        .map(|(key, value)| (canonical_name(&key).to_owned(), value));
    for (key, value) in unique_parameters(query.collect(), &[])? {
        match &*key {
            "user" => info.user = Some(value),
            "password" | "passwd" => {
                info.password = Some(Secret::new(decode_password(syntax, value)));
            }
            "db" | "database" => info.database = Some(value),
            "host" => {
                let port = info.hosts.first().and_then(|host| host.port);
                info.hosts = vec![Host {
                    name: Some(value),
                    port,
                }];
            }
            "port" => {
                let number = parse_port(&value)?;
                match info.hosts.first_mut() {
                    Some(host) => host.port = number,
                    None => info.hosts.push(Host {
                        name: None,
                        port: number,
                    }),
                }
            }
            "unix_socket" if !value.starts_with('/') => {
                return Err(invalid_value(&key, "the absolute path of the socket"));
            }
            "unix_socket" => {
                info.hosts = vec![Host {
                    name: Some(value),
                    port: None,
                }];
            }
            "ssl_mode" => parameters.set_mode(&key, parse_mode(&value)?)?,
            "ssl" => match value.strip_prefix('{') {
                // The form of Node.js: `ssl={"rejectUnauthorized":true}`.
                Some(object)
                    if object
                        .replace(' ', "")
                        .contains("\"rejectUnauthorized\":true") =>
                {
                    parameters.set_mode(&key, TlsLevel::VerifyFull)?;
                }
                Some(_) => parameters.set_mode(&key, TlsLevel::Require)?,
                None => parameters.set_mode_from_bool(&key, &value)?,
            },
            "useSSL" | "requireSSL" | "use_ssl" => parameters.set_mode_from_bool(&key, &value)?,
            "sslaccept" => match &*value {
                "strict" => parameters.set_mode(&key, TlsLevel::VerifyFull)?,
                "accept_invalid_certs" => parameters.set_mode(&key, TlsLevel::Require)?,
                _ => return Err(invalid_value(&key, "`strict` or `accept_invalid_certs`")),
            },
            "ssl_disabled" => {
                let is_disabled = parse_bool(&key, &value)?;
                if !is_disabled {
                    warnings.push(Warning::about(
                        &key,
                        "read `ssl_disabled=false` as TLS required; PyMySQL itself takes any text in a URL, even `false`, for `true`",
                    ));
                }
                parameters.disabled = Some(is_disabled);
            }
            "ssl_check_hostname" => parameters.check_hostname = Some(parse_bool(&key, &value)?),
            "ssl_verify_cert" | "verifyServerCertificate" => {
                parameters.verify_certificate = Some(parse_bool(&key, &value)?);
            }
            "ssl_verify_identity" => parameters.verify_identity = Some(parse_bool(&key, &value)?),
            "ssl_ca" => info.tls.root_certificates = Some(RootCertificates::File(value)),
            "ssl_cert" => info.tls.client_certificate = Some(value),
            "ssl_key" => info.tls.client_key = Some(value),
            "connect_timeout" => info.connect_timeout = parse_seconds(&key, &value)?,
            _ => info.parameters.push((key, value)),
        }
    }
    info.tls.level = parameters.level(&info.tls)?;
    if info.tls.root_certificates.is_some()
        && info.tls.level == Some(TlsLevel::VerifyFull)
        && syntax == Syntax::SqlAlchemy(Driver::Mysqldb)
        && parameters.mode.is_none()
    {
        warnings.push(Warning::about(
            "ssl_ca",
            "mysqlclient without `ssl_mode` may connect without TLS; limbeck verifies the certificate and the host name",
        ));
    }
    Ok((info, warnings))
}

/// Parses a TLS level in MySQL's spelling or libpq's.
fn parse_mode(value: &str) -> Result<TlsLevel, ConvertError> {
    Ok(match &*value.to_ascii_uppercase().replace('-', "_") {
        "DISABLED" | "DISABLE" => TlsLevel::Disable,
        "PREFERRED" | "PREFER" => TlsLevel::Prefer,
        "REQUIRED" | "REQUIRE" => TlsLevel::Require,
        "VERIFY_CA" => TlsLevel::VerifyCa,
        "VERIFY_IDENTITY" | "VERIFY_FULL" => TlsLevel::VerifyFull,
        _ => {
            let words = "`DISABLED`, `PREFERRED`, `REQUIRED`, `VERIFY_CA` or `VERIFY_IDENTITY`";
            return Err(invalid_value("ssl_mode", words));
        }
    })
}

impl TlsParameters {
    fn set_mode(&mut self, key: &str, level: TlsLevel) -> Result<(), ConvertError> {
        match self.mode.replace(level) {
            Some(other) if other != level => Err(conflict(key)),
            _ => Ok(()),
        }
    }

    fn set_mode_from_bool(&mut self, key: &str, value: &str) -> Result<(), ConvertError> {
        let level = if parse_bool(key, value)? {
            TlsLevel::Require
        } else {
            TlsLevel::Disable
        };
        self.set_mode(key, level)
    }

    /// Combines the parameters like PyMySQL: root certificates mean verification, including the host's name.
    fn level(&self, files: &Tls) -> Result<Option<TlsLevel>, ConvertError> {
        let has_root = files.root_certificates.is_some();
        let needs_tls = has_root
            || files.client_certificate.is_some()
            || self.check_hostname.is_some()
            || self.disabled == Some(false);
        if self.disabled == Some(false) && self.mode == Some(TlsLevel::Disable) {
            return Err(conflict("ssl_disabled"));
        }
        if self.disabled == Some(true) {
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
        } else if needs_tls {
            Some(TlsLevel::Require)
        } else {
            None
        };
        Ok(match (self.mode, derived) {
            (None, derived) => derived,
            // A mode takes precedence, but root certificates beside `REQUIRED` mean verification.
            (Some(TlsLevel::Require), Some(derived)) if has_root => {
                Some(derived.min(TlsLevel::VerifyCa))
            }
            (Some(mode), _) => Some(mode),
        })
    }
}

/// Returns the real password for the password of a URL.
///
/// PyMySQL, aiomysql and asyncmy send each character as one byte (Latin-1), so their URLs contain the UTF-8 bytes of the
/// password as characters.
fn decode_password(syntax: Syntax, text: String) -> String {
    if !matches!(
        syntax,
        Syntax::SqlAlchemy(Driver::Pymysql | Driver::Aiomysql | Driver::Asyncmy)
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
