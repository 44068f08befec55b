//! The properties of certificates and revocation lists that libpq's rules need.
//!
//! `x509-parser` reads them, because it keeps the signed bytes unchanged; webpki can't read version 1 and exposes no
//! properties.

use rustls::pki_types::{SignatureVerificationAlgorithm, SubjectPublicKeyInfoDer, UnixTime};
use webpki::RawPublicKeyEntity;
use x509_parser::asn1_rs::{BitString, Oid, Sequence, SerializeError, ToDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{
    BasicConstraints, GeneralName, KeyUsage, ParsedExtension, X509Extension,
};
use x509_parser::oid_registry::{
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_CERT_TYPE, OID_X509_EXT_CERTIFICATE_POLICIES,
    OID_X509_EXT_DELTA_CRL_INDICATOR, OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_INHIBIT_ANY_POLICY, OID_X509_EXT_ISSUER_DISTRIBUTION_POINT,
    OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_POLICY_CONSTRAINTS,
    OID_X509_EXT_POLICY_MAPPINGS, OID_X509_EXT_SUBJECT_ALT_NAME,
};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::time::ASN1Time;

/// The extensions that this module interprets. Name constraints are not among them.
const KNOWN: [Oid<'_>; 5] = [
    OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_KEY_USAGE,
    OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_CERT_TYPE,
];

/// The extensions that OpenSSL ignores, even if critical, unless the caller asks for policies.
const POLICIES: [Oid<'_>; 4] = [
    OID_X509_EXT_CERTIFICATE_POLICIES,
    OID_X509_EXT_POLICY_MAPPINGS,
    OID_X509_EXT_POLICY_CONSTRAINTS,
    OID_X509_EXT_INHIBIT_ANY_POLICY,
];

/// A certificate in which each known extension is readable and occurs at most once.
#[derive(Debug)]
pub(super) struct Certificate<'a>(X509Certificate<'a>);

impl<'a> Certificate<'a> {
    /// Parses a certificate. Returns `None` if the bytes are not a certificate.
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let (rest, found) = X509Certificate::from_der(der).ok()?;
        let is_readable = KNOWN.iter().all(|id| {
            let of_kind = |each: &&X509Extension<'_>| each.oid == *id;
            let mut found = found.extensions().iter().filter(of_kind);
            let broken = |each: &X509Extension<'_>| each.parsed_extension().error().is_some();
            !found.next().is_some_and(broken) && found.next().is_none()
        });
        // The signature covers only the inner algorithm, so the outer one has to equal it.
        (rest.is_empty() && is_readable && found.signature_algorithm == found.signature)
            .then_some(Self(found))
    }

    /// Returns the version, counted from 1.
    pub(super) fn version(&self) -> u32 {
        self.0.version.0.saturating_add(1)
    }

    pub(super) fn issuer(&self) -> &'a [u8] {
        self.0.tbs_certificate.issuer.as_raw()
    }

    pub(super) fn subject(&self) -> &'a [u8] {
        self.0.tbs_certificate.subject.as_raw()
    }

    pub(super) fn key(&self) -> SubjectPublicKeyInfoDer<'a> {
        self.0.tbs_certificate.subject_pki.raw.into()
    }

    /// Returns the algorithm of the certificate's signature.
    pub(super) fn algorithm(&self) -> &Oid<'a> {
        &self.0.signature_algorithm.algorithm
    }

    pub(super) fn validity(&self) -> Validity {
        let validity = self.0.validity();
        Validity::new(validity.not_before, validity.not_after)
    }

    /// Returns `true` if the key of `signer` made the signature.
    pub(super) fn is_signed_by(&self, signer: &Certificate<'_>, by: Algorithms) -> bool {
        let found = &self.0;
        let signed = found.tbs_certificate.as_ref();
        is_signature(signer, by, found.as_raw(), signed, &found.signature_value)
    }

    /// Returns `true` if issuer and subject are the same.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer() == self.subject()
    }

    /// Returns `true` if the basic constraints mark the certificate as an authority.
    pub(super) fn is_marked_as_authority(&self) -> bool {
        self.constraints().is_some_and(|constraints| constraints.ca)
    }

    /// Returns the number of authorities that may be between this one and a server's certificate; `None` for any.
    pub(super) fn path_length(&self) -> Option<u32> {
        self.constraints()?.path_len_constraint
    }

    /// Returns `true` if OpenSSL accepts the certificate as the issuer of a server's. It accepts self-issued ones of version 1.
    pub(super) fn may_sign(&self) -> bool {
        let usage = self.key_usage();
        let is_authority = match self.constraints() {
            Some(constraints) => constraints.ca,
            None => usage.is_some() || (self.version() == 1 && self.is_self_issued()),
        };
        is_authority && self.is_for_servers() && usage.is_none_or(KeyUsage::key_cert_sign)
    }

    /// Returns `true` if the certificate may sign revocation lists.
    pub(super) fn may_revoke(&self) -> bool {
        self.key_usage().is_none_or(KeyUsage::crl_sign)
    }

    /// Returns `true` if the certificate may belong to a TLS server.
    pub(super) fn may_serve(&self) -> bool {
        let for_tls = |usage: &KeyUsage| {
            usage.digital_signature() || usage.key_encipherment() || usage.key_agreement()
        };
        let netscape_allows = match self.extension(&OID_X509_EXT_CERT_TYPE) {
            Some(ParsedExtension::NSCertType(kind)) => kind.ssl_server(),
            other => other.is_none(),
        };
        self.is_for_servers() && self.key_usage().is_none_or(for_tls) && netscape_allows
    }

    fn is_for_servers(&self) -> bool {
        match self.extension(&OID_X509_EXT_EXTENDED_KEY_USAGE) {
            Some(ParsedExtension::ExtendedKeyUsage(usage)) => usage.server_auth,
            other => other.is_none(),
        }
    }

    /// Returns `true` if the certificate has name constraints, critical or not.
    pub(super) fn constrains_names(&self) -> bool {
        self.extension(&OID_X509_EXT_NAME_CONSTRAINTS).is_some()
    }

    /// Returns `true` if the certificate has a critical extension that limbeck does not interpret.
    pub(super) fn has_unknown_critical_extension(&self) -> bool {
        self.0.extensions().iter().any(|extension| {
            extension.critical
                && !KNOWN.contains(&extension.oid)
                && !POLICIES.contains(&extension.oid)
                && extension.oid != OID_X509_EXT_NAME_CONSTRAINTS
        })
    }

    /// Returns `true` if the certificate has an alternative name of this kind, readable or not.
    pub(super) fn has_alternative_name(&self, kind: HostKind) -> bool {
        let names = match self.extension(&OID_X509_EXT_SUBJECT_ALT_NAME) {
            Some(ParsedExtension::SubjectAlternativeName(names)) => &names.general_names,
            other => return other.is_some(),
        };
        names.iter().any(|name| match name {
            GeneralName::DNSName(_) => kind == HostKind::Name,
            GeneralName::IPAddress(_) => kind == HostKind::Address,
            GeneralName::Invalid(tag, _) => tag.0 == if kind == HostKind::Name { 2 } else { 7 },
            _ => false,
        })
    }

    /// Returns the subject's first common name, which is the one that libpq uses.
    pub(super) fn common_name(&self) -> Option<&str> {
        self.0.subject().iter_common_name().next()?.as_str().ok()
    }

    fn extension(&self, id: &Oid<'_>) -> Option<&ParsedExtension<'a>> {
        let found = self.0.extensions().iter().find(|each| each.oid == *id);
        found.map(X509Extension::parsed_extension)
    }

    fn constraints(&self) -> Option<&BasicConstraints> {
        match self.extension(&OID_X509_EXT_BASIC_CONSTRAINTS)? {
            ParsedExtension::BasicConstraints(constraints) => Some(constraints),
            _ => None,
        }
    }

    fn key_usage(&self) -> Option<&KeyUsage> {
        match self.extension(&OID_X509_EXT_KEY_USAGE)? {
            ParsedExtension::KeyUsage(usage) => Some(usage),
            _ => None,
        }
    }
}

/// The kind of a host's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostKind {
    Name,
    Address,
}

/// A certificate revocation list.
#[derive(Debug)]
pub(super) struct RevocationList<'a>(CertificateRevocationList<'a>);

impl<'a> RevocationList<'a> {
    /// Parses a list. Returns `None` if the bytes are not a revocation list.
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let (rest, found) = CertificateRevocationList::from_der(der).ok()?;
        let same = found.signature_algorithm == found.tbs_cert_list.signature;
        (rest.is_empty() && same).then_some(Self(found))
    }

    /// Returns `true` if the list covers all certificates of the certificate's issuer.
    pub(super) fn covers(&self, certificate: &Certificate<'_>) -> bool {
        let partial = [
            OID_X509_EXT_ISSUER_DISTRIBUTION_POINT,
            OID_X509_EXT_DELTA_CRL_INDICATOR,
        ];
        let limits_scope = |each: &X509Extension<'_>| each.critical || partial.contains(&each.oid);
        self.0.tbs_cert_list.issuer.as_raw() == certificate.issuer()
            && !self.0.extensions().iter().any(limits_scope)
    }

    /// Returns `true` if the key of `signer` made the signature.
    pub(super) fn is_signed_by(&self, signer: &Certificate<'_>, by: Algorithms) -> bool {
        let found = &self.0;
        let signed = found.tbs_cert_list.as_ref();
        is_signature(signer, by, found.as_raw(), signed, &found.signature_value)
    }

    /// Returns the time of issue.
    pub(super) fn issue_time(&self) -> ASN1Time {
        self.0.last_update()
    }

    /// Returns `true` if the list is valid now. A list without an end never is.
    pub(super) fn is_current(&self, now: UnixTime) -> bool {
        let end = self.0.next_update();
        end.is_some_and(|end| Validity::new(self.0.last_update(), end).contains(now))
    }

    pub(super) fn revokes(&self, certificate: &Certificate<'_>) -> bool {
        let mut revoked = self.0.iter_revoked_certificates();
        revoked.any(|each| *each.serial() == certificate.0.serial)
    }
}

/// A validity period, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    from: i64,
    to: i64,
}

impl Validity {
    fn new(from: ASN1Time, to: ASN1Time) -> Self {
        Self {
            from: from.timestamp(),
            to: to.timestamp(),
        }
    }

    pub(super) fn is_in_future(self, now: UnixTime) -> bool {
        seconds(now) < self.from
    }

    pub(super) fn is_over(self, now: UnixTime) -> bool {
        seconds(now) > self.to
    }

    pub(super) fn contains(self, now: UnixTime) -> bool {
        !self.is_in_future(now) && !self.is_over(now)
    }
}

fn seconds(now: UnixTime) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The signature algorithms of rustls' provider.
pub(super) type Algorithms = &'static [&'static dyn SignatureVerificationAlgorithm];

fn is_signature(
    signer: &Certificate<'_>,
    by: Algorithms,
    whole: &[u8],
    signed: &[u8],
    signature: &BitString<'_>,
) -> bool {
    let key = signer.key();
    let Ok(key) = RawPublicKeyEntity::try_from(&key) else {
        return false;
    };
    // The unsigned bytes must have the only form that DER gives them with this algorithm.
    let mut fitting = by.iter().filter(|each| {
        encode_signed(signed, &each.signature_alg_id(), signature).is_ok_and(|found| found == whole)
    });
    signature.unused_bits == 0
        && fitting.any(|each| key.verify_signature(*each, signed, &signature.data).is_ok())
}

/// Encodes the signed content, the content of the algorithm's identifier, and the signature in DER.
fn encode_signed(
    signed: &[u8],
    algorithm: &[u8],
    signature: &BitString<'_>,
) -> Result<Vec<u8>, SerializeError> {
    let algorithm = Sequence::new(algorithm.into()).to_der_vec()?;
    let content = [signed, &algorithm, &signature.to_der_vec()?].concat();
    Sequence::new(content.into()).to_der_vec()
}
