//! The meaning of a database URL, independent of any driver's parameter names.

use std::fmt;

use crate::error::{ConvertError, ErrorKind};
use crate::mask::mask_parameter;
use crate::secret::Secret;
use crate::target::Backend;

/// The meaning of a database URL, independent of any driver's parameter names.
///
/// [`ConnectionInfo::parse`] reads one from a URL, and [`ConnectionInfo::render`] writes it for a driver. All fields
/// are public, so that a program can change the connection in between. `Debug` masks passwords.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The database system.
    pub backend: Backend,
    /// The user to log in as.
    pub user: Option<String>,
    /// The user's password. An empty password is different from `None`.
    pub password: Option<Secret>,
    /// The servers, in order of preference. Empty for the driver's default.
    pub hosts: Vec<Host>,
    /// The name of the database, or the path of SQLite's file.
    pub database: Option<String>,
    /// The TLS settings.
    pub tls: Tls,
    /// The session's settings in order, as names and values: `application_name`, `search_path`, …
    pub settings: Vec<(String, String)>,
    /// The time limit for connecting, in seconds.
    pub connect_timeout: Option<u32>,
    /// `true` if the connection goes through a pooler that may give each transaction another session.
    pub transaction_pooler: bool,
    /// All other parameters in order, under the names that most drivers use for them.
    pub parameters: Vec<(String, String)>,
}

impl fmt::Debug for ConnectionInfo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ConnectionInfo")
            .field("backend", &self.backend)
            .field("user", &self.user)
            .field("password", &self.password)
            .field("hosts", &self.hosts)
            .field("database", &self.database)
            .field("tls", &self.tls)
            .field("settings", &MaskedPairs(&self.settings))
            .field("connect_timeout", &self.connect_timeout)
            .field("transaction_pooler", &self.transaction_pooler)
            .field("parameters", &MaskedPairs(&self.parameters))
            .finish()
    }
}

/// Names and values whose `Debug` masks the secret values.
struct MaskedPairs<'a>(&'a [(String, String)]);

impl fmt::Debug for MaskedPairs<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = self
            .0
            .iter()
            .map(|(name, value)| (name, mask_parameter(name, value)));
        out.debug_list().entries(masked).finish()
    }
}

/// The address of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A host name, an IP address, or the path of a socket (for PostgreSQL: of its directory). `None` for the default.
    pub name: Option<String>,
    /// The port. `None` for the default.
    pub port: Option<u16>,
}

impl Host {
    /// Returns the path of the socket, if the host is a Unix domain socket.
    pub fn socket_path(&self) -> Option<&str> {
        self.name
            .as_deref()
            .filter(|name| name.starts_with(['/', '@']))
    }

    /// Returns `true` if the name is an IPv6 address.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.name.as_deref().is_some_and(|name| name.contains(':')) && self.socket_path().is_none()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("(default)");
        match self.port {
            Some(port) if self.is_ipv6() => write!(out, "[{name}]:{port}"),
            Some(port) => write!(out, "{name}:{port}"),
            None => out.write_str(name),
        }
    }
}

/// The level of protection that a connection asks for, with the meanings of libpq's `sslmode`.
///
/// Levels are ordered, the weakest first. The enum is exhaustive: a caller that doesn't know a level would weaken the
/// connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsLevel {
    /// No encryption.
    Disable,
    /// Encryption if the server insists on it.
    Allow,
    /// Encryption if the server supports it.
    Prefer,
    /// Encryption, without a check of the server's certificate.
    Require,
    /// Encryption, and a certificate that a trusted authority signed.
    VerifyCa,
    /// Encryption, and a certificate that a trusted authority signed for the host's name.
    VerifyFull,
}

impl TlsLevel {
    /// Returns the value of libpq's `sslmode`, such as `verify-full`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// Returns the level for a value of libpq's `sslmode`, or `None` if libpq doesn't know the value.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// The certificate authorities to trust.
///
/// The enum is exhaustive: a caller that doesn't know a variant would trust other authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCertificates {
    /// The certificates in the file at this path.
    File(String),
    /// The operating system's certificate store.
    System,
}

/// The TLS settings of a connection. `Debug` masks the key's password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tls {
    /// The level of protection. `None` if the URL contains none; see [`Tls::effective_level`].
    pub level: Option<TlsLevel>,
    /// The authorities to trust. `None` for the driver's default.
    pub root_certificates: Option<RootCertificates>,
    /// The path of the client's certificate.
    pub client_certificate: Option<String>,
    /// The path of the key for the client's certificate.
    pub client_key: Option<String>,
    /// The password of the client's key.
    pub client_key_password: Option<Secret>,
    /// The path of a certificate revocation list.
    pub revocation_list: Option<String>,
}

impl Tls {
    /// Returns the level that libpq applies.
    ///
    /// With a file of root certificates, `require` verifies the certificate like `verify-ca`. With the system's store,
    /// every level is `verify-full`. Without a level, libpq uses `prefer`.
    pub fn effective_level(&self) -> TlsLevel {
        match (self.level, &self.root_certificates) {
            (_, Some(RootCertificates::System)) => TlsLevel::VerifyFull,
            (Some(TlsLevel::Require), Some(RootCertificates::File(_))) => TlsLevel::VerifyCa,
            (Some(level), _) => level,
            (None, _) => TlsLevel::Prefer,
        }
    }

    /// Returns `true` if the settings name certificates or a revocation list, which a level alone can't express.
    pub(crate) fn has_files(&self) -> bool {
        self.root_certificates.is_some()
            || self.client_certificate.is_some()
            || self.revocation_list.is_some()
    }
}

impl ConnectionInfo {
    /// Returns a connection without any settings.
    pub(crate) fn new(backend: Backend) -> Self {
        Self {
            backend,
            user: None,
            password: None,
            hosts: Vec::new(),
            database: None,
            tls: Tls::default(),
            settings: Vec::new(),
            connect_timeout: None,
            transaction_pooler: false,
            parameters: Vec::new(),
        }
    }

    /// Returns path and port of the socket, if a socket is the only host.
    pub(crate) fn only_socket(&self) -> Option<(&str, Option<u16>)> {
        match &self.hosts[..] {
            [only] => only.socket_path().map(|path| (path, only.port)),
            _ => None,
        }
    }

    /// Returns the only host, for drivers that accept one host.
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnsupportedMultiHost`] if there are several hosts.
    pub(crate) fn one_host(&self, driver: &str) -> Result<Option<&Host>, ConvertError> {
        match &self.hosts[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(ConvertError::new(
                ErrorKind::UnsupportedMultiHost,
                format!(
                    "{driver} accepts one host, but the URL names {}",
                    self.hosts.len()
                ),
            )
            .about("host")
            .with_help("name the host to migrate, or a proxy in front of the hosts")),
        }
    }

    /// Adds a setting, which replaces an earlier one of the same name.
    pub(crate) fn add_setting(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Removes a parameter and returns its value.
    pub(crate) fn remove_parameter(&mut self, name: &str) -> Option<String> {
        let position = self
            .parameters
            .iter()
            .position(|(known, _)| known == name)?;
        Some(self.parameters.remove(position).1)
    }
}
