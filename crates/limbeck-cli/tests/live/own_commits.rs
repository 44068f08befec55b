//! Scripts that end their own transaction: the state of the database, and its description in the report.

use limbeck_testkit::{Postgres, Tls};

use crate::support::{linear, run, run_alembic, sync_env};

const COMMIT: &str = "op.execute('insert into first values (1)')\nop.execute('COMMIT')\n";
const INDEX: &str = "op.execute('create index concurrently i on first (id)')\n";
const FAIL: &str =
    "op.execute('insert into first values (2)')\nop.execute('select boom from first')\n";

/// Returns drivers, bodies of the second step, and the report's text if the step fails.
fn cases() -> Vec<(&'static str, String, Option<&'static str>)> {
    let committed =
        "`b2` had committed part of its work, which is in the database; the rest was rolled back";
    let outside = "`b2` ran outside a transaction";
    vec![
        ("psycopg2", format!("{COMMIT}{INDEX}"), None),
        ("psycopg2", format!("{COMMIT}{INDEX}{FAIL}"), Some(outside)),
        (
            "psycopg2",
            format!("{COMMIT}op.execute('BEGIN')\n{FAIL}"),
            Some(committed),
        ),
        (
            "psycopg2",
            format!("{COMMIT}raise RuntimeError('on purpose')"),
            Some("`b2` had committed part of its work, which is in the database\n"),
        ),
        ("psycopg", format!("{COMMIT}{INDEX}"), Some(committed)),
        ("psycopg", format!("{COMMIT}{FAIL}"), Some(committed)),
        (
            "psycopg",
            format!("op.execute('COMMIT')\n{FAIL}"),
            Some("all changes of `b2` were rolled back"),
        ),
        (
            "psycopg",
            FAIL.to_owned(),
            Some("all changes of this run were rolled back"),
        ),
        (
            "psycopg2",
            format!(
                "with op.get_context().autocommit_block():\n    op.execute('insert into first values (1)')\n{FAIL}"
            ),
            Some(committed),
        ),
    ]
}

#[test]
fn commits_what_the_driver_commits() {
    let server = Postgres::start(Tls::Off);
    let first = "op.create_table('first', sa.Column('id', sa.Integer))";
    for (index, (driver, body, expected)) in cases().into_iter().enumerate() {
        let project = linear(
            &sync_env(""),
            &[("a1", first, "pass"), ("b2", &body, "pass")],
        );
        let mut left = Vec::new();
        for real in [true, false] {
            let name = format!("{}{index}", if real { "real" } else { "ours" });
            server.create_database(&name);
            let url = server.url(&format!("postgresql+{driver}"), &name, "");
            let program = if real { run_alembic } else { run };
            let output = program(&project, &url, &["upgrade", "head"]);
            let rows = |table: &str| {
                let exists =
                    server.sql(&name, &format!("select to_regclass('{table}') is not null"));
                match exists.trim() {
                    "t" => server.sql(&name, &format!("select * from {table} order by 1")),
                    _ => "none".into(),
                }
            };
            left.push((
                output.status,
                rows("first"),
                rows("alembic_version"),
                server.dump_schema(&name),
            ));
            if !real {
                let is_reported = expected.is_none_or(|text| output.stderr.contains(text));
                assert!(is_reported, "{driver}, {body}: {}", output.stderr);
            }
        }
        assert_eq!(left[1], left[0], "{driver}: {body}");
    }
}

/// An earlier step that committed by itself is not rolled back with the run.
#[test]
fn does_not_claim_to_have_rolled_back_an_earlier_commit() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let first =
        "op.execute('create table kept (id int)')\nop.execute('COMMIT')\nop.execute('BEGIN')";
    let second = "op.execute('select boom')";
    let project = linear(
        &sync_env(""),
        &[("a1", first, "pass"), ("b2", second, "pass")],
    );
    let url = server.url("postgresql+psycopg2", "app", "");
    let text = run(&project, &url, &["upgrade", "head"]).stderr;
    let kept = server.sql("app", "select to_regclass('kept') is not null");
    assert_eq!(kept.trim(), "t");
    assert!(!text.contains("all changes of this run"), "{text}");
    assert!(
        text.contains("all changes of `b2` were rolled back"),
        "{text}"
    );
}

#[test]
fn reports_an_unchanged_version_after_a_commit() {
    let server = Postgres::start(Tls::Off);
    let body =
        "op.execute('create table kept (id int)')\nop.execute('COMMIT')\nop.execute('select boom')";
    let project = linear(&sync_env(""), &[("a1", body, "pass")]);
    for driver in ["psycopg2", "psycopg", "asyncpg"] {
        server.create_database(driver);
        let url = server.url(&format!("postgresql+{driver}"), driver, "");
        let output = run(&project, &url, &["upgrade", "head"]);
        assert_eq!(output.status, 1, "{}", output.stderr);
        assert!(
            output.stderr.contains("the version is still <base>\n")
                && !output
                    .stderr
                    .contains("all changes of `a1` were rolled back"),
            "{driver}: {}",
            output.stderr
        );
        let exists = server.sql(driver, "select to_regclass('kept') is not null");
        assert_eq!(exists.trim(), "t");
    }
}
