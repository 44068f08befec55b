//! Tests with certificates that an attacker with limited signing rights could make: limbeck rejects what libpq rejects.

use std::path::{Path, PathBuf};

use limbeck_testkit::certificates::{Authority, CertificateRequest, IssuedCertificate, bundle};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{TLS_ON, Table, both};

const MODES: [&str; 2] = ["verify-ca", "verify-full"];
const LOCALHOST: &str = "subjectAltName=DNS:localhost";
/// A common name that OpenSSL, too, compares with name constraints.
const DOTTED: &str = "db.example.net";
const AUTHORITY: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign,cRLSign";

/// The cells in which limbeck deliberately refuses what libpq accepts, with the reason.
const STRICTER: &[(&str, &str)] = &[
    (
        "kept away",
        "OpenSSL compares a common name with the constraints only if it contains a dot",
    ),
    ("shut out", "the same"),
    (
        "kept to localhost, common name",
        "a common name does not count under constraints",
    ),
    ("kept to localhost, between, common name", "the same"),
    (
        "kept to localhost, version 1",
        "under constraints, limbeck rejects certificates that webpki can't read",
    ),
    ("kept to localhost, authority", "the same"),
    (
        "for policies, between",
        "webpki rejects critical policies except those of a trusted authority",
    ),
    ("policies", "the same"),
];

/// A server's certificate, the client's trusted authority, and further parameters.
struct Row {
    name: String,
    host: &'static str,
    shown: IssuedCertificate,
    root: PathBuf,
    parameters: String,
}

fn row(name: &str, shown: &IssuedCertificate, root: &Authority) -> Row {
    Row {
        name: name.to_owned(),
        host: "localhost",
        shown: shown.clone(),
        root: root.own.certificate.clone(),
        parameters: String::new(),
    }
}

/// Bundles the certificate with the intermediates that lead to the authority.
fn chained(leaf: &IssuedCertificate, between: &[&Authority]) -> IssuedCertificate {
    let mut parts = vec![leaf.certificate.as_path()];
    parts.extend(between.iter().map(|each| each.own.certificate.as_path()));
    IssuedCertificate {
        certificate: bundle(&leaf.certificate.with_extension("chain"), &parts),
        key: leaf.key.clone(),
    }
}

/// The forms of a server's certificate: label, common name, extensions.
const FORMS: [(&str, &str, &str); 4] = [
    ("ordinary", "a server", LOCALHOST),
    (
        "authority",
        "localhost",
        "basicConstraints=CA:TRUE\nsubjectAltName=DNS:localhost",
    ),
    ("common name", "localhost", "basicConstraints=CA:FALSE"),
    ("version 1", "localhost", ""),
];

/// Adds rows with authorities that have name constraints or unknown critical extensions, for each form.
fn add_limited_authorities(folder: &Path, rows: &mut Vec<Row>) {
    for (name, limit) in [
        ("kept away", "nameConstraints=permitted;DNS:example.com"),
        (
            "kept away, critically",
            "nameConstraints=critical,permitted;DNS:example.com",
        ),
        (
            "shut out",
            "nameConstraints=critical,excluded;DNS:localhost",
        ),
        (
            "kept to localhost",
            "nameConstraints=critical,permitted;DNS:localhost",
        ),
        (
            "unknown critical extension",
            "1.2.3.4=critical,ASN1:UTF8String:x",
        ),
        (
            "for policies",
            "policyConstraints=critical,requireExplicitPolicy:3",
        ),
    ] {
        let extensions = format!("{AUTHORITY}\n{limit}");
        let dotted = CertificateRequest::new("dotted", DOTTED, "basicConstraints=CA:FALSE");
        let root = Authority::with(
            &folder.join(name),
            &CertificateRequest::new("ca", name, &extensions),
        );
        let free = Authority::new(&folder.join(format!("{name} below")), "free");
        let wanted = CertificateRequest::new("between", name, &extensions);
        let between = free.subordinate_with(&folder.join(format!("{name} between")), &wanted);
        for (way, shown, root) in [
            ("", root.issue(&dotted), &root),
            (
                ", between",
                chained(&between.issue(&dotted), &[&between]),
                &free,
            ),
        ] {
            rows.push(Row {
                host: DOTTED,
                ..row(&format!("{name}{way}, dotted"), &shown, root)
            });
        }
        for (form, common_name, extensions) in FORMS {
            let wanted = CertificateRequest::new(form, common_name, extensions);
            rows.push(row(&format!("{name}, {form}"), &root.issue(&wanted), &root));
            if form != "authority" && form != "version 1" {
                let shown = chained(&between.issue(&wanted), &[&between]);
                rows.push(row(&format!("{name}, between, {form}"), &shown, &free));
            }
        }
    }
}

/// Adds rows with intermediates that may not sign.
fn add_intermediates_that_may_not_sign(folder: &Path, rows: &mut Vec<Row>) {
    let root = Authority::new(&folder.join("root"), "root");
    let wanted = CertificateRequest::new("leaf", "localhost", LOCALHOST);
    for (name, extensions) in [
        ("not an authority", "basicConstraints=CA:FALSE"),
        ("without basic constraints", "subjectKeyIdentifier=hash"),
        ("of version 1", ""),
        (
            "key may not sign",
            "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature,cRLSign",
        ),
        (
            "for clients",
            "basicConstraints=CA:TRUE\nextendedKeyUsage=clientAuth",
        ),
        (
            "unknown critical extension",
            "basicConstraints=CA:TRUE\n1.2.3.4=critical,ASN1:UTF8String:x",
        ),
    ] {
        let wanted_between = CertificateRequest::new("between", name, extensions);
        let between = root.subordinate_with(&folder.join(name), &wanted_between);
        let shown = chained(&between.issue(&wanted), &[&between]);
        rows.push(row(&format!("between {name}"), &shown, &root));
        for (form, common_name, extensions) in &FORMS[1..] {
            let leaf = between.issue(&CertificateRequest::new(form, common_name, extensions));
            let shown = chained(&leaf, &[&between]);
            rows.push(row(&format!("between {name}, {form}"), &shown, &root));
        }
    }
    let past = CertificateRequest::new("past", "past", AUTHORITY).expired();
    let past = root.subordinate_with(&folder.join("past"), &past);
    let shown = chained(&past.issue(&wanted), &[&past]);
    rows.push(row("between expired", &shown, &root));
    let last = CertificateRequest::new("last", "last", "basicConstraints=CA:TRUE,pathlen:0");
    let last = root.subordinate_with(&folder.join("last"), &last);
    let below = last.subordinate(&folder.join("below"), "below");
    let shown = chained(&below.issue(&wanted), &[&below, &last]);
    rows.push(row("below the last", &shown, &root));
    let shown = chained(&last.issue(&wanted), &[&last]);
    rows.push(row("under the last", &shown, &root));
}

/// Adds rows with certificates of another authority of the same name.
fn add_namesakes(folder: &Path, rows: &mut Vec<Row>) {
    let root = Authority::new(&folder.join("true"), "namesake");
    let other = Authority::with(
        &folder.join("false"),
        &CertificateRequest::new("ca", "namesake", &format!("{AUTHORITY}\n{LOCALHOST}")),
    );
    rows.push(row("namesake itself", &other.own, &root));
    for (form, common_name, extensions) in FORMS {
        let leaf = other.issue(&CertificateRequest::new(form, common_name, extensions));
        rows.push(row(&format!("namesake, {form}"), &leaf, &root));
        let shown = chained(&leaf, &[&other]);
        rows.push(row(&format!("namesake, sent along, {form}"), &shown, &root));
    }
    let again = CertificateRequest::new("again", "namesake", AUTHORITY);
    rows.push(row("named as its authority", &root.issue(&again), &root));
}

/// Adds rows with unusual names and extensions.
fn add_unusual_contents(folder: &Path, rows: &mut Vec<Row>) {
    let root = Authority::new(&folder.join("words"), "words");
    for (name, common_name, extensions) in [
        ("two common names, first", "localhost/CN=other", ""),
        ("two common names, last", "other/CN=localhost", ""),
        (
            "common name and mail",
            "localhost",
            "subjectAltName=email:a@b.c",
        ),
        (
            "common name and address",
            "localhost",
            "subjectAltName=IP:192.0.2.1",
        ),
        (
            "common name and other name",
            "localhost",
            "subjectAltName=DNS:a.b",
        ),
        (
            "any purpose",
            "localhost",
            "extendedKeyUsage=anyExtendedKeyUsage",
        ),
        ("Netscape's client", "localhost", "nsCertType=client"),
        ("Netscape's server", "localhost", "nsCertType=server"),
        (
            "policies",
            "localhost",
            "certificatePolicies=critical,1.2.3.4",
        ),
        ("a star", "*", "basicConstraints=CA:FALSE"),
        ("a star as alternative name", "a", "subjectAltName=DNS:*"),
        ("with a dot", "a", "subjectAltName=DNS:localhost."),
    ] {
        let stem = name.replace([' ', ',', '\''], "_");
        let wanted = CertificateRequest::new(&stem, common_name, extensions);
        rows.push(row(name, &root.issue(&wanted), &root));
    }
}

/// Adds rows with several revocation lists of one authority, and of one that may not sign lists.
fn add_revocation_lists(folder: &Path, rows: &mut Vec<Row>) {
    let root = Authority::new(&folder.join("lists"), "lists");
    let mute = Authority::with(
        &folder.join("mute"),
        &CertificateRequest::new(
            "ca",
            "mute",
            "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign",
        ),
    );
    let namesake = Authority::new(&folder.join("listless"), "lists");
    let forged = namesake.revocation_list("forged.crl", false);
    for (form, common_name, extensions) in FORMS {
        let leaf = root.issue(&CertificateRequest::new(form, common_name, extensions));
        let before = root.revocation_list(&format!("{form} before.crl"), false);
        std::thread::sleep(std::time::Duration::from_millis(1100));
        root.revoke(&leaf);
        let after = root.revocation_list(&format!("{form} after.crl"), false);
        for (name, lists) in [
            ("list before", vec![&before]),
            ("lists before and after", vec![&before, &after]),
            ("lists after and before", vec![&after, &before]),
            ("forged list", vec![&forged]),
        ] {
            let lists: Vec<_> = lists.into_iter().map(PathBuf::as_path).collect();
            let file = bundle(&folder.join(format!("{form} {name}.crl")), &lists);
            rows.push(Row {
                parameters: format!("&sslcrl={}", file.display().to_string().replace(' ', "%20")),
                ..row(&format!("{name}, {form}"), &leaf, &root)
            });
        }
        let leaf = mute.issue(&CertificateRequest::new(form, common_name, extensions));
        let list = mute.revocation_list("mute.crl", false);
        rows.push(Row {
            parameters: format!("&sslcrl={}", list.display()),
            ..row(&format!("list without cRLSign, {form}"), &leaf, &mute)
        });
    }
}

#[test]
fn rejects_certificates_beyond_an_authoritys_rights() {
    let server = Postgres::start(Tls::Off);
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    add_limited_authorities(folder.path(), &mut rows);
    add_intermediates_that_may_not_sign(folder.path(), &mut rows);
    add_namesakes(folder.path(), &mut rows);
    add_unusual_contents(folder.path(), &mut rows);
    add_revocation_lists(folder.path(), &mut rows);
    let mut table = Table::new(STRICTER);
    println!(
        "{:46}{}",
        "",
        MODES.map(|mode| format!("{mode:13}")).concat()
    );
    for row in rows {
        server.copy_to_data_folder(&row.shown.certificate, "row.crt");
        server.copy_to_data_folder(&row.shown.key, "row.key");
        server.configure(&TLS_ON, "host all all 0.0.0.0/0 trust");
        let signs = MODES.map(|mode| {
            let url = format!(
                "postgresql://postgres@{}:{}/postgres?hostaddr=127.0.0.1&sslmode={mode}&sslrootcert={}{}",
                row.host,
                server.port,
                row.root.display().to_string().replace(' ', "%20"),
                row.parameters
            );
            let (theirs, ours) = both(&server, &url, home.path(), &[]);
            format!(
                "{:13}",
                table.cell(&format!("{}, {mode}", row.name), &theirs, &ours)
            )
        });
        println!("{:46}{}", row.name, signs.concat());
    }
    table.finish();
}
