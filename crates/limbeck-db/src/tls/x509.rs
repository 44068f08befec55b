//! The questions that libpq's rules ask of certificates and revocation lists, answered by `x509-parser`,
//! which keeps the bytes that were signed as they came; webpki reads neither version 1 nor the answers.

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

/// The extensions whose meaning is looked at, the constraints of names not among them.
const KNOWN: [Oid<'_>; 5] = [
    OID_X509_EXT_SUBJECT_ALT_NAME,
    OID_X509_EXT_BASIC_CONSTRAINTS,
    OID_X509_EXT_KEY_USAGE,
    OID_X509_EXT_EXTENDED_KEY_USAGE,
    OID_X509_EXT_CERT_TYPE,
];

/// The extensions that OpenSSL passes over, critical ones as well, unless it is asked for policies.
const OF_POLICIES: [Oid<'_>; 4] = [
    OID_X509_EXT_CERTIFICATE_POLICIES,
    OID_X509_EXT_POLICY_MAPPINGS,
    OID_X509_EXT_POLICY_CONSTRAINTS,
    OID_X509_EXT_INHIBIT_ANY_POLICY,
];

/// A certificate whose extensions can be asked: none of the known ones is there twice or can't be read.
#[derive(Debug)]
pub(super) struct Certificate<'a>(X509Certificate<'a>);

impl<'a> Certificate<'a> {
    /// Takes a certificate apart; `None` when it is none.
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let (rest, found) = X509Certificate::from_der(der).ok()?;
        let readable = KNOWN.iter().all(|id| {
            let of_kind = |each: &&X509Extension<'_>| each.oid == *id;
            let mut found = found.extensions().iter().filter(of_kind);
            let broken = |each: &X509Extension<'_>| each.parsed_extension().error().is_some();
            !found.next().is_some_and(broken) && found.next().is_none()
        });
        // The inner algorithm has to be the outer one, or the signature says nothing about it.
        (rest.is_empty() && readable && found.signature_algorithm == found.signature)
            .then_some(Self(found))
    }

    /// Counted from 1.
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

    /// The algorithm that it is signed with.
    pub(super) fn algorithm(&self) -> &Oid<'a> {
        &self.0.signature_algorithm.algorithm
    }

    pub(super) fn validity(&self) -> Validity {
        let validity = self.0.validity();
        Validity::new(validity.not_before, validity.not_after)
    }

    /// The key of `signer` has made the signature.
    pub(super) fn is_signed_by(&self, signer: &Certificate<'_>, by: Algorithms) -> bool {
        let found = &self.0;
        let signed = found.tbs_certificate.as_ref();
        is_signature(signer, by, found.as_raw(), signed, &found.signature_value)
    }

    /// Issuer and subject are the same.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer() == self.subject()
    }

    /// Says of itself that it is an authority.
    pub(super) fn is_marked_as_authority(&self) -> bool {
        self.constraints().is_some_and(|constraints| constraints.ca)
    }

    /// How many authorities may stand between this one and a server's certificate; `None` for any number.
    pub(super) fn path_length(&self) -> Option<u32> {
        self.constraints()?.path_len_constraint
    }

    /// May sign certificates of servers, as OpenSSL sees it: a self-issued one of version 1 may, too.
    pub(super) fn may_sign(&self) -> bool {
        let usage = self.key_usage();
        let authority = match self.constraints() {
            Some(constraints) => constraints.ca,
            None => usage.is_some() || (self.version() == 1 && self.is_self_issued()),
        };
        authority && self.is_for_servers() && usage.is_none_or(KeyUsage::key_cert_sign)
    }

    /// May sign revocation lists.
    pub(super) fn may_revoke(&self) -> bool {
        self.key_usage().is_none_or(KeyUsage::crl_sign)
    }

    /// May be a TLS server's.
    pub(super) fn may_serve(&self) -> bool {
        let for_tls = |usage: &KeyUsage| {
            usage.digital_signature() || usage.key_encipherment() || usage.key_agreement()
        };
        let of_netscape = match self.extension(&OID_X509_EXT_CERT_TYPE) {
            Some(ParsedExtension::NSCertType(kind)) => kind.ssl_server(),
            other => other.is_none(),
        };
        self.is_for_servers() && self.key_usage().is_none_or(for_tls) && of_netscape
    }

    fn is_for_servers(&self) -> bool {
        match self.extension(&OID_X509_EXT_EXTENDED_KEY_USAGE) {
            Some(ParsedExtension::ExtendedKeyUsage(usage)) => usage.server_auth,
            other => other.is_none(),
        }
    }

    /// Says for which names it may sign, critically or not.
    pub(super) fn constrains_names(&self) -> bool {
        self.extension(&OID_X509_EXT_NAME_CONSTRAINTS).is_some()
    }

    /// Has a critical extension that nobody looks at.
    pub(super) fn demands_the_unknown(&self) -> bool {
        self.0.extensions().iter().any(|extension| {
            extension.critical
                && !KNOWN.contains(&extension.oid)
                && !OF_POLICIES.contains(&extension.oid)
                && extension.oid != OID_X509_EXT_NAME_CONSTRAINTS
        })
    }

    /// Has an alternative name of this kind, be it one that can't be read.
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

    /// The first common name of the subject, which is the one that libpq looks at.
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

/// What a host is called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostKind {
    Name,
    Address,
}

/// A list of revoked certificates, as far as a certificate is looked for in it.
#[derive(Debug)]
pub(super) struct RevocationList<'a>(CertificateRevocationList<'a>);

impl<'a> RevocationList<'a> {
    /// Takes a list apart; `None` when it is none.
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let (rest, found) = CertificateRevocationList::from_der(der).ok()?;
        let same = found.signature_algorithm == found.tbs_cert_list.signature;
        (rest.is_empty() && same).then_some(Self(found))
    }

    /// It is about all certificates of this one's issuer.
    pub(super) fn is_about(&self, certificate: &Certificate<'_>) -> bool {
        let partial = [
            OID_X509_EXT_ISSUER_DISTRIBUTION_POINT,
            OID_X509_EXT_DELTA_CRL_INDICATOR,
        ];
        let in_part = |each: &X509Extension<'_>| each.critical || partial.contains(&each.oid);
        self.0.tbs_cert_list.issuer.as_raw() == certificate.issuer()
            && !self.0.extensions().iter().any(in_part)
    }

    /// The key of `signer` has made the signature.
    pub(super) fn is_signed_by(&self, signer: &Certificate<'_>, by: Algorithms) -> bool {
        let found = &self.0;
        let signed = found.tbs_cert_list.as_ref();
        is_signature(signer, by, found.as_raw(), signed, &found.signature_value)
    }

    /// When it was made.
    pub(super) fn made(&self) -> ASN1Time {
        self.0.last_update()
    }

    /// A list without an end is never current.
    pub(super) fn is_current(&self, now: UnixTime) -> bool {
        let to = self.0.next_update();
        to.is_some_and(|to| Validity::new(self.0.last_update(), to).has(now))
    }

    pub(super) fn revokes(&self, certificate: &Certificate<'_>) -> bool {
        let mut revoked = self.0.iter_revoked_certificates();
        revoked.any(|each| *each.serial() == certificate.0.serial)
    }
}

/// The span of time in which something is good, in seconds since 1970.
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

    pub(super) fn is_to_come(self, now: UnixTime) -> bool {
        seconds(now) < self.from
    }

    pub(super) fn is_over(self, now: UnixTime) -> bool {
        seconds(now) > self.to
    }

    pub(super) fn has(self, now: UnixTime) -> bool {
        !self.is_to_come(now) && !self.is_over(now)
    }
}

fn seconds(now: UnixTime) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The ways to sign that the provider of rustls knows.
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
    // What is not signed must have the one form that it can have with the algorithm.
    let mut fitting = by.iter().filter(|each| {
        joined(signed, &each.signature_alg_id(), signature).is_ok_and(|found| found == whole)
    });
    signature.unused_bits == 0
        && fitting.any(|each| key.verify_signature(*each, signed, &signature.data).is_ok())
}

/// What is signed, the content of the algorithm's identifier and the signature, as DER has them.
fn joined(
    signed: &[u8],
    algorithm: &[u8],
    signature: &BitString<'_>,
) -> Result<Vec<u8>, SerializeError> {
    let algorithm = Sequence::new(algorithm.into()).to_der_vec()?;
    let content = [signed, &algorithm, &signature.to_der_vec()?].concat();
    Sequence::new(content.into()).to_der_vec()
}
