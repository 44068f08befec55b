//! A comparison with libpq of all server certificates under every `sslmode` and `sslrootcert`.

use std::path::{Path, PathBuf};

use limbeck_testkit::certificates::{
    Authority, CertificateRequest, IssuedCertificate, Key, bundle,
};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{TLS_ON, Table, both};

const MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];
const LOCALHOST: &str = "subjectAltName=DNS:localhost";
const TRUST_ALL: &str = "host all all 0.0.0.0/0 trust";

/// The cells in which limbeck deliberately refuses what libpq accepts, with the reason.
const STRICTER: &[(&str, &str)] = &[
    (
        "P-521",
        "limbeck's TLS supports no such keys, and does not fall back to a plain connection where libpq would not",
    ),
    ("RSA-PSS", "the same"),
];

/// A server's configuration, and the authority for its clients.
struct Row {
    name: &'static str,
    host: &'static str,
    certificate: Option<(PathBuf, PathBuf)>,
    right: PathBuf,
    rules: &'static str,
}

impl Row {
    /// Returns `true` if the cell can differ between rows. The first rows have every cell.
    fn depends_on(&self, root: &str, mode: &str) -> bool {
        let everything = self.certificate.is_none() || self.name.starts_with("good");
        everything
            || match root {
                "none" => matches!(mode, "prefer" | "require"),
                "missing" => false,
                _ => !matches!(mode, "disable" | "allow"),
            }
    }
}

fn row(name: &'static str, certificate: &IssuedCertificate, right: &Path) -> Row {
    Row {
        name,
        host: "localhost",
        certificate: Some((certificate.certificate.clone(), certificate.key.clone())),
        right: right.to_owned(),
        rules: TRUST_ALL,
    }
}

/// Returns all rows. A name states the difference from a certificate for `localhost` under the right authority.
fn rows(folder: &Path) -> Vec<Row> {
    let authority = Authority::new(&folder.join("right"), "right authority");
    let right = authority.own.certificate.as_path();
    let issue = |name: &str, common_name: &str, extensions: &str| {
        authority.issue(&CertificateRequest::new(name, common_name, extensions))
    };
    let own = |name: &str, common_name: &str, extensions: &str| {
        let wanted = CertificateRequest::new("own", common_name, extensions);
        Authority::with(&folder.join(name), &wanted).own
    };
    let good = issue("good", "a server", LOCALHOST);
    let mut rows = vec![
        Row {
            certificate: None,
            ..row("TLS off", &good, right)
        },
        row("good", &good, right),
        Row {
            rules: "hostssl all all 0.0.0.0/0 trust",
            ..row("good, TLS required", &good, right)
        },
        Row {
            rules: "hostnossl all all 0.0.0.0/0 trust",
            ..row("good, TLS refused by rule", &good, right)
        },
        row(
            "RSA",
            &authority.issue(&CertificateRequest::new("rsa", "a server", LOCALHOST).rsa()),
            right,
        ),
        row(
            "Ed25519",
            &authority
                .issue(&CertificateRequest::new("ed", "ed", LOCALHOST).with_key(Key::Ed25519)),
            right,
        ),
        row(
            "P-521",
            &authority
                .issue(&CertificateRequest::new("p521", "p521", LOCALHOST).with_key(Key::P521)),
            right,
        ),
        row(
            "RSA-PSS",
            &authority
                .issue(&CertificateRequest::new("pss", "pss", LOCALHOST).with_key(Key::RsaPss)),
            right,
        ),
        row(
            "other name",
            &issue("other", "a server", "subjectAltName=DNS:db.example.com"),
            right,
        ),
        Row {
            host: "127.0.0.1",
            ..row(
                "address",
                &issue("address", "a server", "subjectAltName=IP:127.0.0.1"),
                right,
            )
        },
        Row {
            host: "127.0.0.1",
            ..row("address not in certificate", &good, right)
        },
        row(
            "common name only",
            &issue("cn", "localhost", "basicConstraints=CA:FALSE"),
            right,
        ),
        row(
            "common name right, alternative name other",
            &issue("cnother", "localhost", "subjectAltName=DNS:db.example.com"),
            right,
        ),
        row(
            "expired",
            &authority.issue(&CertificateRequest::new("expired", "a server", LOCALHOST).expired()),
            right,
        ),
        row("version 1", &issue("v1", "localhost", ""), right),
        row(
            "version 1, other name",
            &issue("v1other", "db.example.com", ""),
            right,
        ),
        row(
            "version 1, expired",
            &authority.issue(&CertificateRequest::new("v1expired", "localhost", "").expired()),
            right,
        ),
        row(
            "leaf marked as authority",
            &issue(
                "caleaf",
                "a server",
                "basicConstraints=CA:TRUE\nsubjectAltName=DNS:localhost",
            ),
            right,
        ),
        row(
            "for clients only",
            &issue(
                "clientonly",
                "a server",
                "extendedKeyUsage=clientAuth\nsubjectAltName=DNS:localhost",
            ),
            right,
        ),
        row(
            "key may sign certificates only",
            &issue(
                "signonly",
                "a server",
                "keyUsage=keyCertSign\nsubjectAltName=DNS:localhost",
            ),
            right,
        ),
        row(
            "unknown critical extension",
            &issue(
                "critical",
                "a server",
                "1.2.3.4=critical,ASN1:UTF8String:x\nsubjectAltName=DNS:localhost",
            ),
            right,
        ),
        row("leaf given as authority", &good, &good.certificate),
    ];
    for (name, common_name, extensions) in [
        (
            "own authority",
            "a server",
            "basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:localhost",
        ),
        (
            "own authority, common name only",
            "localhost",
            "basicConstraints=CA:TRUE",
        ),
        (
            "own authority, other name",
            "a server",
            "basicConstraints=CA:TRUE\nsubjectAltName=DNS:db.example.com",
        ),
        (
            "self-signed, no authority",
            "a server",
            "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost",
        ),
        ("self-signed, version 1", "localhost", ""),
        (
            "self-signed, key may sign certificates only",
            "a server",
            "keyUsage=keyCertSign\nsubjectAltName=DNS:localhost",
        ),
        (
            "self-signed, for clients only",
            "a server",
            "extendedKeyUsage=clientAuth\nsubjectAltName=DNS:localhost",
        ),
    ] {
        let issued = own(name, common_name, extensions);
        rows.push(row(name, &issued, &issued.certificate));
    }
    let wanted = CertificateRequest::new("own", "localhost", LOCALHOST).expired();
    let past = Authority::with(&folder.join("past"), &wanted).own;
    rows.push(row("self-signed, expired", &past, &past.certificate));
    rows.extend(chains(folder, &authority));
    rows
}

/// Returns rows with certificates between the server's and the trusted authority's.
fn chains(folder: &Path, authority: &Authority) -> Vec<Row> {
    let right = authority.own.certificate.as_path();
    let middle = authority.subordinate(&folder.join("middle"), "authority in the middle");
    let leaf = middle.issue(&CertificateRequest::new("leaf", "a server", LOCALHOST));
    let chain = bundle(
        &folder.join("chain.crt"),
        &[&leaf.certificate, &middle.own.certificate],
    );
    let with_chain = IssuedCertificate {
        certificate: chain,
        key: leaf.key.clone(),
    };
    let two = bundle(&folder.join("two.crt"), &[right, &middle.own.certificate]);
    let signs = |name: &str, wanted: &CertificateRequest<'_>| {
        let other = Authority::with(&folder.join(name), wanted);
        let leaf = other.issue(&CertificateRequest::new("leaf", "a server", LOCALHOST));
        (leaf, other.own.certificate)
    };
    let extensions = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign";
    let (under_past, past) = signs(
        "past authority",
        &CertificateRequest::new("ca", "past authority", extensions).expired(),
    );
    let (under_none, none) = signs(
        "no authority",
        &CertificateRequest::new("ca", "no authority", "basicConstraints=CA:FALSE"),
    );
    let (under_old, old) = signs(
        "old authority",
        &CertificateRequest::new("ca", "old authority", ""),
    );
    let (under_clients, clients) = signs(
        "authority for clients",
        &CertificateRequest::new(
            "ca",
            "authority for clients",
            "basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth",
        ),
    );
    let (under_direct, direct) = signs(
        "direct authority",
        &CertificateRequest::new(
            "ca",
            "direct authority",
            "basicConstraints=CA:TRUE,pathlen:0",
        ),
    );
    let direct_authority = Authority::with(
        &folder.join("direct above"),
        &CertificateRequest::new("ca", "direct above", "basicConstraints=CA:TRUE,pathlen:0"),
    );
    let below = direct_authority.subordinate(&folder.join("too deep"), "too deep");
    let deep_leaf = below.issue(&CertificateRequest::new("leaf", "a server", LOCALHOST));
    let deep = IssuedCertificate {
        certificate: bundle(
            &folder.join("deep.crt"),
            &[&deep_leaf.certificate, &below.own.certificate],
        ),
        key: deep_leaf.key.clone(),
    };
    let (under_mute, mute) = signs(
        "mute authority",
        &CertificateRequest::new(
            "ca",
            "mute authority",
            "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature",
        ),
    );
    vec![
        row("chain", &with_chain, right),
        row("chain not sent", &leaf, right),
        row("chain not sent, in the client's file", &leaf, &two),
        row(
            "only the middle in the client's file",
            &with_chain,
            &middle.own.certificate,
        ),
        row("authority expired", &under_past, &past),
        row("not an authority", &under_none, &none),
        row("authority of version 1", &under_old, &old),
        row("authority may not sign", &under_mute, &mute),
        row("authority for clients only", &under_clients, &clients),
        row("authority of direct ones", &under_direct, &direct),
        row(
            "authority of direct ones, and a chain",
            &deep,
            &direct_authority.own.certificate,
        ),
    ]
}

#[test]
fn verifies_the_server_as_libpq() {
    let server = Postgres::start(Tls::Off);
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let wrong = Authority::new(&folder.path().join("wrong"), "wrong authority")
        .own
        .certificate;
    let mut table = Table::new(STRICTER);
    println!(
        "{:46}{:8}{}",
        "server",
        "root",
        MODES.map(|mode| format!("{mode:12}")).concat()
    );
    for row in rows(folder.path()) {
        let mut settings = vec![("ssl", "off")];
        if let Some((certificate, key)) = &row.certificate {
            server.copy_to_data_folder(certificate, "row.crt");
            server.copy_to_data_folder(key, "row.key");
            settings = TLS_ON.to_vec();
        }
        server.configure(&settings, row.rules);
        let missing = folder.path().join("missing.crt");
        for (root, file) in [
            ("none", None),
            ("right", Some(&row.right)),
            ("wrong", Some(&wrong)),
            ("missing", Some(&missing)),
        ] {
            let shown = MODES.map(|mode| {
                if !row.depends_on(root, mode) {
                    return format!("{:12}", "·");
                }
                let parameter = file.map_or(String::new(), |file| {
                    format!("&sslrootcert={}", file.display())
                });
                let url = format!(
                    "postgresql://postgres@{}:{}/postgres?sslmode={mode}{parameter}",
                    row.host, server.port
                );
                let (theirs, ours) = both(&server, &url, home.path(), &[]);
                let cell = format!("{}, {root}, {mode}", row.name);
                format!("{:12}", table.cell(&cell, &theirs, &ours))
            });
            if MODES.iter().any(|mode| row.depends_on(root, mode)) {
                println!("{:46}{root:8}{}", row.name, shown.concat());
            }
        }
    }
    table.finish();
}
