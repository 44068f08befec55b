//! Throw-away certificate authorities, their certificates and revocation lists.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{find_program, run};
use crate::report_missing;

/// The configuration of `openssl ca`, which keeps its records in the folder that it runs in.
const CONFIGURATION: &str = "\
[ca]
default_ca = records
[records]
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
default_md = sha256
default_days = 30
default_crl_days = 30
policy = policy
unique_subject = no
copy_extensions = none
[policy]
commonName = supplied
[req]
distinguished_name = subject
[subject]
";

/// The extensions of an authority's own certificate.
const AUTHORITY_EXTENSIONS: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";

/// The validity of certificates: start and end.
const VALID: (&str, &str) = ("20200101000000Z", "20450101000000Z");

/// The validity of expired certificates.
const PAST: (&str, &str) = ("20200101000000Z", "20210101000000Z");

/// A certificate and its key, as PEM files.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    /// The certificate file.
    pub certificate: PathBuf,
    /// The key file: PKCS#8, readable by its owner only.
    pub key: PathBuf,
}

/// The properties of a new certificate.
#[derive(Debug, Clone, Copy)]
pub struct CertificateRequest<'a> {
    /// The stem of the file names.
    pub name: &'a str,
    /// The common name.
    pub common_name: &'a str,
    /// The extensions in `openssl`'s syntax, one per line. Without extensions the certificate has version 1.
    pub extensions: &'a str,
    /// `true` if the certificate has expired.
    pub expired: bool,
    /// The kind of its key.
    pub key: Key,
}

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// An elliptic-curve key on P-256.
    P256,
    /// An elliptic-curve key on P-521.
    P521,
    /// An Ed25519 key.
    Ed25519,
    /// An RSA key with 2048 bits.
    Rsa,
    /// An RSA key with 2048 bits for PSS signatures only.
    RsaPss,
}

impl<'a> CertificateRequest<'a> {
    /// Returns the properties of a valid certificate with a P-256 key.
    pub fn new(name: &'a str, common_name: &'a str, extensions: &'a str) -> Self {
        Self {
            name,
            common_name,
            extensions,
            expired: false,
            key: Key::P256,
        }
    }

    /// Makes the certificate an expired one.
    #[must_use]
    pub fn expired(self) -> Self {
        Self {
            expired: true,
            ..self
        }
    }

    /// Sets an RSA key.
    #[must_use]
    pub fn rsa(self) -> Self {
        self.with_key(Key::Rsa)
    }

    /// Sets the kind of key.
    #[must_use]
    pub fn with_key(self, key: Key) -> Self {
        Self { key, ..self }
    }
}

/// A certificate authority and its folder.
#[derive(Debug)]
pub struct Authority {
    /// The authority's own certificate and key.
    pub own: IssuedCertificate,
    folder: PathBuf,
}

impl Authority {
    /// Creates a self-signed authority. `folder` must not exist; it gets all files of the authority.
    pub fn new(folder: &Path, common_name: &str) -> Self {
        Self::with(
            folder,
            &CertificateRequest::new("ca", common_name, AUTHORITY_EXTENSIONS),
        )
    }

    /// Creates an authority from a self-signed certificate, even if its extensions don't allow it to sign others.
    pub fn with(folder: &Path, request: &CertificateRequest<'_>) -> Self {
        create_records(folder);
        let file = write_request(folder, request);
        let own = certificate_files(folder, request.name);
        sign(folder, request, &file, |command| {
            command.arg("-selfsign").arg("-keyfile").arg(&own.key);
        });
        Self {
            own,
            folder: folder.to_owned(),
        }
    }

    /// Creates an authority that this one has signed.
    #[must_use]
    pub fn subordinate(&self, folder: &Path, common_name: &str) -> Self {
        self.subordinate_with(
            folder,
            &CertificateRequest::new("subordinate", common_name, AUTHORITY_EXTENSIONS),
        )
    }

    /// Creates an authority from a certificate that this one signs, even if its extensions don't allow it to sign others.
    #[must_use]
    pub fn subordinate_with(&self, folder: &Path, request: &CertificateRequest<'_>) -> Self {
        let own = self.issue(request);
        create_records(folder);
        Self {
            own,
            folder: folder.to_owned(),
        }
    }

    /// Signs a certificate for a new key.
    pub fn issue(&self, request: &CertificateRequest<'_>) -> IssuedCertificate {
        let file = write_request(&self.folder, request);
        sign(&self.folder, request, &file, |command| {
            command.arg("-cert").arg(&self.own.certificate);
            command.arg("-keyfile").arg(&self.own.key);
        });
        certificate_files(&self.folder, request.name)
    }

    /// Revokes a certificate of this authority: the revocation lists that follow contain it.
    pub fn revoke(&self, certificate: &IssuedCertificate) {
        let mut command = self.ca_command();
        run(command.arg("-revoke").arg(&certificate.certificate));
    }

    /// Creates a revocation list. The date of the next list is in the past if `expired` is true.
    pub fn revocation_list(&self, name: &str, expired: bool) -> PathBuf {
        let file = self.folder.join(name);
        let mut command = self.ca_command();
        command.arg("-gencrl").arg("-out").arg(&file);
        if expired {
            command.args(["-crl_lastupdate", PAST.0, "-crl_nextupdate", PAST.1]);
        }
        run(&mut command);
        file
    }

    /// Creates a revocation list with extensions in `openssl`'s syntax, one per line.
    pub fn revocation_list_with(&self, name: &str, extensions: &str) -> PathBuf {
        let file = self.folder.join(name);
        let configuration = format!("{CONFIGURATION}[list]\n{extensions}\n");
        fs::write(self.folder.join("ca.cnf"), configuration).expect("a file");
        let mut command = self.ca_command();
        command.args(["-gencrl", "-crlexts", "list", "-out"]);
        run(command.arg(&file));
        file
    }

    fn ca_command(&self) -> Command {
        let mut command = openssl(&self.folder);
        command.args(["ca", "-config", "ca.cnf", "-batch"]);
        command.arg("-cert").arg(&self.own.certificate);
        command.arg("-keyfile").arg(&self.own.key);
        command
    }
}

/// Concatenates PEM files.
pub fn bundle(file: &Path, parts: &[&Path]) -> PathBuf {
    let text: String = parts
        .iter()
        .map(|part| fs::read_to_string(part).expect("a PEM file"))
        .collect();
    fs::write(file, text).expect("a file");
    file.to_owned()
}

/// Converts a key to another form with a subcommand of `openssl`, such as `pkey` or `rsa`.
pub fn convert_key(key: &Path, file: &Path, arguments: &[&str]) -> PathBuf {
    let mut command = openssl(key.parent().expect("a folder"));
    command.args(arguments);
    run(command.arg("-in").arg(key).arg("-out").arg(file));
    restrict_to_owner(file);
    file.to_owned()
}

/// Copies revocation lists to a folder, under the names that OpenSSL searches for: the hash of their issuer.
pub fn revocation_folder(folder: &Path, lists: &[&Path]) -> PathBuf {
    fs::create_dir_all(folder).expect("a folder");
    for list in lists {
        let mut command = openssl(folder);
        let hash = run(command.args(["crl", "-noout", "-hash", "-in"]).arg(list));
        fs::copy(list, folder.join(format!("{}.r0", hash.trim()))).expect("a copy");
    }
    folder.to_owned()
}

/// Copies authorities' certificates to a folder, under the names that OpenSSL searches for: the hash of their subject.
pub fn authority_folder(folder: &Path, certificates: &[&Path]) -> PathBuf {
    fs::create_dir_all(folder).expect("a folder");
    for certificate in certificates {
        let mut command = openssl(folder);
        let hash = run(command
            .args(["x509", "-noout", "-hash", "-in"])
            .arg(certificate));
        fs::copy(certificate, folder.join(format!("{}.0", hash.trim()))).expect("a copy");
    }
    folder.to_owned()
}

/// Makes a file readable and writable by its owner only, as a private key has to be.
pub fn restrict_to_owner(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("permissions");
}

fn openssl(folder: &Path) -> Command {
    let Some(program) = find_program("openssl", &[]) else {
        report_missing("the program `openssl`");
    };
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn create_records(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    for (name, text) in [
        ("ca.cnf", CONFIGURATION),
        ("index.txt", ""),
        ("serial", "01\n"),
        ("crlnumber", "01\n"),
    ] {
        fs::write(folder.join(name), text).expect("a file");
    }
}

fn certificate_files(folder: &Path, name: &str) -> IssuedCertificate {
    IssuedCertificate {
        certificate: folder.join(format!("{name}.crt")),
        key: folder.join(format!("{name}.key")),
    }
}

/// Creates a key, and a file with a request for its certificate. Returns the file.
fn write_request(folder: &Path, request: &CertificateRequest<'_>) -> PathBuf {
    let file = folder.join(format!("{}.csr", request.name));
    let key = certificate_files(folder, request.name).key;
    let mut command = openssl(folder);
    command.args(["req", "-config", "ca.cnf", "-new", "-nodes", "-newkey"]);
    command.args(match request.key {
        Key::P256 => &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
        Key::P521 => &["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
        Key::Ed25519 => &["ed25519"],
        Key::Rsa => &["rsa:2048"],
        Key::RsaPss => &["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    });
    command.args(["-subj", &format!("/CN={}", request.common_name)]);
    run(command.arg("-keyout").arg(&key).arg("-out").arg(&file));
    restrict_to_owner(&key);
    file
}

fn sign(
    folder: &Path,
    request: &CertificateRequest<'_>,
    request_file: &Path,
    signer: impl FnOnce(&mut Command),
) {
    let mut command = openssl(folder);
    command.args(["ca", "-config", "ca.cnf", "-batch", "-notext"]);
    signer(&mut command);
    let (start, end) = if request.expired { PAST } else { VALID };
    command.args(["-startdate", start, "-enddate", end]);
    if !request.extensions.is_empty() {
        let file = folder.join(format!("{}.ext", request.name));
        fs::write(&file, format!("{}\n", request.extensions)).expect("a file");
        command.arg("-extfile").arg(file);
    }
    command.arg("-in").arg(request_file);
    let certificate = certificate_files(folder, request.name).certificate;
    run(command.arg("-out").arg(certificate));
}
