//! Listeners of `connect` and `do_connect`, and connect arguments that are functions or classes.

use std::path::PathBuf;

use limbeck_testkit::{Postgres, Sandbox, Tls, all_pythons, reference_python};

use crate::support::{
    INI, async_env, limbeck, linear, run, run_alembic, sync_env, to_command_output,
};

/// Returns an asynchronous `env.py`. `prelude` defines the dictionary `arguments` and the function `listen`.
fn listening_env(prelude: &str) -> String {
    let lines = format!(
        "from sqlalchemy import event\nfrom sqlalchemy.engine import Engine\n\n{prelude}\n\nlisten(Engine)"
    );
    async_env(&lines, "connect_args=arguments")
}

/// Runs limbeck with the interpreter that has drivers.
fn run_reference(
    sandbox: &Sandbox,
    url: &str,
    arguments: &[&str],
) -> limbeck_testkit::CommandOutput {
    let mut command = sandbox.command(&limbeck(), Some(&reference_python()));
    let command = command.env("DATABASE_URL", url).args(arguments);
    to_command_output(&command.output().expect("limbeck starts"))
}

/// A revision that writes and reads a value of the enum `mood`, and of `bytea` in its binary form.
const MOODS: &str = "\
bind = op.get_bind()
op.execute('CREATE TABLE seen (n serial, m mood, b bytea, what text)')
import moods
bind.execute(sa.text('INSERT INTO seen (m, b) VALUES (:m, :b)'), {'m': moods.Mood.happy, 'b': b'abc'})
row = bind.exec_driver_sql('SELECT m, b FROM seen').one()
bind.execute(sa.text('INSERT INTO seen (what) VALUES (:what)'), {'what': repr(tuple(row))})";

const ASYNCPG_MOODS: &str = "\
import moods

arguments = {}

def listen(engine):
    async def register(connection):
        await connection.set_type_codec('mood', encoder=lambda mood: mood.name, decoder=moods.Mood.__getitem__)
        await connection.set_type_codec(
            'bytea', schema='pg_catalog', encoder=lambda data: data[::-1], decoder=lambda data: ('own', data), format='binary'
        )

    @event.listens_for(engine, 'connect')
    def connected(connection, record):
        connection.run_async(register)";

const PSYCOPG_MOODS: &str = "\
import moods

arguments = {}

def listen(engine):
    @event.listens_for(engine, 'connect')
    def connected(connection, record):
        from psycopg.types.enum import EnumInfo, register_enum

        async def register(own):
            register_enum(await EnumInfo.fetch(own, 'mood'), own, moods.Mood)

        connection.run_async(register)";

/// The listeners of a synchronous `env.py`, which imports its driver before it makes the engine.
const PSYCOPG2_MOODS: &str = "
import psycopg2.extensions
import sqlalchemy
from psycopg2.extensions import new_type, register_type
import moods

psycopg2.extensions.register_adapter(moods.Mood, lambda mood: psycopg2.extensions.AsIs(\"'%s'\" % mood.name))

@sqlalchemy.event.listens_for(engine, 'connect')
def connected(connection, record):
    cursor = connection.cursor()
    cursor.execute(\"SELECT 'mood'::regtype::oid\")
    mood = new_type(cursor.fetchone(), 'MOOD', lambda text, cursor: None if text is None else moods.Mood[text])
    register_type(mood, connection)
    register_type(new_type((17,), 'BYTEA', lambda text, cursor: text), connection)
    connection.rollback()

";

/// Creates a project with one revision and the module `moods`.
fn moods(env: &str, script: &str) -> Sandbox {
    let sandbox = linear(env, &[("a1", script, "op.execute('DROP TABLE seen')")]);
    let ini = INI.replace("[alembic]", "[alembic]\nprepend_sys_path = .");
    sandbox.write("alembic.ini", &ini);
    sandbox.write(
        "moods.py",
        "import enum\n\nMood = enum.Enum('Mood', 'sad happy')\n",
    );
    sandbox
}

/// Upgrades a project with real Alembic and with limbeck, and compares the rows that the revision wrote.
fn check_moods(server: &Postgres, env: &str, script: &str, driver: &str, pythons: &[PathBuf]) {
    let sandbox = moods(env, script);
    let scheme = format!("postgresql+{driver}");
    let database = |name: &str| {
        let database = format!("{driver}_{name}");
        server.create_database(&database);
        server.sql(&database, "CREATE TYPE mood AS ENUM ('sad', 'happy')");
        (server.url(&scheme, &database, ""), database)
    };
    let rows = |database: &str| server.sql(database, "SELECT n, m, b, what FROM seen ORDER BY n");
    let (url, real) = database("real");
    run_alembic(&sandbox, &url, &["upgrade", "head"]).success();
    assert!(rows(&real).contains("happy"), "{}", rows(&real));
    for (index, python) in pythons.iter().enumerate() {
        let (url, ours) = database(&format!("ours{index}"));
        for arguments in [&["upgrade", "head", "--dry-run"][..], &["upgrade", "head"]] {
            let mut command = sandbox.command(&limbeck(), Some(python));
            let command = command.env("DATABASE_URL", &url).args(arguments);
            to_command_output(&command.output().expect("limbeck starts")).success();
        }
        assert_eq!(rows(&ours), rows(&real), "{driver}, {}", python.display());
    }
}

#[test]
fn types_that_a_listener_registers_have_their_values() {
    let server = Postgres::start(Tls::Off);
    let reference = [reference_python()];
    check_moods(
        &server,
        &listening_env(ASYNCPG_MOODS),
        MOODS,
        "asyncpg",
        &all_pythons(),
    );
    check_moods(
        &server,
        &listening_env(PSYCOPG_MOODS),
        MOODS,
        "psycopg",
        &reference,
    );
    let env = sync_env("").replace(
        "if context.is_offline_mode():",
        &format!("{PSYCOPG2_MOODS}if context.is_offline_mode():"),
    );
    check_moods(&server, &env, MOODS, "psycopg2", &reference);
}

#[test]
fn copies_values_of_registered_types() {
    let server = Postgres::start(Tls::Off);
    let env = sync_env("").replace(
        "if context.is_offline_mode():",
        "import sqlalchemy
from psycopg.types.enum import EnumInfo, register_enum

@sqlalchemy.event.listens_for(engine, 'connect')
def connected(connection, record):
    import moods
    register_enum(EnumInfo.fetch(connection, 'mood'), connection, moods.Mood)

if context.is_offline_mode():",
    );
    let copy = "\
import moods
op.execute('CREATE TABLE seen (n serial, m mood, b bytea, what text)')
with op.get_bind().connection.cursor() as cursor:
    with cursor.copy('COPY seen (m) FROM STDIN') as copy:
        copy.write_row((moods.Mood.happy,))";
    check_moods(&server, &env, copy, "psycopg", &[reference_python()]);

    // asyncpg's own COPY has the encoders, limbeck's would write other texts.
    let copy = "\
import moods
op.execute('CREATE TABLE seen (n serial, m mood, b bytea, what text)')
own = op.get_bind().connection.dbapi_connection
own.run_async(lambda raw: raw.copy_records_to_table('seen', records=[(moods.Mood.happy,)], columns=['m']))";
    let sandbox = moods(&listening_env(ASYNCPG_MOODS), copy);
    server.create_database("refused");
    server.sql("refused", "CREATE TYPE mood AS ENUM ('sad', 'happy')");
    let url = server.url("postgresql+asyncpg", "refused", "");
    let output = run(&sandbox, &url, &["upgrade", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    for text in ["copy_records_to_table", "mood", "executemany"] {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
}

/// asyncpg's arguments that are objects: the class renames prepared statements for a pooler.
const OBJECTS: &str = "\
import sys

async def token():
    await asyncio.sleep(0.01)
    return 'to' + 'ken'

class Connection(getattr(sys.modules.get('asyncpg'), 'Connection', object)):
    def _get_unique_id(self, prefix):
        return prefix + 'x'

arguments = {'password': token, 'connection_class': Connection}

def listen(engine):
    pass";

#[test]
fn accepts_a_class_and_a_function_for_the_password() {
    let server = Postgres::start(Tls::Off);
    server.sql(
        "postgres",
        "CREATE ROLE app SUPERUSER LOGIN PASSWORD 'token'",
    );
    server.configure(
        &[],
        "host all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust",
    );
    let script = "op.execute('CREATE TABLE t AS SELECT session_user AS name')";
    let url = |database: &str| {
        server.create_database(database);
        server
            .url("postgresql+asyncpg", database, "")
            .replace("postgres@", "app:wrong@")
    };
    let first = url("d0");
    assert!(first.contains("app:wrong@"), "{first}");
    for (index, python) in all_pythons().iter().enumerate() {
        let sandbox = linear(&listening_env(OBJECTS), &[("a1", script, "pass")]);
        let database = format!("d{index}");
        let url = if index == 0 {
            first.clone()
        } else {
            url(&database)
        };
        let mut command = sandbox.command(&limbeck(), Some(python));
        let command = command.env("DATABASE_URL", &url).args(["upgrade", "head"]);
        to_command_output(&command.output().expect("limbeck starts")).success();
        assert_eq!(server.sql(&database, "SELECT name FROM t").trim(), "app");
    }

    let own = OBJECTS.replace("_get_unique_id", "fetch");
    let sandbox = linear(&listening_env(&own), &[("a1", script, "pass")]);
    let output = run(&sandbox, &first, &["upgrade", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    for text in [
        "`Connection`",
        "connection_class",
        "`fetch`",
        "_get_unique_id",
    ] {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
}

/// Adds a listener of `do_connect` to `sync_env`.
fn with_do_connect(body: &str) -> String {
    let lines: String = body.lines().map(|line| format!("    {line}\n")).collect();
    sync_env("").replace(
        "if context.is_offline_mode():",
        &format!(
            "import sqlalchemy\n\n@sqlalchemy.event.listens_for(engine, 'do_connect')\n\
             def connect(dialect, record, cargs, cparams):\n{lines}\nif context.is_offline_mode():"
        ),
    )
}

#[test]
fn a_listener_that_calls_the_driver_gets_the_hosts_connection() {
    let server = Postgres::start(Tls::Off);
    let script = "op.execute('CREATE TABLE t AS SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()')";
    for (index, (scheme, module)) in [
        ("postgresql+psycopg2", "psycopg2"),
        ("postgresql+psycopg", "psycopg"),
        ("postgresql+psycopg", "psycopg.Connection"),
    ]
    .iter()
    .enumerate()
    {
        let body = format!(
            "import psycopg, psycopg2\ncparams['application_name'] = 'listener'\nreturn {module}.connect(*cargs, **cparams)"
        );
        let sandbox = linear(&with_do_connect(&body), &[("a1", script, "pass")]);
        let database = format!("d{index}");
        server.create_database(&database);
        let url = server.url(scheme, &database, "");
        run_reference(&sandbox, &url, &["upgrade", "head"]).success();
        assert_eq!(server.sql(&database, "SELECT * FROM t").trim(), "listener");
    }
}

#[test]
fn refuses_a_connection_of_the_project_before_it_is_open() {
    let server = Postgres::start(Tls::Off);
    server.configure(
        &[("log_connections", "on")],
        "host all all 127.0.0.1/32 trust",
    );
    server.create_database("d");
    let url = server.url("postgresql+psycopg2", "d", "");
    let dsn = server.url("postgresql", "d", "");
    let creator = sync_env("").replace(
        "poolclass=pool.NullPool",
        &format!(
            "poolclass=pool.NullPool,\n    creator=lambda: __import__('psycopg2').connect('{dsn}')"
        ),
    );
    let listener = with_do_connect(&format!(
        "import psycopg2\nreturn psycopg2.connect('{dsn}')"
    ));
    for env in [creator, listener] {
        let sandbox = linear(
            &env,
            &[("a1", "op.execute('CREATE TABLE t (a int)')", "pass")],
        );
        let line = 1 + env
            .lines()
            .position(|line| line.contains(".connect('"))
            .expect("the line");
        let output = run_reference(&sandbox, &url, &["upgrade", "head"]);
        assert_eq!(output.status, 1, "{}", output.stderr);
        for text in [
            format!("`psycopg2.connect` at migrations/env.py:{line}"),
            "DATABASE_URL".into(),
            "creator".into(),
            "local port".into(),
        ] {
            assert!(output.stderr.contains(&text), "{text}: {}", output.stderr);
        }
        assert!(!server.log().contains("database=d"), "{}", server.log());
    }
}

#[test]
fn refuses_an_asynchronous_creator_without_calling_it() {
    let lines = "async def connect():\n    raise AssertionError('reached')";
    let env = async_env(lines, "async_creator=connect");
    let sandbox = linear(&env, &[("a1", "pass", "pass")]);
    let line = 1 + env
        .lines()
        .position(|line| line.starts_with("async def connect"))
        .expect("the line");
    let url = "postgresql+asyncpg://u@localhost:1/d";
    let output = run_reference(&sandbox, url, &["upgrade", "head"]);
    assert_eq!(output.status, 1, "{}", output.stderr);
    let place = format!("`connect` at migrations/env.py:{line}");
    assert!(output.stderr.contains(&place), "{place}: {}", output.stderr);
    assert!(!output.stderr.contains("reached"), "{}", output.stderr);
}

#[test]
fn psycopg2_reports_the_parameters_of_the_connection() {
    let server = Postgres::start(Tls::Off);
    server.create_database("d");
    let env = sync_env("").replace(
        "if context.is_offline_mode():",
        "import sqlalchemy

@sqlalchemy.event.listens_for(engine, 'connect')
def connected(connection, record):
    parameters = connection.get_dsn_parameters()
    print('dsn', [parameters[name] for name in ('host', 'port', 'user', 'dbname')], 'password' in parameters, connection.poll())

if context.is_offline_mode():",
    );
    let sandbox = linear(&env, &[("a1", "pass", "pass")]);
    let url = server.url("postgresql+psycopg2", "d", "");
    let line = |output: &str| {
        let line = output.lines().find(|line| line.starts_with("dsn"));
        line.unwrap_or_default().to_owned()
    };
    let ours = run_reference(&sandbox, &url, &["upgrade", "head"]).success();
    let real = run_alembic(&sandbox, &url, &["upgrade", "head"]).success();
    assert!(line(&ours.stdout).contains("'d'"), "{}", ours.stdout);
    assert_eq!(line(&ours.stdout), line(&real.stdout));
}
