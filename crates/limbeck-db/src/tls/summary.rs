//! The summary of a finished TLS handshake.

use rustls::{CipherSuite, ClientConnection, ProtocolVersion};

use crate::{CertificateVerification, TlsSummary};

/// Summarizes a successful handshake, which has verified everything that `verification` asks for.
pub(crate) fn summary(
    connection: &ClientConnection,
    verification: CertificateVerification,
) -> TlsSummary {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        // limbeck offers no other version.
        _ => "",
    };
    let suite = connection.negotiated_cipher_suite();
    TlsSummary {
        version: version.to_owned(),
        cipher: suite.map_or_else(String::new, |suite| registered_name(suite.suite())),
        verified: verification,
        channel_binding: false,
    }
}

/// Returns the suite's name in IANA's registry. rustls has another prefix for the suites of TLS 1.3.
fn registered_name(suite: CipherSuite) -> String {
    let name = suite.as_str().unwrap_or_default();
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name.to_owned(),
    }
}
