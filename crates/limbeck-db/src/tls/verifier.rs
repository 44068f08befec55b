//! Checks the server's certificate as far as was asked, and names its digest for channel binding.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Verification, tls_error};
use crate::ConnectError;

pub(super) fn build(
    verification: Verification,
    roots: RootCertStore,
    revocations: Vec<CertificateRevocationListDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
    let algorithms = provider.signature_verification_algorithms;
    if verification == Verification::None {
        return Ok(Arc::new(Verifier {
            chain: None,
            any_name: true,
            algorithms,
        }));
    }
    let mut builder =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    if !revocations.is_empty() {
        builder = builder
            .with_crls(revocations)
            .only_check_end_entity_revocation()
            .allow_unknown_revocation_status();
    }
    let chain = builder.build().map_err(|error| {
        tls_error(
            format!("there is no authority to verify the server's certificate with: {error}"),
            Some("give the authority's certificate with `sslrootcert` (or `ssl_ca`)"),
        )
    })?;
    Ok(Arc::new(Verifier {
        chain: Some(chain),
        any_name: verification == Verification::Authority,
        algorithms,
    }))
}

/// Verifies the chain when there is one to verify, and the name unless any will do.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<WebPkiServerVerifier>>,
    any_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: with this error the chain has been found good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.any_name => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The digest of a certificate for `tls-server-end-point` (RFC 5929): with the hash of its own
/// signature, SHA-256 in place of MD5 and SHA-1. `None` where the signature names no such hash.
pub(crate) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (certificate_body, _) = der_value(certificate, 0x30)?;
    let (_, after_tbs) = der_value(certificate_body, 0x30)?;
    let (algorithm, _) = der_value(after_tbs, 0x30)?;
    let (oid, _) = der_value(algorithm, 0x06)?;
    let rsa = |last: u8| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last];
    let ecdsa = |last: u8| [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last];
    let is = |candidates: &[&[u8]]| candidates.contains(&oid);
    if is(&[
        &rsa(4),
        &rsa(5),
        &rsa(11),
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
        &ecdsa(2),
    ]) {
        Some(Sha256::digest(certificate).to_vec())
    } else if is(&[&rsa(12), &ecdsa(3)]) {
        Some(Sha384::digest(certificate).to_vec())
    } else if is(&[&rsa(13), &ecdsa(4)]) {
        Some(Sha512::digest(certificate).to_vec())
    } else {
        None
    }
}

/// The value of the element that `data` begins with, and what follows it.
fn der_value(data: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = data.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let count = usize::from(length & 0x7f);
        let bytes = rest.get(..count).filter(|_| count <= 4)?;
        (
            bytes
                .iter()
                .fold(0, |sum, &byte| (sum << 8) | usize::from(byte)),
            &rest[count..],
        )
    };
    (first == tag && length <= rest.len()).then(|| rest.split_at(length))
}
