//! Tests that a session's connection details equal those that the server reports.

use limbeck_db::{CertificateVerification, ConnectionDetails, Session};
use limbeck_testkit::certificates::{Authority, CertificateRequest};
use limbeck_testkit::{MariaDb, Postgres, Tls};

use crate::support::{block_on, open, value};

const TLS_OF_SESSION: &str =
    "SELECT concat_ws(' ', ssl, version, cipher) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// Converts a cipher's registered name to OpenSSL's. The names of TLS 1.3 are the same.
fn openssl_name(cipher: &str) -> String {
    match cipher.strip_prefix("TLS_ECDHE_") {
        None => cipher.to_owned(),
        Some(rest) => format!("ECDHE-{rest}")
            .replace("_WITH_", "-")
            .replace("AES_", "AES")
            .replace('_', "-"),
    }
}

async fn details_and_server_report(session: &mut Session) -> (ConnectionDetails, String) {
    let reported = value(session, TLS_OF_SESSION).await;
    let details = session.connection_details().await.unwrap();
    let process = value(session, "SELECT pg_backend_pid()").await;
    assert_eq!(details.initial_session_id.unwrap().to_string(), process);
    let address = value(
        session,
        "SELECT host(inet_server_addr()) || ':' || inet_server_port()",
    )
    .await;
    assert_eq!(details.peer.unwrap().to_string(), address);
    (details, reported)
}

#[test]
fn reports_the_tls_that_the_server_reports() {
    let server = Postgres::start(Tls::Required);
    let home = tempfile::tempdir().unwrap();
    let root = server.authority();
    let root = root.display();
    let mut seen = Vec::new();
    for version in ["TLSv1.2", "TLSv1.3"] {
        for (query, verified) in [
            ("sslmode=require".to_owned(), CertificateVerification::None),
            (
                format!("sslmode=verify-ca&sslrootcert={root}"),
                CertificateVerification::Authority,
            ),
            // As in libpq, an authority implies its verification.
            (
                format!("sslmode=require&sslrootcert={root}"),
                CertificateVerification::Authority,
            ),
            (
                format!("sslmode=verify-full&sslrootcert={root}"),
                CertificateVerification::AuthorityAndName,
            ),
        ] {
            for (binding, bound) in [("prefer", true), ("disable", false)] {
                let query = format!(
                    "?{query}&channel_binding={binding}&ssl_min_protocol_version={version}\
                     &ssl_max_protocol_version={version}"
                );
                let url = server.url("postgresql+psycopg2", "postgres", &query);
                let (details, reported) = block_on(async {
                    let mut session = open(&url, home.path(), &[]).await.unwrap();
                    let found = details_and_server_report(&mut session).await;
                    session.close().await.unwrap();
                    found
                });
                let tls = details.tls.unwrap();
                let found = format!("t {} {}", tls.version, openssl_name(&tls.cipher));
                assert_eq!(found, reported, "{query}");
                assert_eq!(tls.version, version);
                assert_eq!(
                    (tls.verified, tls.channel_binding),
                    (verified, bound),
                    "{query}"
                );
                seen.push(tls.cipher);
            }
        }
    }
    assert_eq!(seen.len(), 16);
}

#[test]
fn reports_no_tls_for_a_plain_session() {
    let server = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    block_on(async {
        let url = server.url("postgresql+asyncpg", "postgres", "");
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        let (details, reported) = details_and_server_report(&mut session).await;
        assert_eq!((details.tls, reported.as_str()), (None, "f"));
        session.close().await.unwrap();
        let socket = server.socket_folder().display();
        let url = format!(
            "postgresql+psycopg2://postgres@/postgres?host={socket}&port={}",
            server.port
        );
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        let details = session.connection_details().await.unwrap();
        assert_eq!((details.peer, details.tls), (None, None));
        session.close().await.unwrap();
    });
}

#[test]
fn reports_the_tls_that_mariadb_reports() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(&folder.path().join("authority"), "authority");
    let localhost = "subjectAltName=DNS:localhost,IP:127.0.0.1";
    let certificate = authority.issue(&CertificateRequest::new("server", "a server", localhost));
    let root = authority.own.certificate.display();
    let server = MariaDb::start_with_tls(&certificate, &authority.own.certificate);
    for (query, verified) in [
        ("?ssl_disabled=true".to_owned(), None),
        (
            "?ssl_mode=REQUIRED".to_owned(),
            Some(CertificateVerification::None),
        ),
        (
            format!("?ssl_ca={root}&ssl_check_hostname=false"),
            Some(CertificateVerification::Authority),
        ),
        (
            format!("?ssl_ca={root}"),
            Some(CertificateVerification::AuthorityAndName),
        ),
    ] {
        let url = server.url("mysql+pymysql", "mysql") + &query;
        block_on(async {
            let mut session = open(&url, folder.path(), &[]).await.unwrap();
            let details = session.connection_details().await.unwrap();
            assert_eq!(
                details.tls.as_ref().map(|tls| tls.verified),
                verified,
                "{query}"
            );
            let number = value(&mut session, "SELECT CONNECTION_ID()").await;
            assert_eq!(details.initial_session_id.unwrap().to_string(), number);
            let status = "SELECT VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = ";
            let version = value(&mut session, &format!("{status}'SSL_VERSION'")).await;
            let cipher = value(&mut session, &format!("{status}'SSL_CIPHER'")).await;
            let (own_version, own_cipher) = details
                .tls
                .map(|tls| (tls.version, tls.cipher))
                .unwrap_or_default();
            assert_eq!((own_version, own_cipher), (version, cipher), "{query}");
            session.close().await.unwrap();
        });
    }
}
