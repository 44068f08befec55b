//! The digest of a server's certificate that binds a password to the TLS connection.

use sha2::{Digest, Sha256, Sha384, Sha512};

use super::x509::{Certificate, Der};

/// The digest for `tls-server-end-point` (RFC 5929): with the hash of the certificate's own
/// signature, SHA-256 in place of MD5 and SHA-1. `None` where the signature names no such hash.
pub(crate) fn server_end_point(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::parse(der)?;
    let (_, id) = Iterator::next(&mut Der(certificate.algorithm))?;
    let rsa = |last: u8| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last];
    let ecdsa = |last: u8| [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last];
    let is = |candidates: &[&[u8]]| candidates.contains(&id);
    if is(&[
        &rsa(4),
        &rsa(5),
        &rsa(11),
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
        &ecdsa(2),
    ]) {
        Some(Sha256::digest(der).to_vec())
    } else if is(&[&rsa(12), &ecdsa(3)]) {
        Some(Sha384::digest(der).to_vec())
    } else if is(&[&rsa(13), &ecdsa(4)]) {
        Some(Sha512::digest(der).to_vec())
    } else {
        None
    }
}
