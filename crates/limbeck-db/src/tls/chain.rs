//! The certificate chain from a server to a trusted authority, verified as libpq and OpenSSL do.

use std::cmp::Reverse;
use std::sync::Arc;

use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, ServerName, TrustAnchor, UnixTime,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, OtherError};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
    anchor_from_trusted_cert,
};

use super::names::common_name_matches;
use super::tls_error;
use super::x509::{Algorithms, Certificate, HostKind, RevocationList, Validity};
use crate::{ConnectError, ConnectErrorKind};

/// The settings for the verification of a server's certificate.
#[derive(Debug, Default)]
pub(super) struct TrustSettings {
    /// The certificates of the authorities.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// A certificate that is not self-issued is trusted, too (Python's default). Otherwise it is an intermediate.
    pub(super) allows_partial_chains: bool,
    /// The common name counts if the certificate has no alternative names.
    pub(super) accepts_common_names: bool,
    /// The revocation lists. If there are any, each certificate of the chain needs one.
    pub(super) revocation_lists: Vec<CertificateRevocationListDer<'static>>,
}

/// A verifier of certificate chains.
#[derive(Debug)]
pub(super) struct ChainVerifier {
    /// The trusted certificates.
    trusted: Vec<CertificateDer<'static>>,
    /// The trusted certificates that may sign, for webpki.
    anchors: Vec<TrustAnchor<'static>>,
    /// The limits of each anchor, which webpki ignores.
    limits: Vec<AnchorLimits>,
    /// Certificates that only lead to a trusted one.
    intermediates: Vec<CertificateDer<'static>>,
    accepts_common_names: bool,
    revocation_lists: Vec<CertificateRevocationListDer<'static>>,
    /// The same lists, parsed by webpki.
    webpki_lists: Vec<CertRevocationList<'static>>,
    algorithms: Algorithms,
}

/// The limits of a trusted authority.
#[derive(Debug)]
struct AnchorLimits {
    /// The number of authorities that may be below it; `None` for any number.
    path_length: Option<u32>,
    validity: Validity,
}

/// A certificate with a verified chain. Its name is not verified yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct VerifiedChain {
    /// An authority of the chain constrains the names that it may sign for. webpki does not compare common names
    /// with such constraints.
    has_name_constraints: bool,
}

impl ChainVerifier {
    /// Returns a verifier for these settings.
    ///
    /// # Errors
    /// Returns a [`ConnectError`] if no certificate is a trusted one, or if webpki can't read a revocation list.
    pub(super) fn new(
        mut trust: TrustSettings,
        provider: &CryptoProvider,
    ) -> Result<Self, ConnectError> {
        // webpki uses only the first list of an issuer, and the latest is the most complete.
        let issue_time = |der: &CertificateRevocationListDer<'_>| {
            RevocationList::parse(der).map(|list| list.issue_time())
        };
        trust
            .revocation_lists
            .sort_by_key(|der| Reverse(issue_time(der)));
        // Unreadable certificates are skipped, as OpenSSL does.
        let (trusted, intermediates): (Vec<_>, Vec<_>) = trust
            .certificates
            .into_iter()
            .filter(|der| Certificate::parse(der).is_some())
            .partition(|der| {
                trust.allows_partial_chains
                    || Certificate::parse(der).is_some_and(|found| found.is_self_issued())
            });
        if trusted.is_empty() {
            return Err(tls_error(
                "no authority is configured to verify the server's certificate with".into(),
                Some(
                    "set `sslrootcert` (or `ssl_ca`) to the authority's own, self-signed certificate",
                ),
            ));
        }
        let webpki_lists = trust
            .revocation_lists
            .iter()
            .map(|der| OwnedCertRevocationList::from_der(der).map(CertRevocationList::from))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| ConnectError {
                // Not a TLS kind: no `sslmode` may fall back to a plain connection.
                kind: ConnectErrorKind::Parameter,
                message: format!("the revocation lists can't be used: {error}"),
                hint: None,
            })?;
        let is_anchor = |found: &Certificate<'_>| {
            is_authority(found) && (webpki_lists.is_empty() || found.may_revoke())
        };
        let (anchors, limits) = trusted
            .iter()
            .filter_map(|der| {
                let found = Certificate::parse(der).filter(is_anchor)?;
                let anchor = anchor_from_trusted_cert(der).ok()?.to_owned();
                let limits = AnchorLimits {
                    path_length: found.path_length(),
                    validity: found.validity(),
                };
                Some((anchor, limits))
            })
            .unzip();
        Ok(Self {
            trusted,
            anchors,
            limits,
            intermediates,
            accepts_common_names: trust.accepts_common_names,
            revocation_lists: trust.revocation_lists,
            webpki_lists,
            algorithms: provider.signature_verification_algorithms.all,
        })
    }

    /// Verifies everything except the name.
    pub(super) fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<VerifiedChain, Error> {
        let validity = certificate.validity();
        if validity.is_in_future(now) {
            return Err(CertificateError::NotValidYet.into());
        }
        if validity.is_over(now) {
            return Err(CertificateError::Expired.into());
        }
        if !certificate.may_serve() {
            return Err(CertificateError::InvalidPurpose.into());
        }
        if certificate.is_self_issued() && self.trusted.contains(end_entity) {
            return self.verify_without_webpki(certificate, certificate, now);
        }
        if certificate.version() < 3 || certificate.is_marked_as_authority() {
            let mut authorities = self
                .trusted
                .iter()
                .filter_map(|der| Certificate::parse(der));
            let authority = authorities
                .find(|found| self.has_signed(found, certificate, now))
                .ok_or(CertificateError::UnknownIssuer)?;
            return self.verify_without_webpki(certificate, &authority, now);
        }
        self.verify_with_webpki(end_entity, certificate, intermediates, now)
    }

    fn verify_with_webpki(
        &self,
        end_entity: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<VerifiedChain, Error> {
        // webpki does not check whether an authority's key may sign.
        let may_sign = |der: &&CertificateDer<'_>| {
            Certificate::parse(der).is_some_and(|found| found.may_sign())
        };
        let candidates: Vec<_> = intermediates
            .iter()
            .chain(&self.intermediates)
            .filter(may_sign)
            .cloned()
            .collect();
        let lists: Vec<_> = self.webpki_lists.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let is_within_limits = |path: &VerifiedPath<'_>| {
            let count = path.intermediate_certificates().count();
            let fits = |length| usize::try_from(length).is_ok_and(|most| count <= most);
            let mut authorities = self.anchors.iter().zip(&self.limits);
            authorities
                .any(|(anchor, limits)| {
                    anchor == path.anchor()
                        && limits.path_length.is_none_or(fits)
                        && limits.validity.contains(now)
                })
                .then_some(())
                .ok_or(webpki::Error::UnknownIssuer)
        };
        let parsed = EndEntityCert::try_from(end_entity).map_err(rustls_error)?;
        let path = parsed
            .verify_for_usage(
                self.algorithms,
                &self.anchors,
                &candidates,
                now,
                KeyUsage::server_auth(),
                revocation,
                Some(&is_within_limits),
            )
            .map_err(rustls_error)?;
        let has_constraints = |der: &CertificateDer<'_>| {
            Certificate::parse(der).is_none_or(|found| found.constrains_names())
        };
        let has_name_constraints = path.anchor().name_constraints.is_some()
            || path
                .intermediate_certificates()
                .any(|intermediate| has_constraints(&intermediate.der()));
        // webpki has compared no name of this certificate with the constraints, so refuse it under any `sslmode`.
        if has_name_constraints && !certificate.has_alternative_name(HostKind::Name) {
            return Err(rustls_error(webpki::Error::NameConstraintViolation));
        }
        Ok(VerifiedChain {
            has_name_constraints,
        })
    }

    /// Verifies a certificate whose issuer is known. webpki accepts neither an authority's certificate nor one of
    /// version 1 from a server; OpenSSL does.
    fn verify_without_webpki(
        &self,
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        now: UnixTime,
    ) -> Result<VerifiedChain, Error> {
        if certificate.has_unknown_critical_extension() {
            return Err(CertificateError::UnhandledCriticalExtension.into());
        }
        if !self.revocation_lists.is_empty() {
            self.verify_not_revoked(certificate, issuer, now)?;
        }
        Ok(VerifiedChain {
            has_name_constraints: false,
        })
    }

    fn verify_not_revoked(
        &self,
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let lists: Vec<_> = self
            .revocation_lists
            .iter()
            .filter_map(|der| RevocationList::parse(der))
            .filter(|list| {
                list.covers(certificate)
                    && issuer.may_revoke()
                    && list.is_signed_by(issuer, self.algorithms)
            })
            .collect();
        if lists.iter().any(|list| list.revokes(certificate)) {
            Err(CertificateError::Revoked.into())
        } else if lists.iter().any(|list| list.is_current(now)) {
            Ok(())
        } else if lists.is_empty() {
            Err(CertificateError::UnknownRevocationStatus.into())
        } else {
            Err(CertificateError::ExpiredRevocationList.into())
        }
    }

    /// Returns `true` if the authority has signed the certificate itself and constrains no names.
    fn has_signed(
        &self,
        authority: &Certificate<'_>,
        certificate: &Certificate<'_>,
        now: UnixTime,
    ) -> bool {
        authority.subject() == certificate.issuer()
            && is_authority(authority)
            && authority.validity().contains(now)
            && !authority.constrains_names()
            && certificate.is_signed_by(authority, self.algorithms)
    }

    /// Verifies that the certificate belongs to the host.
    pub(super) fn verify_name(
        &self,
        chain: VerifiedChain,
        end_entity: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        server_name: &ServerName<'_>,
    ) -> Result<(), Error> {
        if self.accepts_common_names
            && !chain.has_name_constraints
            && common_name_matches(certificate, server_name)
        {
            return Ok(());
        }
        match ParsedCertificate::try_from(end_entity) {
            Ok(parsed) => verify_server_name(&parsed, server_name),
            Err(_) => Err(CertificateError::NotValidForName.into()),
        }
    }
}

/// Returns `true` if the certificate may sign and has no unknown critical extension.
fn is_authority(found: &Certificate<'_>) -> bool {
    found.may_sign() && !found.has_unknown_critical_extension()
}

/// Returns `true` if a driver may pass this certificate to webpki as a trusted authority.
pub(super) fn is_usable_anchor(der: &CertificateDer<'_>) -> bool {
    Certificate::parse(der)
        .is_some_and(|found| is_authority(&found) && found.validity().contains(UnixTime::now()))
}

/// Converts webpki's error.
fn rustls_error(error: webpki::Error) -> Error {
    use webpki::Error as Webpki;
    let error = match error {
        Webpki::UnknownIssuer => CertificateError::UnknownIssuer,
        Webpki::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        Webpki::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        Webpki::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        Webpki::CertExpired { time, not_after } => {
            CertificateError::ExpiredContext { time, not_after }
        }
        Webpki::CertRevoked => CertificateError::Revoked,
        Webpki::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        Webpki::CrlExpired { time, next_update } => {
            CertificateError::ExpiredRevocationListContext { time, next_update }
        }
        other => CertificateError::Other(OtherError(Arc::new(other))),
    };
    error.into()
}
