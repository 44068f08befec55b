//! Tests that the client's certificate and key are used as by libpq.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use limbeck_db::ConnectErrorKind;
use limbeck_testkit::certificates::{Authority, CertificateRequest, bundle, convert_key};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{Attempt, SECRET, TLS_ON, Table, block_on, both, limbeck, open};

/// The cells in which limbeck deliberately refuses what libpq accepts, with the reason.
const STRICTER: &[(&str, &str)] = &[
    (
        "encrypted key with its passphrase",
        "limbeck reads no encrypted keys; the error explains how to decrypt one",
    ),
    ("encrypted PKCS#1 key with its passphrase", "the same"),
];

fn copy(from: &Path, to: &Path, mode: u32) {
    fs::copy(from, to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn uses_client_certificates_as_libpq() {
    let server = Postgres::start(Tls::Off);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.join("servers"), "authority of servers");
    let certificate = authority.issue(&CertificateRequest::new(
        "row",
        "row",
        "subjectAltName=DNS:localhost",
    ));
    let clients = Authority::new(&folder.join("clients"), "authority of clients");
    let leaf = "basicConstraints=CA:FALSE";
    let right = clients.issue(&CertificateRequest::new("right", "postgres", leaf));
    let rsa = clients.issue(&CertificateRequest::new("rsa", "postgres", leaf).rsa());
    let version_1 = clients.issue(&CertificateRequest::new("v1", "postgres", ""));
    let other_name = clients.issue(&CertificateRequest::new("other", "somebody", leaf));
    let expired = clients.issue(&CertificateRequest::new("expired", "postgres", leaf).expired());
    let middle = clients.subordinate(&folder.join("middle"), "authority in the middle");
    let below = middle.issue(&CertificateRequest::new("below", "postgres", leaf));
    let chain = bundle(
        &folder.join("chain.crt"),
        &[&below.certificate, &middle.own.certificate],
    );
    let wrong = Authority::new(&folder.join("wrong"), "wrong authority")
        .issue(&CertificateRequest::new("wrong", "postgres", leaf));
    let in_folder = |name: &str| folder.join(name);
    let form =
        |key: &Path, name: &str, arguments: &[&str]| convert_key(key, &in_folder(name), arguments);
    let pkcs1 = form(&rsa.key, "pkcs1.key", &["rsa", "-traditional"]);
    let sec1 = form(&right.key, "sec1.key", &["ec"]);
    let der = form(&right.key, "der.key", &["pkey", "-outform", "DER"]);
    let passphrase = format!("pass:{SECRET}");
    let encrypted = form(
        &right.key,
        "encrypted.key",
        &["pkey", "-aes256", "-passout", &passphrase],
    );
    let encrypted_pkcs1 = form(
        &rsa.key,
        "encrypted_pkcs1.key",
        &["rsa", "-traditional", "-aes256", "-passout", &passphrase],
    );
    let open_key = in_folder("open.key");
    copy(&right.key, &open_key, 0o644);
    let group_key = in_folder("group.key");
    copy(&right.key, &group_key, 0o640);
    let broken_key = in_folder("broken.key");
    fs::write(
        &broken_key,
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    )
    .unwrap();
    fs::set_permissions(&broken_key, fs::Permissions::from_mode(0o600)).unwrap();
    let missing = in_folder("missing");

    server.copy_to_data_folder(&certificate.certificate, "row.crt");
    server.copy_to_data_folder(&certificate.key, "row.key");
    server.copy_to_data_folder(&clients.own.certificate, "clients.crt");
    let mut settings = TLS_ON.to_vec();
    settings.push(("ssl_ca_file", "clients.crt"));
    let cert_rule = "hostssl all all 0.0.0.0/0 cert";
    server.configure(&settings, cert_rule);

    let with = |certificate: &Path, key: &Path| {
        format!(
            "&sslcert={}&sslkey={}",
            certificate.display(),
            key.display()
        )
    };
    let right_with = |key: &Path| with(&right.certificate, key);
    let password = format!("&sslpassword={SECRET}");
    let rows = [
        ("none", String::new()),
        ("right", right_with(&right.key)),
        ("RSA, PKCS#8", with(&rsa.certificate, &rsa.key)),
        ("RSA, PKCS#1", with(&rsa.certificate, &pkcs1)),
        ("elliptic, SEC1", right_with(&sec1)),
        ("elliptic, DER", right_with(&der)),
        ("version 1", with(&version_1.certificate, &version_1.key)),
        ("chain", with(&chain, &below.key)),
        ("chain not sent", with(&below.certificate, &below.key)),
        (
            "name of another user",
            with(&other_name.certificate, &other_name.key),
        ),
        ("expired", with(&expired.certificate, &expired.key)),
        ("of another authority", with(&wrong.certificate, &wrong.key)),
        ("certificate missing", with(&missing, &right.key)),
        ("key missing", right_with(&missing)),
        (
            "key not named",
            format!("&sslcert={}", right.certificate.display()),
        ),
        ("key of another certificate", right_with(&rsa.key)),
        ("key broken", right_with(&broken_key)),
        ("key is a folder", right_with(folder)),
        ("key readable by all", right_with(&open_key)),
        ("key readable by the group", right_with(&group_key)),
        ("not a certificate", with(&right.key, &right.key)),
        (
            "sslpassword without need",
            right_with(&right.key) + &password,
        ),
        (
            "encrypted key with its passphrase",
            right_with(&encrypted) + &password,
        ),
        (
            "encrypted PKCS#1 key with its passphrase",
            with(&rsa.certificate, &encrypted_pkcs1) + &password,
        ),
    ];
    let url = |query: &str| {
        format!(
            "postgresql://postgres@localhost:{}/postgres?sslmode=verify-full&sslrootcert={}{query}",
            server.port,
            authority.own.certificate.display()
        )
    };
    let mut table = Table::new(STRICTER);
    for (name, query) in &rows {
        let (theirs, ours) = both(&server, &url(query), home.path(), &[]);
        println!("{name:44}{}", table.cell(name, &theirs, &ours));
    }
    // If the server requests none, a missing certificate has no effect, and a bad key is still an error.
    let rules = "hostssl all all 0.0.0.0/0 trust";
    server.configure(&settings, rules);
    for (name, query) in [
        ("not requested: none", String::new()),
        (
            "not requested: certificate missing",
            with(&missing, &right.key),
        ),
        ("not requested: key readable by all", right_with(&open_key)),
        (
            "not requested: of another authority",
            with(&wrong.certificate, &wrong.key),
        ),
    ] {
        let (theirs, ours) = both(&server, &url(&query), home.path(), &[]);
        println!("{name:44}{}", table.cell(name, &theirs, &ours));
    }
    // The pair in the home folder applies without a parameter.
    server.configure(&settings, cert_rule);
    let own = home.path().join(".postgresql");
    fs::create_dir(&own).unwrap();
    copy(&right.certificate, &own.join("postgresql.crt"), 0o644);
    copy(&right.key, &own.join("postgresql.key"), 0o600);
    for (name, query) in [
        ("home", String::new()),
        (
            "home, another certificate named",
            format!("&sslcert={}", rsa.certificate.display()),
        ),
    ] {
        let (theirs, ours) = both(&server, &url(&query), home.path(), &[]);
        println!("{name:44}{}", table.cell(name, &theirs, &ours));
    }
    let without = url("&sslcertmode=disable");
    assert!(matches!(
        limbeck(&without, home.path(), &[]),
        Attempt::Refused(..)
    ));
    table.finish();

    let error = block_on(open(
        &url(&(right_with(&encrypted) + &password)),
        home.path(),
        &[],
    ));
    let error = error.unwrap_err();
    assert!(
        error.message.ends_with("encrypted.key`: it is encrypted"),
        "{error}"
    );
    assert!(error.hint.unwrap().contains("`openssl pkey -in "));
    // A key that only limbeck can't read never leads to a plain connection.
    let prefer = url(&(right_with(&encrypted) + &password)).replace("verify-full", "prefer");
    let error = block_on(open(&prefer, home.path(), &[])).unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::Parameter);
    let error = block_on(open(&url(&right_with(&open_key)), home.path(), &[])).unwrap_err();
    assert!(error.hint.unwrap().starts_with("run `chmod 0600 "));
}
