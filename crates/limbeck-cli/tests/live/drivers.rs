//! Settings and values of a connection that scripts see, compared with real Alembic and real drivers.

use limbeck_testkit::{MariaDb, Sandbox};

use crate::support::{linear, run, run_alembic, sync_env};

/// Runs the project with both programs and compares what the revisions print. `url` takes whether limbeck runs.
fn check(project: impl Fn() -> Sandbox, url: impl Fn(bool) -> String) -> [Sandbox; 2] {
    let (ours, theirs) = (project(), project());
    let found = run(&ours, &url(true), &["upgrade", "head"]);
    let expected = run_alembic(&theirs, &url(false), &["upgrade", "head"]);
    assert_eq!(expected.status, 0, "{}", expected.stderr);
    assert_eq!(found.status, 0, "{}", found.stderr);
    assert_eq!(found.stdout, expected.stdout);
    assert!(!found.stdout.is_empty());
    [ours, theirs]
}

#[test]
fn numbers_texts_and_declared_types_of_sqlite() {
    let env = sync_env("").replace(
        "poolclass=pool.NullPool",
        "poolclass=pool.NullPool, native_datetime=True, connect_args={'detect_types': 3}",
    );
    let values = "\
import datetime, random, sqlite3, struct
bind = op.get_bind()
bind.exec_driver_sql('CREATE TABLE f (id INTEGER PRIMARY KEY, x REAL)')
numbers = random.Random(5)
wanted = [numbers.random() * 10.0 ** numbers.randint(-300, 300) for _ in range(2000)]
bind.exec_driver_sql('INSERT INTO f (x) VALUES (?)', [(x,) for x in wanted])
print([x for (x,) in bind.exec_driver_sql('SELECT x FROM f ORDER BY id')] == wanted)
bind.exec_driver_sql('CREATE TABLE d (a DATE, b TIMESTAMP, c VARCHAR(5), e NUMERIC)')
bind.exec_driver_sql('INSERT INTO d VALUES (?, ?, ?, ?)', ('2024-01-02', '2024-01-02 03:04:05.6', 'x', 1.5))
print(bind.exec_driver_sql('SELECT * FROM d').fetchall())
print(bind.exec_driver_sql('SELECT max(a), a AS \"b [date]\", floor(1.5), typeof(floor(1.5)) FROM d').fetchall())
raw = bind.connection.cursor()
raw.row_factory = sqlite3.Row
print([(row['A'], row.keys()) for row in raw.execute('SELECT a FROM d')])
try:
    bind.exec_driver_sql(\"SELECT CAST(x'ff41' AS TEXT) AS t\").fetchall()
except sa.exc.OperationalError as error:
    print(error.orig, isinstance(error.orig, sqlite3.OperationalError))
try:
    raw.execute('SELECT * FROM nope')
except sqlite3.OperationalError as error:
    print(error)";
    check(
        || linear(&env, &[("a1", values, "pass")]),
        |_| "sqlite:///project.db".into(),
    );
}

#[test]
fn foreign_keys_and_the_folder_of_a_sqlite_project() {
    let env = sync_env("").replace(
        "engine = ",
        "import sqlite3
from sqlalchemy import event
from sqlalchemy.engine import Engine

os.makedirs('elsewhere', exist_ok=True)
os.chdir('elsewhere')

@event.listens_for(Engine, 'connect')
def switch_on(connection, record):
    if isinstance(connection, sqlite3.Connection):
        connection.execute('PRAGMA foreign_keys = ON')

engine = ",
    );
    let tables = "\
op.execute('CREATE TABLE p (id INTEGER PRIMARY KEY)')
op.execute('CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE)')
op.execute('INSERT INTO p VALUES (1), (2)')
op.execute('INSERT INTO c VALUES (1, 1), (2, 2)')";
    let delete = "\
op.execute('DELETE FROM p WHERE id = 1')
print(op.get_bind().exec_driver_sql('SELECT * FROM c').fetchall())";
    let found = check(
        || linear(&env, &[("a1", tables, "pass"), ("a2", delete, "pass")]),
        |_| "sqlite:///project.db".into(),
    );
    for sandbox in &found {
        assert!(sandbox.path().join("elsewhere/project.db").exists());
        assert!(!sandbox.path().join("project.db").exists());
    }
}

#[test]
fn character_sets_procedures_and_results_of_mariadb() {
    let server = MariaDb::start();
    for (index, query) in [
        "",
        "?charset=latin1",
        "?charset=gbk",
        "?autocommit=true&charset=utf8",
    ]
    .iter()
    .enumerate()
    {
        let name = |ours: bool| format!("d{index}_{ours}");
        let (ours, theirs) = (name(true), name(false));
        server.create_database(&ours);
        server.create_database(&theirs);
        let values = "\
bind = op.get_bind()
op.execute('CREATE TABLE t (id int PRIMARY KEY AUTO_INCREMENT, a varchar(20) CHARACTER SET utf8mb4, b varbinary(20))')
op.execute(\"INSERT INTO t (a, b) VALUES ('ü', 'ü')\")
bind.execute(sa.text('INSERT INTO t (a, b) VALUES (:x, :x)'), {'x': 'à'}) if 'gbk' in str(bind.engine.url) else None
try:
    bind.execute(sa.text('INSERT INTO t (a) VALUES (:x)'), {'x': '\\u6f22\\u20ac'})
except UnicodeEncodeError as error:
    print('refused')
op.execute('DELETE FROM t WHERE a IS NULL')
print(bind.exec_driver_sql('SELECT a, hex(a), hex(b), @@character_set_connection, @@autocommit FROM t').fetchall())
op.execute('CREATE PROCEDURE p (IN x int, OUT y int) BEGIN SELECT x; INSERT INTO t (a) VALUES (1); SET y = 2 * x; END')
raw = bind.connection.cursor()
print(raw.callproc('p', (5, 0)), list(raw.fetchall()), raw.nextset(), raw.rowcount, raw.nextset())
raw.execute('SELECT @_p_1')
print(list(raw.fetchall()))
raw.execute('DELETE FROM t WHERE id = 99')
print(raw.rowcount, raw.lastrowid)";
        let project = || linear(&sync_env(""), &[("a1", values, "pass")]);
        let url = |ours: bool| format!("{}{query}", server.url("mysql+pymysql", &name(ours)));
        check(project, url);
        let rows = |database: &str| server.sql(database, "SELECT id, hex(a), hex(b) FROM t");
        assert_eq!(rows(&ours), rows(&theirs), "{query}");
        assert_eq!(server.dump_schema(&ours), server.dump_schema(&theirs));
    }
}

#[test]
fn rejects_a_connection_that_the_project_opens() {
    let env = sync_env("").replace(
        "poolclass=pool.NullPool",
        "poolclass=pool.NullPool, creator=lambda: __import__('sqlite3').connect('project.db')",
    );
    let sandbox = linear(&env, &[("a1", "op.execute('CREATE TABLE t (a)')", "pass")]);
    let output = run(&sandbox, "sqlite:///project.db", &["upgrade", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    for text in [
        "creator",
        "connect_args",
        "`sqlite3.connect` at migrations/env.py:7",
    ] {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
}

#[test]
fn reports_what_a_failed_revision_leaves_in_mariadb() {
    let server = MariaDb::start();
    server.create_database("d");
    let failing = "\
op.execute('CREATE TABLE t (a int PRIMARY KEY)')
op.execute('INSERT INTO t VALUES (1)')
op.execute('INSERT INTO t VALUES (1)')";
    let sandbox = linear(&sync_env(""), &[("a1", failing, "pass")]);
    let url = server.url("mysql+pymysql", "d");
    let output = run(&sandbox, &url, &["upgrade", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("DDL statements can't be rolled back"),
        "{}",
        output.stderr
    );
    assert_eq!(server.sql("d", "SELECT count(*) FROM t").trim(), "0");
}
