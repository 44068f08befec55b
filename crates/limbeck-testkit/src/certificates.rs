//! Throw-away certificate authorities and what they sign.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::process::{find_program, run};
use crate::report_missing;

/// `openssl ca` keeps its books in the folder that it runs in.
const CONFIGURATION: &str = "\
[ca]
default_ca = books
[books]
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

/// What an authority's own certificate says of it.
const OF_AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";

/// When certificates are good, unless a test wants others.
const GOOD: (&str, &str) = ("20200101000000Z", "20450101000000Z");

/// When certificates were good that are no more.
const PAST: (&str, &str) = ("20200101000000Z", "20210101000000Z");

/// A certificate and its key, as PEM files.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// The key: PKCS#8, for its owner only.
    pub key: PathBuf,
}

/// A certificate to be made.
#[derive(Debug, Clone, Copy)]
pub struct CertificateRequest<'a> {
    /// The stem of the files' names.
    pub name: &'a str,
    /// The common name.
    pub common_name: &'a str,
    /// Extensions, one a line, as `openssl` has them; none makes a certificate of version 1.
    pub extensions: &'a str,
    /// It has been good and is no more.
    pub expired: bool,
    /// Its key.
    pub key: Key,
}

/// Kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Elliptic, on P-256.
    P256,
    /// Elliptic, on P-521.
    P521,
    /// Elliptic, of Edwards' form.
    Ed25519,
    /// RSA with 2048 bits.
    Rsa,
    /// RSA with 2048 bits that signs by PSS only.
    RsaPss,
}

impl<'a> CertificateRequest<'a> {
    /// A good certificate with an elliptic key.
    pub fn new(name: &'a str, common_name: &'a str, extensions: &'a str) -> Self {
        Self {
            name,
            common_name,
            extensions,
            expired: false,
            key: Key::P256,
        }
    }

    /// The same, expired.
    #[must_use]
    pub fn expired(self) -> Self {
        Self {
            expired: true,
            ..self
        }
    }

    /// The same with an RSA key.
    #[must_use]
    pub fn rsa(self) -> Self {
        self.with_key(Key::Rsa)
    }

    /// The same with another kind of key.
    #[must_use]
    pub fn with_key(self, key: Key) -> Self {
        Self { key, ..self }
    }
}

/// An authority with a folder of its own.
#[derive(Debug)]
pub struct Authority {
    /// Its certificate and key.
    pub own: IssuedCertificate,
    folder: PathBuf,
}

impl Authority {
    /// A self-signed authority; everything it makes stands in the new folder `folder`.
    pub fn new(folder: &Path, common_name: &str) -> Self {
        Self::with(
            folder,
            &CertificateRequest::new("ca", common_name, OF_AUTHORITY),
        )
    }

    /// A self-signed certificate that may be an authority or not, as its extensions say.
    pub fn with(folder: &Path, wanted: &CertificateRequest<'_>) -> Self {
        books(folder);
        let request = request(folder, wanted);
        let own = issued(folder, wanted.name);
        sign(folder, wanted, &request, |command| {
            command.arg("-selfsign").arg("-keyfile").arg(&own.key);
        });
        Self {
            own,
            folder: folder.to_owned(),
        }
    }

    /// An authority under this one.
    #[must_use]
    pub fn subordinate(&self, folder: &Path, common_name: &str) -> Self {
        self.subordinate_with(
            folder,
            &CertificateRequest::new("subordinate", common_name, OF_AUTHORITY),
        )
    }

    /// What this one signs as an authority, whether its extensions say so or not.
    #[must_use]
    pub fn subordinate_with(&self, folder: &Path, wanted: &CertificateRequest<'_>) -> Self {
        let own = self.issue(wanted);
        books(folder);
        Self {
            own,
            folder: folder.to_owned(),
        }
    }

    /// Signs a certificate for a new key.
    pub fn issue(&self, wanted: &CertificateRequest<'_>) -> IssuedCertificate {
        let request = request(&self.folder, wanted);
        sign(&self.folder, wanted, &request, |command| {
            command.arg("-cert").arg(&self.own.certificate);
            command.arg("-keyfile").arg(&self.own.key);
        });
        issued(&self.folder, wanted.name)
    }

    /// Revokes a certificate of this authority; lists made afterwards name it.
    pub fn revoke(&self, certificate: &IssuedCertificate) {
        let mut command = self.books_command();
        run(command.arg("-revoke").arg(&certificate.certificate));
    }

    /// A new revocation list; an expired one was to be replaced years ago.
    pub fn revocation_list(&self, name: &str, expired: bool) -> PathBuf {
        let file = self.folder.join(name);
        let mut command = self.books_command();
        command.arg("-gencrl").arg("-out").arg(&file);
        if expired {
            command.args(["-crl_lastupdate", PAST.0, "-crl_nextupdate", PAST.1]);
        }
        run(&mut command);
        file
    }

    /// A new revocation list with extensions, one a line, as `openssl` has them.
    pub fn revocation_list_with(&self, name: &str, extensions: &str) -> PathBuf {
        let file = self.folder.join(name);
        let configuration = format!("{CONFIGURATION}[list]\n{extensions}\n");
        fs::write(self.folder.join("ca.cnf"), configuration).expect("a file");
        let mut command = self.books_command();
        command.args(["-gencrl", "-crlexts", "list", "-out"]);
        run(command.arg(&file));
        file
    }

    fn books_command(&self) -> Command {
        let mut command = openssl(&self.folder);
        command.args(["ca", "-config", "ca.cnf", "-batch"]);
        command.arg("-cert").arg(&self.own.certificate);
        command.arg("-keyfile").arg(&self.own.key);
        command
    }
}

/// Puts PEM files one behind the other.
pub fn bundle(file: &Path, parts: &[&Path]) -> PathBuf {
    let text: String = parts
        .iter()
        .map(|part| fs::read_to_string(part).expect("a PEM file"))
        .collect();
    fs::write(file, text).expect("a file");
    file.to_owned()
}

/// Another form of a key, made by `openssl pkey` or `openssl rsa` and the like.
pub fn convert_key(key: &Path, file: &Path, arguments: &[&str]) -> PathBuf {
    let mut command = openssl(key.parent().expect("a folder"));
    command.args(arguments);
    run(command.arg("-in").arg(key).arg("-out").arg(file));
    restrict_to_owner(file);
    file.to_owned()
}

/// Puts revocation lists where OpenSSL finds them in a folder: by the hash of their issuer.
pub fn revocation_folder(folder: &Path, lists: &[&Path]) -> PathBuf {
    fs::create_dir_all(folder).expect("a folder");
    for list in lists {
        let mut command = openssl(folder);
        let hash = run(command.args(["crl", "-noout", "-hash", "-in"]).arg(list));
        fs::copy(list, folder.join(format!("{}.r0", hash.trim()))).expect("a copy");
    }
    folder.to_owned()
}

/// Sets a file's permissions to what a private key has.
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

fn books(folder: &Path) {
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

fn issued(folder: &Path, name: &str) -> IssuedCertificate {
    IssuedCertificate {
        certificate: folder.join(format!("{name}.crt")),
        key: folder.join(format!("{name}.key")),
    }
}

fn request(folder: &Path, wanted: &CertificateRequest<'_>) -> PathBuf {
    let file = folder.join(format!("{}.csr", wanted.name));
    let key = issued(folder, wanted.name).key;
    let mut command = openssl(folder);
    command.args(["req", "-config", "ca.cnf", "-new", "-nodes", "-newkey"]);
    command.args(match wanted.key {
        Key::P256 => &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
        Key::P521 => &["ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
        Key::Ed25519 => &["ed25519"],
        Key::Rsa => &["rsa:2048"],
        Key::RsaPss => &["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    });
    command.args(["-subj", &format!("/CN={}", wanted.common_name)]);
    run(command.arg("-keyout").arg(&key).arg("-out").arg(&file));
    restrict_to_owner(&key);
    file
}

fn sign(
    folder: &Path,
    wanted: &CertificateRequest<'_>,
    request: &Path,
    signer: impl FnOnce(&mut Command),
) {
    let mut command = openssl(folder);
    command.args(["ca", "-config", "ca.cnf", "-batch", "-notext"]);
    signer(&mut command);
    let (start, end) = if wanted.expired { PAST } else { GOOD };
    command.args(["-startdate", start, "-enddate", end]);
    if !wanted.extensions.is_empty() {
        let file = folder.join(format!("{}.ext", wanted.name));
        fs::write(&file, format!("{}\n", wanted.extensions)).expect("a file");
        command.arg("-extfile").arg(file);
    }
    command.arg("-in").arg(request);
    let certificate = issued(folder, wanted.name).certificate;
    run(command.arg("-out").arg(certificate));
}
