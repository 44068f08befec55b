//! Tests that revoked certificates under `sslcrl` and `sslcrldir` are treated as by libpq.

use limbeck_testkit::certificates::{
    Authority, CertificateRequest, IssuedCertificate, bundle, revocation_folder,
};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{TLS_ON, Table, both};

const MODES: [&str; 4] = ["prefer", "require", "verify-ca", "verify-full"];

/// The cells in which limbeck deliberately refuses what libpq accepts, with the reason.
const STRICTER: &[(&str, &str)] = &[("good, list missing", "libpq ignores a missing list")];

#[test]
fn rejects_revoked_certificates_as_libpq() {
    let server = Postgres::start(Tls::Off);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let localhost = "subjectAltName=DNS:localhost";
    let authority = Authority::new(&folder.join("authority"), "authority");
    let good = authority.issue(&CertificateRequest::new("good", "good", localhost));
    let revoked = authority.issue(&CertificateRequest::new("revoked", "revoked", localhost));
    let middle = authority.subordinate(&folder.join("middle"), "middle");
    let leaf = middle.issue(&CertificateRequest::new("leaf", "leaf", localhost));
    let chained = IssuedCertificate {
        certificate: bundle(
            &folder.join("chain.crt"),
            &[&leaf.certificate, &middle.own.certificate],
        ),
        key: leaf.key.clone(),
    };
    let before = authority.revocation_list("before.crl", false);
    let old_form = authority.issue(&CertificateRequest::new("v1", "localhost", ""));
    let old_revoked = authority.issue(&CertificateRequest::new("v1revoked", "localhost", ""));
    authority.revoke(&revoked);
    authority.revoke(&old_revoked);
    let list = authority.revocation_list("list.crl", false);
    let old_list = authority.revocation_list("old.crl", true);
    let middle_list = middle.revocation_list("middle.crl", false);
    let other = Authority::new(&folder.join("other"), "other authority");
    let other_list = other.revocation_list("other.crl", false);
    let both_lists = bundle(&folder.join("both.crl"), &[&list, &middle_list]);
    let hashed = revocation_folder(&folder.join("hashed"), &[&list]);
    let empty = revocation_folder(&folder.join("empty"), &[]);
    let unhashed = folder.join("unhashed");
    std::fs::create_dir(&unhashed).unwrap();
    std::fs::copy(&list, unhashed.join("list.crl")).unwrap();
    let own = Authority::with(
        &folder.join("own"),
        &CertificateRequest::new(
            "own",
            "own",
            &format!("basicConstraints=CA:TRUE\n{localhost}"),
        ),
    );
    let own_old = own.revocation_list("old.crl", true);
    let own_list = own.revocation_list("own.crl", false);
    let revoking = Authority::with(
        &folder.join("revoking"),
        &CertificateRequest::new(
            "own",
            "revoking",
            &format!("basicConstraints=CA:TRUE\n{localhost}"),
        ),
    );
    revoking.revoke(&revoking.own);
    let revoking_list = revoking.revocation_list("own.crl", false);
    let missing = folder.join("missing.crl");

    let right = &authority.own.certificate;
    let itself = &own.own.certificate;
    let crl = |file: &std::path::Path| format!("&sslcrl={}", file.display());
    let in_folder = |folder: &std::path::Path| format!("&sslcrldir={}", folder.display());
    let rows = [
        ("revoked, no list", &revoked, right, String::new()),
        ("revoked, list", &revoked, right, crl(&list)),
        ("revoked, earlier list", &revoked, right, crl(&before)),
        ("revoked, folder", &revoked, right, in_folder(&hashed)),
        (
            "revoked, folder without hashes",
            &revoked,
            right,
            in_folder(&unhashed),
        ),
        ("good, list", &good, right, crl(&list)),
        ("good, expired list", &good, right, crl(&old_list)),
        ("good, list of another", &good, right, crl(&other_list)),
        ("good, list missing", &good, right, crl(&missing)),
        ("good, folder", &good, right, in_folder(&hashed)),
        ("good, empty folder", &good, right, in_folder(&empty)),
        ("good, certificate as list", &good, right, crl(right)),
        ("chain, both lists", &chained, right, crl(&both_lists)),
        ("chain, list of the top only", &chained, right, crl(&list)),
        (
            "chain, list of the middle only",
            &chained,
            right,
            crl(&middle_list),
        ),
        (
            "self-signed, its own list",
            &own.own,
            itself,
            crl(&own_list),
        ),
        (
            "self-signed, its own old list",
            &own.own,
            itself,
            crl(&own_old),
        ),
        (
            "self-signed, revoked",
            &revoking.own,
            &revoking.own.certificate,
            crl(&revoking_list),
        ),
        ("version 1, list", &old_form, right, crl(&list)),
        ("version 1, expired list", &old_form, right, crl(&old_list)),
        ("version 1, revoked", &old_revoked, right, crl(&list)),
        (
            "version 1, list of another",
            &old_form,
            right,
            crl(&other_list),
        ),
        ("version 1, folder", &old_revoked, right, in_folder(&hashed)),
        ("self-signed, list of another", &own.own, itself, crl(&list)),
    ];
    let home = tempfile::tempdir().unwrap();
    let mut table = Table::new(STRICTER);
    println!(
        "{:36}{}",
        "",
        MODES.map(|mode| format!("{mode:13}")).concat()
    );
    for (name, certificate, root, parameter) in rows {
        server.copy_to_data_folder(&certificate.certificate, "row.crt");
        server.copy_to_data_folder(&certificate.key, "row.key");
        server.configure(&TLS_ON, "host all all 0.0.0.0/0 trust");
        let signs = MODES.map(|mode| {
            let url = format!(
                "postgresql://postgres@localhost:{}/postgres?sslmode={mode}&sslrootcert={}{parameter}",
                server.port,
                root.display()
            );
            let (theirs, ours) = both(&server, &url, home.path(), &[]);
            format!("{:13}", table.cell(&format!("{name}, {mode}"), &theirs, &ours))
        });
        println!("{name:36}{}", signs.concat());
    }
    // List and authority of the home folder apply without a parameter.
    let own_folder = home.path().join(".postgresql");
    std::fs::create_dir(&own_folder).unwrap();
    std::fs::copy(right, own_folder.join("root.crt")).unwrap();
    std::fs::copy(&list, own_folder.join("root.crl")).unwrap();
    for (name, certificate) in [("revoked, home", &revoked), ("good, home", &good)] {
        server.copy_to_data_folder(&certificate.certificate, "row.crt");
        server.copy_to_data_folder(&certificate.key, "row.key");
        server.configure(&TLS_ON, "host all all 0.0.0.0/0 trust");
        let signs = MODES.map(|mode| {
            let url = format!(
                "postgresql://postgres@localhost:{}/postgres?sslmode={mode}",
                server.port
            );
            let (theirs, ours) = both(&server, &url, home.path(), &[]);
            format!(
                "{:13}",
                table.cell(&format!("{name}, {mode}"), &theirs, &ours)
            )
        });
        println!("{name:36}{}", signs.concat());
    }
    table.finish();
}
