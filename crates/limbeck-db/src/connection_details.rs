//! What is between an open session and its database: the place that answered, and how the way is protected.

use std::fmt;
use std::net::SocketAddr;

/// What an open session knows of its own way to the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionDetails {
    /// The address that took the connection, where it went over TCP and the protocol's library tells.
    pub peer: Option<SocketAddr>,
    /// How the way is protected; none for a plain one.
    pub tls: Option<TlsSummary>,
    /// The number that the server gave to the session when it began: `PostgreSQL`'s process, `MySQL`'s
    /// connection. Somebody in between gives one of their own.
    pub initial_session_id: Option<i64>,
    /// `SQLite`: whether the library could open the file for reading only.
    pub is_read_only: Option<bool>,
}

/// How an open session is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSummary {
    /// The version, as `OpenSSL` and servers write it: `TLSv1.2`, `TLSv1.3`.
    pub version: String,
    /// The cipher. `PostgreSQL`: its registered name, `TLS_AES_256_GCM_SHA384`; `MySQL`: as the server calls it.
    pub cipher: String,
    /// How much of the server's certificate was verified.
    pub verified: CertificateVerification,
    /// Whether the password was bound to this very connection, which nobody in between can do.
    pub channel_binding: bool,
}

/// How much of the server's certificate was verified, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateVerification {
    /// Nothing: the connection is encrypted, to whoever answered.
    None,
    /// A trusted authority has signed it, for whatever host.
    Authority,
    /// A trusted authority has signed it for this host.
    AuthorityAndName,
}

impl fmt::Display for CertificateVerification {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::None => "nothing",
            Self::Authority => "authority",
            Self::AuthorityAndName => "authority and name",
        })
    }
}
