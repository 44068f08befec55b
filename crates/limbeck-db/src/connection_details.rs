//! The network details of an open session: the server's address and the protection of the connection.

use std::fmt;
use std::net::SocketAddr;

/// The details of an open session's connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionDetails {
    /// The server's address, if the connection uses TCP and the client library exposes it.
    pub peer: Option<SocketAddr>,
    /// The TLS protection; `None` for a plain connection.
    pub tls: Option<TlsSummary>,
    /// The number that the server gave the session at its start: `PostgreSQL`'s process ID or `MySQL`'s connection ID. A
    /// pooler reports its own number instead.
    pub initial_session_id: Option<i64>,
    /// `SQLite`: `Some(true)` if the library could open the file only for reading.
    pub is_read_only: Option<bool>,
}

/// The TLS protection of an open session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSummary {
    /// The version as `OpenSSL` and servers write it: `TLSv1.2`, `TLSv1.3`.
    pub version: String,
    /// The cipher. `PostgreSQL`: its registered name, such as `TLS_AES_256_GCM_SHA384`; `MySQL`: the server's name.
    pub cipher: String,
    /// The verified part of the server's certificate.
    pub verified: CertificateVerification,
    /// `true` if the password was bound to this connection, which no machine in the middle can do.
    pub channel_binding: bool,
}

/// The part of a server's certificate that is verified, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateVerification {
    /// Nothing: the connection is encrypted, and any server may be at its other end.
    None,
    /// The chain up to a trusted authority, for any host.
    Authority,
    /// The chain, and the host's name.
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
