//! The health endpoints during a migration, under many connections, and on an address that can't be bound.

use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};

use limbeck_testkit::{Postgres, Tls, python};

use super::support::{launch, project, stderr, wait_for};
use crate::support::limbeck;

/// Waits in the database until the table `gate` has a row.
const WAITS: &str = "op.execute('''do $$ begin while not exists (select 1 from gate) loop \
    perform pg_sleep(0.02); end loop; end $$''')";

/// Returns `true` if the server has kept a connection on which it has sent nothing.
fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let peeked = stream.peek(&mut [0]);
    peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn answers_during_a_migration_and_under_a_thousand_connections() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    server.create_database("app");
    server.sql("app", "create table gate (x int)");
    let sandbox = project(&[
        ("a1", "op.execute('create table t (x int)')", "pass"),
        ("b2", WAITS, "pass"),
    ]);
    let url = server.url("postgresql+asyncpg", "app", "");
    let launched = launch(&sandbox, &python, &url, "healthy", &[]);
    let is_in_step_2 = || {
        let response = launched.get("/readyz");
        response.is_some_and(|(_, body)| body.contains("upgrade b2, step 2 of 2"))
    };
    wait_for("the second step runs", is_in_step_2);
    for _ in 0..20 {
        // Idle connections, and connections with an incomplete request. The server closes the oldest ones for new ones,
        // and the others after a timeout.
        let mut crowd = Vec::new();
        for number in 0..1000 {
            let mut stream =
                TcpStream::connect(("127.0.0.1", launched.health)).expect("a connection");
            if number % 2 == 0 {
                // The server may have closed the connection.
                let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost:");
            }
            crowd.push(stream);
        }
        let (live, _) = launched.get("/livez").expect("a response");
        assert_eq!(live, 200);
        // The response came before the timeout that would have closed the other connections.
        assert!(crowd.iter().rev().take(50).all(is_open));
        let (status, body) = launched.get("/health").expect("a response");
        let (startup, _) = launched.get("/startupz").expect("a response");
        assert_eq!((status, startup), (503, 503));
        assert!(body.contains(r#""revision":"b2""#), "{body}");
        assert!(
            !body.contains("pg_sleep") && !body.contains("127.0.0.1"),
            "{body}"
        );
    }
    assert!(is_in_step_2());
    server.sql("app", "insert into gate values (1)");
    launched.wait_until_ready();
    let (_, metrics) = launched.get("/metrics").expect("a response");
    for line in [
        "limbeck_ready 1",
        "limbeck_schema_at_head 1",
        "limbeck_phase{phase=\"running\"} 1",
        "limbeck_migration_step_duration_seconds_count 2",
        "limbeck_probes_total{result=\"success\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

/// `run` and `dev` with a health address that is in use, or not an address of this machine.
#[test]
fn reports_a_health_address_that_cannot_be_bound() {
    let python = python();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let used = listener.local_addr().expect("its address").to_string();
    for (address, reason, next_step) in [
        (used.as_str(), "already in use", "choose another port"),
        // An address for documentation, which no machine has.
        (
            "192.0.2.1:8081",
            "`192.0.2.1` is not an address of this machine",
            "0.0.0.0:PORT",
        ),
    ] {
        let option = format!("--health-addr={address}");
        for command in [
            &["run", &option, "--", "touch", "started"][..],
            &["dev", &option],
        ] {
            let sandbox = project(&[("a1", "pass", "pass")]);
            sandbox.write("Procfile", "web: touch started\n");
            let output = sandbox
                .command(&limbeck(), Some(&python))
                .env("DATABASE_URL", "sqlite:///app.db")
                .args(command)
                .output()
                .expect("limbeck starts");
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{command:?}: {text}");
            for part in [address, reason, "nothing was started", next_step] {
                assert!(text.contains(part), "{part}: {text}");
            }
            assert!(!text.contains("panicked"), "{text}");
            for file in ["started", "app.db"] {
                assert!(!sandbox.path().join(file).exists(), "{command:?}: {file}");
            }
        }
    }
}

#[test]
fn answers_verbose_checks_and_rejects_other_methods() {
    let python = python();
    let sandbox = project(&[("a1", "pass", "pass")]);
    let launched = launch(
        &sandbox,
        &python,
        "sqlite+aiosqlite:///app.db",
        "healthy",
        &[],
    );
    launched.wait_until_ready();
    let (status, body) = launched.get("/readyz?verbose").expect("a response");
    assert_eq!((status, body.as_str()), (200, "readyz check passed\n"));
    let mut stream = TcpStream::connect(("127.0.0.1", launched.health)).expect("a connection");
    let request =
        "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a request");
    let mut response = String::new();
    std::io::Read::read_to_string(&mut stream, &mut response).expect("a response");
    assert!(response.starts_with("HTTP/1.1 405"), "{response}");
    assert!(
        response.to_lowercase().contains("allow: get, head"),
        "{response}"
    );
}
