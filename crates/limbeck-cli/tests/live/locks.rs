//! The migration lock as a user meets it: who holds it, how long to wait, how to do without.

use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use limbeck_testkit::{MariaDb, Postgres, Ran, Sandbox, Tls, python};

use crate::support::{limbeck, linear, ran, sync_env};

/// The first revision waits until a file appears.
fn project() -> Sandbox {
    let wait = "import os, time
open('ready', 'w').close()
deadline = time.monotonic() + 60
while not os.path.exists('go'):
    assert time.monotonic() < deadline, 'nobody said go'
    time.sleep(0.02)";
    linear(
        &sync_env(""),
        &[
            (
                "a1",
                "op.create_table('t', sa.Column('id', sa.Integer))",
                "pass",
            ),
            ("b2", wait, "pass"),
        ],
    )
}

fn start(sandbox: &Sandbox, url: &str, arguments: &[&str]) -> Option<Child> {
    let python = python()?;
    let mut command = sandbox.command(&limbeck(), Some(&python));
    command
        .env("DATABASE_URL", url)
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    Some(command.spawn().expect("limbeck starts"))
}

fn end(child: Child) -> Ran {
    ran(&child.wait_with_output().expect("it ends"))
}

fn await_file(sandbox: &Sandbox, name: &str) {
    let start = Instant::now();
    while !sandbox.path().join(name).exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no `{name}`");
        sleep(Duration::from_millis(20));
    }
}

/// While one run holds the lock: one gives up after a second, one waits and tells who holds it.
fn check(url: &str, holder: &str) {
    let sandbox = project();
    let Some(first) = start(&sandbox, url, &["upgrade", "head"]) else {
        return;
    };
    await_file(&sandbox, "ready");
    let impatient = start(&sandbox, url, &["--lock-wait", "1", "upgrade", "head"]);
    let impatient = end(impatient.expect("an interpreter"));
    assert_eq!(impatient.status, 1, "{}", impatient.stderr);
    let told = "the migration lock was not free within";
    assert!(impatient.stderr.contains(told), "{}", impatient.stderr);
    assert!(impatient.stderr.contains(holder), "{}", impatient.stderr);
    let patient = start(&sandbox, url, &["upgrade", "head"]).expect("an interpreter");
    sleep(Duration::from_millis(2500));
    sandbox.write("go", "");
    end(first).success();
    let patient = end(patient).success();
    let told = format!("waiting for the migration lock, held by {holder}");
    assert!(patient.stderr.contains(&told), "{}", patient.stderr);
    assert!(
        patient.stderr.contains("the migration lock is ours after"),
        "{}",
        patient.stderr
    );
    assert!(
        !patient.stderr.contains("Running upgrade"),
        "{}",
        patient.stderr
    );
}

#[test]
fn postgresql() {
    let Some(server) = Postgres::start(Tls::Off) else {
        return;
    };
    server.create_database("app");
    check(&server.url("postgresql+asyncpg", "app", ""), "backend ");
}

#[test]
fn mariadb() {
    let Some(server) = MariaDb::start() else {
        return;
    };
    server.create_database("app");
    check(&server.url("mysql+aiomysql", "app"), "connection ");
}

#[test]
fn sqlite() {
    let folder = Sandbox::new();
    let file = folder.path().join("app.db");
    check(
        &format!("sqlite+aiosqlite:///{}", file.display()),
        "another process",
    );
}

#[test]
fn without_the_lock_nobody_waits() {
    let Some(server) = Postgres::start(Tls::Off) else {
        return;
    };
    server.create_database("app");
    let url = server.url("postgresql+asyncpg", "app", "");
    let sandbox = project();
    let locks = "select count(*) from pg_locks where locktype = 'advisory'";
    let Some(first) = start(&sandbox, &url, &["--no-lock", "upgrade", "head"]) else {
        return;
    };
    await_file(&sandbox, "ready");
    assert_eq!(server.sql("app", locks).trim(), "0");
    sandbox.write("go", "");
    end(first).success();
}

/// A lock whose transaction held a snapshot would make `CREATE INDEX CONCURRENTLY` wait for ever.
#[test]
fn an_index_is_built_concurrently_under_the_lock() {
    let Some(server) = Postgres::start(Tls::Off) else {
        return;
    };
    server.create_database("app");
    let sandbox = linear(
        &sync_env(""),
        &[
            (
                "a1",
                "op.create_table('t', sa.Column('id', sa.Integer))",
                "pass",
            ),
            (
                "b2",
                "with op.get_context().autocommit_block():\n    op.create_index('i', 't', ['id'], postgresql_concurrently=True)",
                "pass",
            ),
        ],
    );
    let url = server.url("postgresql+asyncpg", "app", "");
    // One by one, as Alembic itself needs it: an open transaction of the same run would wait for itself.
    for target in ["a1", "b2"] {
        let Some(child) = start(&sandbox, &url, &["upgrade", target]) else {
            return;
        };
        end(child).success();
    }
    let valid = "select indisvalid from pg_index where indexrelid = 'i'::regclass";
    assert_eq!(server.sql("app", valid).trim(), "t");
}
