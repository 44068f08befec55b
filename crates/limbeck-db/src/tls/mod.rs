//! TLS with exactly the verification that the connection parameters ask for.

mod chain;
mod client;
mod end_point;
mod names;
mod revocation;
mod summary;
#[cfg(test)]
mod tests;
mod verifier;
mod x509;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, CertificateError, ClientConfig};

use crate::{CertificateVerification, ConnectError, ConnectErrorKind};

use chain::TrustSettings;
pub(crate) use client::ClientFiles;
pub(crate) use end_point::server_end_point;
pub(crate) use summary::summary;

/// The source of the trusted authorities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authorities {
    /// A PEM file.
    File(PathBuf),
    /// The operating system's certificate store.
    System,
    /// Certificates in DER.
    Der(Vec<Vec<u8>>),
}

/// The options of a TLS handshake.
#[derive(Debug, Clone)]
pub(crate) struct TlsOptions {
    pub(crate) verification: CertificateVerification,
    pub(crate) authorities: Option<Authorities>,
    /// PEM files with revocation lists, and folders of such files.
    pub(crate) revocation_lists: Vec<PathBuf>,
    pub(crate) client: Option<ClientFiles>,
    pub(crate) versions: TlsVersionRange,
    /// The handshake sends the host's name to the server (SNI).
    pub(crate) sends_server_name: bool,
}

/// The TLS versions that limbeck supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    V12,
    V13,
}

/// The TLS versions that a handshake may use, both ends included.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TlsVersionRange {
    pub(crate) lowest: TlsVersion,
    pub(crate) highest: TlsVersion,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            verification: CertificateVerification::None,
            authorities: None,
            revocation_lists: Vec::new(),
            client: None,
            versions: TlsVersionRange {
                lowest: TlsVersion::V12,
                highest: TlsVersion::V13,
            },
            sends_server_name: true,
        }
    }
}

impl TlsOptions {
    /// Returns the configuration of the handshake.
    ///
    /// # Errors
    /// Returns a [`ConnectError`] that names the file if a certificate, key or revocation list can't be used.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let TlsVersionRange { lowest, highest } = self.versions;
        let versions: Vec<_> = [
            (TlsVersion::V12, &rustls::version::TLS12),
            (TlsVersion::V13, &rustls::version::TLS13),
        ]
        .into_iter()
        .filter(|(version, _)| (lowest..=highest).contains(version))
        .map(|(_, version)| version)
        .collect();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&versions)
            .map_err(|error| tls_error(format!("could not set up TLS: {error}"), None))?;
        let verifier = verifier::build(self.verification, self.trust_settings()?, &provider)?;
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.client {
            None => builder.with_no_client_auth(),
            Some(files) => {
                let key = files.load(&provider)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
            }
        };
        config.enable_sni = self.sends_server_name;
        Ok(Arc::new(config))
    }

    fn trust_settings(&self) -> Result<TrustSettings, ConnectError> {
        if self.verification == CertificateVerification::None {
            return Ok(TrustSettings::default());
        }
        let certificates = match &self.authorities {
            None => Vec::new(),
            Some(Authorities::File(path)) => certificates(path)?,
            Some(Authorities::System) => system_certificates()?.to_vec(),
            Some(Authorities::Der(list)) => list
                .iter()
                .map(|der| CertificateDer::from(der.clone()))
                .collect(),
        };
        Ok(TrustSettings {
            certificates,
            allows_partial_chains: matches!(self.authorities, Some(Authorities::Der(_))),
            accepts_common_names: matches!(self.authorities, Some(Authorities::File(_))),
            revocation_lists: revocation::read_lists(&self.revocation_lists)?,
        })
    }
}

/// Returns the operating system's authorities. They are read once per process: a store has some hundred files, and
/// a service may open thousands of connections.
fn system_certificates() -> Result<&'static [CertificateDer<'static>], ConnectError> {
    static LOADED: LazyLock<Result<Vec<CertificateDer<'static>>, ConnectError>> =
        LazyLock::new(|| {
            let loaded = rustls_native_certs::load_native_certs();
            match loaded.errors.first() {
                // Unreadable files beside readable ones are ignored, as OpenSSL does.
                Some(error) if loaded.certs.is_empty() => Err(tls_error(
                    format!("could not read the system's certificates: {error}"),
                    Some("set `sslrootcert` to the authority's certificate file"),
                )),
                _ => Ok(loaded.certs),
            }
        });
    LOADED.as_deref().map_err(ConnectError::clone)
}

/// Reads the certificates of a PEM file.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let unusable = |error: &dyn std::fmt::Display| {
        tls_error(
            format!(
                "could not read the certificate file `{}`: {error}",
                path.display()
            ),
            None,
        )
    };
    let pem = fs::read(path).map_err(|error| unusable(&error))?;
    let found: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(&error))?;
    if found.is_empty() {
        return Err(unusable(&"it contains no certificate"));
    }
    Ok(found)
}

/// Returns the usable authorities among the given certificates and those of a file (PEM, or one in DER).
///
/// The MySQL driver passes them to webpki unchecked, so this drops authorities that have expired, may not sign, or
/// have an unknown critical extension.
pub(crate) fn authorities(
    file: Option<&Path>,
    given: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, ConnectError> {
    let mut found: Vec<CertificateDer<'static>> = given.iter().cloned().map(Into::into).collect();
    if let Some(path) = file {
        match certificates(path) {
            Ok(list) => found.extend(list),
            Err(error) => match fs::read(path) {
                Ok(der) if x509::Certificate::parse(&der).is_some() => found.push(der.into()),
                _ => return Err(error),
            },
        }
    }
    found.retain(chain::is_usable_anchor);
    if found.is_empty() {
        let message = "none of the configured authorities may sign a server's certificate now";
        return Err(ConnectError {
            kind: ConnectErrorKind::TlsUnverified,
            ..tls_error(message.into(), None)
        });
    }
    Ok(found.iter().map(|der| der.to_vec()).collect())
}

/// Returns the authorities in a folder (PEM), under the names by which OpenSSL finds them: `<hash>.<number>`.
pub(crate) fn authorities_in_folder(folder: &Path) -> Result<Vec<Vec<u8>>, ConnectError> {
    let unusable = |why: &dyn std::fmt::Display| {
        let message = format!(
            "could not read the folder of authorities `{}`: {why}",
            folder.display()
        );
        tls_error(message, Some("run `openssl rehash` for the folder"))
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unusable(&error))? {
        let path = entry.map_err(|error| unusable(&error))?.path();
        let is_hashed = path.file_stem().is_some_and(|stem| {
            stem.len() == 8 && stem.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit)
        }) && path
            .extension()
            .is_some_and(|number| number.as_encoded_bytes().iter().all(u8::is_ascii_digit));
        if is_hashed {
            found.extend(certificates(&path)?.iter().map(|der| der.to_vec()));
        }
    }
    if found.is_empty() {
        return Err(unusable(&"it has no certificate `<hash>.<number>`"));
    }
    Ok(found)
}

/// Returns an error of the kind `Tls`.
pub(crate) fn tls_error(message: String, hint: Option<&str>) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Tls,
        message,
        hint: hint.map(str::to_owned),
    }
}

/// A failed TLS handshake.
#[derive(Debug)]
pub(crate) struct HandshakeFailure {
    pub(crate) error: ConnectError,
    /// The two sides have no algorithm in common. OpenSSL might have one, as it supports more keys and ciphers.
    pub(crate) may_be_our_limit: bool,
}

/// Returns the reason why a certificate could not be verified. rustls has only its names for most of them.
fn describe_problem(problem: &CertificateError) -> String {
    match problem {
        CertificateError::UnknownIssuer => "no trusted authority has signed it".to_owned(),
        CertificateError::Expired => "it has expired".to_owned(),
        CertificateError::NotValidYet => "it is not valid yet".to_owned(),
        CertificateError::Revoked => "it is revoked".to_owned(),
        CertificateError::NotValidForName => "it is for another host name".to_owned(),
        CertificateError::InvalidPurpose => "it is not for servers".to_owned(),
        CertificateError::BadSignature => "its signature is wrong".to_owned(),
        CertificateError::BadEncoding => "it is malformed".to_owned(),
        other => other.to_string(),
    }
}

/// Converts the error of a TLS handshake.
pub(crate) fn handshake_error(error: &std::io::Error, address: &str) -> HandshakeFailure {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let may_be_our_limit = matches!(
        inner,
        Some(rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure
        ))
    );
    let error = match inner {
        Some(rustls::Error::InvalidCertificate(problem)) => ConnectError {
            kind: ConnectErrorKind::TlsUnverified,
            message: format!("the certificate of the server at {address} could not be verified: {}", describe_problem(problem)),
            hint: Some(
                "set `sslrootcert` (or `ssl_ca`) to the authority that signed it, and connect by a name in the certificate"
                    .into(),
            ),
        },
        _ => ConnectError {
            kind: ConnectErrorKind::Tls,
            message: format!("the TLS handshake with the server at {address} failed: {error}"),
            hint: may_be_our_limit.then(|| {
                "limbeck's TLS supports no P-521 keys, no RSA-PSS keys and no RSA key exchange: give the server another key, or set `sslmode=disable`"
                    .into()
            }),
        },
    };
    HandshakeFailure {
        error,
        may_be_our_limit,
    }
}
