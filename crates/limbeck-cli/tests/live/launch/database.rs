//! The time before the application runs: a database that is late or refuses, a failed migration, and signals.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use limbeck_testkit::{Postgres, Tls, python, reserve_port};

use super::support::{launch, project, stderr, wait_for};

const STEP: (&str, &str, &str) = ("a1", "op.execute('create table t (x int)')", "pass");

/// Starts a proxy on `port` after a delay. It forwards connections to the port `to`.
fn start_proxy_later(port: u16, delay: Duration, to: u16) {
    spawn(move || {
        sleep(delay);
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port");
        for stream in listener.incoming() {
            let client = stream.expect("a client");
            let server = TcpStream::connect(("127.0.0.1", to)).expect("the server");
            let (mut from, mut into) = (
                client.try_clone().expect("a copy"),
                server.try_clone().expect("a copy"),
            );
            // Each direction ends with its connection.
            spawn(move || {
                let _ = io::copy(&mut from, &mut into);
                let _ = into.shutdown(std::net::Shutdown::Write);
            });
            spawn(move || {
                let (mut server, mut client) = (server, client);
                let _ = io::copy(&mut server, &mut client);
                let _ = client.shutdown(std::net::Shutdown::Write);
            });
        }
    });
}

/// Returns the port in a URL of the test server.
fn port_of(url: &str) -> u16 {
    let (_, rest) = url.split_once("@127.0.0.1:").expect("the address");
    let (port, _) = rest.split_once('/').expect("the port's end");
    port.parse().expect("a port")
}

#[test]
fn waits_for_a_database_that_starts_late() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    server.create_database("app");
    let url = server.url("postgresql+asyncpg", "app", "");
    let (real, port) = (port_of(&url), reserve_port());
    let delay = Duration::from_secs(20);
    start_proxy_later(port, delay, real);
    let sandbox = project(&[STEP]);
    let start = Instant::now();
    let url = url.replace(&format!(":{real}/"), &format!(":{port}/"));
    let launched = launch(&sandbox, &python, &url, "healthy", &[]);
    wait_for("the endpoints respond", || launched.get("/livez").is_some());
    let (status, body) = launched.get("/readyz").expect("an answer");
    assert_eq!(
        (
            status,
            body.contains("[-]phase waiting: for the database: ")
        ),
        (503, true),
        "{body}"
    );
    assert!(!body.contains("failed"), "{body}");
    launched.wait_until_ready();
    assert!(start.elapsed() > delay);
    launched.signal("TERM");
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("nothing listens there"),
        "{}",
        stderr(&output)
    );
    assert_eq!(
        server
            .sql("app", "select version_num from alembic_version")
            .trim(),
        "a1"
    );
}

#[test]
fn reports_a_refused_connection_without_waiting() {
    let server = Postgres::start(Tls::Required);
    let python = python();
    server.create_database("app");
    let sandbox = project(&[STEP]);
    let wrong = server
        .url("postgresql+asyncpg", "app", "")
        .replace("@127.0.0.1", "x@127.0.0.1");
    for (url, reason) in [
        (wrong, "password"),
        (
            server.url("postgresql+asyncpg", "nowhere", ""),
            "does not exist",
        ),
        (
            server.url("postgresql+asyncpg", "app", "?ssl=verify-full"),
            "certificate",
        ),
        (
            "postgresql+asyncpg://u@127.0.0.1/app?ssl=wrong".into(),
            "ssl",
        ),
    ] {
        let output = launch(&sandbox, &python, &url, "healthy", &[]).wait();
        assert_eq!(output.status.code(), Some(120), "{}", stderr(&output));
        assert!(
            !stderr(&output).contains("waiting up to"),
            "{}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(reason),
            "{reason}: {}",
            stderr(&output)
        );
        assert!(!sandbox.path().join("started").exists());
    }
}

#[test]
fn ends_with_120_when_the_database_never_starts() {
    let python = python();
    let sandbox = project(&[STEP]);
    let url = format!("postgresql+asyncpg://u@127.0.0.1:{}/app", reserve_port());
    let output = launch(&sandbox, &python, &url, "healthy", &["--wait=2s"]).wait();
    assert_eq!(output.status.code(), Some(120), "{}", stderr(&output));
    let lines = stderr(&output);
    assert!(lines.contains("error: could not connect"), "{lines}");
    assert!(!sandbox.path().join("started").exists());
}

#[test]
fn ends_with_121_when_the_migration_fails() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    server.create_database("app");
    let sandbox = project(&[STEP, ("b2", "op.execute('select 1/0')", "pass")]);
    let url = server.url("postgresql+asyncpg", "app", "");
    let output = launch(&sandbox, &python, &url, "healthy", &[]).wait();
    assert_eq!(output.status.code(), Some(121), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("division by zero"),
        "{}",
        stderr(&output)
    );
    assert!(!sandbox.path().join("started").exists());
}

#[test]
fn a_signal_before_the_application_runs_cancels_the_migration() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    let slow = "op.execute('create table t (x int)')\nopen('began', 'w').close()\nop.execute('select pg_sleep(600)')";
    let sandbox = project(&[("a1", slow, "pass")]);
    for (number, (signal, status)) in [("TERM", 143), ("INT", 130), ("HUP", 129)]
        .into_iter()
        .enumerate()
    {
        let name = format!("app{number}");
        server.create_database(&name);
        let url = server.url("postgresql+asyncpg", &name, "");
        let launched = launch(&sandbox, &python, &url, "healthy", &[]);
        let began = sandbox.path().join("began");
        wait_for("the statement runs", || began.exists());
        sleep(Duration::from_millis(200));
        launched.signal(signal);
        // The statement would run longer than the deadline.
        let output = launched.wait();
        assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
        std::fs::remove_file(began).expect("the file");
        let remaining = format!(
            "select (select count(*) from pg_stat_activity where datname = '{name}' and pid <> pg_backend_pid()) \
             + (select count(*) from pg_class where relname = 't')"
        );
        wait_for("nothing is left", || {
            server.sql(&name, &remaining).trim() == "0"
        });
        assert!(!sandbox.path().join("started").exists());
    }
    // A signal while limbeck waits for the database.
    let url = format!("postgresql+asyncpg://u@127.0.0.1:{}/app", reserve_port());
    let launched = launch(&sandbox, &python, &url, "healthy", &["--wait=600s"]);
    wait_for("limbeck waits", || {
        launched
            .get("/readyz")
            .is_some_and(|(_, body)| body.contains("waiting"))
    });
    sleep(Duration::from_millis(500));
    launched.signal("TERM");
    let output = launched.wait();
    assert_eq!(output.status.code(), Some(143), "{}", stderr(&output));
}
