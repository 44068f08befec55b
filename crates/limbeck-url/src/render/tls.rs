//! `ssl.SSLContext` arguments for drivers whose URL can't express TLS settings.

use crate::connection::{RootCertificates, Tls, TlsLevel};
use crate::convert::{ArgumentValue, TlsContext};

/// Returns the context for a level, which must be `require` or stronger.
pub(super) fn context(tls: &Tls, level: TlsLevel) -> ArgumentValue {
    let verify = level > TlsLevel::Require;
    let root_certificates = match &tls.root_certificates {
        Some(RootCertificates::File(path)) if verify => Some(path.clone()),
        _ => None,
    };
    ArgumentValue::TlsContext(TlsContext {
        root_certificates,
        verify_certificate: verify,
        check_hostname: level == TlsLevel::VerifyFull,
        client_certificate: tls.client_certificate.clone(),
        client_key: tls.client_key.clone(),
        client_key_password: tls.client_key_password.clone(),
        revocation_list: tls.revocation_list.clone().filter(|_| verify),
    })
}
