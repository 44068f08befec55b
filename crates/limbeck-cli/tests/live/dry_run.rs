//! `--dry-run`: limbeck runs everything, rolls it back, and lists the data that would be lost.

use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls};

use crate::support::{linear, run, sync_env};

/// Creates a project whose downgrades lose rows and values.
fn project() -> Sandbox {
    linear(
        &sync_env(""),
        &[
            (
                "a1",
                "op.create_table('kept', sa.Column('id', sa.Integer, primary_key=True), sa.Column('x', sa.String(20)))\n\
                 op.execute(\"insert into kept (id, x) values (1, 'one'), (2, 'two'), (3, 'three')\")",
                "op.drop_table('kept')",
            ),
            (
                "b2",
                "op.add_column('kept', sa.Column('y', sa.Integer))\n\
                 op.execute('update kept set y = 1 where id < 3')\n\
                 op.create_table('empty', sa.Column('id', sa.Integer))\n\
                 op.create_table('full', sa.Column('id', sa.Integer))\n\
                 op.execute('insert into \"full\" (id) values (1)')",
                "op.drop_table('full')\nop.drop_table('empty')\nop.execute('delete from kept where id = 3')\n\
                 with op.batch_alter_table('kept') as batch:\n    batch.drop_column('y')",
            ),
            (
                "c3",
                "op.execute('create index i on kept (x)')",
                "op.execute('drop index i')",
            ),
        ],
    )
}

/// Dry-runs downgrades. `dump` returns the whole content of the database.
fn check(url: &str, dump: impl Fn() -> String) {
    let sandbox = project();
    let output = run(&sandbox, url, &["upgrade", "head"]);
    output.success();
    let before = dump();
    let output = run(&sandbox, url, &["downgrade", "--dry-run", "a1"]).success();
    assert_eq!(dump(), before);
    for text in [
        "-- c3\ndrop index i;\n",
        "-- b2\n",
        "DROP TABLE empty;",
        "-- would be lost: table full: 1 row\n",
        "-- would be lost: column kept.y: 2 values\n",
        "-- would be lost: 1 row that b2 deletes\n",
    ] {
        assert!(output.stdout.contains(text), "{text}: {}", output.stdout);
    }
    assert_eq!(
        output.stdout.matches("would be lost").count(),
        3,
        "{}",
        output.stdout
    );
    let output = run(&sandbox, url, &["downgrade", "--dry-run", "base"]).success();
    assert!(
        output
            .stdout
            .contains("-- would be lost: table kept: 3 rows\n"),
        "{}",
        output.stdout
    );
    // Deleting the version row at the base is not a loss of data.
    assert!(output.stdout.contains("DELETE FROM alembic_version"));
    assert!(!output.stdout.contains("a1 deletes"), "{}", output.stdout);
    assert_eq!(dump(), before);
    // The same downgrade without `--dry-run` succeeds.
    run(&sandbox, url, &["downgrade", "a1"]).success();
    let output = run(&sandbox, url, &["upgrade", "--dry-run", "head"]).success();
    assert!(
        output.stdout.contains("CREATE TABLE empty"),
        "{}",
        output.stdout
    );
    assert!(
        !output.stdout.contains("would be lost"),
        "{}",
        output.stdout
    );
    let output = run(&sandbox, url, &["current"]).success();
    assert_eq!(output.stdout, "a1\n");
}

#[test]
fn postgresql() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let rows = "select string_agg(k::text, ' ' order by id) from kept k";
    for scheme in [
        "postgresql+asyncpg",
        "postgresql+psycopg2",
        "postgresql+psycopg",
    ] {
        server.create_database(scheme);
        let scheme_database = scheme.replace('+', "%2B");
        let url = server.url(scheme, &scheme_database, "");
        check(&url, || {
            server.dump_schema(scheme) + &server.sql(scheme, rows)
        });
    }
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.db");
    let url = format!("sqlite+aiosqlite:///{}", file.display());
    check(&url, || {
        let bytes = std::fs::read(&file).expect("a database");
        format!("{bytes:?}")
    });
}

#[test]
fn rejects_statements_that_end_the_transaction() {
    let server = Postgres::start(Tls::Off);
    for (name, step, reason) in [
        (
            "commit",
            "op.execute('COMMIT; create table u (x int)')",
            "ends its transaction",
        ),
        (
            "block",
            "with op.get_context().autocommit_block():\n    op.execute('create index concurrently i on t (x)')",
            "cannot run inside a transaction block",
        ),
        ("error", "op.execute('select 1/0')", "division by zero"),
        (
            "escape",
            "op.execute(r\"SELECT E'\\''; COMMIT; --'\")",
            "ends its transaction",
        ),
        // Only the server knows that the backslash escapes the quote.
        (
            "hidden",
            "op.execute('SET standard_conforming_strings = off')\nop.execute(r\"SELECT '\\''; COMMIT; --'\")",
            "a statement commits",
        ),
        (
            "unguarded",
            "op.execute('CLOSE ALL')",
            "ended the transaction or removed its guard",
        ),
    ] {
        server.create_database(name);
        let url = server.url("postgresql+asyncpg", name, "");
        let create = "op.execute('create table t (x int)')";
        let sandbox = linear(
            &sync_env(""),
            &[("a1", create, "pass"), ("b2", step, "pass")],
        );
        let output = run(&sandbox, &url, &["upgrade", "a1"]);
        output.success();
        let before = server.dump_schema(name);
        let output = run(&sandbox, &url, &["upgrade", "--dry-run", "head"]);
        assert_eq!(output.status, 1, "{name}: {}", output.stdout);
        assert!(
            output.stderr.contains(reason),
            "{reason}: {}",
            output.stderr
        );
        assert_eq!(server.dump_schema(name), before);
        let rows = server.sql(name, "select version_num from alembic_version");
        assert_eq!(rows.trim(), "a1");
    }
}

/// A constraint that is checked at the end of the transaction fails as it would in the run, at the same step.
#[test]
fn checks_deferred_constraints() {
    let server = Postgres::start(Tls::Off);
    server.create_database("app");
    let create = "op.execute('create table p (id int primary key)')\n\
         op.execute('create table c (p int references p deferrable initially deferred, \
         q int references p deferrable)')";
    let valid =
        "op.execute('insert into c (p) values (1)')\nop.execute('insert into p values (1)')";
    // The check of `b2` must not defer the constraint that is immediate.
    let immediate = "op.execute('insert into c (q) values (9)')";
    let deferred = "op.execute('insert into c (p) values (2)')";
    for scheme in ["postgresql+asyncpg", "postgresql+psycopg2"] {
        for (last, constraint) in [(deferred, "c_p_fkey"), (immediate, "c_q_fkey")] {
            let sandbox = linear(
                &sync_env(", transaction_per_migration=True"),
                &[
                    ("a1", create, "op.execute('drop table c, p')"),
                    (
                        "b2",
                        valid,
                        "op.execute('delete from c')\nop.execute('delete from p')",
                    ),
                    ("c3", last, "pass"),
                ],
            );
            let url = server.url(scheme, "app", "");
            run(&sandbox, &url, &["upgrade", "a1"]).success();
            run(&sandbox, &url, &["upgrade", "--dry-run", "b2"]).success();
            let dry = run(&sandbox, &url, &["upgrade", "--dry-run", "head"]);
            let real = run(&sandbox, &url, &["upgrade", "head"]);
            for output in [dry, real] {
                assert_eq!(output.status, 1, "{}", output.stderr);
                assert!(output.stderr.contains(constraint), "{}", output.stderr);
                assert!(output.stderr.contains("c3"), "{}", output.stderr);
            }
            run(&sandbox, &url, &["downgrade", "base"]).success();
        }
    }
}

#[test]
fn rejects_mariadb() {
    let server = MariaDb::start();
    server.create_database("app");
    let url = server.url("mysql+aiomysql", "app");
    let sandbox = linear(
        &sync_env(""),
        &[("a1", "op.execute('create table t (x int)')", "pass")],
    );
    let output = run(&sandbox, &url, &["upgrade", "--dry-run", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    assert!(
        output.stderr.contains("can't be run as a dry run"),
        "{}",
        output.stderr
    );
    assert_eq!(server.sql("app", "show tables").trim(), "");
}

/// Without a journal, SQLite's rollback would leave a malformed file.
#[test]
fn sqlite_keeps_its_journal() {
    let fill = "op.execute('pragma cache_size=1')\n\
         op.execute('with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) \
         insert into t select i, hex(randomblob(20)) from n')";
    let off = [
        "pragma journal_mode=off",
        "PRAGMA main.Journal_Mode = 'OFF'",
        "pragma journal_mode(off)",
    ];
    for pragma in off {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("app.db");
        let url = format!("sqlite:///{}", file.display());
        let body = format!("op.execute(\"{pragma}\")\n{fill}");
        let create = "op.execute('create table t (i int, v text)')";
        let sandbox = linear(
            &sync_env(""),
            &[("a1", create, "pass"), ("b2", &body, "pass")],
        );
        run(&sandbox, &url, &["upgrade", "a1"]).success();
        let before = std::fs::read(&file).expect("a database");
        let output = run(&sandbox, &url, &["upgrade", "--dry-run", "head"]);
        assert_eq!(output.status, 1, "{pragma}: {}", output.stderr);
        assert!(
            output.stderr.contains("not authorized"),
            "{}",
            output.stderr
        );
        assert!(
            output
                .stderr
                .contains("all changes of `b2` were rolled back"),
            "{}",
            output.stderr
        );
        assert!(
            std::fs::read(&file).expect("a database") == before,
            "{pragma}"
        );
    }
}
