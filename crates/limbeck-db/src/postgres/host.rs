//! The address of a server.

use std::fmt;

use limbeck_url::Secret;

/// A host to connect to, with its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostAddress {
    /// A DNS name, an IP address, or the folder of a unix socket.
    pub(super) name: String,
    /// The IP address that replaces a lookup of the name (`hostaddr`).
    pub(super) address: Option<String>,
    pub(super) port: u16,
    /// The parameters set `host`. If they set only `hostaddr`, the name is that address.
    pub(super) is_named: bool,
    /// The password that the password file has for this host.
    pub(super) password: Option<Secret>,
}

impl HostAddress {
    pub(super) fn is_socket(&self) -> bool {
        self.address.is_none() && self.name.starts_with(['/', '@'])
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_socket() {
            write!(out, "{}/.s.PGSQL.{}", self.name, self.port)
        } else if self.name.contains(':') {
            write!(out, "[{}]:{}", self.name, self.port)
        } else {
            write!(out, "{}:{}", self.name, self.port)
        }
    }
}
