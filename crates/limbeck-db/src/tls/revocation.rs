//! Lists of revoked certificates, from files and folders.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;

use super::tls_error;
use crate::{ConnectError, ConnectErrorKind};

/// Reads all lists. A folder has them under the names that `openssl rehash` gives: `<hash>.r<number>`.
pub(super) fn lists(
    places: &[PathBuf],
) -> Result<Vec<CertificateRevocationListDer<'static>>, ConnectError> {
    let mut lists = Vec::new();
    for place in places {
        let files = if place.is_dir() {
            let entries = fs::read_dir(place).map_err(|error| unusable(place, &error))?;
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| is_list(path))
                .collect()
        } else {
            vec![place.clone()]
        };
        let before = lists.len();
        for file in files {
            let found = CertificateRevocationListDer::pem_file_iter(&file)
                .map_err(|error| unusable(&file, &error))?;
            for list in found {
                lists.push(list.map_err(|error| unusable(&file, &error))?);
            }
        }
        // Without a list nothing would be checked, which is not what was asked for.
        if lists.len() == before {
            return Err(tls_error(
                format!("there is no revocation list in `{}`", place.display()),
                None,
            ));
        }
    }
    Ok(lists)
}

fn is_list(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(|name| name.split_once(".r"))
        .is_some_and(|(hash, number)| {
            hash.len() == 8
                && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// limbeck's limits may be narrower than OpenSSL's: a parameter's fault and none of TLS: under no `sslmode` a reason to go on without TLS.
fn unusable(path: &Path, error: &dyn std::fmt::Display) -> ConnectError {
    ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: format!(
            "could not read the revocation list `{}`: {error}",
            path.display()
        ),
        hint: None,
    }
}
