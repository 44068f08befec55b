//! COPY between the server and this client.

use std::future::Future;
use std::time::{Duration, Instant};

use limbeck_db::{CopyChunk, CopyFormat, CopyStart, DbError, Outcome, Session, TransactionStatus};
use limbeck_testkit::{Postgres, Tls};

use crate::support::{block_on, open, value};

/// Runs `body` with a session without TLS, and with one over TLS.
fn with_sessions<F: Future<Output = ()>>(body: impl Fn(Session) -> F) {
    let home = tempfile::tempdir().unwrap();
    for tls in [Tls::Off, Tls::Required] {
        let server = Postgres::start(tls);
        let (user, query) = match tls {
            Tls::Off => ("postgres".to_owned(), ""),
            Tls::Required => ("postgres:secret".to_owned(), "?sslmode=require"),
        };
        let url = format!(
            "postgresql://{user}@127.0.0.1:{}/postgres{query}",
            server.port
        );
        block_on(async {
            let mut session = open(&url, home.path(), &[]).await.unwrap();
            execute(&mut session, "CREATE TABLE t (a int PRIMARY KEY, b text)").await;
            body(session).await;
        });
    }
}

async fn execute(session: &mut Session, sql: &str) {
    session.execute(sql, &[]).await.unwrap();
}

/// Returns the number of rows of the last result.
fn copied(outcome: &Outcome) -> Option<u64> {
    outcome.results.last().and_then(|result| result.affected)
}

/// Receives the rest of a COPY.
async fn receive(session: &mut Session) -> Result<(Vec<u8>, Outcome), DbError> {
    let mut data = Vec::new();
    loop {
        match session.receive_copy_data().await? {
            CopyChunk::Data(parts) => data.extend(parts.iter().flatten()),
            CopyChunk::Finished(outcome) => return Ok((data, outcome)),
        }
    }
}

#[test]
fn copies_in_both_directions_and_formats() {
    with_sessions(async |mut session| {
        for (format, rows) in [
            ("text", &b"1\tone\n2\t\\N\n3\tth\\nree\n"[..]),
            ("csv", b"1,one\n2,\n3,\"th\nree\"\n"),
        ] {
            execute(&mut session, "TRUNCATE t").await;
            let expected = CopyFormat {
                is_binary: false,
                columns: 2,
            };
            let sql = format!("COPY t FROM STDIN (FORMAT {format})");
            let start = session.start_copy(&sql).await.unwrap();
            assert!(matches!(start, CopyStart::In(found) if found == expected));
            for part in rows.chunks(4) {
                session.send_copy_data(part).await.unwrap();
            }
            let outcome = session.finish_copy().await.unwrap();
            assert_eq!(copied(&outcome), Some(3), "{outcome:?}");
            let sum = "SELECT sum(a) || string_agg(b, '-' ORDER BY a) FROM t";
            assert_eq!(value(&mut session, sum).await, "6one-th\nree");

            let sql = format!("COPY (SELECT * FROM t ORDER BY a) TO STDOUT (FORMAT {format})");
            let start = session.start_copy(&sql).await.unwrap();
            assert!(matches!(start, CopyStart::Out(found) if found == expected));
            let (data, outcome) = receive(&mut session).await.unwrap();
            assert_eq!(String::from_utf8(data), String::from_utf8(rows.to_vec()));
            assert_eq!(copied(&outcome), Some(3));
        }

        let start = session.start_copy("COPY t TO STDOUT (FORMAT binary)").await;
        assert!(matches!(start.unwrap(), CopyStart::Out(format) if format.is_binary));
        let (data, _) = receive(&mut session).await.unwrap();
        assert!(data.starts_with(b"PGCOPY\n\xff\r\n\0"));
        execute(&mut session, "TRUNCATE t").await;
        let start = session
            .start_copy("COPY t FROM STDIN (FORMAT binary)")
            .await;
        assert!(matches!(start.unwrap(), CopyStart::In(format) if format.is_binary));
        session.send_copy_data(&data).await.unwrap();
        assert_eq!(copied(&session.finish_copy().await.unwrap()), Some(3));
    });
}

#[test]
fn a_refused_row_ends_the_copy() {
    with_sessions(async |mut session| {
        for in_transaction in [false, true] {
            if in_transaction {
                execute(&mut session, "BEGIN").await;
            }
            session.start_copy("COPY t FROM STDIN").await.unwrap();
            let rows = b"x\twrong\n".repeat(20_000);
            let mut sent = 0;
            let error = loop {
                match session.send_copy_data(&rows).await {
                    Ok(()) => sent += 1,
                    Err(error) => break error,
                }
                assert!(sent < 1_000, "the server has not refused {sent} parts");
            };
            let DbError::Server(error) = error else {
                panic!("{error:?}")
            };
            assert_eq!(error.code, "22P02");
            let status = session.transaction_status();
            if in_transaction {
                assert_eq!(status, TransactionStatus::Failed);
                execute(&mut session, "ROLLBACK").await;
            } else {
                assert_eq!(status, TransactionStatus::Idle);
            }
            // Later data has no COPY that it could belong to.
            let late = session.send_copy_data(b"1\tone\n").await;
            assert!(matches!(late, Err(DbError::Unsupported(_))), "{late:?}");
            assert_eq!(value(&mut session, "SELECT count(*) FROM t").await, "0");
        }
        // An error that the server finds at the end.
        session.start_copy("COPY t FROM STDIN").await.unwrap();
        session.send_copy_data(b"1\tone\n1\ttwice\n").await.unwrap();
        let error = session.finish_copy().await.unwrap_err();
        assert!(
            matches!(&error, DbError::Server(error) if error.code == "23505"),
            "{error:?}"
        );
        // The client's own reason.
        session.start_copy("COPY t FROM STDIN").await.unwrap();
        session.send_copy_data(b"1\tone\n").await.unwrap();
        let error = session.fail_copy("the file ended").await.unwrap_err();
        assert!(error.to_string().contains("the file ended"), "{error}");
        assert_eq!(value(&mut session, "SELECT count(*) FROM t").await, "0");
    });
}

#[test]
fn reads_the_notices_of_a_trigger_while_it_sends() {
    with_sessions(async |mut session| {
        let trigger = "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE NOTICE '%', repeat('n', 2000); RETURN new; END $$; \
             CREATE TRIGGER shout BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION shout()";
        execute(&mut session, trigger).await;
        session.start_copy("COPY t FROM STDIN").await.unwrap();
        let rows: String = (0..20_000)
            .map(|a| format!("{a}\t{}\n", "x".repeat(500)))
            .collect();
        // 40 MB of notices fit into no buffer: a client that only sends would wait for ever.
        let sending = async {
            for part in rows.as_bytes().chunks(1 << 20) {
                session.send_copy_data(part).await.unwrap();
            }
            session.finish_copy().await.unwrap()
        };
        let outcome = tokio::time::timeout(Duration::from_secs(60), sending).await;
        let outcome = outcome.expect("the COPY ends");
        assert_eq!(copied(&outcome), Some(20_000));
        assert_eq!(outcome.notices.len(), 20_000);
    });
}

#[test]
fn a_cancel_request_ends_a_copy_to_the_client() {
    with_sessions(async |mut session| {
        let sql = "COPY (SELECT repeat('x', 1000), generate_series(1, 100000000)) TO STDOUT";
        session.start_copy(sql).await.unwrap();
        let first = session.receive_copy_data().await.unwrap();
        assert!(matches!(first, CopyChunk::Data(parts) if parts.len() > 60));
        let start = Instant::now();
        session.canceller().cancel().await.unwrap();
        let error = receive(&mut session).await.unwrap_err();
        assert!(
            matches!(&error, DbError::Server(error) if error.code == "57014"),
            "{error:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(value(&mut session, "SELECT 1").await, "1");
    });
}

#[test]
fn other_statements_wait_for_the_end_of_a_copy() {
    with_sessions(async |mut session| {
        let start = session.start_copy("SELECT 1; SELECT 2").await.unwrap();
        assert!(matches!(start, CopyStart::Finished(outcome) if outcome.results.len() == 2));
        let error = session
            .start_copy("COPY nothing FROM STDIN")
            .await
            .unwrap_err();
        assert!(
            matches!(&error, DbError::Server(error) if error.code == "42P01"),
            "{error:?}"
        );

        session.start_copy("COPY t FROM STDIN").await.unwrap();
        for result in [
            session.execute("SELECT 1", &[]).await.map(|_| ()),
            session.start_copy("COPY t TO STDOUT").await.map(|_| ()),
            session.receive_copy_data().await.map(|_| ()),
        ] {
            assert!(matches!(result, Err(DbError::Unsupported(_))), "{result:?}");
        }
        session.send_copy_data(b"1\tone\n").await.unwrap();
        assert_eq!(copied(&session.finish_copy().await.unwrap()), Some(1));

        // Only the first COPY of a text gets data.
        session
            .start_copy("COPY t FROM STDIN; COPY t FROM STDIN")
            .await
            .unwrap();
        session.send_copy_data(b"2\ttwo\n").await.unwrap();
        let error = session.finish_copy().await.unwrap_err();
        assert!(matches!(error, DbError::Unsupported(_)), "{error:?}");
        assert_eq!(value(&mut session, "SELECT count(*) FROM t").await, "1");
    });
}
