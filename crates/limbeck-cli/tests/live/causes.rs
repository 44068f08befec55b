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
            "an earlier run of `a1` outside a transaction may have created the object",
        ),
        (
            "op.execute(\"SET idle_in_transaction_session_timeout = '50ms'\")\nimport time\ntime.sleep(0.5)\nop.execute('SELECT 1')",
            "the server's reason: terminating connection due to idle-in-transaction timeout",
        ),
        (
            "with op.get_context().autocommit_block(): op.execute('CREATE DATABASE postgres')",
            "if an earlier run left the object, drop it",
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
    // Alembic itself can't read or create the version table.
    server.sql(
        "postgres",
        "GRANT USAGE ON SCHEMA public TO weak; ALTER ROLE weak SET search_path = public",
    );
    check(&weak, "pass", "grant the user the missing privilege");
    server.sql(
        "postgres",
        "CREATE SCHEMA r AUTHORIZATION weak; ALTER ROLE weak SET search_path = r; ALTER ROLE weak SET default_transaction_read_only = on",
    );
    check(&weak, "pass", "with a database that can be written");
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
    check(&url, full, "free disk space or memory");
    for taken in [
        "op.execute('ALTER TABLE t RENAME TO w')",
        "op.execute('CREATE INDEX w ON t (a)')",
        "op.execute('ALTER TABLE t ADD COLUMN a int')",
    ] {
        let script = format!("op.execute('CREATE TABLE IF NOT EXISTS w (a int)')\n{taken}");
        check(&url, &script, "if an earlier run left the object, drop it");
    }
    // The first statement of all, before any revision.
    let locked = rusqlite::Connection::open(&path).expect("the database");
    locked.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let short = format!("{url}?timeout=0.1");
    check(&short, "pass", "when no other transaction is in the way");
    drop(locked);
    let other = folder.path().join("y.db");
    std::fs::write(&other, [b'x'; 4096]).expect("a file");
    let other = format!("sqlite:///{}", other.display());
    check(&other, "pass", "restore the database from a backup");
}

/// A second run meets what the first has left, and the report says so.
#[test]
fn a_rerun_on_sqlite_names_the_earlier_run() {
    let script = "op.execute('CREATE TABLE u (a int)')\nop.execute('SELECT nothing')";
    let project = linear(&sync_env(""), &[("a1", script, "pass")]);
    let upgrade = || run(&project, "sqlite:///x.db", &["upgrade", "head"]).stderr;
    let first = upgrade();
    let left = "`a1` ran outside a transaction: its earlier statements are in the database";
    assert!(first.contains(left), "{first}");
    let second = upgrade();
    let origin = "an earlier run of `a1` may have created the object and failed later: the DDL statements of a failed run stay in the database";
    assert!(second.contains(origin), "{second}");
    assert!(!second.contains(AT_FAULT), "{second}");
}

/// A statement that changes nothing leaves nothing, outside a transaction, too.
#[test]
fn claims_no_changes_after_a_mere_setting() {
    let script = "op.execute('PRAGMA cache_size = 100')\nop.execute('SELECT nothing')";
    let project = linear(&sync_env(""), &[("a1", script, "pass")]);
    let text = run(&project, "sqlite:///x.db", &["upgrade", "head"]).stderr;
    assert!(text.contains(AT_FAULT), "{text}");
    assert!(!text.contains("are in the database"), "{text}");
}

/// A file that may not grow is an error of the statement, not the end of limbeck.
#[test]
fn sqlite_reports_the_limit_of_a_file() {
    let script = "op.execute('CREATE TABLE u (a int)')\nop.execute('INSERT INTO u VALUES (randomblob(9000000))')";
    let project = linear(&sync_env(""), &[("a1", script, "pass")]);
    let python = limbeck_testkit::python();
    let mut command = project.command("prlimit".as_ref(), Some(&python));
    let output = command
        .env("DATABASE_URL", "sqlite:///x.db")
        .arg("--fsize=4000000")
        .arg(crate::support::limbeck())
        .args(["upgrade", "head"])
        .output()
        .expect("limbeck starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("free disk space or memory"), "{text}");
    assert!(!text.contains(AT_FAULT), "{text}");
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
            "op.execute('CREATE TABLE k (a int PRIMARY KEY, b int, CONSTRAINT c FOREIGN KEY (b) REFERENCES k (a))')\nop.execute('ALTER TABLE k ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES k (a)')",
            "if an earlier run left the object, drop it",
        ),
        (
            "op.execute('CREATE TABLE IF NOT EXISTS p (a int PRIMARY KEY)')\nop.execute('ALTER TABLE p ADD PRIMARY KEY (a)')",
            "if an earlier run left the object, drop it",
        ),
        (
            "op.execute('CREATE PROCEDURE q() SELECT 1')\nop.execute('CREATE PROCEDURE q() SELECT 1')",
            "if an earlier run left the object, drop it",
        ),
        (
            "op.execute('KILL CONNECTION_ID()')",
            "when the database can be reached",
        ),
    ] {
        check(&url, script, expected);
    }
}
