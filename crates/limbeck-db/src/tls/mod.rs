//! TLS with exactly as much verification as was asked for.

mod verifier;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use crate::{ConnectError, ConnectErrorKind};

pub(crate) use verifier::server_end_point;

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
    /// PEM file with revoked certificates.
    pub(crate) revoked: Option<PathBuf>,
    /// PEM files of the client's certificate and key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

impl TlsOptions {
    /// The handshake's configuration.
    ///
    /// # Errors
    /// [`ConnectError`] names the file that can't be used.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| tls_error(format!("could not set TLS up: {error}"), None))?;
        let verifier = verifier::build(
            self.verification,
            self.roots()?,
            self.revocations()?,
            &provider,
        )?;
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate)?;
                let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| {
                    let hint = "the key must be a PEM file without a passphrase";
                    tls_error(
                        format!("could not read the client key `{}`: {error}", key.display()),
                        Some(hint),
                    )
                })?;
                builder
                    .with_client_auth_cert(chain, secret)
                    .map_err(|error| {
                        let files = format!("`{}` and `{}`", certificate.display(), key.display());
                        tls_error(
                            format!("could not use the client certificate {files}: {error}"),
                            None,
                        )
                    })?
            }
        };
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, ConnectError> {
        let mut store = RootCertStore::empty();
        let found = match &self.authorities {
            None => Vec::new(),
            Some(Authorities::File(path)) => certificates(path)?,
            Some(Authorities::System) => rustls_native_certs::load_native_certs().certs,
            Some(Authorities::Der(list)) => list
                .iter()
                .map(|der| CertificateDer::from(der.clone()))
                .collect(),
        };
        // Old authorities that rustls can't read are skipped, as OpenSSL skips what it can't use.
        store.add_parsable_certificates(found);
        Ok(store)
    }

    fn revocations(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, ConnectError> {
        let Some(path) = &self.revoked else {
            return Ok(Vec::new());
        };
        let unusable = |error: &dyn std::fmt::Display| {
            tls_error(
                format!(
                    "could not read the revocation list `{}`: {error}",
                    path.display()
                ),
                None,
            )
        };
        let lists =
            CertificateRevocationListDer::pem_file_iter(path).map_err(|error| unusable(&error))?;
        lists
            .collect::<Result<_, _>>()
            .map_err(|error| unusable(&error))
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

pub(crate) fn tls_error(message: String, hint: Option<&str>) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Tls,
        message,
        hint: hint.map(str::to_owned),
    }
}

/// Says why a handshake failed.
pub(crate) fn handshake_error(error: &std::io::Error, address: &str) -> ConnectError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
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
            hint: None,
        },
    }
}
