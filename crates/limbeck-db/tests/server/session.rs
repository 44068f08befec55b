//! Tests of an open session: settings, cancellation, encodings.

use std::time::Duration;

use limbeck_db::{DbError, TransactionStatus};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{block_on, open, value};

#[test]
fn has_the_settings_of_a_libpq_session() {
    let server = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    server.sql(
        "postgres",
        "alter role postgres set lock_timeout = '7s'; alter database postgres set search_path = 'a', public;
         create role dmy; alter role dmy login; alter role dmy set datestyle = 'German, DMY'",
    );
    let changed = "SELECT coalesce(string_agg(name || '=' || setting || ' (' || source || ')', ', ' ORDER BY name), '') \
         FROM pg_settings WHERE source NOT IN ('default', 'configuration file', 'command line', 'override', \
         'environment variable') AND name NOT IN ('application_name', 'client_encoding')";
    let everything = "SELECT string_agg(name || '=' || setting, E'\\n' ORDER BY name) FROM pg_settings \
         WHERE name NOT IN ('application_name', 'client_encoding', 'in_hot_standby')";
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", server.port);
    let settings = |query: &str, variables: &[(&str, &str)], sql: &str| {
        let url = format!("{url}{query}");
        let theirs = server.psql_with(&url, home.path(), variables, sql).unwrap();
        let ours = block_on(async {
            let mut session = open(&url, home.path(), variables).await.unwrap();
            value(&mut session, sql).await
        });
        (theirs.trim_end().to_owned(), ours)
    };
    for (query, variables) in [
        ("", &[][..]),
        ("?options=-c%20statement_timeout%3D5s", &[]),
        (
            "",
            &[
                ("PGOPTIONS", "-c extra_float_digits=3"),
                ("PGTZ", "Asia/Tokyo"),
                ("PGGEQO", "off"),
            ],
        ),
        ("", &[("PGDATESTYLE", "ISO, DMY")]),
    ] {
        let (theirs, ours) = settings(query, variables, changed);
        println!("{query:40}{ours}");
        assert_eq!(theirs, ours);
        let (theirs, ours) = settings(query, variables, everything);
        assert_eq!(theirs, ours);
        assert!(ours.lines().count() > 200);
    }
    block_on(async {
        // These two differ: libpq sets no application name, and psql uses the terminal's encoding.
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        assert_eq!(
            value(&mut session, "SHOW application_name").await,
            "limbeck"
        );
        assert_eq!(value(&mut session, "SHOW client_encoding").await, "UTF8");
        // The worker reads ISO dates. The order of day and month stays as configured.
        let url = url.replace("postgres@", "dmy@");
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        assert_eq!(value(&mut session, "SHOW DateStyle").await, "ISO, DMY");
    });
}

#[test]
fn cancels_a_running_statement() {
    for tls in [Tls::Off, Tls::Required] {
        let server = Postgres::start(tls);
        let home = tempfile::tempdir().unwrap();
        let urls = match tls {
            Tls::Off => vec![
                server.url("postgresql", "postgres", ""),
                format!(
                    "postgresql://postgres@/postgres?host={}&port={}",
                    server.socket_folder().display(),
                    server.port
                ),
            ],
            Tls::Required => {
                let root = server.authority();
                let query = format!("?sslmode=verify-full&sslrootcert={}", root.display());
                vec![server.url("postgresql", "postgres", &query)]
            }
        };
        for url in urls {
            block_on(cancel(&server, &url, home.path()));
        }
    }
}

async fn cancel(server: &Postgres, url: &str, home: &std::path::Path) {
    let mut session = open(url, home, &[]).await.unwrap();
    let process = value(&mut session, "SELECT pg_backend_pid()").await;
    let canceller = session.canceller();
    // Outside a transaction, and inside one.
    for (before, after) in [
        ("", TransactionStatus::Idle),
        ("BEGIN; CREATE TABLE t (i int)", TransactionStatus::Failed),
    ] {
        session.execute(before, &[]).await.unwrap();
        let active = format!(
            "select count(*) from pg_stat_activity where pid = {process} and query like '%pg_sleep%' and state = 'active'"
        );
        let cancelling = async {
            while server.sql("postgres", &active).trim() != "1" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            canceller.cancel().await.unwrap();
        };
        let sleeping = session.execute("SELECT pg_sleep(30)", &[]);
        let (result, ()) = tokio::join!(sleeping, cancelling);
        match result {
            Err(DbError::Server(error)) => assert_eq!(error.code, "57014", "{error}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(session.transaction_status(), after);
        session.execute("ROLLBACK", &[]).await.unwrap();
        assert_eq!(value(&mut session, "SELECT 1").await, "1");
        let same = value(&mut session, "SELECT pg_backend_pid()").await;
        assert_eq!(same, process);
    }
    // Without a running statement, a request has no effect.
    canceller.cancel().await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(value(&mut session, "SELECT 2").await, "2");
    session.close().await.unwrap();
}

#[test]
fn keeps_utf8_after_a_script_sets_another_encoding() {
    let server = Postgres::start(Tls::Off);
    let home = tempfile::tempdir().unwrap();
    let url = format!("postgresql://postgres@127.0.0.1:{}/postgres", server.port);
    block_on(async {
        let mut session = open(&url, home.path(), &[]).await.unwrap();
        for encoding in ["LATIN1", "WIN1252", "SQL_ASCII", "UTF8"] {
            for around in [&["", ""][..], &["BEGIN", "COMMIT"], &["BEGIN", "ROLLBACK"]] {
                session.execute(around[0], &[]).await.unwrap();
                let set = format!("SET client_encoding TO '{encoding}'");
                session.execute(&set, &[]).await.unwrap();
                let found = value(&mut session, "SELECT 'ü€' || chr(252) || length('ü€')").await;
                assert_eq!(found, "ü€ü2", "{encoding}");
                session.execute(around[1], &[]).await.unwrap();
                assert_eq!(
                    value(&mut session, "SELECT chr(252)").await,
                    "ü",
                    "{encoding}"
                );
            }
        }
    });
}
