//! What a session knows of its own way, beside what the server says of the same session.

use limbeck_db::{Link, Session, Verified};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{block_on, open, value};

const OF_THE_SERVER: &str =
    "SELECT concat_ws(' ', ssl, version, cipher) FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

/// OpenSSL's name for a registered one; those of TLS 1.3 are the same.
fn as_openssl(cipher: &str) -> String {
    match cipher.strip_prefix("TLS_ECDHE_") {
        None => cipher.to_owned(),
        Some(rest) => format!("ECDHE-{rest}")
            .replace("_WITH_", "-")
            .replace("AES_", "AES")
            .replace('_', "-"),
    }
}

async fn link_and_server(session: &mut Session) -> (Link, String) {
    let said = value(session, OF_THE_SERVER).await;
    let link = session.link().await.unwrap();
    let process = value(session, "SELECT pg_backend_pid()").await;
    assert_eq!(link.promised_number.unwrap().to_string(), process);
    let address = value(
        session,
        "SELECT host(inet_server_addr()) || ':' || inet_server_port()",
    )
    .await;
    assert_eq!(link.peer.unwrap().to_string(), address);
    (link, said)
}

#[test]
fn tls_is_what_the_server_says() {
    let Some(server) = Postgres::start(Tls::Required) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let root = server.authority();
    let root = root.display();
    let mut seen = Vec::new();
    for version in ["TLSv1.2", "TLSv1.3"] {
        for (query, verified) in [
            ("sslmode=require".to_owned(), Verified::Nothing),
            (
                format!("sslmode=verify-ca&sslrootcert={root}"),
                Verified::Authority,
            ),
            // An authority beside it is used, as libpq does it.
            (
                format!("sslmode=require&sslrootcert={root}"),
                Verified::Authority,
            ),
            (
                format!("sslmode=verify-full&sslrootcert={root}"),
                Verified::AuthorityAndName,
            ),
        ] {
            for (binding, bound) in [("prefer", true), ("disable", false)] {
                let query = format!(
                    "?{query}&channel_binding={binding}&ssl_min_protocol_version={version}\
                     &ssl_max_protocol_version={version}"
                );
                let url = server.url("postgresql+psycopg2", "postgres", &query);
                let (link, said) = block_on(async {
                    let mut session = open(&url, home.path(), &[]).await.unwrap();
                    let found = link_and_server(&mut session).await;
                    session.close().await.unwrap();
                    found
                });
                let tls = link.tls.unwrap();
                let found = format!("t {} {}", tls.version, as_openssl(&tls.cipher));
                assert_eq!(found, said, "{query}");
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
fn a_plain_session_has_no_tls() {
    let Some(server) = Postgres::start(Tls::Off) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    block_on(async {
        let url = server.url("postgresql+asyncpg", "postgres", "");
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        let (link, said) = link_and_server(&mut session).await;
        assert_eq!((link.tls, said.as_str()), (None, "f"));
        session.close().await.unwrap();
        let socket = server.socket_folder().display();
        let url = format!(
            "postgresql+psycopg2://postgres@/postgres?host={socket}&port={}",
            server.port
        );
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        let link = session.link().await.unwrap();
        assert_eq!((link.peer, link.tls), (None, None));
        session.close().await.unwrap();
    });
}
