//! Signals in the middle of a run: the statement is cancelled, nothing stays behind.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use limbeck_testkit::{Postgres, Tls, python};

use crate::support::{limbeck, linear, sync_env};

fn check(signal: &str, body: &str, status: i32) {
    let (Some(server), Some(python)) = (Postgres::start(Tls::Off), python()) else {
        return;
    };
    server.create_database("app");
    let sandbox = linear(
        &sync_env(""),
        &[(
            "a1",
            &format!("op.execute('create table t (id int)')\nopen('ready', 'w').close()\n{body}"),
            "pass",
        )],
    );
    let child = sandbox
        .command(&limbeck(), Some(&python))
        .env("DATABASE_URL", server.url("postgresql+asyncpg", "app", ""))
        .args(["upgrade", "head"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("limbeck starts");
    let start = Instant::now();
    while !sandbox.path().join("ready").exists() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the step did not begin"
        );
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(200));
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &child.id().to_string()])
        .status();
    assert!(sent.expect("`kill` runs").success());
    let signalled = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert!(
        signalled.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        signalled.elapsed()
    );
    assert_eq!(
        output.status.code(),
        Some(status),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let left = "select (select count(*) from pg_stat_activity where datname = 'app' and pid <> pg_backend_pid())
        || ' ' || (select count(*) from pg_class where relname in ('t', 'alembic_version'))";
    let gone = Instant::now();
    while server.sql("app", left).trim() != "0 0" {
        assert!(
            gone.elapsed() < Duration::from_secs(5),
            "left: {}",
            server.sql("app", left)
        );
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn interrupt_during_a_statement() {
    check("INT", "op.execute('select pg_sleep(60)')", 130);
}

#[test]
fn terminate_during_a_statement() {
    check("TERM", "op.execute('select pg_sleep(60)')", 143);
}

#[test]
fn terminate_during_python() {
    check("TERM", "import time\ntime.sleep(60)", 143);
}
