"""Comparisons of the drivers' own connections and cursors, which scripts get from `op.get_bind().connection`."""
import asyncio
import logging

import sqlalchemy as sa

from limbeck_worker.dbapi import errors

from . import both, servers, test_postgresql

try:
    import asyncpg  # noqa: F401
    import psycopg
    import psycopg.rows
    import psycopg.sql
    import psycopg2
    import psycopg2.extensions
    import psycopg2.extras
    import psycopg2.sql
except ImportError as error:
    raise servers.without_drivers(error)

setUpModule = test_postgresql.setUpModule


class Seen(list):
    """The results of calls; for an exception, its class and the first line of its text."""

    def see(self, call):
        try:
            self.append(call())
        except Exception as error:
            self.append((type(error).__name__, str(error).strip().partition("\n")[0]))


def psycopg2_cursors(connection):
    seen, raw = Seen(), connection.connection
    cursor = raw.cursor()
    state = lambda: (cursor.statusmessage, cursor.query, cursor.rowcount, cursor.rownumber, cursor.description and [
        tuple(item)[:2] for item in cursor.description
    ])
    seen.see(state)
    for text, given in (
        ("CREATE TEMP TABLE t (a int, b text)", None), ("INSERT INTO t VALUES (%s, %s)", (1, "ü")), ("SELECT * FROM t", None),
        ("SELECT 1; SELECT 2, 3", None), ("UPDATE t SET b = %(b)s", {"b": "x"}), ("SHOW TIME ZONE", None),
    ):
        seen.see(lambda: cursor.execute(text, given))
        seen.see(state)
        seen.see(cursor.fetchone)
        seen.see(lambda: cursor.rownumber)
    composed = psycopg2.sql.SQL("SELECT {}, {} FROM {} WHERE a = {} AND b = {}").format(
        psycopg2.sql.Identifier("b"), psycopg2.sql.Literal("it's"), psycopg2.sql.Identifier("pg_temp", "t"), psycopg2.sql.Placeholder(),
        psycopg2.sql.Placeholder(),
    )
    seen.see(lambda: cursor.execute(composed, (1, "x")))
    seen.see(cursor.fetchall)
    seen.see(lambda: cursor.mogrify(composed, (1, "y")))
    seen.see(lambda: cursor.mogrify("SELECT %s", ("x",)))
    seen.see(lambda: cursor.query)
    seen.see(lambda: (cursor.callproc("upper", ["a"]), cursor.fetchall()))
    seen.see(lambda: (cursor.callproc("make_date", {"year": 2024, "month": 1, "day": 2}), cursor.fetchall()))
    for empty in ("", " ", ";", "-- nothing", None, 5, ["SELECT 1"]):
        seen.see(lambda: cursor.execute(empty))
        raw.rollback()
    connection.rollback()
    raw = connection.connection
    cursor = raw.cursor()
    seen.see(lambda: cursor.execute("CREATE TEMP TABLE t (a int, b text)"))
    for text, rows in (
        ("INSERT INTO t VALUES (%s, %s)", [(1, "a"), (2, "b")]), ("INSERT INTO t VALUES (%s, %s)", []),
        ("INSERT INTO t VALUES (%s, %s) RETURNING a", [(1, "a"), (2, "b")]), ("UPDATE t SET a = %s", [(1,), (2,), (3,)]),
    ):
        seen.see(lambda: cursor.executemany(text, rows))
        seen.see(lambda: (cursor.rowcount, cursor.statusmessage, cursor.description))
        seen.see(cursor.fetchall)
    raw.rollback()
    cursor.execute("SELECT generate_series(1, 3)")
    for move in ((1,), (5,), (0, "absolute"), (-1,), (2, "absolute"), (1, "odd")):
        seen.see(lambda: cursor.scroll(*move))
        seen.see(cursor.fetchone)
    seen.see(lambda: [row for row in cursor])
    return seen


def psycopg2_rows(connection):
    seen, raw = Seen(), connection.connection
    for arguments in (
        {"cursor_factory": psycopg2.extras.RealDictCursor}, {"cursor_factory": psycopg2.extras.DictCursor},
        {"cursor_factory": psycopg2.extras.NamedTupleCursor}, {"cursor_factory": psycopg2.extensions.cursor}, {"name": "server"},
        {"name": "server", "cursor_factory": psycopg2.extras.RealDictCursor},
    ):
        for fetch in ("fetchone", "fetchall", "fetchmany", "__iter__"):
            cursor = raw.cursor(**arguments)
            cursor.execute("SELECT a, 'x' AS b, a AS \"c d\" FROM generate_series(1, 2) AS a")
            rows = getattr(cursor, fetch)()
            rows = [rows] if fetch == "fetchone" else list(rows)
            seen.append([(type(row).__name__, repr(row)) for row in rows])
            cursor.close()
        if "name" not in arguments:
            cursor = raw.cursor(**arguments)
            cursor.execute("SELECT 1 AS a, 2 AS b")
            row = cursor.fetchone()
            seen.see(lambda: row["b"])
            seen.see(lambda: row[1])
            seen.see(lambda: row.b)
            seen.see(lambda: dict(row))
            cursor.execute("SELECT 3 AS z")
            seen.see(lambda: repr(cursor.fetchall()))
    return seen


def psycopg2_sessions(connection):
    seen, raw = Seen(), connection.connection.dbapi_connection
    facts = lambda: (
        raw.status, raw.isolation_level, raw.readonly, raw.deferrable, raw.autocommit, raw.closed, raw.encoding,
        raw.info.transaction_status, raw.info.dbname, raw.info.user, raw.get_transaction_status(), raw.isexecuting(),
        raw.get_parameter_status("server_encoding"), raw.server_version == raw.info.server_version, raw.protocol_version,
    )
    raw.rollback()
    seen.see(facts)
    cursor = raw.cursor()
    cursor.execute("SELECT pg_backend_pid()")
    seen.see(lambda: cursor.fetchone()[0] == raw.get_backend_pid() == raw.info.backend_pid)
    seen.see(facts)
    for name, value in (("autocommit", True), ("autocommit", False), ("isolation_level", 3), ("readonly", True), ("deferrable", True)):
        seen.see(lambda: setattr(raw, name, value))
    seen.see(facts)
    raw.rollback()
    for name, value in (
        ("isolation_level", "serializable"), ("readonly", True), ("deferrable", True), ("isolation_level", None), ("readonly", None),
        ("autocommit", True), ("autocommit", False), ("isolation_level", 9), ("isolation_level", 1),
    ):
        seen.see(lambda: setattr(raw, name, value))
        seen.see(facts)
    raw.set_session(isolation_level=3, autocommit=True)
    seen.see(facts)
    raw.autocommit = False
    cursor.execute("SET application_name TO 'own'")
    raw.commit()
    raw.reset()
    seen.see(facts)
    raw.set_client_encoding("UTF8")
    return seen


def psycopg_cursors(connection):
    seen, raw = Seen(), connection.connection.dbapi_connection
    cursor = raw.cursor()
    state = lambda: (cursor.statusmessage, cursor.rowcount, cursor.description and [tuple(item)[:2] for item in cursor.description])
    seen.see(state)
    for text in (
        "SELECT 1; SELECT 2", "CREATE TEMP TABLE t (a int)", "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2), (3)", "", ";", "-- x",
        "SELECT a FROM t ORDER BY a", b"SELECT 1",
    ):
        seen.see(lambda: cursor.execute(text) is cursor)
        seen.see(state)
        seen.see(cursor.fetchall)
        seen.see(cursor.nextset)
        seen.see(state)
        seen.see(cursor.fetchall)
        seen.see(cursor.nextset)
    for bad in (None, 5):
        seen.see(lambda: cursor.execute(bad))
    for text, arguments in (
        ("INSERT INTO t VALUES (%s)", {}), ("INSERT INTO t VALUES (%s) RETURNING a", {}),
        ("INSERT INTO t VALUES (%s) RETURNING a", {"returning": True}),
    ):
        seen.see(lambda: cursor.executemany(text, [(1,), (2,)], **arguments))
        seen.see(lambda: (cursor.rowcount, cursor.description and len(cursor.description)))
        seen.see(cursor.fetchall)
        seen.see(cursor.nextset)
        seen.see(cursor.fetchall)
    composed = psycopg.sql.SQL("SELECT {}, {} FROM {} WHERE a = {}").format(
        psycopg.sql.Identifier("a"), psycopg.sql.Literal("it's"), psycopg.sql.Identifier("pg_temp", "t"), psycopg.sql.Placeholder(),
    )
    seen.see(lambda: raw.execute(composed, (1,)).fetchone())
    sql, own = psycopg.sql, connection.connection.driver_connection
    for item in (
        composed, sql.Identifier('a"b', "c"), sql.Placeholder(), sql.Placeholder("x"), sql.SQL("{} {n}").format(1, n=sql.Identifier("z")),
        sql.SQL(", ").join(map(sql.Identifier, "ab")), *map(sql.Literal, ("it's", "a\\b", 5, -1.5, None, True, [1, 2], {"a": 1})),
    ):
        for context in (raw, own, cursor, None):
            seen.see(lambda: item.as_string(context))
            seen.see(lambda: item.as_bytes(context))
    seen.see(lambda: sql.quote("it's", raw))
    seen.see(lambda: raw.execute(sql.SQL("SELECT {}").format(sql.Literal(b"\x00\\'")).as_string(raw)).fetchone())
    seen.see(lambda: own.cursor().execute(composed, (1,)).fetchone())
    cursor.execute("SELECT generate_series(1, 3)")
    for move in ((1,), (5,), (0, "absolute"), (-1,), (1, "odd")):
        seen.see(lambda: cursor.scroll(*move))
        seen.see(cursor.fetchone)
    factories = [
        psycopg.rows.dict_row, psycopg.rows.namedtuple_row, psycopg.rows.scalar_row, psycopg.rows.tuple_row,
        psycopg.rows.kwargs_row(dict), psycopg.rows.args_row(lambda *values: values[::-1]),
    ]
    for factory in factories:
        seen.see(lambda: repr(raw.cursor(row_factory=factory).execute("SELECT 1 AS a, 'x' AS b").fetchall()))
    raw.row_factory = psycopg.rows.dict_row
    seen.see(lambda: raw.execute("SELECT 1 AS a").fetchone())
    return seen


def psycopg_sessions(connection):
    seen, raw = Seen(), connection.connection.dbapi_connection
    facts = lambda: (
        raw.isolation_level, raw.read_only, raw.deferrable, raw.autocommit, raw.closed, raw.broken, int(raw.info.transaction_status),
        raw.info.dbname, raw.info.user, raw.info.encoding,
    )
    raw.rollback()
    seen.see(facts)
    changes = (("autocommit", True), ("isolation_level", psycopg.IsolationLevel.SERIALIZABLE), ("read_only", True), ("deferrable", True))
    raw.execute("SELECT 1")
    for name, value in changes:
        seen.see(lambda: setattr(raw, name, value))
    raw.rollback()
    for name, value in (*changes, ("autocommit", False), ("isolation_level", None), ("isolation_level", 9), ("isolation_level", 2)):
        seen.see(lambda: setattr(raw, name, value))
        seen.see(facts)
    seen.see(lambda: raw.execute("SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')").fetchone())
    raw.rollback()
    raw.read_only = raw.deferrable = None
    notices = []
    raw.add_notice_handler(lambda diag: notices.append((diag.severity, diag.message_primary)))
    with raw.transaction():
        raw.execute("CREATE TABLE own (a int)")
        raw.execute("DROP TABLE IF EXISTS nowhere")
        for number in (1, 2, 3):
            try:
                with raw.transaction():
                    raw.execute("INSERT INTO own VALUES (%s)", (number,))
                    if number == 2:
                        raise RuntimeError
                    if number == 3:
                        raise psycopg.Rollback
            except RuntimeError:
                seen.append("rolled back")
    seen.see(lambda: raw.execute("SELECT a FROM own").fetchall())
    raw.execute("DROP TABLE own")
    raw.commit()
    seen.append(notices)
    raw.close()
    for call in (raw.commit, raw.cursor, lambda: raw.execute("SELECT 1")):
        seen.see(call)
    connection.invalidate()
    return seen


def asyncpgs_own(connection):
    seen = Seen()

    async def work(own):
        seen.append(await own.execute("CREATE TEMP TABLE t (a int, b text)"))
        seen.append(await own.execute("INSERT INTO t VALUES ($1, $2)", 1, "x"))
        await own.executemany("INSERT INTO t VALUES ($1, $2)", [(2, "y"), (3, None)])
        rows = await own.fetch("SELECT a, b FROM t ORDER BY a")
        seen.append([(row["a"], row[1], dict(row), tuple(row), list(row.keys()), row.get("c", 5), "b" in row, len(row)) for row in rows])
        seen.append(repr(rows[0]))
        seen.append(dict(await own.fetchrow("SELECT a FROM t WHERE a = $1", 2)))
        seen.append(await own.fetchrow("SELECT a FROM t WHERE a = 9"))
        seen.append((await own.fetchval("SELECT count(*) FROM t"), await own.fetchval("SELECT 1, 2", column=1), await own.fetchval("SELECT 1 WHERE false")))
        seen.append(own.is_in_transaction())
        async with own.transaction():
            await own.execute("DELETE FROM t WHERE a = 1")
            try:
                async with own.transaction():
                    await own.execute("DELETE FROM t")
                    raise RuntimeError
            except RuntimeError:
                seen.append((own.is_in_transaction(), await own.fetchval("SELECT count(*) FROM t")))
        await asyncio.sleep(0)
        return "done"

    connection.rollback()
    raw = connection.connection.dbapi_connection
    seen.append(raw.run_async(work))
    seen.append(raw.run_async(lambda own: own.fetchval("SELECT count(*) FROM t")))
    cursor = raw.cursor()
    seen.append((cursor.fetchall(), cursor.fetchone(), cursor.description))
    cursor.execute("SELECT a FROM t ORDER BY a")
    seen.append([tuple(row) for row in cursor.fetchall()])
    cursor.executemany("INSERT INTO t VALUES ($1, $2)", [(5, "a"), (6, "b")])
    seen.append(raw.run_async(lambda own: own.fetchval("SELECT count(*) FROM t")))
    raw.rollback()
    seen.append((raw.autocommit, raw.isolation_level and None))
    connection.exec_driver_sql("SELECT 1")
    connection.rollback()
    return list(seen)


class Raw(both.Case):
    def test_cursors_of_psycopg2(self):
        self.both("psycopg2", psycopg2_cursors)

    def test_rows_of_psycopg2(self):
        self.both("psycopg2", psycopg2_rows)

    def test_sessions_of_psycopg2(self):
        self.both("psycopg2", psycopg2_sessions)

    def test_cursors_of_psycopg(self):
        self.both("psycopg", psycopg_cursors)

    def test_sessions_of_psycopg(self):
        self.both("psycopg", psycopg_sessions)

    def test_asyncpgs_own_connection(self):
        expected = self.real("asyncpg", asyncpgs_own)

        # Without a greenlet of an event loop, the code must not suspend.
        async def sleep(seconds):
            pass

        before, asyncio.sleep = asyncio.sleep, sleep
        try:
            self.assertEqual(self.ours_of("asyncpg", asyncpgs_own), expected)
        finally:
            asyncio.sleep = before

    def test_rejects_features_of_the_drivers_that_limbeck_lacks(self):
        class Own(psycopg2.extensions.cursor):
            pass

        def of_psycopg2(connection):
            raw = connection.connection
            for call in (
                lambda: raw.cursor(cursor_factory=Own), lambda: raw.cursor(cursor_factory=psycopg2.extras.LoggingCursor),
            ):
                with self.assertRaisesRegex(psycopg2.NotSupportedError, "^limbeck's connection (has no|can't) .*: .*"):
                    call()

        def of_psycopg(connection):
            raw = connection.connection
            for call in (raw.pipeline, raw.notifies, lambda: raw.pgconn.socket):
                with self.assertRaisesRegex(psycopg.NotSupportedError, "^limbeck's connection has no .*: .*"):
                    call()

        def of_asyncpg(connection):
            raw = connection.connection
            with self.assertRaisesRegex(errors.NotSupportedError, "has no method `add_listener` of asyncpg"):
                raw.run_async(lambda own: own.add_listener("c", print))

        self.ours_of("psycopg2", of_psycopg2)
        self.ours_of("psycopg", of_psycopg)
        self.ours_of("asyncpg", of_asyncpg)

    def test_sets_isolation_levels(self):
        def act(connection):
            seen = Seen()
            for level in ("SERIALIZABLE", "REPEATABLE READ", "READ UNCOMMITTED", "AUTOCOMMIT", "READ COMMITTED", "SNAPSHOT"):
                connection.rollback()
                seen.see(lambda: connection.execution_options(isolation_level=level) and None)
                seen.see(lambda: connection.exec_driver_sql("SHOW transaction_isolation").scalar())
            return [item[0] if isinstance(item, tuple) else item for item in seen]

        for name in both.DRIVERS:
            with self.subTest(name):
                self.both(name, act)

    def test_engines_set_isolation_levels(self):
        def act(connection):
            return connection.exec_driver_sql("SHOW transaction_isolation").scalar(), connection.connection.dbapi_connection.autocommit

        for name in both.DRIVERS:
            for level in ("SERIALIZABLE", "AUTOCOMMIT"):
                with self.subTest(name, level=level):
                    self.both(name, act, isolation_level=level)
                    self.both(name, act, execution_options={"isolation_level": level})

    def test_connects_with_autocommit(self):
        def act(connection):
            raw = connection.connection.dbapi_connection
            connection.exec_driver_sql("CREATE TEMP TABLE lasting (a int)")
            connection.rollback()
            return raw.autocommit, connection.exec_driver_sql("SELECT count(*) FROM lasting").scalar()

        self.assertEqual(self.both("psycopg", act, connect_args={"autocommit": True}), (True, 0))

    def test_connects_with_a_row_class(self):
        def act(connection):
            cursor = connection.connection.cursor()
            cursor.execute("SELECT 1 AS a")
            return repr(cursor.fetchall())

        # Without SQLAlchemy's initialization, which can't read such rows.
        for name, arguments in (("psycopg2", {"cursor_factory": psycopg2.extras.RealDictCursor}), ("psycopg", {"row_factory": psycopg.rows.dict_row})):
            with self.subTest(name):
                self.both(name, act, connect_args=arguments, _initialize=False)

    def test_connections_are_context_managers(self):
        def act(connection):
            raw = connection.connection.dbapi_connection
            with raw as same:
                raw.cursor().execute("CREATE TEMP TABLE c (a int)")
            seen = [same is raw, bool(raw.closed)]
            connection.invalidate()
            return seen

        for name in ("psycopg2", "psycopg"):
            with self.subTest(name):
                self.assertEqual(self.both(name, act), [True, name == "psycopg"])

    def test_executemany_counts_rows(self):
        table = sa.table("counted", sa.column("a"))

        def act(connection):
            connection.exec_driver_sql("CREATE TEMP TABLE counted (a int)")
            one = connection.execute(sa.text("INSERT INTO counted VALUES (:a)"), [{"a": 1}, {"a": 2}]).rowcount
            two = connection.execute(table.update().values(a=sa.bindparam("b")), [{"b": 1}, {"b": 2}]).rowcount
            return one, two, connection.dialect.supports_sane_multi_rowcount

        for name in both.DRIVERS:
            with self.subTest(name):
                self.both(name, act)

    def test_logs_notices(self):
        class Kept(logging.Handler):
            def __init__(self):
                super().__init__()
                self.lines = []

            def emit(self, record):
                self.lines.append((record.levelname, record.getMessage()))

        def act(connection):
            kept, logger = Kept(), logging.getLogger("sqlalchemy.dialects.postgresql")
            level = logger.level
            logger.addHandler(kept)
            logger.setLevel(logging.INFO)
            try:
                connection.exec_driver_sql("DROP TABLE IF EXISTS nowhere")
                connection.exec_driver_sql("DO $$ BEGIN RAISE WARNING 'own' USING DETAIL = 'd', HINT = 'h'; END $$")
                connection.exec_driver_sql("CREATE TEMP TABLE a (a int PRIMARY KEY)")
                connection.exec_driver_sql("CREATE TEMP TABLE b (a int REFERENCES a)")
                connection.exec_driver_sql("DROP TABLE a CASCADE")
                raw = connection.connection.dbapi_connection
                left = list(getattr(raw, "notices", []))
                raw.cursor().execute("DROP TABLE IF EXISTS nowhere")
                return kept.lines, left, list(getattr(raw, "notices", []))
            finally:
                logger.removeHandler(kept)
                logger.setLevel(level)

        self.both("psycopg2", act)
        for name in ("psycopg", "asyncpg"):
            with self.subTest(name):
                self.assertEqual(self.both(name, lambda connection: act(connection)[:1])[0] == [], name == "asyncpg")
