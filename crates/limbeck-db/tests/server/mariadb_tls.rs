//! Tests of TLS to MariaDB with the parameters of its drivers.

use limbeck_db::ConnectErrorKind::{self, Authentication, TlsRefused, TlsUnverified};
use limbeck_testkit::MariaDb;
use limbeck_testkit::certificates::{Authority, CertificateRequest, IssuedCertificate};

use crate::support::{block_on, open, value};

const ENCRYPTED: &str = "SELECT IF(VARIABLE_VALUE = '', 'plain', 'tls') \
     FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_CIPHER'";

/// The session's protection, or the kind of the failure.
type Outcome = Result<&'static str, ConnectErrorKind>;

const PLAIN: Outcome = Ok("plain");
const TLS: Outcome = Ok("tls");

fn check(server: &MariaDb, label: &str, user: &str, host: &str, query: &str, expected: Outcome) {
    let home = tempfile::tempdir().unwrap();
    let url = format!("mysql+pymysql://{user}@{host}:{}/mysql{query}", server.port);
    let found = block_on(async {
        let mut session = open(&url, home.path(), &[]).await?;
        let found = value(&mut session, ENCRYPTED).await;
        session.close().await.unwrap();
        Ok(found)
    });
    let shown = query.split('/').next().unwrap_or_default();
    match &found {
        Ok(found) => println!("{label:20}{user:14}{host:11}{shown:50}{found}"),
        Err(limbeck_db::ConnectError { kind, .. }) => {
            println!("{label:20}{user:14}{host:11}{shown:50}- {kind:?}");
        }
    }
    match (&found, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{label} {url}"),
        (Err(error), Err(expected)) => {
            assert_eq!(error.kind, expected, "{label} {url}: {error}");
        }
        other => panic!("{label} {url}: {other:?}"),
    }
}

#[test]
fn verifies_mariadb_as_configured() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let authority = Authority::new(&folder.join("right"), "right authority");
    let wrong = Authority::new(&folder.join("wrong"), "wrong authority");
    let clients = Authority::new(&folder.join("clients"), "authority of clients");
    let localhost = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    let issue = |wanted: CertificateRequest<'_>| authority.issue(&wanted);
    let good = issue(CertificateRequest::new("good", "a server", localhost));
    let other = issue(CertificateRequest::new(
        "other",
        "a server",
        "subjectAltName=DNS:db.example.com",
    ));
    let expired = issue(CertificateRequest::new("expired", "a server", localhost).expired());
    let client = clients.issue(&CertificateRequest::new(
        "client",
        "client",
        "basicConstraints=CA:FALSE",
    ));
    let stranger = wrong.issue(&CertificateRequest::new(
        "client",
        "client",
        "basicConstraints=CA:FALSE",
    ));
    let server = MariaDb::start_with_tls(&good, &clients.own.certificate);
    server.sql(
        "mysql",
        "create user demanding@'%' identified by 's3cr3t' require ssl;
         create user known@'%' identified by 's3cr3t' require x509;
         create user named@'%' identified by 's3cr3t' require subject '/CN=client';
         grant select on mysql.* to demanding@'%', known@'%', named@'%'",
    );
    let right = authority.own.certificate.display();
    let wrong_root = wrong.own.certificate.display();
    let pair = |issued: &IssuedCertificate| {
        format!(
            "&ssl_cert={}&ssl_key={}",
            issued.certificate.display(),
            issued.key.display()
        )
    };
    let root = format!("?ssl_ca={right}");
    let check_good = |user: &str, host: &str, query: &str, expected: Outcome| {
        check(&server, "good", user, host, query, expected);
    };
    let unverified = Err(TlsUnverified);
    check_good("root", "localhost", "", TLS);
    check_good("root", "localhost", "?ssl_mode=PREFERRED", TLS);
    check_good("root", "localhost", "?ssl=true", TLS);
    check_good("root", "localhost", "?ssl_mode=REQUIRED", TLS);
    check_good("root", "localhost", "?ssl_mode=DISABLED", PLAIN);
    check_good("root", "localhost", &root, TLS);
    check_good("root", "127.0.0.1", &root, TLS);
    check_good(
        "root",
        "localhost",
        &format!("{root}&ssl_disabled=true"),
        PLAIN,
    );
    let wrong_authority = format!("?ssl_ca={wrong_root}");
    check_good("root", "localhost", &wrong_authority, unverified);
    let any = format!("{wrong_authority}&ssl_verify_cert=false&ssl_check_hostname=false");
    check_good("root", "localhost", &any, TLS);
    // Without a configured authority, those of the client library apply, which do not include this one.
    check_good("root", "localhost", "?ssl_mode=VERIFY_CA", unverified);
    check_good("root", "localhost", "?ssl_mode=VERIFY_IDENTITY", unverified);
    check_good(
        "demanding:s3cr3t",
        "localhost",
        "?ssl_disabled=true",
        Err(Authentication),
    );
    check_good("demanding:s3cr3t", "localhost", "?ssl=true", TLS);
    check_good(
        "demanding:s3cr3t-not",
        "localhost",
        "?ssl=true",
        Err(Authentication),
    );
    for user in ["known:s3cr3t", "named:s3cr3t"] {
        check_good(user, "localhost", &root, Err(Authentication));
        check_good(user, "localhost", &format!("{root}{}", pair(&client)), TLS);
        let both = format!("?ssl_mode=REQUIRED{}", pair(&client));
        check_good(user, "localhost", &both, TLS);
    }

    server.replace_certificate(&other);
    for (query, expected) in [
        ("?ssl=true".to_owned(), TLS),
        (root.clone(), unverified),
        (format!("{root}&ssl_mode=VERIFY_IDENTITY"), unverified),
        (format!("{root}&ssl_verify_identity=true"), unverified),
    ] {
        check(&server, "other name", "root", "localhost", &query, expected);
    }
    server.replace_certificate(&expired);
    check(&server, "expired", "root", "localhost", "?ssl=true", TLS);
    check(&server, "expired", "root", "localhost", &root, unverified);

    // Authorities that OpenSSL rejects, and a good one.
    let odd = "basicConstraints=CA:TRUE\n1.2.3.4=critical,ASN1:UTF8String:x";
    let mute = "basicConstraints=CA:TRUE\nkeyUsage=digitalSignature";
    let right_now = CertificateRequest::new("ca", "right now", "basicConstraints=CA:TRUE");
    for (label, wanted, expected) in [
        ("authority", right_now, TLS),
        ("authority expired", right_now.expired(), unverified),
        (
            "authority with an unknown critical extension",
            CertificateRequest::new("ca", "odd", odd),
            unverified,
        ),
        (
            "authority that may not sign",
            CertificateRequest::new("ca", "mute", mute),
            unverified,
        ),
        (
            "not an authority",
            CertificateRequest::new("ca", "none", "basicConstraints=CA:FALSE"),
            unverified,
        ),
    ] {
        let root = Authority::with(&folder.join(label), &wanted);
        server.replace_certificate(
            &root.issue(&CertificateRequest::new("leaf", "a server", localhost)),
        );
        let file = root.own.certificate.display().to_string();
        let query = format!("?ssl_ca={}", file.replace(' ', "%20"));
        check(&server, label, "root", "localhost", &query, expected);
    }

    // rustls rejects certificates of version 1. If TLS is not required, the connection is plain.
    server.replace_certificate(&issue(CertificateRequest::new("v1", "localhost", "")));
    check(&server, "version 1", "root", "localhost", "", PLAIN);
    let refused = Err(TlsUnverified);
    check(
        &server,
        "version 1",
        "root",
        "localhost",
        "?ssl=true",
        refused,
    );

    // The server rejects a client of another authority.
    let home = tempfile::tempdir().unwrap();
    server.replace_certificate(&good);
    let url = format!(
        "mysql+pymysql://known:s3cr3t@localhost:{}/mysql{root}{}",
        server.port,
        pair(&stranger)
    );
    block_on(open(&url, home.path(), &[])).unwrap_err();

    let without = MariaDb::start();
    check(&without, "TLS off", "root", "localhost", "", PLAIN);
    let preferred = "?ssl_mode=PREFERRED";
    check(&without, "TLS off", "root", "localhost", preferred, PLAIN);
    for query in ["?ssl=true", "?ssl_mode=REQUIRED", root.as_str()] {
        check(
            &without,
            "TLS off",
            "root",
            "localhost",
            query,
            Err(TlsRefused),
        );
    }
}
