//! What a finished handshake has come to.

use rustls::{CipherSuite, ClientConnection, ProtocolVersion};

use super::Verification;
use crate::{CertificateVerification, TlsSummary};

/// Sums a handshake up that has ended well, so that whatever was asked to be verified was.
pub(crate) fn summary(connection: &ClientConnection, verification: Verification) -> TlsSummary {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        // No other is offered.
        _ => "",
    };
    let suite = connection.negotiated_cipher_suite();
    TlsSummary {
        version: version.to_owned(),
        cipher: suite.map_or_else(String::new, |suite| registered_name(suite.suite())),
        verified: match verification {
            Verification::None => CertificateVerification::None,
            Verification::Authority => CertificateVerification::Authority,
            Verification::Full => CertificateVerification::AuthorityAndName,
        },
        channel_binding: false,
    }
}

/// The name in IANA's registry: rustls has another prefix for the suites of TLS 1.3.
fn registered_name(suite: CipherSuite) -> String {
    let name = suite.as_str().unwrap_or_default();
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name.to_owned(),
    }
}
