//! Processes that a script forks: they can't use the connection of the run, and don't disturb it.

use limbeck_testkit::{MariaDb, Postgres, Sandbox, Tls, all_pythons};

use crate::support::{INI, async_env, limbeck, linear, run, sync_env, to_command_output};

/// The project's module `forked`. A child opens an engine of its own, and reports what it sees.
const MODULE: &str = r"
import os

import sqlalchemy as sa

def query(number):
    engine = sa.create_engine(os.environ['SYNC_URL'])
    with engine.connect() as connection:
        return connection.execute(sa.text('SELECT %d' % number)).scalar()

def attempt(number):
    try:
        return query(number)
    except Exception as error:
        return '%s: %s' % (type(error).__name__, str(error).splitlines()[0])

def expect_refusals(found):
    for text in found:
        assert 'a forked process can\'t use limbeck\'s connection' in str(text), text
";

/// A revision that forks in each way, while the run's own connection is in a transaction.
const REVISION: &str = "
import concurrent.futures, multiprocessing, os, time
import forked
from concurrent.futures import ProcessPoolExecutor
bind = op.get_bind()
fork = multiprocessing.get_context('fork')
op.execute('CREATE TABLE t (n int)')
own = [bind.execute(sa.text('SELECT %d' % number)).scalar() for number in range(3)]
assert own == [0, 1, 2], own

# A pool's children, with results in both directions.
with fork.Pool(3) as pool:
    waiting = pool.map_async(forked.attempt, range(30))
    while not waiting.ready():
        assert bind.execute(sa.text('SELECT 7')).scalar() == 7
    forked.expect_refusals(waiting.get(60))
    # The exception reaches the parent.
    try:
        pool.apply_async(forked.query, (1,)).get(60)
    except Exception as error:
        forked.expect_refusals([error])
    else:
        raise AssertionError('no error')
with ProcessPoolExecutor(2, mp_context=fork) as executor:
    try:
        executor.submit(forked.query, 1).result(60)
    except sa.exc.OperationalError as error:
        forked.expect_refusals([error])
        # The driver's exception: psycopg2, pymysql.err, sqlite3.
        assert type(error.orig).__module__.split('.')[0].rstrip('3') in os.environ['SYNC_URL'], type(error.orig)
    else:
        raise AssertionError('no error')

# Children that use, close and drop the run's own connection.
def child(act):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            act()
            text = 'done'
        except BaseException as error:
            text = str(error)
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    with open(read) as file:
        text = file.read()
    assert os.waitpid(pid, 0)[1] == 0
    return text
forked.expect_refusals([child(lambda: bind.execute(sa.text('INSERT INTO t VALUES (666)')))])
forked.expect_refusals([child(lambda: bind.connection.dbapi_connection.cursor().execute('INSERT INTO t VALUES (667)'))])
assert child(lambda: bind.connection.dbapi_connection.rollback()) == 'done'
assert child(lambda: bind.connection.dbapi_connection.close()) == 'done'
assert child(lambda: bind.engine.dispose()) == 'done'
assert child(lambda: bind.invalidate()) == 'done'

# A child that leaves the script, and so the whole program.
# In a forked process, asyncio refuses to end its loop.
is_async = 'asyncpg' in os.environ['DATABASE_URL']
for leave, status in ((None, 1),) if is_async else ((None, 1), (0, 0), (5, 5)):
    pid = os.fork()
    if pid == 0:
        if leave is None:
            raise RuntimeError('the child has failed')
        raise SystemExit(leave)
    assert os.WEXITSTATUS(os.waitpid(pid, 0)[1]) == status
op.execute('INSERT INTO t VALUES (1)')
assert bind.execute(sa.text('SELECT n FROM t')).scalars().all() == [1]
";

fn project(env: &str) -> Sandbox {
    let sandbox = linear(env, &[("a1", REVISION, "pass")]);
    sandbox.write(
        "alembic.ini",
        &INI.replace("[alembic]", "[alembic]\nprepend_sys_path = ."),
    );
    sandbox.write("forked.py", MODULE);
    sandbox
}

fn check(env: &str, python: &std::path::Path, url: &str, sync_url: &str) {
    let sandbox = project(env);
    let mut command = sandbox.command(&limbeck(), Some(python));
    command
        .env("DATABASE_URL", url)
        .env("SYNC_URL", sync_url)
        .args(["upgrade", "head"]);
    let output = to_command_output(&command.output().expect("limbeck starts"));
    assert_eq!(output.status, 0, "{}", output.stderr);
    assert!(
        output.stderr.contains("RuntimeError: the child has failed"),
        "{}",
        output.stderr
    );
    assert_eq!(
        output.stderr.matches("Exception during reset").count(),
        0,
        "{}",
        output.stderr
    );
    let current = run(&sandbox, url, &["current"]);
    assert!(current.stdout.starts_with("a1"), "{}", current.stdout);
}

#[test]
fn postgresql() {
    let server = Postgres::start(Tls::Off);
    for (number, python) in all_pythons().iter().enumerate() {
        let name = format!("n{number}");
        server.create_database(&name);
        let url = server.url("postgresql+psycopg2", &name, "");
        check(&sync_env(""), python, &url, &url);
    }
    server.create_database("asynchronous");
    let url = server.url("postgresql+asyncpg", "asynchronous", "");
    let sync_url = server.url("postgresql+psycopg", "asynchronous", "");
    check(
        &async_env("", ""),
        &limbeck_testkit::python(),
        &url,
        &sync_url,
    );
}

#[test]
fn mariadb() {
    let server = MariaDb::start();
    server.create_database("app");
    let url = server.url("mysql+pymysql", "app");
    check(&sync_env(""), &limbeck_testkit::python(), &url, &url);
}

#[test]
fn sqlite() {
    let folder = Sandbox::new();
    let url = format!("sqlite:///{}", folder.path().join("app.db").display());
    check(&sync_env(""), &limbeck_testkit::python(), &url, &url);
}

#[test]
fn a_child_that_lives_on_does_not_hide_the_end_of_the_run() {
    let folder = Sandbox::new();
    let url = format!("sqlite:///{}", folder.path().join("app.db").display());
    let die = "\
import os, signal, time
if os.fork() == 0:
    os.closerange(0, 3)
    time.sleep(60)
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)";
    let sandbox = linear(&sync_env(""), &[("a1", die, "pass")]);
    let start = std::time::Instant::now();
    let output = run(&sandbox, &url, &["upgrade", "head"]);
    assert!(start.elapsed().as_secs() < 30);
    assert_eq!(output.status, 137, "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("the Python worker exited unexpectedly"),
        "{}",
        output.stderr
    );
}
