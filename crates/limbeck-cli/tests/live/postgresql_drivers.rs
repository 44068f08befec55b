//! Exceptions, values, raw cursors, large objects and two-phase commits that a script sees, with every version of SQLAlchemy.

use limbeck_testkit::{Postgres, Tls, all_pythons};

use crate::support::{limbeck, linear, run_alembic, sync_env, to_command_output};

const SCRIPT: &str = r#"
bind = op.get_bind()
op.execute('CREATE TABLE seen (n serial, what text NOT NULL)')
def note(*what):
    bind.execute(sa.text('INSERT INTO seen (what) VALUES (:what)'), {'what': ' | '.join(map(str, what))})
for text in ('SELECT * FROM nowhere', 'INSERT INTO seen (what) VALUES (NULL)', "SELECT 'x'::int", 'SELEC'):
    try:
        with bind.begin_nested():
            bind.execute(sa.text(text))
    except sa.exc.DBAPIError as error:
        orig = error.orig
        code = getattr(orig, 'sqlstate', None) or orig.pgcode
        note(type(error).__name__, type(orig).__module__, type(orig).__name__, code, str(error).split('\n')[0])
for expression in ("'{\"a\": [1.5]}'::jsonb", "'10.0.0.1'::inet", "'[1,2]'::json", "'\\x6162'::bytea", "'a'::text", "1.50"):
    value = bind.execute(sa.text('SELECT ' + expression.replace('::', '\\:\\:'))).scalar()
    note(type(value).__name__, bytes(value) if isinstance(value, memoryview) else repr(value))
typed = sa.text("SELECT CAST('ab' AS bytea) AS b, CAST('[1]' AS jsonb) AS j").columns(b=sa.LargeBinary, j=sa.JSON)
note(*[repr(value) for value in bind.execute(typed).fetchone()])
cursor = bind.connection.cursor()
cursor.execute("SELECT 1 AS a, 'it''s' AS b")
note(cursor.fetchall(), cursor.rowcount, [column[0] for column in cursor.description])
cursor.close()
streamed = bind.execute(sa.text('SELECT n FROM generate_series(1, 2000) n').execution_options(stream_results=True))
note([next(streamed).n, *(len(part) for part in streamed.partitions(700))], bind.dialect.supports_server_side_cursors)
if bind.dialect.driver == 'psycopg2':
    made = bind.connection.lobject(0, 'wb')
    note(made.write(b'it is large'), made.seek(-5, 2), made.read())
    made.close()
    made.unlink()
with bind.engine.connect() as other:
    for name, end in (('one', 'commit'), ('two', 'rollback')):
        transaction = other.begin_twophase(name)
        other.execute(sa.text('CREATE TABLE phases_%s (a int)' % name))
        transaction.prepare()
        getattr(transaction, end)()
note(bind.execute(sa.text("SELECT to_regclass('phases_one'), to_regclass('phases_two'), count(*) FROM pg_prepared_xacts")).fetchone())
"#;

fn check(driver: &str) {
    let server = Postgres::start(Tls::Off);
    let project = linear(&sync_env(""), &[("a1", SCRIPT.trim(), "pass")]);
    let seen = |database: &str| server.sql(database, "select what from seen order by n");
    let scheme = format!("postgresql+{driver}");
    // Real Alembic can't run a synchronous `env.py` with asyncpg. limbeck runs it as after converting the URL.
    let mirrored = if driver == "asyncpg" {
        "psycopg2"
    } else {
        driver
    };
    server.create_database("real");
    run_alembic(
        &project,
        &server.url(&format!("postgresql+{mirrored}"), "real", ""),
        &["upgrade", "head"],
    )
    .success();
    let expected = seen("real");
    for (index, python) in all_pythons().iter().enumerate() {
        let database = format!("ours{index}");
        server.create_database(&database);
        let output = project
            .command(&limbeck(), Some(python))
            .env("DATABASE_URL", server.url(&scheme, &database, ""))
            .args(["upgrade", "head"])
            .output()
            .expect("limbeck starts");
        to_command_output(&output).success();
        assert_eq!(seen(&database), expected, "{}", python.display());
    }
}

#[test]
fn psycopg2() {
    check("psycopg2");
}

#[test]
fn psycopg() {
    check("psycopg");
}

#[test]
fn asyncpg() {
    check("asyncpg");
}
