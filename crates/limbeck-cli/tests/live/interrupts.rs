//! Signals during a run: limbeck cancels the statement and leaves nothing behind.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use limbeck_testkit::{Postgres, Sandbox, Tls, python};
use rusqlite::Connection;

use crate::support::{limbeck, linear, sync_env};

/// The time that a slow machine may take. The statements themselves would take much longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a revision that creates a table and then runs `body`, sends a signal during `body`, and asserts that limbeck
/// exits with `status`.
fn interrupted(env: &str, url: &str, signal: &str, body: &str, status: i32) -> Sandbox {
    let python = python();
    let begin = "op.execute('create table t (id int)')\nopen('ready', 'w').close()\n";
    let sandbox = linear(env, &[("a1", &format!("{begin}{body}"), "pass")]);
    let child = sandbox
        .command(&limbeck(), Some(&python))
        .env("DATABASE_URL", url)
        .args(["upgrade", "head"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("limbeck starts");
    let start = Instant::now();
    while !sandbox.path().join("ready").exists() {
        assert!(start.elapsed() < PATIENCE, "the step did not begin");
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(200));
    let sent = Command::new("kill")
        .args([&format!("-{signal}"), &child.id().to_string()])
        .status();
    assert!(sent.expect("`kill` runs").success());
    let signalled = Instant::now();
    let output = child.wait_with_output().expect("limbeck exits");
    assert!(
        signalled.elapsed() < PATIENCE,
        "limbeck took {:?}",
        signalled.elapsed()
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    assert!(stderr.contains("interrupted"), "{stderr}");
    sandbox
}

fn on_postgresql(signal: &str, body: &str, status: i32) {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let url = server.url("postgresql+asyncpg", "app", "");
    interrupted(&sync_env(""), &url, signal, body, status);
    let left = "select (select count(*) from pg_stat_activity where datname = 'app' and pid <> pg_backend_pid())
        || ' ' || (select count(*) from pg_class where relname in ('t', 'alembic_version'))";
    let gone = Instant::now();
    while server.sql("app", left).trim() != "0 0" {
        assert!(
            gone.elapsed() < PATIENCE,
            "left: {}",
            server.sql("app", left)
        );
        sleep(Duration::from_millis(50));
    }
}

/// Asserts that only the tables are left, which Python's driver creates outside a transaction, and no locks.
fn on_sqlite(env: &str, signal: &str, body: &str, status: i32) {
    let url = "sqlite+aiosqlite:///project.db";
    let sandbox = interrupted(env, url, signal, body, status);
    let database = Connection::open(sandbox.path().join("project.db")).expect("a database");
    database
        .busy_timeout(Duration::ZERO)
        .expect("the timeout is set");
    database
        .execute_batch("BEGIN EXCLUSIVE")
        .expect("no process holds a lock");
    for table in ["alembic_version", "t"] {
        let rows: i64 = database
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get(0)
            })
            .expect("a count");
        assert_eq!(rows, 0, "{table}");
    }
}

#[test]
fn interrupts_a_statement() {
    on_postgresql("INT", "op.execute('select pg_sleep(120)')", 130);
}

#[test]
fn terminates_a_statement() {
    on_postgresql("TERM", "op.execute('select pg_sleep(120)')", 143);
}

#[test]
fn terminates_python() {
    on_postgresql("TERM", "import time\ntime.sleep(120)", 143);
}

const ENDLESS: &str = "op.execute('insert into t values (1)')
op.execute('with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n')";

#[test]
fn interrupts_a_statement_of_sqlite() {
    on_sqlite(&sync_env(""), "INT", ENDLESS, 130);
}

#[test]
fn terminates_a_statement_of_sqlite_that_may_call_python() {
    let function = "bare = op.get_bind().connection.dbapi_connection
bare.create_function('f', 0, lambda: 41)
assert bare.execute('select f() + 1').fetchone() == (42,)";
    on_sqlite(
        &sync_env(""),
        "TERM",
        &format!("{function}\n{ENDLESS}"),
        143,
    );
}

#[test]
fn terminates_while_sqlite_waits_for_a_lock() {
    let env = sync_env("").replace("poolclass=", "connect_args={'timeout': 120}, poolclass=");
    assert_ne!(env, sync_env(""));
    // Another process has to hold the lock: a process's own SQLite locks don't block it.
    let body = r#"import subprocess, sys
script = 'import sqlite3, sys; database = sqlite3.connect("project.db", isolation_level=None)'
script += '; database.execute("begin exclusive"); print(1, flush=True); sys.stdin.read()'
holder = subprocess.Popen([sys.executable, '-c', script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
holder.stdout.readline()
op.execute('insert into t values (1)')"#;
    on_sqlite(&env, "TERM", body, 143);
}
