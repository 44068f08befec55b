"""Comparisons of cursors on the server, which `stream_results` and named cursors use, with the drivers' own."""
import functools

import sqlalchemy as sa

from . import both, servers, test_postgresql
from .test_raw_connections import Seen

try:
    import asyncpg  # noqa: F401
    import psycopg  # noqa: F401
    import psycopg2  # noqa: F401
except ImportError as error:
    raise servers.without_drivers(error)

setUpModule = test_postgresql.setUpModule


def open_cursors(connection):
    return connection.exec_driver_sql("SELECT count(*) FROM pg_cursors").scalar()


def streams(connection):
    """Stream results in several ways, and look at the cursors that the server has."""
    seen = Seen()
    streaming = functools.partial(connection.execute, execution_options={"stream_results": True})
    numbers = sa.text("SELECT n, 'x' || n AS x FROM generate_series(1, :count) n")
    for count in (0, 1, 7, 200):
        result = streaming(numbers, {"count": count})
        seen.see(lambda: (list(result.keys()), result.fetchone(), result.fetchmany(3), len(result.fetchall())))
    result = connection.execute(numbers, {"count": 60}, execution_options={"yield_per": 25})
    seen.see(lambda: [len(part) for part in result.partitions()])
    result = connection.execute(numbers, {"count": 900}, execution_options={"stream_results": True, "max_row_buffer": 100})
    seen.see(lambda: [row.n for row in result][-3:])
    seen.see(lambda: connection.execute(sa.text("SELECT * FROM nowhere"), execution_options={"stream_results": True}))
    connection.rollback()
    # A cursor that is open while other statements run.
    connection.exec_driver_sql("CREATE TEMP TABLE streamed AS SELECT n FROM generate_series(1, 300) n")
    result = streaming(sa.text("SELECT n FROM streamed ORDER BY n"))
    for row in result:
        if row.n % 100 == 0:
            connection.execute(sa.text("UPDATE streamed SET n = n + 1000 WHERE n = :n"), {"n": row.n})
    seen.see(lambda: connection.exec_driver_sql("SELECT count(*) FROM streamed WHERE n > 1000").scalar())
    result = streaming(sa.text("SELECT n FROM streamed"))
    result.close()
    seen.see(lambda: connection.dialect.supports_server_side_cursors)
    connection.rollback()
    return seen


def named_cursors_of_psycopg2(connection):
    seen, raw = Seen(), connection.connection.dbapi_connection
    raw.rollback()
    state = lambda: (
        cursor.rowcount, cursor.rownumber, cursor.query and cursor.query.split(b"FOR")[-1], cursor.statusmessage,
        cursor.description and [item.name for item in cursor.description],
    )
    cursor = raw.cursor("it's \"own\"")
    seen.see(cursor.fetchone)
    raw.rollback()
    cursor = raw.cursor("one")
    seen.see(lambda: cursor.execute("SELECT n FROM generate_series(1, %s) n -- comment", (10,)))
    seen.see(lambda: cursor.query)
    seen.see(state)
    for call in (
        cursor.fetchone, cursor.fetchmany, lambda: cursor.fetchmany(2), lambda: next(cursor), cursor.fetchone,
        lambda: cursor.scroll(-2), lambda: cursor.scroll(1), cursor.fetchone, lambda: cursor.scroll(1, "odd"),
        cursor.fetchall, cursor.fetchone, cursor.fetchall, lambda: cursor.fetchmany(4),
    ):
        seen.see(call)
        seen.see(state)
    seen.see(lambda: cursor.execute("SELECT 2"))
    seen.see(lambda: cursor.executemany("SELECT 2", [()]))
    seen.see(lambda: cursor.callproc("now"))
    seen.see(cursor.close)
    seen.see(cursor.fetchone)
    seen.see(lambda: open_cursors(connection))

    cursor = raw.cursor("lasting", withhold=True, scrollable=True)
    cursor.itersize = 2
    cursor.execute("SELECT n FROM generate_series(1, 5) n")
    seen.see(lambda: cursor.query)
    raw.commit()
    seen.see(lambda: [row for row in cursor])
    seen.see(lambda: (cursor.scroll(0, "absolute"), cursor.fetchone()))
    seen.see(lambda: (cursor.scroll(-1), cursor.fetchone()))
    seen.see(cursor.close)
    seen.see(lambda: open_cursors(connection))
    raw.commit()

    cursor = raw.cursor("short")
    cursor.execute("SELECT n FROM generate_series(1, 5) n")
    raw.commit()
    seen.see(cursor.fetchone)
    with raw.cursor("no", scrollable=False) as cursor:
        cursor.execute("VALUES (1), (2)")
        seen.see(lambda: cursor.scroll(-1))
    raw.rollback()
    cursor = raw.cursor("insert")
    seen.see(lambda: cursor.execute("INSERT INTO nowhere VALUES (1)"))
    seen.see(cursor.close)
    raw.rollback()
    raw.autocommit = True
    seen.see(lambda: raw.cursor("auto").execute("SELECT 1"))
    with raw.cursor("held", withhold=True) as cursor:
        seen.see(lambda: cursor.execute("SELECT 1"))
        seen.see(cursor.fetchall)
    raw.autocommit = False
    return seen


def named_cursors_of_psycopg(connection):
    seen, raw = Seen(), connection.connection.dbapi_connection
    raw.rollback()
    state = lambda: (
        cursor.rowcount, cursor.rownumber, cursor.description and [item.name for item in cursor.description], cursor.name,
        cursor.scrollable, cursor.withhold,
    )
    cursor = raw.cursor("one")
    seen.see(lambda: cursor.execute("SELECT n FROM generate_series(1, %s) n", (10,)) is cursor)
    seen.see(state)
    for call in (
        cursor.fetchone, cursor.fetchmany, lambda: cursor.fetchmany(2), lambda: cursor.scroll(1), cursor.fetchone,
        lambda: cursor.scroll(1, "odd"), cursor.fetchall, cursor.fetchone, cursor.fetchall,
    ):
        seen.see(call)
        seen.see(state)
    seen.see(lambda: cursor.execute("SELECT 2").fetchall())
    seen.see(lambda: cursor.executemany("SELECT 2", [()]))
    seen.see(cursor.close)
    seen.see(cursor.fetchone)
    seen.see(lambda: open_cursors(connection))
    with raw.cursor("lasting", withhold=True, scrollable=True) as cursor:
        cursor.itersize = 2
        cursor.execute("SELECT n FROM generate_series(1, 5) n")
        raw.commit()
        seen.see(lambda: [row for row in cursor])
        seen.see(lambda: (cursor.scroll(0, "absolute"), cursor.fetchone()))
        seen.see(state)
    raw.commit()
    with raw.cursor("insert") as cursor:
        seen.see(lambda: cursor.execute("INSERT INTO nowhere VALUES (1)"))
    raw.rollback()
    with raw.cursor("rows", row_factory=psycopg.rows.dict_row) as cursor:
        seen.see(lambda: cursor.execute("SELECT 1 AS a, 'x' AS b").fetchall())
    raw.rollback()
    raw.autocommit = True
    with raw.cursor("auto") as cursor:
        seen.see(lambda: cursor.execute("SELECT 1"))
    raw.autocommit = False
    return seen


class ServerCursors(both.Case):
    def test_streams_results(self):
        for name in ("psycopg2", "psycopg", "psycopg_async", "asyncpg"):
            with self.subTest(name):
                self.both(name, streams)

    def test_fetches_rows_only_when_they_are_needed(self):
        def act(connection):
            connection.exec_driver_sql("CREATE TEMP SEQUENCE read")
            query = sa.text("SELECT n, nextval('read') FROM generate_series(1, 10000) n")
            result = connection.execute(query, execution_options={"stream_results": True})
            rows = [result.fetchone().n, result.fetchone().n]
            last = connection.exec_driver_sql("SELECT last_value < 200 FROM read").scalar()
            result.close()
            return rows, last

        for name in ("psycopg2", "psycopg", "psycopg_async", "asyncpg"):
            with self.subTest(name):
                self.assertEqual(self.both(name, act), ([1, 2], True))

    def test_named_cursors_of_psycopg2(self):
        self.both("psycopg2", named_cursors_of_psycopg2)

    def test_named_cursors_of_psycopg(self):
        self.both("psycopg", named_cursors_of_psycopg)
