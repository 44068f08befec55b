//! TLS with exactly as much verification as was asked for.

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
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, ClientConfig};

use crate::{ConnectError, ConnectErrorKind};

use chain::Trust;
pub(crate) use client::ClientFiles;
pub(crate) use end_point::server_end_point;
pub(crate) use summary::summary;

/// How much of the server's certificate is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verification {
    /// Nothing: the connection is encrypted, to whoever answers.
    None,
    /// Its chain up to an authority.
    Authority,
    /// Its chain, and that it is for this host.
    Full,
}

/// Where the trusted authorities come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authorities {
    /// A PEM file.
    File(PathBuf),
    /// The operating system's.
    System,
    /// Certificates in DER.
    Der(Vec<Vec<u8>>),
}

/// What a TLS handshake takes.
#[derive(Debug, Clone)]
pub(crate) struct TlsOptions {
    pub(crate) verification: Verification,
    pub(crate) authorities: Option<Authorities>,
    /// PEM files with revocation lists, and folders of such.
    pub(crate) revoked: Vec<PathBuf>,
    pub(crate) client: Option<ClientFiles>,
    /// The lowest and the highest version of TLS.
    pub(crate) versions: (TlsVersion, TlsVersion),
    /// The server is told which host is meant.
    pub(crate) server_name: bool,
}

/// The versions of TLS that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    V12,
    V13,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self {
            verification: Verification::None,
            authorities: None,
            revoked: Vec::new(),
            client: None,
            versions: (TlsVersion::V12, TlsVersion::V13),
            server_name: true,
        }
    }
}

impl TlsOptions {
    /// The handshake's configuration.
    ///
    /// # Errors
    /// [`ConnectError`] names the file that can't be used.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let (lowest, highest) = self.versions;
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
            .map_err(|error| tls_error(format!("could not set TLS up: {error}"), None))?;
        let verifier = verifier::build(self.verification, self.trust()?, &provider)?;
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
        config.enable_sni = self.server_name;
        Ok(Arc::new(config))
    }

    fn trust(&self) -> Result<Trust, ConnectError> {
        if self.verification == Verification::None {
            return Ok(Trust::default());
        }
        let certificates = match &self.authorities {
            None => Vec::new(),
            Some(Authorities::File(path)) => certificates(path)?,
            Some(Authorities::System) => rustls_native_certs::load_native_certs().certs,
            Some(Authorities::Der(list)) => list
                .iter()
                .map(|der| CertificateDer::from(der.clone()))
                .collect(),
        };
        Ok(Trust {
            certificates,
            partial_chains: matches!(self.authorities, Some(Authorities::Der(_))),
            common_name: matches!(self.authorities, Some(Authorities::File(_))),
            revocations: revocation::lists(&self.revoked)?,
        })
    }
}

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
        return Err(unusable(&"there is no certificate in it"));
    }
    Ok(found)
}

/// The authorities among these certificates and those of a file (PEM, or one in DER), for a driver that
/// gives them to webpki as they are: none that has expired, may not sign, or asks for the unknown.
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
    found.retain(chain::may_be_an_anchor);
    if found.is_empty() {
        let message = "none of the authorities that were given may sign a server's certificate now";
        return Err(ConnectError {
            kind: ConnectErrorKind::TlsUnverified,
            ..tls_error(message.into(), None)
        });
    }
    Ok(found.iter().map(|der| der.to_vec()).collect())
}

pub(crate) fn tls_error(message: String, hint: Option<&str>) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Tls,
        message,
        hint: hint.map(str::to_owned),
    }
}

/// Why a handshake failed.
#[derive(Debug)]
pub(crate) struct HandshakeError {
    pub(crate) error: ConnectError,
    /// The two sides have nothing in common, where OpenSSL might have: its kinds of keys and ciphers are more.
    pub(crate) is_our_limit: bool,
}

/// Says why a handshake failed.
pub(crate) fn handshake_error(error: &std::io::Error, address: &str) -> HandshakeError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let is_our_limit = matches!(
        inner,
        Some(rustls::Error::AlertReceived(
            AlertDescription::HandshakeFailure
        ))
    );
    let error = match inner {
        Some(rustls::Error::InvalidCertificate(problem)) => ConnectError {
            kind: ConnectErrorKind::TlsUnverified,
            message: format!("the certificate of the server at {address} could not be verified: {problem}"),
            hint: Some(
                "give the authority that signed it with `sslrootcert` (or `ssl_ca`), and connect by a name that is in it"
                    .into(),
            ),
        },
        _ => ConnectError {
            kind: ConnectErrorKind::Tls,
            message: format!("the TLS handshake with the server at {address} failed: {error}"),
            hint: is_our_limit.then(|| {
                "limbeck's TLS has no P-521 and no RSA-PSS keys and no key exchange by RSA: give the server another key, or say `sslmode=disable`"
                    .into()
            }),
        },
    };
    HandshakeError {
        error,
        is_our_limit,
    }
}
