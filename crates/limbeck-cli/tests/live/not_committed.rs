//! Reports of an `env.py` that leaves its migrations uncommitted, or fails after it has committed them.

use limbeck_testkit::{CommandOutput, MariaDb, Postgres, Sandbox, Tls};

use crate::support::{async_env, linear, run, run_alembic, sync_env};

const REVISIONS: [(&str, &str, &str); 2] = [
    (
        "a1",
        "op.create_table('one', sa.Column('id', sa.Integer))",
        "op.drop_table('one')",
    ),
    (
        "b2",
        "op.create_table('two', sa.Column('id', sa.Integer))",
        "op.drop_table('two')",
    ),
];

/// Returns a synchronous `env.py` that runs `before` on the connection before `context.configure`, and `after` at the end.
fn sync_project(before: &str, after: &str) -> Sandbox {
    let env = sync_env("").replace(
        "        context.configure(connection=connection)\n",
        &format!("        {before}\n        context.configure(connection=connection)\n"),
    );
    let env = env.replace("import os\n", "import os, sqlalchemy as sa\n");
    linear(&format!("{env}{after}"), &REVISIONS)
}

fn async_project(before: &str) -> Sandbox {
    let env = async_env("import sqlalchemy as sa", "").replace(
        "        await connection.run_sync(migrate)\n",
        &format!("        {before}\n        await connection.run_sync(migrate)\n"),
    );
    linear(&env, &REVISIONS)
}

fn count_tables(server: &Postgres, database: &str) -> String {
    let sql = "select count(*) from pg_tables where schemaname = 'public'";
    server.sql(database, sql).trim().to_owned()
}

fn check_refused(output: &CommandOutput, location: &str) {
    assert_eq!(output.status, 1, "{}", output.stderr);
    for text in [
        "error: the migrations were not committed",
        location,
        "connection.commit()",
    ] {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
}

#[test]
fn postgresql_reports_the_line_that_began_the_transaction() {
    let server = Postgres::start(Tls::Off);
    let asynchronous = async_project("await connection.execute(sa.text('select 1'))");
    let synchronous = sync_project("connection.execute(sa.text('select 1'))", "");
    for (scheme, sandbox, line) in [
        ("postgresql+asyncpg", &asynchronous, 18),
        ("postgresql+asyncpg", &synchronous, 14),
        ("postgresql+psycopg2", &synchronous, 14),
        ("postgresql+psycopg", &synchronous, 14),
    ] {
        let database = format!("{}_{line}", scheme.replace('+', "_"));
        server.create_database(&database);
        let url = server.url(scheme, &database, "");
        let output = run(sandbox, &url, &["upgrade", "head"]);
        check_refused(&output, &format!("migrations/env.py:{line}:"));
        for text in [
            "the database is still at <base>",
            "all changes of `a1`, `b2` were rolled back",
        ] {
            assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
        }
        assert_eq!(count_tables(&server, &database), "0");
    }
    // Alembic leaves the same database, and reports nothing.
    server.create_database("app");
    run_alembic(
        &synchronous,
        &server.url("postgresql+psycopg2", "app", ""),
        &["upgrade", "head"],
    )
    .success();
    assert_eq!(count_tables(&server, "app"), "0");
}

#[test]
fn sqlite_and_mariadb_keep_a_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.db");
    let sandbox = sync_project("connection.execute(sa.text('select 1'))", "");
    let output = run(
        &sandbox,
        &format!("sqlite+aiosqlite:///{}", file.display()),
        &["upgrade", "head"],
    );
    check_refused(&output, "migrations/env.py:14:");
    let part = "a part of the changes of `a1`, `b2` is in the database";
    assert!(output.stderr.contains(part), "{}", output.stderr);

    let server = MariaDb::start();
    server.create_database("app");
    let output = run(
        &sandbox,
        &server.url("mysql+aiomysql", "app"),
        &["upgrade", "head"],
    );
    check_refused(&output, "migrations/env.py:14:");
    for text in [part, "the database was at <base> and is now at a1"] {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
    assert_eq!(
        server
            .sql("app", "select version_num from alembic_version")
            .trim(),
        "a1"
    );
}

#[test]
fn a_transaction_that_ends_is_no_error() {
    let server = Postgres::start(Tls::Off);
    for (name, sandbox, warns, tables) in [
        (
            "committed_before",
            sync_project(
                "connection.execute(sa.text('select 1')); connection.commit()",
                "",
            ),
            false,
            3,
        ),
        (
            "committed_after",
            sync_project(
                "transaction = connection.begin()",
                "        transaction.commit()\n",
            ),
            false,
            3,
        ),
        (
            "committed_by_hand",
            sync_project(
                "connection.execute(sa.text('select 1'))",
                "        connection.commit()\n",
            ),
            false,
            3,
        ),
        // A dry run of the project's own.
        (
            "rolled_back",
            sync_project(
                "transaction = connection.begin()",
                "        transaction.rollback()\n",
            ),
            true,
            0,
        ),
    ] {
        server.create_database(name);
        let url = server.url("postgresql+psycopg2", name, "");
        let output = run(&sandbox, &url, &["upgrade", "head"]).success();
        let warning = "warning: env.py rolled back the migrations";
        assert_eq!(
            output.stderr.contains(warning),
            warns,
            "{name}: {}",
            output.stderr
        );
        assert_eq!(count_tables(&server, name), tables.to_string(), "{name}");
    }
    // SQLAlchemy rolls back what it closes.
    server.create_database("open");
    let sandbox = sync_project("connection.begin()", "");
    let url = server.url("postgresql+psycopg2", "open", "");
    check_refused(
        &run(&sandbox, &url, &["upgrade", "head"]),
        "migrations/env.py:14:",
    );
}

#[test]
fn one_of_two_databases() {
    let server = Postgres::start(Tls::Off);
    server.create_database("kept");
    server.create_database("lost");
    let env = "import os, sqlalchemy as sa
from alembic import context

for name in ('kept', 'lost'):
    engine = sa.create_engine(sa.make_url(os.environ['DATABASE_URL']).set(database=name))
    with engine.connect() as connection:
        if name == 'lost':
            connection.execute(sa.text('select 1'))
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
";
    let sandbox = linear(env, &REVISIONS);
    let url = server.url("postgresql+psycopg2", "kept", "");
    check_refused(
        &run(&sandbox, &url, &["upgrade", "head"]),
        "migrations/env.py:8:",
    );
    assert_eq!(
        server
            .sql("kept", "select version_num from alembic_version")
            .trim(),
        "b2"
    );
}

#[test]
fn nothing_is_left_of_a_database_in_memory() {
    let sandbox = sync_project("pass", "");
    let output = run(&sandbox, "sqlite://", &["upgrade", "head"]).success();
    assert!(
        output.stderr.contains("the database is in memory"),
        "{}",
        output.stderr
    );
    let output = run(&sandbox, "sqlite://", &["current"]).success();
    assert!(!output.stderr.contains("in memory"), "{}", output.stderr);
}

/// An `env.py` that fails after the migrations is at fault, and not the last revision.
#[test]
fn env_fails_after_the_migrations() {
    let server = Postgres::start(Tls::Off);
    for (name, scheme) in [("one", "postgresql+psycopg2"), ("two", "sqlite+aiosqlite")] {
        let sandbox = sync_project("pass", "raise ValueError('after the migrations')\n");
        let url = if name == "one" {
            server.create_database(name);
            server.url(scheme, name, "")
        } else {
            format!("{scheme}:///app.db")
        };
        let output = run(&sandbox, &url, &["upgrade", "head"]);
        assert_eq!(output.status, 1, "{}", output.stderr);
        for text in [
            "error: ValueError: after the migrations",
            "the database was at <base> and is now at b2",
            "all steps are committed: the error came after them",
            "fix `migrations/env.py`",
        ] {
            assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
        }
        assert!(!output.stderr.contains("of revision"), "{}", output.stderr);
        let output = run(&sandbox, &url, &["downgrade", "base"]);
        assert!(
            output.stderr.contains("all steps are committed"),
            "{}",
            output.stderr
        );
    }
    // Within the transaction, its end is a rollback.
    server.create_database("inside");
    let sandbox = sync_project("pass", "            raise ValueError('inside')\n");
    let url = server.url("postgresql+psycopg2", "inside", "");
    let output = run(&sandbox, &url, &["upgrade", "head"]);
    assert!(
        output.stderr.contains("the database is still at <base>"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("committed"), "{}", output.stderr);
    // A hook runs in the step's transaction.
    let hook = "def hook(**arguments):\n    raise ValueError('in the hook')\n";
    let env = sync_env(", on_version_apply=hook").replace("engine =", &format!("{hook}engine ="));
    let output = run(&linear(&env, &REVISIONS), &url, &["upgrade", "head"]);
    for text in [
        "error: ValueError: in the hook",
        "upgrade of revision `a1`",
        "fix `migrations/env.py`",
    ] {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
}
