//! What a URL says about a connection, in no driver's words.

use std::fmt;

use crate::error::{ConvertError, ErrorKind};
use crate::mask::shown;
use crate::secret::Secret;
use crate::target::Backend;

/// What a URL means. `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The database's kind.
    pub backend: Backend,
    /// Who logs in.
    pub user: Option<String>,
    /// With which password; an empty one is one.
    pub password: Option<Secret>,
    /// Where the server is; none for the driver's default.
    pub hosts: Vec<Host>,
    /// The database's name, or SQLite's file.
    pub database: Option<String>,
    /// How the connection is protected.
    pub tls: Tls,
    /// Settings of the session, in their order: `application_name`, `search_path`, …
    pub settings: Vec<(String, String)>,
    /// How many seconds connecting may take.
    pub timeout: Option<u32>,
    /// The way goes through a pooler that gives each transaction another session.
    pub transaction_pooler: bool,
    /// Everything else, under the name that most drivers have for it.
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
            .field("settings", &Shown(&self.settings))
            .field("timeout", &self.timeout)
            .field("transaction_pooler", &self.transaction_pooler)
            .field("parameters", &Shown(&self.parameters))
            .finish()
    }
}

/// Names and values of which some are secret.
struct Shown<'a>(&'a [(String, String)]);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self
            .0
            .iter()
            .map(|(name, value)| (name, shown(name, value)));
        out.debug_list().entries(shown).finish()
    }
}

/// A server's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A name, an address, or the path of a socket (PostgreSQL: its folder); none for the default.
    pub name: Option<String>,
    /// The port.
    pub port: Option<u16>,
}

impl Host {
    /// The socket's path, where it is one.
    pub fn socket(&self) -> Option<&str> {
        self.name
            .as_deref()
            .filter(|name| name.starts_with(['/', '@']))
    }

    /// Whether the name is an IPv6 address.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.name.as_deref().is_some_and(|name| name.contains(':')) && self.socket().is_none()
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

/// How much a connection is protected, the weakest first; the words are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsLevel {
    /// Never encrypted.
    Disable,
    /// Encrypted when the server insists.
    Allow,
    /// Encrypted when the server can.
    Prefer,
    /// Always encrypted, with whom is not asked.
    Require,
    /// The server's certificate is one of a trusted authority's.
    VerifyCa,
    /// And it is the server's that was asked for.
    VerifyFull,
}

impl TlsLevel {
    /// libpq's word.
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

    /// The level of libpq's word.
    pub fn named(name: &str) -> Option<Self> {
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

/// Whom a certificate is verified against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// The authorities in a file.
    File(String),
    /// The system's.
    System,
}

/// How a connection is protected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// How much; none where the URL doesn't say.
    pub level: Option<TlsLevel>,
    /// The authorities that the URL names.
    pub root: Option<Root>,
    /// The file of the client's certificate.
    pub certificate: Option<String>,
    /// The file of its key.
    pub key: Option<String>,
    /// The key's password.
    pub key_password: Option<Secret>,
    /// The file of revoked certificates.
    pub revoked: Option<String>,
}

impl Tls {
    /// What libpq makes of it: authorities beside `require` are verified, the system's always and fully.
    pub fn effective(&self) -> TlsLevel {
        match (self.level, &self.root) {
            (_, Some(Root::System)) => TlsLevel::VerifyFull,
            (Some(TlsLevel::Require), Some(Root::File(_))) => TlsLevel::VerifyCa,
            (Some(level), _) => level,
            (None, _) => TlsLevel::Prefer,
        }
    }

    /// Whether files are named that a word in a URL can't carry.
    pub(crate) fn has_files(&self) -> bool {
        self.root.is_some() || self.certificate.is_some() || self.revoked.is_some()
    }
}

impl ConnectionInfo {
    pub(crate) fn new(backend: Backend) -> Self {
        Self {
            backend,
            user: None,
            password: None,
            hosts: Vec::new(),
            database: None,
            tls: Tls::default(),
            settings: Vec::new(),
            timeout: None,
            transaction_pooler: false,
            parameters: Vec::new(),
        }
    }

    /// The socket, when that is the one place.
    pub(crate) fn only_socket(&self) -> Option<(&str, Option<u16>)> {
        match &self.hosts[..] {
            [only] => only.socket().map(|path| (path, only.port)),
            _ => None,
        }
    }

    /// The one host, for drivers that take no other.
    pub(crate) fn one_host(&self, driver: &str) -> Result<Option<&Host>, ConvertError> {
        match &self.hosts[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(ConvertError::new(
                ErrorKind::UnsupportedMultiHost,
                format!(
                    "{driver} takes one host, and the URL names {}",
                    self.hosts.len()
                ),
            )
            .of("host")
            .help("name the one that the migrations go to, or a proxy before them")),
        }
    }

    /// Sets a setting; the last one counts.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a parameter out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let at = self
            .parameters
            .iter()
            .position(|(known, _)| known == name)?;
        Some(self.parameters.remove(at).1)
    }
}
