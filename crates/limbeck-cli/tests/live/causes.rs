//! The next step after a failed statement: only a script that is at fault has to be fixed.

use limbeck_testkit::{MariaDb, Postgres, Tls};

use crate::support::{linear, run, sync_env};

const AT_FAULT: &str = "fix `a1`, then run";

/// Runs a script that fails, and asserts that the report contains `expected` and blames the script only if it should.
fn check(url: &str, script: &str, expected: &str) {
    let project = linear(&sync_env(""), &[("a1", script, "pass")]);
    let output = run(&project, url, &["upgrade", "head"]);
    let text = &output.stderr;
    assert_eq!(output.status, 1, "{script}: {text}");
    assert!(text.contains(expected), "{script}: {text}");
    assert_eq!(
        text.contains(AT_FAULT),
        expected == AT_FAULT,
        "{script}: {text}"
    );
    assert!(
        text.contains("`limbeck upgrade head` again"),
        "{script}: {text}"
    );
}

#[test]
fn postgresql() {
    let server = Postgres::start(Tls::Off);
    let url = server.url("postgresql+psycopg2", "postgres", "");
    server.sql("postgres", "CREATE TABLE t (a int); CREATE ROLE weak LOGIN; REVOKE ALL ON SCHEMA public FROM weak, public; GRANT ALL ON DATABASE postgres TO weak; CREATE SCHEMA s AUTHORIZATION weak; ALTER ROLE weak SET search_path = s");
    for (script, expected) in [
        ("op.execute('SELECT nothing')", AT_FAULT),
        ("raise ValueError('x')", AT_FAULT),
        (
            "op.execute('CREATE TABLE t (a int)')",
            "an earlier run of `a1` may have created the object",
        ),
        (
            "op.execute('SELECT pg_terminate_backend(pg_backend_pid())')",
            "when the database can be reached",
        ),
        (
            "op.execute(\"SET LOCAL statement_timeout = '50ms'; SELECT pg_sleep(9)\")",
            "when no other transaction is in the way",
        ),
        (
            "op.execute('SET TRANSACTION READ ONLY')\nop.execute('CREATE TABLE u (a int)')",
            "with a database that can be written",
        ),
    ] {
        check(&url, script, expected);
    }
    let weak = url.replace("postgres@", "weak@");
    check(
        &weak,
        "op.execute('SELECT * FROM public.t')",
        "grant the user the missing privilege",
    );
    let holder = server.open_transaction("postgres", "LOCK TABLE t");
    let script =
        "op.execute(\"SET LOCAL lock_timeout = '50ms'\")\nop.execute('ALTER TABLE t ADD b int')";
    check(&url, script, "when no other transaction is in the way");
    drop(holder);
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.db");
    let url = format!("sqlite:///{}", path.display());
    check(&url, "op.execute('SELECT nothing')", AT_FAULT);
    let twice = "op.execute('CREATE TABLE t (a int)')\nop.execute('CREATE TABLE t (a int)')";
    check(
        &url,
        twice,
        "an earlier run of `a1` may have created the object",
    );
    let read_only = "op.execute('PRAGMA query_only = 1')\nop.execute('CREATE TABLE u (a int)')";
    check(&url, read_only, "with a database that can be written");
    let full = "op.execute('PRAGMA max_page_count = 1')\nop.execute('CREATE TABLE u (a int)')\nop.execute(\"INSERT INTO u VALUES (randomblob(9000000))\")";
    check(&url, full, "free the resource");
}

#[test]
fn mariadb() {
    let server = MariaDb::start();
    server.create_database("d");
    let url = server.url("mysql+pymysql", "d");
    for (script, expected) in [
        ("op.execute('SELECT nothing')", AT_FAULT),
        (
            "op.execute('CREATE TABLE t (a int)')\nop.execute('CREATE TABLE t (a int)')",
            "an earlier run of `a1` may have created the object",
        ),
        (
            "op.execute('SET STATEMENT max_statement_time = 0.1 FOR SELECT SLEEP(9)')",
            "when no other transaction is in the way",
        ),
        (
            "op.execute('SET SESSION TRANSACTION READ ONLY')\nop.execute('COMMIT')\nop.execute('INSERT INTO t VALUES (1)')",
            "with a database that can be written",
        ),
        (
            "op.execute('KILL CONNECTION_ID()')",
            "when the database can be reached",
        ),
    ] {
        check(&url, script, expected);
    }
}
