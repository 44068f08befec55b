//! Certificate revocation lists from files and folders.

use std::fs;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;

use super::tls_error;
use crate::{ConnectError, ConnectErrorKind};

/// Reads all lists. In a folder, it reads the files that `openssl rehash` names: `<hash>.r<number>`.
pub(super) fn read_lists(
    paths: &[PathBuf],
) -> Result<Vec<CertificateRevocationListDer<'static>>, ConnectError> {
    let mut lists = Vec::new();
    for path in paths {
        let files = if path.is_dir() {
            let entries = fs::read_dir(path).map_err(|error| unusable(path, &error))?;
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|file| is_list(file))
                .collect()
        } else {
            vec![path.clone()]
        };
        let before = lists.len();
        for file in files {
            let found = CertificateRevocationListDer::pem_file_iter(&file)
                .map_err(|error| unusable(&file, &error))?;
            for list in found {
                lists.push(list.map_err(|error| unusable(&file, &error))?);
            }
        }
        // The parameter asks for a check, and without a list there would be none.
        if lists.len() == before {
            return Err(tls_error(
                format!("`{}` contains no revocation list", path.display()),
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

/// The kind is `Parameter`: OpenSSL might read the list, so no `sslmode` may fall back to a plain connection.
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
