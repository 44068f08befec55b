//! COPY through each driver's own methods, compared with real Alembic.

use std::fmt::Write as _;

use limbeck_testkit::{Postgres, Tls, reference_python};

use crate::support::{async_env, limbeck, linear, run, run_alembic, sync_env, to_command_output};

/// The start of each script: a table for data and one for observations.
const START: &str = r"
import datetime, decimal, io, tempfile, uuid
bind = op.get_bind()
raw = bind.connection.dbapi_connection
op.execute('CREATE TABLE seen (n serial, what text NOT NULL)')
op.execute('CREATE TABLE t (a int PRIMARY KEY, b text, c numeric)')
def note(*what):
    bind.execute(sa.text('INSERT INTO seen (what) VALUES (:what)'), {'what': ' | '.join(map(repr, what))})
def failing(act):
    nested = bind.begin_nested()
    try:
        note(act())
        nested.commit()
    except Exception as error:
        nested.rollback()
        note(type(error).__name__, getattr(error, 'sqlstate', None) or getattr(error, 'pgcode', None), str(error).strip().split('\n')[0])
";

const PSYCOPG2: &str = r#"
class Broken(io.StringIO):
    def read(self, size=-1):
        raise ValueError('the disk is gone')
class Wrong:
    def read(self, size):
        return 5
class NoRoom:
    def write(self, data):
        raise OSError('no room')
cursor = raw.cursor()
def state():
    return cursor.rowcount, cursor.statusmessage, cursor.description
cursor.copy_from(io.StringIO('1\tone\t1.5\n2\ttw\\to\t\\N\n'), 't')
note(cursor.query, *state())
cursor.copy_from(io.BytesIO(b'3|\xc3\xbc|-\n'), 't', sep='|', null='-', columns=('a', 'b', 'c'))
note(cursor.query, *state())
cursor.copy_expert("COPY t (a, b) FROM STDIN WITH (FORMAT csv, HEADER)", io.StringIO('a,b\n4,"x, ""y"""\n5,"two\nlines"\n'), size=3)
note(cursor.query, *state())
text, binary = io.StringIO(), io.BytesIO()
cursor.copy_to(text, 't', columns=['a', 'b'])
note(cursor.query, text.getvalue(), *state())
cursor.copy_to(binary, 't', sep=',', null='?')
note(cursor.query, binary.getvalue())
cursor.copy_expert('COPY (SELECT * FROM t ORDER BY a) TO STDOUT (FORMAT csv)', binary)
note(binary.getvalue(), *state())
binary = io.BytesIO()
cursor.copy_expert('COPY t TO STDOUT (FORMAT binary)', binary)
cursor.execute('DELETE FROM t')
binary.seek(0)
cursor.copy_expert('COPY t FROM STDIN (FORMAT binary)', binary)
note(*state())
cursor.copy_expert('SELECT 7', io.StringIO())
note(cursor.fetchall(), *state()[:2])
failing(lambda: cursor.copy_from(io.StringIO('x\tone\t1\n'), 't'))
failing(lambda: cursor.copy_from(io.StringIO('1\tone\t1\n'), 't'))
failing(lambda: cursor.copy_from(io.StringIO(''), 'nowhere'))
failing(lambda: cursor.copy_from(Broken(), 't'))
failing(lambda: cursor.copy_from(Wrong(), 't'))
failing(lambda: cursor.copy_from(5, 't'))
failing(lambda: cursor.copy_to(5, 't'))
failing(lambda: cursor.copy_expert('COPY t TO STDOUT', 5))
failing(lambda: cursor.copy_expert(5, io.StringIO()))
failing(lambda: cursor.copy_to(NoRoom(), 't'))
failing(lambda: cursor.copy_from(io.StringIO('9\tnine\t9\n'), 't'))
with tempfile.TemporaryFile('w+') as file:
    file.write('10\tten\t10\n')
    file.seek(0)
    cursor.copy_from(file, 't')
    cursor.copy_to(file, 't')
    file.seek(0)
    note(file.read())
"#;

const PSYCOPG: &str = r#"
cursor = raw.cursor()
def state():
    return cursor.rowcount, cursor.statusmessage, cursor.description
with cursor.copy('COPY t FROM STDIN') as copy:
    copy.write('1\tone\t1.5\n')
    copy.write(b'2\ttw')
    copy.write(b'\\to\t\\N\n')
note(*state())
with cursor.copy('COPY t (a, b, c) FROM STDIN') as copy:
    for row in [(3, 'ü\t\\\n', None), (4, '', decimal.Decimal('1E+3')), [5, 'it\'s', 2]]:
        copy.write_row(row)
note(*state())
with cursor.copy('COPY t FROM STDIN (FORMAT binary)') as copy:
    copy.set_types(['int4', 'text', 'numeric'])
    copy.write_row((6, 'six', decimal.Decimal('6.6')))
    copy.write_row((7, None, None))
note(*state())
with cursor.copy('COPY (SELECT * FROM t ORDER BY a) TO STDOUT') as copy:
    got = [bytes(part) for part in copy], type(copy.read()).__name__
note(*got, cursor.rowcount)
with cursor.copy('COPY (SELECT * FROM t WHERE a < %s ORDER BY a) TO STDOUT', (4,)) as copy:
    copy.set_types(['int4', 'text', 'numeric'])
    got = list(copy.rows()), copy.read_row()
note(*got)
with cursor.copy('COPY (SELECT a, b FROM t ORDER BY a) TO STDOUT (FORMAT binary)') as copy:
    copy.set_types(['int4', 'text'])
    got = copy.read_row(), list(copy.rows())
note(*got)
for form in ('text', 'binary'):
    with cursor.copy('COPY (SELECT a, b, c FROM t ORDER BY a) TO STDOUT (FORMAT %s)' % form) as copy:
        got = list(copy.rows())
    note(got)
with cursor.copy('COPY t TO STDOUT (FORMAT binary)') as copy:
    got = b''.join(bytes(part) for part in copy)
note(got)
def write(text, then=None, sql='COPY t FROM STDIN'):
    with cursor.copy(sql) as copy:
        copy.write(text)
        if then:
            raise then
failing(lambda: write('x\tone\t1\n'))
failing(lambda: write('1\tone\t1\n'))
failing(lambda: write('20\tone\t1\n', ValueError('the disk is gone')))
failing(lambda: write('', sql='COPY nowhere FROM STDIN'))
failing(lambda: write('', sql='SELECT 1'))
failing(lambda: write('text', sql='COPY t FROM STDIN (FORMAT binary)'))
def stop():
    with cursor.copy("COPY (SELECT repeat('x', 1000), generate_series(1, 10000000)) TO STDOUT") as copy:
        for part in copy:
            raise KeyError('enough')
failing(stop)
failing(lambda: write('21\tend\t1\n'))
note(bind.execute(sa.text('SELECT a, b FROM t ORDER BY a')).fetchall())
"#;

const PSYCOPG_ASYNC: &str = r"
async def act(connection):
    got = []
    async with connection.cursor() as cursor:
        async with cursor.copy('COPY t FROM STDIN') as copy:
            await copy.write('1\tone\t1.5\n')
            await copy.write_row((2, 'two', None))
        got.append(cursor.rowcount)
        async with cursor.copy('COPY t TO STDOUT') as copy:
            got += [bytes(part) async for part in copy]
        async with cursor.copy('COPY t TO STDOUT') as copy:
            copy.set_types(['int4', 'text', 'numeric'])
            got.append(await copy.read_row())
            got += [row async for row in copy.rows()]
        got.append(cursor.rowcount)
    return got
note(raw.run_async(act))
async def fail(connection):
    async with connection.cursor() as cursor:
        async with cursor.copy('COPY t FROM STDIN') as copy:
            await copy.write('3\tthree\t1.5\n')
            raise KeyError('gone')
failing(lambda: raw.run_async(fail))
";

const ASYNCPG: &str = r#"
import asyncpg, pathlib
def call(name, *args, **kwargs):
    return raw.run_async(lambda connection: getattr(connection, name)(*args, **kwargs))
async def several():
    yield b'3\tth'
    yield b'ree\t\\N\n'
async def records():
    yield (33, 'async', None)
op.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
op.execute("CREATE TABLE every (i int, s smallint, l bigint, f float8, n numeric, t text, v varchar(9), y bytea, d date, ts timestamp, tz timestamptz, e interval, u uuid, j jsonb, b bool, la int[], lt text[], m mood, ip inet, r int4range)")
note(call('copy_to_table', 't', source=io.BytesIO(b'1\tone\t1.5\n2\ttw\\to\t\\N\n')))
note(call('copy_to_table', 't', source=several(), columns=['a', 'b', 'c'], schema_name='public'))
note(call('copy_to_table', 't', source=bytearray(b'4,"x, ""y"""\n'), columns=['a', 'b'], format='csv', delimiter=',', header=False))
note(call('copy_records_to_table', 't', records=[(5, 'ü\t\\\n', decimal.Decimal('1.10')), (6, None, 7)]))
note(call('copy_records_to_table', 't', records=records(), columns=('a', 'b', 'c')))
note(call('copy_records_to_table', 't', records=[(40, 'where'), (41, 'not')], columns=['a', 'b'], where='a < 41'))
zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
note(call('copy_records_to_table', 'every', records=[
    (1, 2, 2 ** 40, 0.1, decimal.Decimal('-1E-5'), 'a\\b', 'v', b'\x00\xff\\', datetime.date(2024, 2, 29), datetime.datetime(2024, 1, 2, 3, 4, 5, 6),
     datetime.datetime(2024, 1, 2, tzinfo=zone), datetime.timedelta(days=-1, seconds=5, microseconds=7), uuid.UUID(int=5), '{"a": ["\\\\"]}', True,
     [1, None, 3], ['a "b" \\ , {}', '', None, 'NULL'], 'ok', '10.0.0.1', None),
    (None,) * 20,
    (0, 0, 0, float('inf'), decimal.Decimal('NaN'), '', '', b'', datetime.date(1, 1, 1), datetime.datetime(1, 1, 1), datetime.datetime(9999, 1, 1, tzinfo=zone),
     datetime.timedelta(), str(uuid.UUID(int=6)), 'null', False, [[1, 2], [3, 4]], [], 'sad', None, None),
]))
note(bind.execute(sa.text('SELECT every::text FROM every')).fetchall())
output = io.BytesIO()
note(call('copy_from_table', 't', output=output, columns=['a', 'b']), output.getvalue())
output = io.BytesIO()
note(call('copy_from_query', 'SELECT a, b FROM t WHERE a < $1 AND b <> $2 ORDER BY a', 40, "x'", output=output, format='csv', force_quote=['b']), output.getvalue())
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder, 'data')
    note(call('copy_from_table', 't', output=path, format='binary'), path.read_bytes())
    op.execute('DELETE FROM t')
    note(call('copy_to_table', 't', source=str(path), format='binary'))
async def collect(data):
    parts.append(data)
parts = []
note(call('copy_from_query', 'SELECT a FROM t ORDER BY a', output=collect), b''.join(parts))
failing(lambda: call('copy_to_table', 't', source=bytearray(b"x\tone\t1\n")))
failing(lambda: call('copy_to_table', 't', source=bytearray(b"1\tone\t1\n")))
failing(lambda: call('copy_to_table', 'nowhere', source=bytearray()))
failing(lambda: call('copy_from_table', 't', output=5))
async def broken():
    yield b'90\tlost\t1\n'
    raise KeyError('gone')
failing(lambda: call('copy_to_table', 't', source=broken()))
for values in [('1', 'x', 1), (1, 2, 3), (1, b'x', 1), (1, 'x', 'many'), (2 ** 40, 'x', 1), (1, 'x'), (1.5, 'x', 1)]:
    try:
        with bind.begin_nested():
            call('copy_records_to_table', 't', records=[values])
            note('stored', values)
    except Exception:
        note('refused', values)
note(bind.execute(sa.text('SELECT a, b FROM t ORDER BY a')).fetchall())
"#;

fn check(driver: &str, env: &str, script: &str) {
    let server = Postgres::start(Tls::Off);
    let script = format!("{}{script}", START.trim_start());
    let project = linear(env, &[("a1", &script, "pass")]);
    let seen = |database: &str| server.sql(database, "select what from seen order by n");
    let scheme = format!("postgresql+{driver}");
    for database in ["real", "ours"] {
        server.create_database(database);
    }
    let real = server.url(&scheme, "real", "");
    run_alembic(&project, &real, &["upgrade", "head"]).success();
    let output = project
        .command(&limbeck(), Some(&reference_python()))
        .env("DATABASE_URL", server.url(&scheme, "ours", ""))
        .args(["upgrade", "head"])
        .output()
        .expect("limbeck starts");
    to_command_output(&output).success();
    let (expected, found) = (seen("real"), seen("ours"));
    let pairs = found.lines().zip(expected.lines());
    let different: Vec<_> = pairs
        .filter(|(found, expected)| found != expected)
        .collect();
    let mut text = String::new();
    for (found, expected) in &different {
        let _ = writeln!(text, "limbeck: {found}\n{driver}: {expected}\n");
    }
    assert!(different.is_empty(), "{text}");
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn psycopg2() {
    check("psycopg2", &sync_env(""), PSYCOPG2);
}

#[test]
fn psycopg() {
    check("psycopg", &sync_env(""), PSYCOPG);
}

#[test]
fn psycopg_async() {
    check("psycopg", &async_env("", ""), PSYCOPG_ASYNC);
}

#[test]
fn asyncpg() {
    check("asyncpg", &async_env("", ""), ASYNCPG);
}

/// A script that copies `SIZE` MB in and out, and returns the growth of the memory of both processes.
const STREAM: &str = r"
import os
SIZE = 96
class Rows:
    left = SIZE
    def read(self, size):
        self.left -= 1
        return b'%d\t%s\n' % (self.left, b'x' * (1 << 20)) if self.left >= 0 else b''
class Sink:
    length = 0
    def write(self, data):
        self.length += len(data)
def peaks():
    found = []
    for process in 'self', os.getppid():
        with open('/proc/%s/status' % process) as status:
            found += [int(line.split()[1]) for line in status if line.startswith('VmHWM')]
    return found
before = peaks()
sink, cursor = Sink(), op.get_bind().connection.cursor()
cursor.execute('CREATE TABLE seen (n serial, what text); CREATE TABLE t (a int, b text)')
cursor.copy_from(Rows(), 't')
cursor.copy_to(sink, 't')
assert sink.length > SIZE << 20
growth = max(after - before for after, before in zip(peaks(), before))
cursor.execute('INSERT INTO seen (what) VALUES (%s)', (str(growth),))
";

#[test]
fn streams_with_flat_memory() {
    let server = Postgres::start(Tls::Off);
    let project = linear(&sync_env(""), &[("a1", STREAM.trim_start(), "pass")]);
    let url = server.url("postgresql+psycopg2", "postgres", "");
    run(&project, &url, &["upgrade", "head"]).success();
    let growth = server.sql("postgres", "select what from seen");
    let kibibytes: u64 = growth.trim().parse().expect("a number");
    assert!(kibibytes < 32 * 1024, "{kibibytes} KiB for 96 MB");
}

#[test]
fn a_failed_copy_is_reported_with_its_statement() {
    let server = Postgres::start(Tls::Off);
    let script = "import io
op.execute('CREATE TABLE t (a int)')
op.get_bind().connection.cursor().copy_from(io.StringIO('1\\nx\\n'), 't')";
    let project = linear(&sync_env(""), &[("a1", script, "pass")]);
    let url = server.url("postgresql+psycopg2", "postgres", "");
    let output = run(&project, &url, &["upgrade", "head"]);
    assert_eq!(output.status, 1);
    for part in [
        "invalid input syntax for type integer: \"x\"",
        "--> migrations/versions/a1.py:",
        "COPY \"t\" FROM stdin",
        "COPY t, line 2, column a: \"x\"",
        "the database is still at <base>",
    ] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
}

#[test]
fn a_dry_run_copies_and_rolls_back() {
    let server = Postgres::start(Tls::Off);
    let script = "import io
op.execute('CREATE TABLE t (a int)')
op.get_bind().connection.cursor().copy_from(io.StringIO('1\\n2\\n'), 't')
assert op.get_bind().execute(sa.text('SELECT count(*) FROM t')).scalar() == 2";
    let project = linear(&sync_env(""), &[("a1", script, "pass")]);
    let url = server.url("postgresql+psycopg2", "postgres", "");
    let output = run(&project, &url, &["upgrade", "head", "--dry-run"]);
    output.success();
    let tables = "select count(*) from pg_class where relname = 't'";
    assert_eq!(server.sql("postgres", tables).trim(), "0");
}
