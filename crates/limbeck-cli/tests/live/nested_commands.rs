//! Commands of Alembic's inside a run, on another project and on the same one: the databases are as with Alembic.

use limbeck_testkit::{CommandOutput, Postgres, Sandbox, Tls};

use crate::support::{INI, linear, run, run_alembic, sync_env};

/// Returns an `env.py` with a version table of its own, which runs `lines` first.
fn env(table: &str, lines: &str) -> String {
    let env = sync_env(&format!(
        ", version_table='{table}', transaction_per_migration=True"
    ));
    env.replace(
        "literal_binds=True",
        &format!("literal_binds=True, version_table='{table}'"),
    )
    .replace("engine = create", &format!("{lines}\nengine = create"))
}

/// Creates a project with the revisions `a1` and `a2`, and beside it the project of `other.ini` with `b1` and `b2`.
/// `env.py` runs `in_env` first; the upgrade to `a2` runs `in_script` between two statements.
fn projects(in_env: &str, in_script: &str) -> Sandbox {
    let script = format!(
        "op.create_table('a2', sa.Column('id', sa.Integer))\n{in_script}\nop.execute('insert into a2 values (1)')"
    );
    let sandbox = linear(
        &env("versions_a", in_env),
        &[
            (
                "a1",
                "op.create_table('a1', sa.Column('id', sa.Integer))",
                "pass",
            ),
            ("a2", &script, "pass"),
        ],
    );
    sandbox.write("other.ini", &INI.replace("/migrations", "/other"));
    sandbox.write("other/env.py", &env("versions_b", ""));
    for (id, down) in [("b1", "None"), ("b2", "'b1'")] {
        sandbox.write(
            &format!("other/versions/{id}.py"),
            &format!(
                "from alembic import op\nrevision = '{id}'\ndown_revision = {down}\n\
                 def upgrade():\n    op.execute('create table {id} (id int)')\n"
            ),
        );
    }
    sandbox
}

const IMPORT: &str = "from alembic import command\nfrom alembic.config import Config\n";

type Program = fn(&Sandbox, &str, &[&str]) -> CommandOutput;

/// Returns the exit status, standard output, and the tables with the version rows, of Alembic and of limbeck.
fn results(
    in_env: &str,
    in_script: &str,
    read: &dyn Fn(&str, &Sandbox) -> String,
    url: &dyn Fn(&str, &Sandbox) -> String,
) -> Vec<(i32, String, String, String)> {
    let programs: [(&str, Program); 2] = [("alembic", run_alembic), ("limbeck", run)];
    let results = programs.map(|(name, program)| {
        let project = projects(in_env, in_script);
        let output = program(&project, &url(name, &project), &["upgrade", "head"]);
        let left = read(name, &project);
        (output.status, output.stdout, left, output.stderr)
    });
    results.into()
}

/// The code in `env.py`, the code in the script, and a text that the database or the output must contain.
fn cases() -> Vec<(String, String, &'static str)> {
    let other = |call: &str| format!("{IMPORT}{call}");
    let upgrade = other("command.upgrade(Config('other.ini'), 'head')");
    vec![
        (upgrade.clone(), "pass".into(), "b2"),
        (String::new(), upgrade, "b2"),
        (
            String::new(),
            other("command.stamp(Config('other.ini'), 'b1')"),
            "b1",
        ),
        (
            String::new(),
            other("command.current(Config('alembic.ini'))"),
            "a1",
        ),
        (
            String::new(),
            other("command.upgrade(Config('other.ini'), 'head', sql=True)"),
            "create table b2",
        ),
    ]
}

fn compare(read: &dyn Fn(&str, &Sandbox) -> String, url: &dyn Fn(&str, &Sandbox) -> String) {
    for (in_env, in_script, expected) in cases() {
        let results = results(&in_env, &in_script, read, url);
        let [alembic, limbeck] = &results[..] else {
            panic!("two results")
        };
        let place = format!("{in_env}{in_script}: {}", limbeck.3);
        assert_eq!(limbeck.0, alembic.0, "{place}");
        assert_eq!(limbeck.1, alembic.1, "{place}");
        assert_eq!(limbeck.2, alembic.2, "{place}");
        assert!(
            limbeck.1.contains(expected) || limbeck.2.contains(expected),
            "{place}"
        );
        assert!(!limbeck.3.contains("waiting for"), "{place}");
    }
}

#[test]
fn leave_what_alembic_leaves_in_postgresql() {
    let server = Postgres::start(Tls::Off);
    let names = std::cell::RefCell::new(0);
    let url = |who: &str, _: &Sandbox| {
        *names.borrow_mut() += 1;
        let name = format!("{who}{}", names.borrow());
        server.create_database(&name);
        server.url("postgresql+psycopg2", &name, "")
    };
    let read = |who: &str, _: &Sandbox| {
        let name = format!("{who}{}", names.borrow());
        let mut left = server.sql(
            &name,
            "select tablename from pg_tables where schemaname = 'public' order by 1",
        );
        for table in ["versions_a", "versions_b", "a2"] {
            if left.lines().any(|line| line == table) {
                left += &server.sql(&name, &format!("select '{table}', * from {table}"));
            }
        }
        left
    };
    compare(&read, &url);
}

#[test]
fn leave_what_alembic_leaves_in_sqlite() {
    let url =
        |_: &str, project: &Sandbox| format!("sqlite:///{}", project.path().join("db").display());
    let read = |_: &str, project: &Sandbox| {
        let connection =
            rusqlite::Connection::open(project.path().join("db")).expect("the database opens");
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).expect("the table exists");
            let rows = statement.query_map([], |row| row.get(0));
            let rows = rows.expect("the query runs");
            rows.map(|row| row.expect("a text")).collect()
        };
        let mut left =
            texts("select name from sqlite_master where type = 'table' order by 1").join(" ");
        for table in ["versions_a", "versions_b"] {
            if left.contains(table) {
                left +=
                    &texts(&format!("select '{table}: ' || version_num from {table}")).join(" ");
            }
        }
        left
    };
    compare(&read, &url);
}

#[test]
fn two_version_tables_in_one_sqlite_file_need_one_lock() {
    let env = "import os
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ['DATABASE_URL'], poolclass=pool.NullPool)
for table in ('one', 'two'):
    with engine.connect() as connection:
        context.configure(connection=connection, version_table=table)
        with context.begin_transaction():
            context.run_migrations()
";
    let project = linear(env, &[("a1", "pass", "pass")]);
    let url = format!("sqlite:///{}", project.path().join("db").display());
    let output = run(&project, &url, &["upgrade", "head"]);
    assert_eq!(output.status, 0, "{}", output.stderr);
    let connection =
        rusqlite::Connection::open(project.path().join("db")).expect("the database opens");
    for table in ["one", "two"] {
        let sql = format!("select version_num from {table}");
        let row: String = connection
            .query_row(&sql, [], |row| row.get(0))
            .expect("the version row");
        assert_eq!(row, "a1");
    }
}
