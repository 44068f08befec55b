//! The client's certificate and key.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;

use super::x509::Certificate;
use super::{certificates, tls_error};
use crate::{ConnectError, ConnectErrorKind};

/// The files of a client's certificate (PEM) and key (PEM or DER).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl ClientFiles {
    /// Reads both files. libpq's conditions on the key's permissions apply.
    pub(super) fn load(&self, provider: &CryptoProvider) -> Result<CertifiedKey, ConnectError> {
        let chain = certificates(&self.certificate)?;
        let key = read_key(&self.key)?;
        let files = format!(
            "`{}` and `{}`",
            self.certificate.display(),
            self.key.display()
        );
        let unusable = |why: &dyn std::fmt::Display| {
            tls_error(
                format!("could not use the client certificate {files}: {why}"),
                None,
            )
        };
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|error| unusable(&error))?;
        let certificate = chain.first().and_then(|der| Certificate::parse(der));
        let certificate = certificate.ok_or_else(|| unusable(&"it is not an X.509 certificate"))?;
        if key
            .public_key()
            .is_some_and(|public| public != certificate.key())
        {
            return Err(unusable(&"the key does not belong to the certificate"));
        }
        Ok(CertifiedKey::new(chain, key))
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, ConnectError> {
    let unusable = |why: &dyn std::fmt::Display, hint: Option<&str>| {
        tls_error(
            format!("could not read the client key `{}`: {why}", path.display()),
            hint,
        )
    };
    let metadata = fs::metadata(path).map_err(|error| unusable(&error, None))?;
    if !metadata.is_file() {
        return Err(unusable(&"it is not a file", None));
    }
    if is_readable_by_others(&metadata) {
        let hint = format!("run `chmod 0600 {}`", path.display());
        return Err(unusable(&"other users can read it", Some(&hint)));
    }
    let bytes = fs::read(path).map_err(|error| unusable(&error, None))?;
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        let hint = format!(
            "limbeck reads no encrypted keys, with or without `sslpassword`: decrypt it with `openssl pkey -in {} -out …`",
            path.display()
        );
        // The kind is `Parameter`: libpq could read the key, so no `sslmode` may fall back to a plain connection.
        return Err(ConnectError {
            kind: ConnectErrorKind::Parameter,
            ..unusable(&"it is encrypted", Some(&hint))
        });
    }
    match PrivateKeyDer::from_pem_slice(&bytes) {
        Ok(key) => Ok(key),
        Err(error) => PrivateKeyDer::try_from(bytes).map_err(|_| unusable(&error, None)),
    }
}

/// Applies libpq's rule: only a key that root owns may be readable by its group.
#[cfg(unix)]
fn is_readable_by_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    metadata.mode() & forbidden != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &fs::Metadata) -> bool {
    false
}
