//! TLS where a driver takes an `ssl.SSLContext`.

use crate::connection::{Root, Tls, TlsLevel};
use crate::convert::{Argument, TlsContext};

/// The context of what is required at least; its level is one of the last three.
pub(super) fn context(tls: &Tls, level: TlsLevel) -> Argument {
    let verify = level > TlsLevel::Require;
    let authorities = match &tls.root {
        Some(Root::File(path)) if verify => Some(path.clone()),
        _ => None,
    };
    Argument::TlsContext(TlsContext {
        authorities,
        verify,
        check_hostname: level == TlsLevel::VerifyFull,
        certificate: tls.certificate.clone(),
        key: tls.key.clone(),
        key_password: tls.key_password.clone(),
        revoked: tls.revoked.clone().filter(|_| verify),
    })
}
