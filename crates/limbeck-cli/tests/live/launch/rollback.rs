//! `--on-unhealthy=rollback`: limbeck rolls back a migration after which the application is not ready, if no data would be lost.

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
const IRREVERSIBLE: Step = (
    "b2",
    "op.create_table('u', sa.Column('x', sa.Integer))",
    "pass",
);

/// Launches an application in `mode` over a database at `a1`, and checks the exit status, a text on standard error, and the
/// current revision.
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
    let text = stderr(&output);
    let (status, message, revision) = expected;
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(text.contains(message), "{message}: {text}");
    let current = run(&sandbox, url, &["current"]).success();
    assert_eq!(
        current.stdout.split_whitespace().next(),
        Some(revision),
        "{text}"
    );
}

#[test]
fn rolls_back_on_postgresql() {
    let server = Postgres::start(Tls::Off);
    let rollback = "--on-unhealthy=rollback";
    for (number, (step, mode, options, expected)) in [
        (EMPTY, "unhealthy", vec![], (123, "not ready within", "b2")),
        (
            EMPTY,
            "unhealthy",
            vec![rollback],
            (124, "rolled back: b2 downgraded to a1", "a1"),
        ),
        (
            EMPTY,
            "crash",
            vec![rollback],
            (124, "exited with 9 before it was ready", "a1"),
        ),
        (
            FULL,
            "unhealthy",
            vec![rollback],
            (125, "table u: 1 row", "b2"),
        ),
        (
            FULL,
            "unhealthy",
            vec![rollback, "--allow-data-loss"],
            (124, "the migration was rolled back", "a1"),
        ),
        (
            IRREVERSIBLE,
            "unhealthy",
            vec![rollback],
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
fn rolls_back_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = |name: &str| format!("sqlite+aiosqlite:///{}/{name}.db", folder.path().display());
    let rollback = "--on-unhealthy=rollback";
    check(
        &url("a"),
        EMPTY,
        "unhealthy",
        &[rollback],
        (124, "rolled back: b2", "a1"),
    );
    check(
        &url("b"),
        FULL,
        "unhealthy",
        &[rollback],
        (125, "table u: 1 row", "b2"),
    );
}

/// A rollback to the base removes the last version row. That is not a loss of data.
#[test]
fn rolls_back_the_first_migration() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    server.create_database("app");
    let postgresql = server.url("postgresql+asyncpg", "app", "");
    for url in [postgresql.as_str(), "sqlite+aiosqlite:///app.db"] {
        let sandbox = project(&[FIRST, EMPTY]);
        let options = ["--ready-timeout=1s", "--on-unhealthy=rollback"];
        let output = launch(&sandbox, &python, url, "unhealthy", &options).wait();
        assert_eq!(output.status.code(), Some(124), "{}", stderr(&output));
        let current = run(&sandbox, url, &["current"]);
        assert_eq!(current.success().stdout, "");
    }
}

#[test]
fn rolls_back_on_mysql_only_if_loss_is_allowed() {
    let server = MariaDb::start();
    let rollback = "--on-unhealthy=rollback";
    for (name, options, expected) in [
        (
            "a",
            vec![rollback],
            (125, "can't be run as a dry run", "b2"),
        ),
        (
            "b",
            vec![rollback, "--allow-data-loss"],
            (124, "rolled back: b2", "a1"),
        ),
    ] {
        server.create_database(name);
        let url = server.url("mysql+aiomysql", name);
        check(&url, EMPTY, "unhealthy", &options, expected);
    }
}

/// If this launch has applied nothing, limbeck does not revert the revisions of others.
#[test]
fn rolls_back_nothing_that_it_has_not_applied() {
    let python = python();
    let sandbox = project(&[FIRST]);
    let url = "sqlite+aiosqlite:///app.db";
    run(&sandbox, url, &["upgrade", "head"]).success();
    let options = ["--ready-timeout=1s", "--on-unhealthy=rollback"];
    let output = launch(&sandbox, &python, url, "unhealthy", &options).wait();
    assert_eq!(output.status.code(), Some(123), "{}", stderr(&output));
    let ran = run(&sandbox, url, &["current"]).success();
    assert_eq!(ran.stdout, "a1 (head)\n");
}
