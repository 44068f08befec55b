//! The health endpoints while a long migration runs, and under a crowd.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use limbeck_testkit::{Postgres, Tls, python};

use super::support::{launch, project, wait_for};

#[test]
fn endpoints_during_a_long_migration_and_under_a_thousand_connections() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    server.create_database("app");
    let secret = "op.execute('select pg_sleep(6)')";
    let sandbox = project(&[
        ("a1", "op.execute('create table t (x int)')", "pass"),
        ("b2", secret, "pass"),
    ]);
    let url = server.url("postgresql+asyncpg", "app", "");
    let launched = launch(&sandbox, &python, &url, "well", &[]);
    wait_for("the second step runs", || {
        let answer = launched.get("/readyz");
        answer.is_some_and(|(_, body)| body.contains("upgrade b2, step 2 of 2"))
    });
    // Idle ones, and ones that have begun a request and do not go on.
    let mut crowd = Vec::new();
    for number in 0..1000 {
        let mut stream = TcpStream::connect(("127.0.0.1", launched.health)).expect("a connection");
        if number % 2 == 0 {
            // It may have been closed again: others need the room.
            let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost:");
        }
        crowd.push(stream);
    }
    let mut asked = 0;
    let still_runs = || {
        let answer = launched.get("/readyz");
        answer.is_some_and(|(_, body)| body.contains("step 2 of 2"))
    };
    while still_runs() {
        let start = Instant::now();
        let (live, _) = launched.get("/livez").expect("an answer");
        assert_eq!(live, 200);
        assert!(
            start.elapsed() < Duration::from_millis(500),
            "{:?}",
            start.elapsed()
        );
        let (status, body) = launched.get("/health").expect("an answer");
        let (startup, _) = launched.get("/startupz").expect("an answer");
        if !still_runs() {
            // It came to its end between two of these questions.
            break;
        }
        assert_eq!((status, startup), (503, 503));
        assert!(body.contains(r#""revision":"b2""#), "{body}");
        assert!(
            !body.contains("pg_sleep") && !body.contains("127.0.0.1"),
            "{body}"
        );
        asked += 1;
    }
    assert!(asked > 10, "{asked}");
    launched.wait_until_ready();
    let (_, metrics) = launched.get("/metrics").expect("an answer");
    for line in [
        "limbeck_ready 1",
        "limbeck_schema_at_head 1",
        "limbeck_phase{phase=\"running\"} 1",
        "limbeck_migration_step_duration_seconds_count 2",
        "limbeck_probes_total{result=\"success\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    drop(crowd);
}

#[test]
fn what_is_asked_in_another_way() {
    let python = python();
    let sandbox = project(&[("a1", "pass", "pass")]);
    let launched = launch(&sandbox, &python, "sqlite+aiosqlite:///app.db", "well", &[]);
    launched.wait_until_ready();
    let (status, body) = launched.get("/readyz?verbose").expect("an answer");
    assert_eq!((status, body.as_str()), (200, "readyz check passed\n"));
    let mut stream = TcpStream::connect(("127.0.0.1", launched.health)).expect("a connection");
    let request =
        "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert!(
        answer.to_lowercase().contains("allow: get, head"),
        "{answer}"
    );
}
