//! Tests of passwords, channel binding, and the kinds of refusals.

use limbeck_db::ConnectErrorKind;
use limbeck_testkit::certificates::{Authority, CertificateRequest};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{Attempt, SECRET, TLS_ON, Table, block_on, both, limbeck, open};

/// Passwords in URL encoding. The second contains the characters that `SASLprep` and URLs treat specially.
const PLAIN: &str = "s3cr3t";
const STRANGE: &str = "s3cr3t%3A%40%2F%C3%BC%E2%85%A8%25";
const WRONG: &str = "s3cr3t-not";

const RULES: &str = "\
host all trusted 0.0.0.0/0 trust
host all clear 0.0.0.0/0 password
host all hashed 0.0.0.0/0 md5
host all scram 0.0.0.0/0 scram-sha-256
host all strange 0.0.0.0/0 scram-sha-256
host all full 0.0.0.0/0 trust
host all postgres 0.0.0.0/0 trust
host all nobody 0.0.0.0/0 trust";

#[test]
fn authenticates_as_libpq() {
    let server = Postgres::start(Tls::Off);
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("authority"), "authority");
    let localhost = "subjectAltName=DNS:localhost";
    let certificates = [
        (
            "P-256",
            authority.issue(&CertificateRequest::new("ec", "ec", localhost)),
        ),
        (
            "RSA",
            authority.issue(&CertificateRequest::new("rsa", "rsa", localhost).rsa()),
        ),
        (
            "version 1",
            authority.issue(&CertificateRequest::new("v1", "localhost", "")),
        ),
    ];
    let roles = format!(
        "create role trusted login; create role full login connection limit 0;
         create role clear login password '{SECRET}'; create role scram login password '{SECRET}';
         create role strange login password '{SECRET}:@/üⅨ%';
         set password_encryption = 'md5'; create role hashed login password '{SECRET}'"
    );
    server.sql("postgres", &roles);

    let mut table = Table::new(&[]);
    let users = [
        ("trusted", ""),
        ("trusted", WRONG),
        ("clear", PLAIN),
        ("clear", WRONG),
        ("clear", ""),
        ("hashed", PLAIN),
        ("hashed", WRONG),
        ("scram", PLAIN),
        ("scram", WRONG),
        ("scram", ""),
        ("strange", STRANGE),
        ("nobody", PLAIN),
        ("unlisted", PLAIN),
    ];
    for (name, certificate) in &certificates {
        server.copy_to_data_folder(&certificate.certificate, "row.crt");
        server.copy_to_data_folder(&certificate.key, "row.key");
        server.configure(&TLS_ON, RULES);
        for mode in ["disable", "require"] {
            for (user, password) in users {
                // The certificate only affects the channel binding.
                if *name != "P-256" && (user, password, mode) != ("scram", PLAIN, "require") {
                    continue;
                }
                let signs = ["disable", "prefer", "require"].map(|binding| {
                    let url = format!(
                        "postgresql://{user}:{password}@localhost:{}/postgres?sslmode={mode}&channel_binding={binding}",
                        server.port
                    );
                    let (theirs, ours) = both(&server, &url, home.path(), &[]);
                    let cell = format!("{name}, {mode}, {user}, {password}, {binding}");
                    format!("{:12}", table.cell(&cell, &theirs, &ours))
                });
                let password = match password {
                    "" => "none",
                    WRONG => "wrong",
                    _ => "right",
                };
                println!("{name:10}{mode:9}{user:9}{password:7}{}", signs.concat());
            }
        }
    }
    table.finish();
}

#[test]
fn classifies_refusals() {
    use ConnectErrorKind::{
        Authentication, NoSuchDatabase, Other, Parameter, Refused, StartingUp, TlsRefused,
        TooManyConnections,
    };
    let server = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    server.sql(
        "postgres",
        &format!(
            "create role trusted login; create role full login connection limit 0;
             create role clear login password '{SECRET}'; create role scram login password '{SECRET}';
             set password_encryption = 'md5'; create role hashed login password '{SECRET}'"
        ),
    );
    server.configure(&[], RULES);
    let starting = server.standby(&[("hot_standby", "off")]);
    let closing = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closing_port = closing.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in closing.incoming() {
            drop(socket);
        }
    });
    let check = |user: &str, port: u16, rest: &str, expected: Option<ConnectErrorKind>| {
        let url = format!("postgresql://{user}@127.0.0.1:{port}/{rest}");
        let found = match limbeck(&url, home.path(), &[]) {
            Attempt::Connected { .. } => None,
            Attempt::Refused(kind, message) => {
                println!("{user}@…/{rest}: {message}");
                kind
            }
        };
        assert_eq!(found, expected, "{url}");
    };
    let port = server.port;
    check("trusted", port, "postgres", None);
    check("trusted", port, "gone", Some(NoSuchDatabase));
    check("full", port, "postgres", Some(TooManyConnections));
    check("nobody", port, "postgres", Some(Authentication));
    check("unlisted", port, "postgres", Some(Authentication));
    check("scram", port, "postgres", Some(Authentication));
    check("scram:s3cr3t-not", port, "postgres", Some(Authentication));
    check("clear:s3cr3t-not", port, "postgres", Some(Authentication));
    check(
        "trusted",
        port,
        "postgres?sslmode=require",
        Some(TlsRefused),
    );
    check("postgres", starting.port, "postgres", Some(StartingUp));
    check("trusted", 1, "postgres", Some(Refused));
    check("trusted", closing_port, "postgres", Some(Other));
    // psql 15 does not support `require_auth`, so there is no comparison.
    for (user, required, expected) in [
        ("scram:s3cr3t", "scram-sha-256", None),
        ("scram:s3cr3t", "md5,password", Some(Authentication)),
        ("scram:s3cr3t", "!password", None),
        ("clear:s3cr3t", "scram-sha-256", Some(Authentication)),
        ("clear:s3cr3t", "!password", Some(Authentication)),
        ("clear:s3cr3t", "password", None),
        ("hashed:s3cr3t", "scram-sha-256", Some(Authentication)),
        ("hashed:s3cr3t", "md5", None),
        ("trusted", "scram-sha-256", Some(Authentication)),
        ("trusted", "!none", Some(Authentication)),
        ("trusted", "none", None),
        ("trusted", "kerberos", Some(Parameter)),
    ] {
        let rest = format!("postgres?require_auth={required}");
        check(user, port, &rest, expected);
        let variables = [("PGREQUIREAUTH", required)];
        let url = format!("postgresql://{user}@127.0.0.1:{port}/postgres");
        let found = block_on(open(&url, home.path(), &variables)).err();
        assert_eq!(found.map(|error| error.kind), expected, "{required}");
    }
}
