//! Checks the server's certificate as far as was asked, as libpq and OpenSSL would.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, SignatureVerificationAlgorithm,
    SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::names::common_name_is;
use super::x509::{Certificate, RevocationList};
use super::{Verification, tls_error};
use crate::{ConnectError, ConnectErrorKind};

/// What a server's certificate is measured by.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// The certificates of the authorities.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// One that is not self-issued is trusted, too (Python's default); otherwise it only leads on.
    pub(super) partial_chains: bool,
    /// The common name may stand for the alternative names that are not there.
    pub(super) common_name: bool,
    /// What the authorities have revoked; each certificate of the chain needs a list when there is one.
    pub(super) revocations: Vec<CertificateRevocationListDer<'static>>,
}

pub(super) fn build(
    verification: Verification,
    trust: Trust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
    let algorithms = provider.signature_verification_algorithms;
    let chain = match verification {
        Verification::None => None,
        Verification::Authority | Verification::Full => Some(Chain::new(trust, provider)?),
    };
    Ok(Arc::new(Verifier {
        chain,
        any_name: verification == Verification::Authority,
        algorithms,
    }))
}

/// Verifies the chain when there is one to verify, and the name unless any will do.
#[derive(Debug)]
struct Verifier {
    chain: Option<Chain>,
    any_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

/// The way from a server's certificate to an authority.
#[derive(Debug)]
struct Chain {
    /// The authorities, by how many others they allow below them.
    webpki: Vec<(Option<usize>, Arc<WebPkiServerVerifier>)>,
    /// Certificates that are trusted.
    trusted: Vec<CertificateDer<'static>>,
    /// Certificates that only lead to a trusted one.
    bridges: Vec<CertificateDer<'static>>,
    common_name: bool,
    revocations: Vec<CertificateRevocationListDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Chain {
    fn new(trust: Trust, provider: &Arc<CryptoProvider>) -> Result<Self, ConnectError> {
        // Certificates that can't be read are skipped, as OpenSSL skips what it can't use.
        let (trusted, bridges): (Vec<_>, Vec<_>) = trust
            .certificates
            .into_iter()
            .filter(|der| Certificate::parse(der).is_some())
            .partition(|der| {
                trust.partial_chains
                    || Certificate::parse(der).is_some_and(|found| found.is_self_issued())
            });
        if trusted.is_empty() {
            return Err(tls_error(
                "there is no authority to verify the server's certificate with".into(),
                Some(
                    "give the authority's own, self-signed certificate with `sslrootcert` (or `ssl_ca`)",
                ),
            ));
        }
        let now = UnixTime::now();
        let mut anchors: BTreeMap<Option<usize>, RootCertStore> = BTreeMap::new();
        for der in &trusted {
            let able =
                |found: &Certificate<'_>| found.may_sign() && within(found.valid, now).is_ok();
            if let Some(found) = Certificate::parse(der).filter(able) {
                let store = anchors
                    .entry(found.path_length())
                    .or_insert_with(RootCertStore::empty);
                store.add_parsable_certificates([der.clone()]);
            }
        }
        anchors.retain(|_, store| !store.is_empty());
        let mut webpki = Vec::new();
        for (below, store) in anchors {
            let mut builder =
                WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
            if !trust.revocations.is_empty() {
                builder = builder
                    .with_crls(trust.revocations.iter().cloned())
                    .enforce_revocation_expiration();
            }
            let built = builder.build().map_err(|error| ConnectError {
                // No reason to go on without TLS, under whatever `sslmode`.
                kind: ConnectErrorKind::Parameter,
                message: format!("the revocation lists can't be used: {error}"),
                hint: None,
            })?;
            webpki.push((below, built));
        }
        Ok(Self {
            webpki,
            trusted,
            bridges,
            common_name: trust.common_name,
            revocations: trust.revocations,
            algorithms: provider.signature_verification_algorithms,
        })
    }

    /// Verifies everything but the name.
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        if !certificate.may_serve() {
            return Err(CertificateError::InvalidPurpose.into());
        }
        if certificate.is_self_issued() && self.trusted.iter().any(|der| der == end_entity) {
            return self.verify_alone(certificate, certificate, now);
        }
        if certificate.version < 3 || certificate.is_marked_as_authority() {
            let mut authorities = self
                .trusted
                .iter()
                .filter_map(|der| Certificate::parse(der));
            return match authorities.find(|found| self.has_signed(found, certificate, now)) {
                Some(authority) => self.verify_alone(certificate, &authority, now),
                None => Err(CertificateError::UnknownIssuer.into()),
            };
        }
        let able = |der: &&CertificateDer<'_>| {
            Certificate::parse(der).is_some_and(|found| found.may_sign())
        };
        let way: Vec<_> = intermediates
            .iter()
            .chain(&self.bridges)
            .filter(able)
            .cloned()
            .collect();
        let mut verdict = Err(CertificateError::UnknownIssuer.into());
        for (below, webpki) in &self.webpki {
            let way = &way[..way.len().min(below.unwrap_or(usize::MAX))];
            verdict = match webpki.verify_server_cert(end_entity, way, server_name, &[], now) {
                // The name is looked at last: with this error the chain has been found good.
                Ok(_)
                | Err(Error::InvalidCertificate(
                    CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. },
                )) => return Ok(()),
                Err(error) => Err(error),
            };
        }
        verdict
    }

    /// What is to be seen on a certificate whose issuer is known. webpki takes neither an authority's
    /// certificate nor one of version 1 as a server's; OpenSSL does.
    fn verify_alone(
        &self,
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        within(certificate.valid, now)?;
        if !certificate.is_for_servers() {
            return Err(CertificateError::InvalidPurpose.into());
        }
        if certificate.demands_the_unknown() {
            return Err(CertificateError::UnhandledCriticalExtension.into());
        }
        if self.revocations.is_empty() {
            return Ok(());
        }
        let mut lists = self
            .revocations
            .iter()
            .filter_map(|der| RevocationList::parse(der))
            .filter(|list| list.issuer == certificate.issuer && !list.is_partial);
        let signed = |list: &RevocationList<'_>| {
            issuer.may_revoke()
                && self.is_signature(issuer, list.algorithm, list.signed, list.signature)
        };
        let list = lists.find(signed);
        let list = list.ok_or(CertificateError::UnknownRevocationStatus)?;
        if within(list.valid, now).is_err() {
            return Err(CertificateError::ExpiredRevocationList.into());
        }
        if list.revoked.contains(&certificate.serial) {
            return Err(CertificateError::Revoked.into());
        }
        Ok(())
    }

    /// The authority is good and has signed the certificate itself.
    fn has_signed(
        &self,
        authority: &Certificate<'_>,
        certificate: &Certificate<'_>,
        now: UnixTime,
    ) -> bool {
        authority.subject == certificate.issuer
            && authority.may_sign()
            && !authority.demands_the_unknown()
            && within(authority.valid, now).is_ok()
            && self.is_signature(
                authority,
                certificate.algorithm,
                certificate.signed,
                certificate.signature,
            )
    }

    fn is_signature(
        &self,
        signer: &Certificate<'_>,
        name: &[u8],
        signed: &[u8],
        signature: &[u8],
    ) -> bool {
        let fits = |algorithm: &&&dyn SignatureVerificationAlgorithm| {
            algorithm.signature_alg_id().as_ref() == name
                && algorithm.public_key_alg_id().as_ref() == signer.key_algorithm
        };
        let mut fitting = self.algorithms.all.iter().filter(fits);
        fitting.any(|algorithm| {
            algorithm
                .verify_signature(signer.key, signed, signature)
                .is_ok()
        })
    }

    fn verify_name(
        &self,
        end_entity: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        server_name: &ServerName<'_>,
    ) -> Result<(), Error> {
        if self.common_name && common_name_is(certificate, server_name) {
            return Ok(());
        }
        match ParsedCertificate::try_from(end_entity) {
            Ok(parsed) => verify_server_name(&parsed, server_name),
            Err(_) => Err(CertificateError::NotValidForName.into()),
        }
    }
}

fn within(valid: (u64, u64), now: UnixTime) -> Result<(), Error> {
    if now.as_secs() < valid.0 {
        Err(CertificateError::NotValidYet.into())
    } else if now.as_secs() > valid.1 {
        Err(CertificateError::Expired.into())
    } else {
        Ok(())
    }
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
            chain.verify(end_entity, &certificate, intermediates, server_name, now)?;
            if !self.any_name {
                chain.verify_name(end_entity, &certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        der: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if ParsedCertificate::try_from(der).is_ok() {
            return verify_tls12_signature(message, der, signature, &self.algorithms);
        }
        // webpki does not read certificates of version 1; the key in them is as good as another.
        let certificate = read(der)?;
        let possible = self
            .algorithms
            .mapping
            .iter()
            .filter(|(scheme, _)| *scheme == signature.scheme)
            .flat_map(|(_, algorithms)| algorithms.iter());
        let mut fitting = possible.filter(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == certificate.key_algorithm
        });
        let valid = fitting.any(|algorithm| {
            algorithm
                .verify_signature(certificate.key, message, signature.signature())
                .is_ok()
        });
        if valid {
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
        let certificate = read(der)?;
        let key = SubjectPublicKeyInfoDer::from(certificate.key_info);
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn read<'a>(der: &'a CertificateDer<'_>) -> Result<Certificate<'a>, Error> {
    Certificate::parse(der).ok_or_else(|| CertificateError::BadEncoding.into())
}
