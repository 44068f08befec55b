//! libpq's parameters of TLS.

use std::path::{Path, PathBuf};

use super::{TlsLevel, problem};
use crate::tls::{Authorities, ClientFiles, TlsOptions, TlsVersion, Verification};
use crate::{ConnectError, ConnectErrorKind, PythonSslContext};

/// Where values and default files come from.
pub(super) struct Sources<'a, F> {
    pub(super) value: F,
    pub(super) home: Option<&'a Path>,
}

impl<'a, F: Fn(&str) -> Option<&'a str>> Sources<'a, F> {
    /// How much TLS is asked for. `reachable` says whether any place to connect to could have it.
    pub(super) fn read(
        &self,
        context: Option<PythonSslContext>,
        reachable: bool,
    ) -> Result<(TlsLevel, TlsOptions), ConnectError> {
        let mode = (self.value)("sslmode")
            .map(|word| parse_mode(word, (self.value)("sslrootcert")))
            .transpose()?;
        let mut tls = TlsOptions {
            versions: self.versions()?,
            server_name: (self.value)("sslsni") != Some("0"),
            ..TlsOptions::default()
        };
        let mode = if let Some(context) = context {
            tls.verification = match (context.verify, context.check_hostname) {
                (true, true) => Verification::Full,
                (true, false) => Verification::Authority,
                (false, _) => Verification::None,
            };
            tls.authorities = Some(Authorities::Der(context.authorities));
            tls.client = context
                .client
                .map(|(certificate, key)| ClientFiles { certificate, key });
            TlsLevel::Require
        } else {
            self.verification(mode, reachable, &mut tls)?
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
        reachable: bool,
        tls: &mut TlsOptions,
    ) -> Result<TlsLevel, ConnectError> {
        let system = (self.value)("sslrootcert") == Some("system");
        let mode = mode.unwrap_or(if system {
            TlsLevel::VerifyFull
        } else {
            TlsLevel::Prefer
        });
        if system && mode != TlsLevel::VerifyFull {
            let why = "`sslrootcert=system` needs `sslmode=verify-full`: anybody can get a certificate there";
            return Err(problem("sslmode", why));
        }
        tls.authorities = if system {
            Some(Authorities::System)
        } else {
            self.file("sslrootcert", "root.crt").map(Authorities::File)
        };
        let there = match &tls.authorities {
            Some(Authorities::File(path)) => path.exists(),
            other => other.is_some(),
        };
        tls.verification = match mode {
            TlsLevel::Disable => Verification::None,
            TlsLevel::VerifyFull => Verification::Full,
            TlsLevel::VerifyCa => Verification::Authority,
            // An authority that is there is used, as libpq does it.
            TlsLevel::Allow | TlsLevel::Prefer | TlsLevel::Require if there => {
                Verification::Authority
            }
            TlsLevel::Allow | TlsLevel::Prefer | TlsLevel::Require => Verification::None,
        };
        if tls.verification == Verification::None || !reachable {
            return Ok(mode);
        }
        if !there {
            let place = match &tls.authorities {
                Some(Authorities::File(path)) => format!("`{}` does not exist", path.display()),
                _ => "no root certificate file is named and ~/.postgresql/root.crt does not exist"
                    .into(),
            };
            return Err(ConnectError {
                kind: ConnectErrorKind::Tls,
                message: format!("the server's certificate can't be verified: {place}"),
                hint: Some(
                    "name the authority's certificate with `sslrootcert`, or use `sslrootcert=system`"
                        .into(),
                ),
            });
        }
        let named = ["sslcrl", "sslcrldir"]
            .into_iter()
            .filter_map(|parameter| Some((parameter, PathBuf::from((self.value)(parameter)?))));
        for (parameter, path) in named {
            if !path.exists() {
                let why = format!("`{}` does not exist", path.display());
                return Err(problem(parameter, &why));
            }
            tls.revoked.push(path);
        }
        if tls.revoked.is_empty() {
            tls.revoked.extend(self.default_file("root.crl"));
        }
        Ok(mode)
    }

    /// libpq goes on without a certificate that isn't there: the server may do without it.
    fn client(&self) -> Result<Option<ClientFiles>, ConnectError> {
        match (self.value)("sslcertmode") {
            None | Some("allow") => {}
            Some("disable") => return Ok(None),
            Some(other) => {
                let why = format!("limbeck takes `disable` and `allow`, not `{other}`");
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
                &format!("the certificate `{}` needs its key", certificate.display()),
            )),
        }
    }

    fn versions(&self) -> Result<(TlsVersion, TlsVersion), ConnectError> {
        let version = |parameter: &str| match (self.value)(parameter) {
            None => Ok(None),
            Some(word) => match word.to_ascii_lowercase().as_str() {
                "tlsv1" | "tlsv1.1" => Ok(Some(None)),
                "tlsv1.2" => Ok(Some(Some(TlsVersion::V12))),
                "tlsv1.3" => Ok(Some(Some(TlsVersion::V13))),
                _ => Err(problem(
                    parameter,
                    &format!("`{word}` is none of TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3"),
                )),
            },
        };
        // Older versions are allowed by the one and used by nobody.
        let lowest = version("ssl_min_protocol_version")?
            .flatten()
            .unwrap_or(TlsVersion::V12);
        let highest = match version("ssl_max_protocol_version")? {
            None => TlsVersion::V13,
            Some(Some(version)) => version,
            Some(None) => {
                let why = "limbeck speaks no TLS below TLSv1.2";
                return Err(problem("ssl_max_protocol_version", why));
            }
        };
        if lowest > highest {
            let why = "it is above `ssl_max_protocol_version`";
            return Err(problem("ssl_min_protocol_version", why));
        }
        Ok((lowest, highest))
    }
}

fn parse_mode(word: &str, root: Option<&str>) -> Result<TlsLevel, ConnectError> {
    if let Some(level) = TlsLevel::from_name(word) {
        return Ok(level);
    }
    Ok(match word {
        // What people write who think of a switch: encrypt at least; an authority that is named is used.
        "true" | "1" | "yes" | "on" if root.is_none() => TlsLevel::Require,
        "true" | "1" | "yes" | "on" => TlsLevel::VerifyFull,
        "false" | "0" | "no" | "off" => TlsLevel::Disable,
        other => {
            let words = "disable, allow, prefer, require, verify-ca or verify-full";
            return Err(problem("sslmode", &format!("`{other}` is none of {words}")));
        }
    })
}
