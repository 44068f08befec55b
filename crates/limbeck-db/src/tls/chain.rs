//! The way from a server's certificate to a trusted authority, as libpq and OpenSSL go it.

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

use super::names::common_name_is;
use super::tls_error;
use super::x509::{Algorithms, Certificate, HostKind, RevocationList, Validity};
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

/// The trust of a connection, ready to measure by.
#[derive(Debug)]
pub(super) struct Chain {
    /// Certificates that are trusted.
    trusted: Vec<CertificateDer<'static>>,
    /// Those of them that may sign, for webpki; and what webpki does not know of each: how many others may
    /// stand below it, and when it is good.
    anchors: Vec<TrustAnchor<'static>>,
    limits: Vec<(Option<u32>, Validity)>,
    /// Certificates that only lead to a trusted one.
    bridges: Vec<CertificateDer<'static>>,
    common_name: bool,
    revocations: Vec<CertificateRevocationListDer<'static>>,
    /// The same lists, as webpki reads them.
    lists: Vec<CertRevocationList<'static>>,
    algorithms: Algorithms,
}

/// A certificate whose chain is good. Its name is still to be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Good {
    /// An authority on the way says for which names it may sign; webpki holds no common name against that.
    constrained: bool,
}

impl Chain {
    pub(super) fn new(mut trust: Trust, provider: &CryptoProvider) -> Result<Self, ConnectError> {
        // webpki asks the first list of an issuer only, and the latest knows most.
        let made = |der: &CertificateRevocationListDer<'_>| {
            RevocationList::parse(der).map(|list| list.made())
        };
        trust.revocations.sort_by_key(|der| Reverse(made(der)));
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
        let lists = trust
            .revocations
            .iter()
            .map(|der| OwnedCertRevocationList::from_der(der).map(CertRevocationList::from))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| ConnectError {
                // No reason to go on without TLS, under whatever `sslmode`.
                kind: ConnectErrorKind::Parameter,
                message: format!("the revocation lists can't be used: {error}"),
                hint: None,
            })?;
        let able = |found: &Certificate<'_>| {
            is_authority(found) && (lists.is_empty() || found.may_revoke())
        };
        let (anchors, limits) = trusted
            .iter()
            .filter_map(|der| {
                let found = Certificate::parse(der).filter(able)?;
                let anchor = anchor_from_trusted_cert(der).ok()?.to_owned();
                Some((anchor, (found.path_length(), found.validity())))
            })
            .unzip();
        Ok(Self {
            trusted,
            anchors,
            limits,
            bridges,
            common_name: trust.common_name,
            revocations: trust.revocations,
            lists,
            algorithms: provider.signature_verification_algorithms.all,
        })
    }

    /// Verifies everything but the name.
    pub(super) fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Good, Error> {
        let validity = certificate.validity();
        if validity.is_to_come(now) {
            return Err(CertificateError::NotValidYet.into());
        }
        if validity.is_over(now) {
            return Err(CertificateError::Expired.into());
        }
        if !certificate.may_serve() {
            return Err(CertificateError::InvalidPurpose.into());
        }
        if certificate.is_self_issued() && self.trusted.contains(end_entity) {
            return self.verify_alone(certificate, certificate, now);
        }
        if certificate.version() < 3 || certificate.is_marked_as_authority() {
            let mut authorities = self
                .trusted
                .iter()
                .filter_map(|der| Certificate::parse(der));
            let authority = authorities
                .find(|found| self.has_signed(found, certificate, now))
                .ok_or(CertificateError::UnknownIssuer)?;
            return self.verify_alone(certificate, &authority, now);
        }
        self.verify_with_webpki(end_entity, certificate, intermediates, now)
    }

    fn verify_with_webpki(
        &self,
        end_entity: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Good, Error> {
        // webpki does not look whether the key of an authority may sign.
        let able = |der: &&CertificateDer<'_>| {
            Certificate::parse(der).is_some_and(|found| found.may_sign())
        };
        let ways: Vec<_> = intermediates
            .iter()
            .chain(&self.bridges)
            .filter(able)
            .cloned()
            .collect();
        let lists: Vec<_> = self.lists.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_status_policy(UnknownStatusPolicy::Deny)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        let allowed = |path: &VerifiedPath<'_>| {
            let between = path.intermediate_certificates().count();
            let fits = |length| usize::try_from(length).is_ok_and(|most| between <= most);
            let mut authorities = self.anchors.iter().zip(&self.limits);
            authorities
                .any(|(anchor, (length, validity))| {
                    anchor == path.anchor() && length.is_none_or(fits) && validity.has(now)
                })
                .then_some(())
                .ok_or(webpki::Error::UnknownIssuer)
        };
        let parsed = EndEntityCert::try_from(end_entity).map_err(refusal)?;
        let path = parsed
            .verify_for_usage(
                self.algorithms,
                &self.anchors,
                &ways,
                now,
                KeyUsage::server_auth(),
                revocation,
                Some(&allowed),
            )
            .map_err(refusal)?;
        let limits = |der: &CertificateDer<'_>| {
            Certificate::parse(der).is_none_or(|found| found.constrains_names())
        };
        let constrained = path.anchor().name_constraints.is_some()
            || path
                .intermediate_certificates()
                .any(|between| limits(&between.der()));
        // What nobody looked at may not be what it is known by, under whatever `sslmode`.
        if constrained && !certificate.has_alternative_name(HostKind::Name) {
            return Err(refusal(webpki::Error::NameConstraintViolation));
        }
        Ok(Good { constrained })
    }

    /// What is to be seen on a certificate whose issuer is known. webpki takes neither an authority's
    /// certificate nor one of version 1 as a server's; OpenSSL does.
    fn verify_alone(
        &self,
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        now: UnixTime,
    ) -> Result<Good, Error> {
        if certificate.demands_the_unknown() {
            return Err(CertificateError::UnhandledCriticalExtension.into());
        }
        if !self.revocations.is_empty() {
            self.verify_not_revoked(certificate, issuer, now)?;
        }
        Ok(Good { constrained: false })
    }

    fn verify_not_revoked(
        &self,
        certificate: &Certificate<'_>,
        issuer: &Certificate<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let lists: Vec<_> = self
            .revocations
            .iter()
            .filter_map(|der| RevocationList::parse(der))
            .filter(|list| {
                list.is_about(certificate)
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

    /// The authority is good for any name, and has signed the certificate itself.
    fn has_signed(
        &self,
        authority: &Certificate<'_>,
        certificate: &Certificate<'_>,
        now: UnixTime,
    ) -> bool {
        authority.subject() == certificate.issuer()
            && is_authority(authority)
            && authority.validity().has(now)
            && !authority.constrains_names()
            && certificate.is_signed_by(authority, self.algorithms)
    }

    /// Verifies that the certificate is this host's.
    pub(super) fn verify_name(
        &self,
        good: Good,
        end_entity: &CertificateDer<'_>,
        certificate: &Certificate<'_>,
        server_name: &ServerName<'_>,
    ) -> Result<(), Error> {
        if self.common_name && !good.constrained && common_name_is(certificate, server_name) {
            return Ok(());
        }
        match ParsedCertificate::try_from(end_entity) {
            Ok(parsed) => verify_server_name(&parsed, server_name),
            Err(_) => Err(CertificateError::NotValidForName.into()),
        }
    }
}

/// May sign, and does not ask for what is not looked at.
fn is_authority(found: &Certificate<'_>) -> bool {
    found.may_sign() && !found.demands_the_unknown()
}

/// Whether webpki, where it judges alone, may be given this certificate as an authority's.
pub(super) fn may_be_an_anchor(der: &CertificateDer<'_>) -> bool {
    Certificate::parse(der)
        .is_some_and(|found| is_authority(&found) && found.validity().has(UnixTime::now()))
}

/// webpki's refusal as rustls has it.
fn refusal(error: webpki::Error) -> Error {
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
