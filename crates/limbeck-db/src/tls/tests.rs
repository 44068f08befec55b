//! Tests of the verifier with certificates that no test server can have: malformed, expired and altered ones.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use limbeck_testkit::certificates::{Authority, CertificateRequest};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::{CertificateError, Error};

use super::chain::TrustSettings;
use super::verifier;
use crate::CertificateVerification;

const LOCALHOST: &str = "subjectAltName=DNS:localhost";
const SELF: &str = "basicConstraints=CA:TRUE\nsubjectAltName=DNS:localhost";
/// Times in seconds since 1970. The testkit's certificates are valid from 2020 to 2045, its expired ones until 2021.
const IN_2019: u64 = 1_560_000_000;
const IN_2020: u64 = 1_600_000_000;
const IN_2026: u64 = 1_780_000_000;
const IN_2046: u64 = 2_400_000_000;

/// The forms of a server's certificate, each with its own branch in the verifier.
const FORMS: [(&str, &str); 3] = [
    ("ordinary", LOCALHOST),
    ("authority", SELF),
    ("version 1", ""),
];

fn certificate(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap()
}

fn verifier_with(
    roots: &[CertificateDer<'static>],
    lists: &[&Path],
) -> Arc<dyn ServerCertVerifier> {
    let trust = TrustSettings {
        certificates: roots.to_vec(),
        accepts_common_names: true,
        revocation_lists: lists
            .iter()
            .map(|file| CertificateRevocationListDer::from_pem_file(file).unwrap())
            .collect(),
        ..TrustSettings::default()
    };
    let provider = rustls::crypto::ring::default_provider();
    verifier::build(CertificateVerification::AuthorityAndName, trust, &provider).unwrap()
}

/// Verifies a certificate at a time. Panics if an error is not rustls' `InvalidCertificate`.
fn verify(
    checker: &dyn ServerCertVerifier,
    presented: &[u8],
    now: u64,
) -> Result<(), CertificateError> {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
    let name = ServerName::try_from("localhost").unwrap();
    match checker.verify_server_cert(&CertificateDer::from(presented), &[], &name, &[], now) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn rejects_certificates_and_authorities_outside_their_validity() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::new(&folder.path().join("root"), "root");
    let wanted = CertificateRequest::new("ca", "past", "basicConstraints=CA:TRUE").expired();
    let past = Authority::with(&folder.path().join("past"), &wanted);
    let long = verifier_with(&[certificate(&root.own.certificate)], &[]);
    let short = verifier_with(&[certificate(&past.own.certificate)], &[]);
    for (form, extensions) in FORMS {
        let wanted = CertificateRequest::new(form, "localhost", extensions);
        let under_root = certificate(&root.issue(&wanted).certificate);
        let under_past = certificate(&past.issue(&wanted).certificate);
        for (checker, presented, now, expected) in [
            (&long, &under_root, IN_2026, Ok(())),
            (
                &long,
                &under_root,
                IN_2019,
                Err(CertificateError::NotValidYet),
            ),
            (&long, &under_root, IN_2046, Err(CertificateError::Expired)),
            (&short, &under_past, IN_2020, Ok(())),
            (
                &short,
                &under_past,
                IN_2026,
                Err(CertificateError::UnknownIssuer),
            ),
            (
                &short,
                &under_root,
                IN_2020,
                Err(CertificateError::UnknownIssuer),
            ),
        ] {
            assert_eq!(
                verify(checker.as_ref(), presented, now),
                expected,
                "{form}, {now}"
            );
        }
    }
}

#[test]
fn rejects_ambiguous_encodings() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::new(&folder.path().join("root"), "root");
    let checker = verifier_with(&[certificate(&root.own.certificate)], &[]);
    let issue = |name: &str, extensions: &str| {
        let issued = root.issue(&CertificateRequest::new(name, "localhost", extensions));
        certificate(&issued.certificate).to_vec()
    };
    let v1 = issue("v1", "");
    // The outer sequence contains bytes after its last element.
    let mut longer = v1.clone();
    let length = u16::try_from(v1.len() - 4 + 2).unwrap();
    longer[2..4].copy_from_slice(&length.to_be_bytes());
    longer.extend([5, 0]);
    // The outer algorithm is ECDSA with SHA-384, the inner one with SHA-256.
    let ecdsa = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    let at = v1.windows(8).rposition(|window| window == ecdsa).unwrap();
    let mut other_algorithm = v1.clone();
    other_algorithm[at + 7] = 3;
    // openssl can't write an extension twice, so the second gets its identifier (2.5.29.15) here.
    let twice = format!("{LOCALHOST}\nkeyUsage=digitalSignature\n1.2.3.15=DER:03020780");
    let mut twice = issue("twice", &twice);
    let name = [6, 3, 0x2a, 3, 15];
    let at = twice.windows(5).position(|window| window == name).unwrap();
    twice[at..at + 5].copy_from_slice(&[6, 3, 0x55, 0x1d, 15]);
    for (name, presented) in [
        ("no bytes", Vec::new()),
        ("an empty sequence", vec![0x30, 0]),
        (
            "a length without an end",
            vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ),
        ("a trailing byte", [v1.as_slice(), &[0]].concat()),
        ("two algorithms", other_algorithm),
        ("the key's usage twice", twice),
        (
            "malformed constraints",
            issue("broken", &format!("{LOCALHOST}\n2.5.29.19=DER:0400")),
        ),
        (
            "malformed purposes",
            issue("purposes", &format!("{SELF}\n2.5.29.37=DER:0400")),
        ),
    ] {
        let found = verify(checker.as_ref(), &presented, IN_2026);
        assert_eq!(found, Err(CertificateError::BadEncoding), "{name}");
    }
    assert_eq!(verify(checker.as_ref(), &v1, IN_2026), Ok(()));
    // It is readable, but the signature does not cover the extra bytes.
    let found = verify(checker.as_ref(), &longer, IN_2026);
    assert_eq!(found, Err(CertificateError::UnknownIssuer));
}

#[test]
fn ignores_a_revocation_list_with_a_limited_scope() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::new(&folder.path().join("root"), "root");
    let trusted = [certificate(&root.own.certificate)];
    let whole = root.revocation_list("whole.crl", false);
    let part = "issuingDistributionPoint=critical,@part\n[part]\nfullname=URI:http://example.com/part.crl\nonlyuser=TRUE";
    let part = root.revocation_list_with("part.crl", part);
    let limited = verifier_with(&trusted, &[&part]);
    let complete = verifier_with(&trusted, &[&part, &whole]);
    for (form, extensions) in &FORMS[1..] {
        let issued = root.issue(&CertificateRequest::new(form, "localhost", extensions));
        let presented = certificate(&issued.certificate);
        assert_eq!(
            verify(limited.as_ref(), &presented, IN_2026),
            Err(CertificateError::UnknownRevocationStatus),
            "{form}"
        );
        let now = UnixTime::now().as_secs();
        assert_eq!(verify(complete.as_ref(), &presented, now), Ok(()), "{form}");
    }
}

/// Pseudo-random numbers (xorshift), the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % end
    }
}

/// Returns the certificate with a few random changes of bits, bytes, lengths and pieces, as an attacker would try.
fn alter(original: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len());
        match numbers.below(7) {
            0 | 1 => bytes[at] ^= 1 << numbers.below(8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0x81, 0xff, 0x30][numbers.below(7)],
            3 => bytes.insert(at, bytes[numbers.below(bytes.len())]),
            4 if bytes.len() > 1 => drop(bytes.remove(at)),
            5 => {
                let end = (at + numbers.below(32)).min(bytes.len()).min(other.len());
                let start = at.min(end);
                bytes[start..end].copy_from_slice(&other[start..end]);
            }
            _ => {
                let from = numbers.below(other.len());
                let to = (from + numbers.below(64)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn rejects_every_altered_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::new(&folder.path().join("root"), "localhost");
    let own = Authority::with(
        &folder.path().join("own"),
        &CertificateRequest::new("own", "localhost", SELF),
    );
    let roots = [&root, &own].map(|each| certificate(&each.own.certificate));
    let checker = verifier_with(&roots, &[]);
    let mut originals: Vec<_> = FORMS
        .map(|(form, extensions)| {
            let wanted = CertificateRequest::new(form, "localhost", extensions);
            certificate(&root.issue(&wanted).certificate)
        })
        .into();
    originals.push(certificate(&own.own.certificate));
    let rsa = CertificateRequest::new("rsa", "localhost", "").rsa();
    originals.push(certificate(&root.issue(&rsa).certificate));
    for original in &originals {
        assert_eq!(verify(checker.as_ref(), original, IN_2026), Ok(()));
    }
    let mut numbers = Numbers(0x5eed_1e55_0dd5);
    let mut read = 0;
    for round in 0..100_000 {
        let original = &originals[round % originals.len()];
        let other = &originals[numbers.below(originals.len())];
        let presented = alter(original, other, &mut numbers);
        read += usize::from(super::x509::Certificate::parse(&presented).is_some());
        if verify(checker.as_ref(), &presented, IN_2026).is_ok() {
            assert!(
                originals.iter().any(|each| each.as_ref() == presented),
                "accepted in round {round}: {presented:02x?}"
            );
        }
    }
    // Enough of them have to reach the signature check; otherwise this would test only the parser.
    assert!(read > 20_000, "{read}");
}
