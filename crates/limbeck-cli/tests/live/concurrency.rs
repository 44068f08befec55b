//! Concurrent runs: each succeeds, and each step is applied once.

use std::process::Child;

use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls, python};

use crate::support::{limbeck, linear, rounds, sync_env};

fn project() -> Sandbox {
    let insert = "op.execute(\"insert into log (step) values ('b2')\")";
    linear(
        &sync_env(""),
        &[
            (
                "a1",
                "op.create_table('log', sa.Column('step', sa.String(20)))",
                "op.drop_table('log')",
            ),
            ("b2", insert, "pass"),
            ("c3", &insert.replace("b2", "c3"), "pass"),
        ],
    )
}

/// Runs several upgrades at once. `fresh` creates an empty database and returns its URL, `applied` reads the log's rows.
fn check(fresh: impl Fn(usize) -> String, applied: impl Fn(usize) -> String) {
    let python = python();
    let sandbox = project();
    let mut number = 0;
    for runners in [2, 5] {
        for existing in [false, true] {
            for _ in 0..rounds(4).div_ceil(2) {
                number += 1;
                let url = fresh(number);
                let start = |target: &str| -> Child {
                    let mut command = sandbox.command(&limbeck(), Some(&python));
                    let piped = std::process::Stdio::piped;
                    command
                        .env("DATABASE_URL", &url)
                        .args(["upgrade", target])
                        .stdout(piped())
                        .stderr(piped());
                    command.spawn().expect("limbeck starts")
                };
                if existing {
                    assert!(start("a1").wait().expect("limbeck exits").success());
                }
                let running: Vec<Child> = (0..runners).map(|_| start("head")).collect();
                for child in running {
                    let output = child.wait_with_output().expect("limbeck exits");
                    assert!(
                        output.status.success(),
                        "{}",
                        String::from_utf8_lossy(&output.stderr)
                    );
                }
                assert_eq!(
                    applied(number),
                    "b2,c3",
                    "runners: {runners}, existing: {existing}"
                );
            }
        }
    }
}

#[test]
fn postgresql() {
    let server = Postgres::start(Tls::Off);
    let name = |number| format!("n{number}");
    check(
        |number| {
            server.create_database(&name(number));
            server.url("postgresql+asyncpg", &name(number), "")
        },
        |number| {
            server
                .sql(
                    &name(number),
                    "select string_agg(step, ',' order by step) from log",
                )
                .trim()
                .to_owned()
        },
    );
}

#[test]
fn mariadb() {
    let server = MariaDb::start();
    let name = |number| format!("n{number}");
    check(
        |number| {
            server.create_database(&name(number));
            server.url("mysql+aiomysql", &name(number))
        },
        |number| {
            server
                .sql(
                    &name(number),
                    "select group_concat(step order by step) from log",
                )
                .trim()
                .to_owned()
        },
    );
}

#[test]
fn sqlite() {
    let folder = Sandbox::new();
    let path = |number| folder.path().join(format!("n{number}.db"));
    check(
        |number| format!("sqlite+aiosqlite:///{}", path(number).display()),
        |number| {
            let connection = rusqlite::Connection::open(path(number)).expect("the database");
            let sql = "select group_concat(step) from (select step from log order by step)";
            connection
                .query_row(sql, [], |row| row.get(0))
                .expect("rows")
        },
    );
}

/// A transaction of this level never sees later commits: the second run must take the lock before it reads the version
/// rows.
#[test]
fn postgresql_with_repeatable_reads() {
    let server = Postgres::start(Tls::Off);
    let python = python();
    let sandbox = project();
    let env = sandbox.read("migrations/env.py").replace(
        "poolclass=pool.NullPool",
        "poolclass=pool.NullPool, isolation_level='REPEATABLE READ'",
    );
    sandbox.write("migrations/env.py", &env);
    for number in 0..rounds(4).div_ceil(2) {
        let name = format!("n{number}");
        server.create_database(&name);
        let url = server.url("postgresql+asyncpg", &name, "");
        let start = || {
            sandbox
                .command(&limbeck(), Some(&python))
                .env("DATABASE_URL", &url)
                .args(["upgrade", "head"])
                .stderr(std::process::Stdio::piped())
                .spawn()
                .expect("limbeck starts")
        };
        for child in [start(), start(), start()] {
            let output = child.wait_with_output().expect("limbeck exits");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{stderr}");
        }
        let applied = "select string_agg(step, ',' order by step) from log";
        assert_eq!(server.sql(&name, applied).trim(), "b2,c3");
    }
}
