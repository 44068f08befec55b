//! A failed step leaves the database in the same state as with real Alembic.

use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls};

use crate::support::{linear, run, run_alembic, sync_env};

const CREATE: &str = "op.create_table('t{n}', sa.Column('id', sa.Integer, primary_key=True))";
const INSERT: &str = "op.execute('insert into first (id) values ({n})')";
const FAIL: &str = "op.execute('select boom from first')";

/// Returns bodies of a second step that fails at its first, middle or last statement.
fn bodies() -> Vec<(&'static str, String)> {
    let create = |n: usize| CREATE.replace("{n}", &n.to_string());
    let insert = |n: usize| INSERT.replace("{n}", &n.to_string());
    let block = |body: &str| {
        let inner: String = body.lines().map(|line| format!("    {line}\n")).collect();
        format!("with op.get_context().autocommit_block():\n{inner}")
    };
    vec![
        ("first", [FAIL.to_owned(), create(1)].join("\n")),
        (
            "middle",
            [create(1), insert(1), FAIL.to_owned(), create(2)].join("\n"),
        ),
        (
            "last",
            [insert(1), create(1), insert(2), FAIL.to_owned()].join("\n"),
        ),
        (
            "python",
            [
                insert(1),
                create(1),
                "raise RuntimeError('on purpose')".to_owned(),
            ]
            .join("\n"),
        ),
        (
            "autocommit",
            [
                insert(1),
                block(&[create(1), insert(2), FAIL.to_owned()].join("\n")),
            ]
            .join("\n"),
        ),
        (
            "after autocommit",
            [block(&create(1)), insert(1), FAIL.to_owned()].join("\n"),
        ),
    ]
}

fn projects() -> Vec<(String, Sandbox)> {
    let mut projects = Vec::new();
    for (shape, configure) in [
        ("one transaction", ""),
        ("one each", ", transaction_per_migration=True"),
    ] {
        for (name, body) in bodies() {
            let first = "op.create_table('first', sa.Column('id', sa.Integer, primary_key=True))";
            let project = linear(
                &sync_env(configure),
                &[
                    ("a1", first, "pass"),
                    ("b2", &body, "pass"),
                    ("c3", "pass", "pass"),
                ],
            );
            projects.push((format!("{name}, {shape}"), project));
        }
    }
    projects
}

/// Runs each project with both programs, each in its own database, and compares the states that `dump` returns.
fn check(fresh: impl Fn(&str, bool) -> String, dump: impl Fn(&str) -> String) {
    for (index, (name, project)) in projects().into_iter().enumerate() {
        let (real, ours) = (format!("real{index}"), format!("ours{index}"));
        let expected = run_alembic(&project, &fresh(&real, true), &["upgrade", "head"]);
        let actual = run(&project, &fresh(&ours, false), &["upgrade", "head"]);
        assert_eq!(actual.status, expected.status, "{name}: {}", actual.stderr);
        assert_eq!(dump(&ours), dump(&real), "{name}: {}", actual.stderr);
        assert!(
            actual.stderr.contains("b2") && actual.stderr.contains("versions/b2.py:"),
            "{name}: {}",
            actual.stderr
        );
    }
}

#[test]
fn postgresql() {
    let server = Postgres::start(Tls::Off);
    check(
        |name, real| {
            server.create_database(name);
            server.url(
                if real {
                    "postgresql+psycopg2"
                } else {
                    "postgresql+asyncpg"
                },
                name,
                "",
            )
        },
        |name| {
            let rows = |table: &str, column: &str| {
                let exists = format!("select to_regclass('{table}') is not null");
                let sql = format!("select string_agg({column}::text, ',' order by 1) from {table}");
                if server.sql(name, &exists).trim() == "t" {
                    server.sql(name, &sql)
                } else {
                    "none".into()
                }
            };
            format!(
                "{}\n{}\n{}",
                server.dump_schema(name),
                rows("alembic_version", "version_num"),
                rows("first", "id")
            )
        },
    );
}

#[test]
fn mariadb() {
    let server = MariaDb::start();
    check(
        |name, real| {
            server.create_database(name);
            server.url(
                if real {
                    "mysql+pymysql"
                } else {
                    "mysql+aiomysql"
                },
                name,
            )
        },
        |name| {
            let rows = |sql: &str| server.sql(name, sql);
            let (versions, first) = (
                "select version_num from alembic_version",
                "select id from first order by id",
            );
            format!(
                "{}\n{}\n{}",
                server.dump_schema(name),
                rows(versions),
                rows(first)
            )
        },
    );
}

#[test]
fn sqlite() {
    let folder = Sandbox::new();
    let path = |name: &str| folder.path().join(format!("{name}.db"));
    check(
        |name, real| {
            format!(
                "{}:///{}",
                if real { "sqlite" } else { "sqlite+aiosqlite" },
                path(name).display()
            )
        },
        |name| {
            let connection = rusqlite::Connection::open(path(name)).expect("the database");
            let list = |sql: &str| -> Vec<String> {
                let mut statement = connection.prepare(sql).expect("a query");
                let rows = statement
                    .query_map([], |row| row.get::<_, String>(0))
                    .expect("rows");
                rows.map(|row| row.expect("a row")).collect()
            };
            format!(
                "{:?} {:?} {:?}",
                list("select coalesce(sql, name) from sqlite_master order by name"),
                list("select version_num from alembic_version"),
                list("select cast(id as text) from first order by id"),
            )
        },
    );
}
