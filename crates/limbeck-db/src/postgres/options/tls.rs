//! libpq's TLS parameters.

use std::path::{Path, PathBuf};

use super::{TlsLevel, problem};
use crate::tls::{Authorities, ClientFiles, TlsOptions, TlsVersion, TlsVersionRange};
use crate::{CertificateVerification, ConnectError, ConnectErrorKind, PythonSslContext};

/// The sources of TLS parameters: values by name, and the folder of default files.
pub(super) struct TlsParameters<'a, F> {
    /// Returns the value of a parameter.
    pub(super) value: F,
    pub(super) home: Option<&'a Path>,
}

impl<'a, F: Fn(&str) -> Option<&'a str>> TlsParameters<'a, F> {
    /// Reads the TLS level and options. If `has_network_host` is false, the hosts are all unix sockets, and missing
    /// files are no error.
    pub(super) fn read(
        &self,
        context: Option<PythonSslContext>,
        has_network_host: bool,
    ) -> Result<(TlsLevel, TlsOptions), ConnectError> {
        let mode = (self.value)("sslmode")
            .map(|word| parse_mode(word, (self.value)("sslrootcert")))
            .transpose()?;
        let mut tls = TlsOptions {
            versions: self.versions()?,
            sends_server_name: (self.value)("sslsni") != Some("0"),
            ..TlsOptions::default()
        };
        let mode = if let Some(context) = context {
            tls.verification = match (context.verify, context.check_hostname) {
                (true, true) => CertificateVerification::AuthorityAndName,
                (true, false) => CertificateVerification::Authority,
                (false, _) => CertificateVerification::None,
            };
            tls.authorities = Some(Authorities::Der(context.authorities));
            tls.client = context
                .client
                .map(|(certificate, key)| ClientFiles { certificate, key });
            TlsLevel::Require
        } else {
            self.verification(mode, has_network_host, &mut tls)?
        };
        if mode != TlsLevel::Disable && tls.client.is_none() {
            tls.client = self.client()?;
        }
        Ok((mode, tls))
    }

    fn file(&self, parameter: &str, default: &str) -> Option<PathBuf> {
        (self.value)(parameter)
            .map(PathBuf::from)
            .or_else(|| self.default_file(default))
    }

    fn default_file(&self, name: &str) -> Option<PathBuf> {
        let path = self.home?.join(".postgresql").join(name);
        path.exists().then_some(path)
    }

    fn verification(
        &self,
        mode: Option<TlsLevel>,
        has_network_host: bool,
        tls: &mut TlsOptions,
    ) -> Result<TlsLevel, ConnectError> {
        let system = (self.value)("sslrootcert") == Some("system");
        let mode = mode.unwrap_or(if system {
            TlsLevel::VerifyFull
        } else {
            TlsLevel::Prefer
        });
        if system && mode != TlsLevel::VerifyFull {
            let why = "`sslrootcert=system` needs `sslmode=verify-full`: those authorities sign anyone's certificate";
            return Err(problem("sslmode", why));
        }
        tls.authorities = if system {
            Some(Authorities::System)
        } else {
            self.file("sslrootcert", "root.crt").map(Authorities::File)
        };
        let has_authority = match &tls.authorities {
            Some(Authorities::File(path)) => path.exists(),
            other => other.is_some(),
        };
        tls.verification = match mode {
            TlsLevel::Disable => CertificateVerification::None,
            TlsLevel::VerifyFull => CertificateVerification::AuthorityAndName,
            TlsLevel::VerifyCa => CertificateVerification::Authority,
            // libpq verifies with an authority's file at these levels, too, if the file exists.
            TlsLevel::Allow | TlsLevel::Prefer | TlsLevel::Require if has_authority => {
                CertificateVerification::Authority
            }
            TlsLevel::Allow | TlsLevel::Prefer | TlsLevel::Require => CertificateVerification::None,
        };
        if tls.verification == CertificateVerification::None || !has_network_host {
            return Ok(mode);
        }
        if !has_authority {
            let reason = match &tls.authorities {
                Some(Authorities::File(path)) => format!("`{}` does not exist", path.display()),
                _ => "`sslrootcert` is not set and ~/.postgresql/root.crt does not exist".into(),
            };
            return Err(ConnectError {
                kind: ConnectErrorKind::Tls,
                message: format!("the server's certificate can't be verified: {reason}"),
                hint: Some(
                    "set `sslrootcert` to the authority's certificate file, or to `system`".into(),
                ),
            });
        }
        let given = ["sslcrl", "sslcrldir"]
            .into_iter()
            .filter_map(|parameter| Some((parameter, PathBuf::from((self.value)(parameter)?))));
        for (parameter, path) in given {
            if !path.exists() {
                let why = format!("`{}` does not exist", path.display());
                return Err(problem(parameter, &why));
            }
            tls.revocation_lists.push(path);
        }
        if tls.revocation_lists.is_empty() {
            tls.revocation_lists.extend(self.default_file("root.crl"));
        }
        Ok(mode)
    }

    /// Returns the client's files. libpq ignores a missing certificate, because the server may not need one.
    fn client(&self) -> Result<Option<ClientFiles>, ConnectError> {
        match (self.value)("sslcertmode") {
            None | Some("allow") => {}
            Some("disable") => return Ok(None),
            Some(other) => {
                let why = format!("limbeck supports `disable` and `allow`, not `{other}`");
                return Err(problem("sslcertmode", &why));
            }
        }
        let certificate = self.file("sslcert", "postgresql.crt");
        let Some(certificate) = certificate.filter(|path| path.exists()) else {
            return Ok(None);
        };
        let key = (self.value)("sslkey")
            .map(PathBuf::from)
            .or_else(|| Some(self.home?.join(".postgresql").join("postgresql.key")));
        match key {
            Some(key) => Ok(Some(ClientFiles { certificate, key })),
            None => Err(problem(
                "sslkey",
                &format!("the certificate `{}` needs a key", certificate.display()),
            )),
        }
    }

    fn versions(&self) -> Result<TlsVersionRange, ConnectError> {
        let version = |parameter: &str| match (self.value)(parameter) {
            None => Ok(None),
            Some(word) => match word.to_ascii_lowercase().as_str() {
                "tlsv1" | "tlsv1.1" => Ok(Some(None)),
                "tlsv1.2" => Ok(Some(Some(TlsVersion::V12))),
                "tlsv1.3" => Ok(Some(Some(TlsVersion::V13))),
                _ => Err(problem(
                    parameter,
                    &format!("`{word}` is not one of TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"),
                )),
            },
        };
        // A lower minimum is accepted, and limbeck still starts at TLS 1.2.
        let lowest = version("ssl_min_protocol_version")?
            .flatten()
            .unwrap_or(TlsVersion::V12);
        let highest = match version("ssl_max_protocol_version")? {
            None => TlsVersion::V13,
            Some(Some(version)) => version,
            Some(None) => {
                let why = "limbeck supports no TLS below TLSv1.2";
                return Err(problem("ssl_max_protocol_version", why));
            }
        };
        if lowest > highest {
            let why = "it is above `ssl_max_protocol_version`";
            return Err(problem("ssl_min_protocol_version", why));
        }
        Ok(TlsVersionRange { lowest, highest })
    }
}

fn parse_mode(word: &str, root: Option<&str>) -> Result<TlsLevel, ConnectError> {
    if let Some(level) = TlsLevel::from_name(word) {
        return Ok(level);
    }
    Ok(match word {
        // Some URLs have a boolean. It requires encryption, and also verification if the URL names an authority.
        "true" | "1" | "yes" | "on" if root.is_none() => TlsLevel::Require,
        "true" | "1" | "yes" | "on" => TlsLevel::VerifyFull,
        "false" | "0" | "no" | "off" => TlsLevel::Disable,
        other => {
            let words = "disable, allow, prefer, require, verify-ca or verify-full";
            return Err(problem(
                "sslmode",
                &format!("`{other}` is not one of {words}"),
            ));
        }
    })
}
