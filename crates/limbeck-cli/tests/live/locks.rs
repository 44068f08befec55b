//! The migration lock: its holder, the time to wait, and `--no-lock`.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use limbeck_testkit::{CommandOutput, MariaDb, Postgres, Sandbox, Tls, python};

use crate::support::{limbeck, linear, sync_env, to_command_output};

/// Creates a project whose second revision waits until the file `go` exists.
fn project() -> Sandbox {
    let wait = "import os, time
open('ready', 'w').close()
deadline = time.monotonic() + 60
while not os.path.exists('go'):
    assert time.monotonic() < deadline, 'the file `go` did not appear'
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

fn start(sandbox: &Sandbox, url: &str, arguments: &[&str]) -> Child {
    let python = python();
    let mut command = sandbox.command(&limbeck(), Some(&python));
    command
        .env("DATABASE_URL", url)
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    command.spawn().expect("limbeck starts")
}

fn end(child: Child) -> CommandOutput {
    to_command_output(&child.wait_with_output().expect("limbeck exits"))
}

/// A running program whose standard error is read while it runs.
struct Followed {
    child: Child,
    stderr: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Followed {
    fn follow(mut child: Child) -> Self {
        let stderr = Arc::new(Mutex::new(String::new()));
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let text = Arc::clone(&stderr);
        let reader = spawn(move || {
            for line in lines {
                let mut text = text.lock().expect("no panic");
                *text += &line.expect("text");
                text.push('\n');
            }
        });
        Self {
            child,
            stderr,
            reader,
        }
    }

    fn wait_for(&self, expected: &str) {
        let start = Instant::now();
        while !self.stderr.lock().expect("no panic").contains(expected) {
            let stderr = self.stderr.lock().expect("no panic");
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "no `{expected}`: {stderr}"
            );
            drop(stderr);
            sleep(Duration::from_millis(20));
        }
    }

    fn end(mut self) -> CommandOutput {
        let status = self.child.wait().expect("limbeck exits");
        self.reader.join().expect("no panic");
        CommandOutput {
            status: status.code().unwrap_or(-1),
            stdout: String::new(),
            stderr: self.stderr.lock().expect("no panic").clone(),
        }
    }
}

fn wait_for_file(sandbox: &Sandbox, name: &str) {
    let start = Instant::now();
    while !sandbox.path().join(name).exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no `{name}`");
        sleep(Duration::from_millis(20));
    }
}

/// Asserts that, while one run holds the lock, a run with `--lock-wait 1` fails and another one waits and names the
/// holder.
fn check(url: &str, holder: &str) {
    let sandbox = project();
    let first = start(&sandbox, url, &["upgrade", "head"]);
    wait_for_file(&sandbox, "ready");
    let impatient = start(&sandbox, url, &["--lock-wait", "1", "upgrade", "head"]);
    let impatient = end(impatient);
    assert_eq!(impatient.status, 1, "{}", impatient.stderr);
    let timeout = "the migration lock was not free within";
    assert!(impatient.stderr.contains(timeout), "{}", impatient.stderr);
    assert!(impatient.stderr.contains(holder), "{}", impatient.stderr);
    let patient = start(&sandbox, url, &["upgrade", "head"]);
    let patient = Followed::follow(patient);
    patient.wait_for(&format!("waiting for the migration lock, held by {holder}"));
    sandbox.write("go", "");
    end(first).success();
    let patient = patient.end().success();
    assert!(
        patient.stderr.contains("took the migration lock after"),
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
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    check(&server.url("postgresql+asyncpg", "app", ""), "backend ");
}

#[test]
fn mariadb() {
    let server = MariaDb::start();
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
fn takes_no_lock_with_no_lock() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let url = server.url("postgresql+asyncpg", "app", "");
    let sandbox = project();
    let locks = "select count(*) from pg_locks where locktype = 'advisory'";
    let first = start(&sandbox, &url, &["--no-lock", "upgrade", "head"]);
    wait_for_file(&sandbox, "ready");
    assert_eq!(server.sql("app", locks).trim(), "0");
    sandbox.write("go", "");
    end(first).success();
}

/// `CREATE INDEX CONCURRENTLY` waits for all snapshots: the lock's transaction must not hold one.
#[test]
fn builds_an_index_concurrently_under_the_lock() {
    let server = Postgres::start(Tls::Off);
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
    // One revision per run: within a run, the index would wait for the run's own transaction, as in Alembic.
    for target in ["a1", "b2"] {
        let child = start(&sandbox, &url, &["upgrade", target]);
        end(child).success();
    }
    let valid = "select indisvalid from pg_index where indexrelid = 'i'::regclass";
    assert_eq!(server.sql("app", valid).trim(), "t");
}
