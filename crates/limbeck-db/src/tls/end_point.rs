//! The digest of a server's certificate for channel binding, which binds a password to the TLS connection.

use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::oid_registry::{
    OID_PKCS1_MD5WITHRSAENC, OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA,
    OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512,
};

use super::x509::Certificate;

const ECDSA_WITH_SHA1: Oid<'_> = oid!(1.2.840.10045.4.1);

/// Returns the digest for `tls-server-end-point` (RFC 5929). It uses the hash of the certificate's signature, and
/// SHA-256 in place of MD5 and SHA-1. Returns `None` if the signature has no such hash.
pub(crate) fn server_end_point(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = Certificate::parse(der)?;
    let is = |candidates: &[Oid<'_>]| candidates.contains(certificate.algorithm());
    if is(&[
        OID_PKCS1_MD5WITHRSAENC,
        OID_PKCS1_SHA1WITHRSA,
        OID_PKCS1_SHA256WITHRSA,
        ECDSA_WITH_SHA1,
        OID_SIG_ECDSA_WITH_SHA256,
    ]) {
        Some(Sha256::digest(der).to_vec())
    } else if is(&[OID_PKCS1_SHA384WITHRSA, OID_SIG_ECDSA_WITH_SHA384]) {
        Some(Sha384::digest(der).to_vec())
    } else if is(&[OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA512]) {
        Some(Sha512::digest(der).to_vec())
    } else {
        None
    }
}
