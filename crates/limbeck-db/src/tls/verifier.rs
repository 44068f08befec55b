//! The verification of the server's identity during a TLS handshake.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use webpki::RawPublicKeyEntity;

use super::chain::{ChainVerifier, TrustSettings};
use super::x509::Certificate;
use crate::{CertificateVerification, ConnectError};

/// Returns a verifier for a handshake.
pub(super) fn build(
    verification: CertificateVerification,
    trust: TrustSettings,
    provider: &CryptoProvider,
) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
    let chain = match verification {
        CertificateVerification::None => None,
        CertificateVerification::Authority | CertificateVerification::AuthorityAndName => {
            Some(ChainVerifier::new(trust, provider)?)
        }
    };
    Ok(Arc::new(Verifier {
        chain,
        checks_name: verification == CertificateVerification::AuthorityAndName,
        algorithms: provider.signature_verification_algorithms,
    }))
}

/// Verifies chain and name as configured, and always that the server has the certificate's key.
#[derive(Debug)]
struct Verifier {
    chain: Option<ChainVerifier>,
    checks_name: bool,
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
            let certificate = parse(end_entity)?;
            let verified = chain.verify(end_entity, &certificate, intermediates, now)?;
            if self.checks_name {
                chain.verify_name(verified, end_entity, &certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    // Verifies with the key alone, because rustls' functions for whole certificates can't read version 1.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = parse(der)?.key();
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
        let key = parse(der)?.key();
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<Certificate<'a>, Error> {
    Certificate::parse(der).ok_or_else(|| CertificateError::BadEncoding.into())
}
