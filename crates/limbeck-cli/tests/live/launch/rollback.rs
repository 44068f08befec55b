//! `--on-unhealthy=rollback`: a migration after which the application is unwell is undone, where that loses nothing.

use limbeck_testkit::{MariaDb, Postgres, Tls, python};

use super::support::{launch, project, stderr};
use crate::support::run;

type Step = (&'static str, &'static str, &'static str);

const FIRST: Step = (
    "a1",
    "op.create_table('t', sa.Column('x', sa.Integer))",
    "op.drop_table('t')",
);
const EMPTY: Step = (
    "b2",
    "op.create_table('u', sa.Column('x', sa.Integer))",
    "op.drop_table('u')",
);
const FULL: Step = (
    "b2",
    "op.create_table('u', sa.Column('x', sa.Integer))\nop.execute('insert into u values (1)')",
    "op.drop_table('u')",
);
const NO_WAY: Step = (
    "b2",
    "op.create_table('u', sa.Column('x', sa.Integer))",
    "pass",
);

/// Launches an application in `mode` over a database at `a1`: its exit status, what was told, and where the database
/// stands.
fn check(url: &str, second: Step, mode: &str, options: &[&str], expected: (i32, &str, &str)) {
    let python = python();
    let sandbox = project(&[FIRST, second]);
    run(&sandbox, url, &["upgrade", "a1"]).success();
    let all: Vec<&str> = ["--ready-timeout=1s"]
        .iter()
        .chain(options)
        .copied()
        .collect();
    let output = launch(&sandbox, &python, url, mode, &all).wait();
    let told = stderr(&output);
    let (status, text, stands) = expected;
    assert_eq!(output.status.code(), Some(status), "{told}");
    assert!(told.contains(text), "{text}: {told}");
    let current = run(&sandbox, url, &["current"]).success();
    assert_eq!(
        current.stdout.split_whitespace().next(),
        Some(stands),
        "{told}"
    );
}

#[test]
fn postgresql() {
    let server = Postgres::start(Tls::Off);
    let undo = "--on-unhealthy=rollback";
    for (number, (step, mode, options, expected)) in [
        (EMPTY, "unwell", vec![], (123, "not ready within", "b2")),
        (
            EMPTY,
            "unwell",
            vec![undo],
            (124, "rolled back: b2 downgraded to a1", "a1"),
        ),
        (
            EMPTY,
            "crash",
            vec![undo],
            (124, "exited with 9 before it was ready", "a1"),
        ),
        (FULL, "unwell", vec![undo], (125, "table u: 1 row", "b2")),
        (
            FULL,
            "unwell",
            vec![undo, "--allow-data-loss"],
            (124, "the migration was rolled back", "a1"),
        ),
        (
            NO_WAY,
            "unwell",
            vec![undo],
            (125, "the `downgrade` of b2 does nothing", "b2"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("app{number}");
        server.create_database(&name);
        let url = server.url("postgresql+asyncpg", &name, "");
        check(&url, step, mode, &options, expected);
    }
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = |name: &str| format!("sqlite+aiosqlite:///{}/{name}.db", folder.path().display());
    let undo = "--on-unhealthy=rollback";
    check(
        &url("a"),
        EMPTY,
        "unwell",
        &[undo],
        (124, "rolled back: b2", "a1"),
    );
    check(
        &url("b"),
        FULL,
        "unwell",
        &[undo],
        (125, "table u: 1 row", "b2"),
    );
}

/// A first launch goes back to nothing: no version row is left, and that is no loss.
#[test]
fn the_first_migration_of_all() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    server.create_database("app");
    let postgresql = server.url("postgresql+asyncpg", "app", "");
    for url in [postgresql.as_str(), "sqlite+aiosqlite:///app.db"] {
        let sandbox = project(&[FIRST, EMPTY]);
        let options = ["--ready-timeout=1s", "--on-unhealthy=rollback"];
        let output = launch(&sandbox, &python, url, "unwell", &options).wait();
        assert_eq!(output.status.code(), Some(124), "{}", stderr(&output));
        let current = run(&sandbox, url, &["current"]);
        assert_eq!(current.success().stdout, "");
    }
}

#[test]
fn mysql_only_where_loss_is_allowed() {
    let server = MariaDb::start();
    let undo = "--on-unhealthy=rollback";
    for (name, options, expected) in [
        ("a", vec![undo], (125, "can't be rehearsed", "b2")),
        (
            "b",
            vec![undo, "--allow-data-loss"],
            (124, "rolled back: b2", "a1"),
        ),
    ] {
        server.create_database(name);
        let url = server.url("mysql+aiomysql", name);
        check(&url, EMPTY, "unwell", &options, expected);
    }
}

/// An application that is unwell over a database that needed nothing is no reason to undo what others did.
#[test]
fn nothing_was_migrated() {
    let python = python();
    let sandbox = project(&[FIRST]);
    let url = "sqlite+aiosqlite:///app.db";
    run(&sandbox, url, &["upgrade", "head"]).success();
    let options = ["--ready-timeout=1s", "--on-unhealthy=rollback"];
    let output = launch(&sandbox, &python, url, "unwell", &options).wait();
    assert_eq!(output.status.code(), Some(123), "{}", stderr(&output));
    let ran = run(&sandbox, url, &["current"]).success();
    assert_eq!(ran.stdout, "a1 (head)\n");
}
