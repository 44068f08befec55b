//! The part of a TLS handshake in which the server proves who it is.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use webpki::RawPublicKeyEntity;

use super::Verification;
use super::chain::{Chain, Trust};
use super::x509::Certificate;
use crate::ConnectError;

pub(super) fn build(
    verification: Verification,
    trust: Trust,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
    let chain = match verification {
        Verification::None => None,
        Verification::Authority | Verification::Full => Some(Chain::new(trust, provider)?),
    };
    Ok(Arc::new(Verifier {
        chain,
        any_name: verification == Verification::Authority,
        algorithms: provider.signature_verification_algorithms,
    }))
}

/// Verifies the chain when there is one to verify, and the name unless any will do. That the server has
/// the certificate's key is verified always.
#[derive(Debug)]
struct Verifier {
    chain: Option<Chain>,
    any_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(chain) = &self.chain {
            let certificate = read(end_entity)?;
            let good = chain.verify(end_entity, &certificate, intermediates, now)?;
            if !self.any_name {
                chain.verify_name(good, end_entity, &certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    // The key is taken out first, and judged alone: rustls' functions for whole certificates read none of
    // version 1.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = read(der)?.key();
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| CertificateError::BadEncoding)?;
        let mapping = self.algorithms.mapping.iter();
        let mut possible = mapping
            .filter(|(scheme, _)| *scheme == signature.scheme)
            .flat_map(|(_, algorithms)| algorithms.iter());
        let fits = |algorithm| key.verify_signature(algorithm, message, signature.signature());
        if possible.any(|algorithm| fits(*algorithm).is_ok()) {
            Ok(HandshakeSignatureValid::assertion())
        } else {
            Err(CertificateError::BadSignature.into())
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = read(der)?.key();
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn read<'a>(der: &'a CertificateDer<'_>) -> Result<Certificate<'a>, Error> {
    Certificate::parse(der).ok_or_else(|| CertificateError::BadEncoding.into())
}
