//! Reports of runs that fail in `env.py`, in a script, or in a statement.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls, python};

use super::{Redaction, assert_report, failing, format_report, report};
use crate::support::{limbeck, linear, run, sync_env};

const SQLITE: &str = "sqlite+aiosqlite:///app.db";

/// Inserts a row, then selects from a table that does not exist.
const BODY: &str =
    "op.execute('insert into account (id) values (1)')\nop.execute('select name from acount')";

#[test]
fn statement_fails_on_postgresql() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let url = server.url("postgresql+asyncpg", "app", "");
    let redaction = Redaction::default().port(server.port);
    assert_report(
        "statement_fails_on_postgresql",
        &report(&failing(BODY), &url, &["upgrade", "head"], &redaction),
    );
}

/// A deferred constraint fails at the COMMIT, which no script sends: first one for all steps, then one for each step.
#[test]
fn commit_fails() {
    const DEFERRED: &str = "op.execute('create table invoice (account int references account (id) \
         deferrable initially deferred)')\nop.execute('insert into invoice values (1)')";
    let server = Postgres::start(Tls::Off);
    let redaction = Redaction::default().port(server.port);
    for (name, options) in [
        ("commit_of_all_steps_fails", ""),
        ("commit_of_a_step_fails", ", transaction_per_migration=True"),
    ] {
        server.create_database(name);
        let url = server.url("postgresql+psycopg2", name, "");
        let sandbox = failing(DEFERRED);
        sandbox.write("migrations/env.py", &sync_env(options));
        assert_report(
            name,
            &report(&sandbox, &url, &["upgrade", "head"], &redaction),
        );
    }
}

#[test]
fn statement_fails_on_mariadb() {
    let server = MariaDb::start();
    server.create_database("app");
    let url = server.url("mysql+aiomysql", "app");
    let redaction = Redaction::default();
    assert_report(
        "statement_fails_on_mariadb",
        &report(&failing(BODY), &url, &["upgrade", "head"], &redaction),
    );
}

#[test]
fn statement_fails_on_sqlite() {
    let redaction = Redaction::default();
    assert_report(
        "statement_fails_on_sqlite",
        &report(&failing(BODY), SQLITE, &["upgrade", "head"], &redaction),
    );
}

#[test]
fn script_raises_an_exception() {
    let body = "owners = {}\nop.execute(f\"insert into account (id) values ({owners['root']})\")";
    let redaction = Redaction::default();
    assert_report(
        "script_raises_an_exception",
        &report(&failing(body), SQLITE, &["upgrade", "head"], &redaction),
    );
}

#[test]
fn script_has_a_syntax_error() {
    let redaction = Redaction::default();
    let sandbox = failing("op.execute('select 1'");
    assert_report(
        "script_has_a_syntax_error",
        &report(&sandbox, SQLITE, &["upgrade", "head"], &redaction),
    );
}

#[test]
fn env_py_raises_an_exception() {
    let sandbox = failing("pass");
    sandbox.write(
        "migrations/env.py",
        "import os\n\n\ndef database_url():\n    return os.environ['SHOP_DATABASE_URL']\n\n\nurl = database_url()\n",
    );
    let redaction = Redaction::default();
    assert_report(
        "env_py_raises_an_exception",
        &report(&sandbox, SQLITE, &["upgrade", "head"], &redaction),
    );
}

#[test]
fn env_py_imports_a_missing_module() {
    let sandbox = failing("pass");
    let env = format!("from shop_models import metadata\n{}", sync_env(""));
    sandbox.write("migrations/env.py", &env);
    let redaction = Redaction::default();
    assert_report(
        "env_py_imports_a_missing_module",
        &report(&sandbox, SQLITE, &["upgrade", "head"], &redaction),
    );
}

#[test]
fn dry_run_with_losses() {
    let sandbox = linear(
        &sync_env(""),
        &[
            (
                "a1",
                "op.execute('create table account (id int, name text)')\nop.execute(\"insert into account values (1, 'a'), (2, null)\")",
                "op.execute('drop table account')",
            ),
            (
                "b2",
                "op.execute('alter table account add column email text')\nop.execute(\"update account set email = 'a@b' where id = 1\")",
                "op.execute('delete from account where id = 2')\nop.execute('alter table account drop column email')",
            ),
        ],
    );
    let redaction = Redaction::default();
    run(&sandbox, SQLITE, &["upgrade", "head"]).success();
    let arguments = ["downgrade", "--dry-run", "base"];
    let report = report(&sandbox, SQLITE, &arguments, &redaction);
    assert_report("dry_run_with_losses", &report);
}

/// Waits until the step has created a file.
fn wait_for_file(sandbox: &Sandbox, name: &str) {
    let start = Instant::now();
    while !sandbox.path().join(name).exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no `{name}`");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn interrupted_by_sigint() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    server.create_database("app");
    let sandbox = failing("open('ready', 'w').close()\nop.execute('select pg_sleep(60)')");
    let arguments = ["upgrade", "head"];
    let child = sandbox
        .command("env".as_ref(), Some(&python))
        .env("DATABASE_URL", server.url("postgresql+asyncpg", "app", ""))
        .arg("--default-signal")
        .arg(limbeck())
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("limbeck starts");
    wait_for_file(&sandbox, "ready");
    let running = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()";
    let start = Instant::now();
    while server.sql("app", running).trim() != "1" {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "no statement runs"
        );
        sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("`kill` runs").success());
    let output = child.wait_with_output().expect("limbeck exits");
    let redaction = Redaction::default();
    let report = format_report(&sandbox, &python, &arguments, &output, &redaction);
    assert_report("interrupted_by_sigint", &report);
}

#[test]
fn lock_timeout() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    server.create_database("app");
    let url = server.url("postgresql+asyncpg", "app", "");
    let wait = "import os, time\nopen('ready', 'w').close()\ndeadline = time.monotonic() + 60\n\
                while not os.path.exists('continue') and time.monotonic() < deadline:\n    time.sleep(0.02)";
    let sandbox = failing(wait);
    let first = sandbox
        .command(&limbeck(), Some(&python))
        .env("DATABASE_URL", &url)
        .args(["upgrade", "head"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut first = first.expect("limbeck starts");
    wait_for_file(&sandbox, "ready");
    let redaction = Redaction::default().port(server.port);
    let arguments = ["--lock-wait", "0", "upgrade", "head"];
    let report = report(&sandbox, &url, &arguments, &redaction);
    sandbox.write("continue", "");
    assert!(first.wait().expect("limbeck exits").success());
    assert_report("lock_timeout", &report);
}
