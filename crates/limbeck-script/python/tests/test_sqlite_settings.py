"""Comparisons of the settings of a SQLite connection with those of Python's own `sqlite3`."""
import asyncio
import importlib
import os
import sqlite3
import sys
import tempfile
import unittest

import sqlalchemy as sa
from limbeck_worker.dbapi import errors
from limbeck_worker.dialects import asyncio_extension, sqlite
from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.engine import url as urls

from .host import SqliteHost
from .test_sqlite import TABLE, Case, outcome


class DetectTypes(Case):
    DECLARED = {"a": "DATE", "b": "timestamp", "c": "datetime", "n": "INTEGER", "m": "Money(5, 2)", "z": "point extra", "e": ""}
    # The declared types of the columns that the queries rename.
    RENAMED = {"b [timestamp]": "timestamp", "n[money]": "INTEGER", "x [unknown]": "datetime", "y [date": "DATE", "[date]": "DATE", "b [money]": "DATE"}
    VALUES = (
        "('2024-01-02', '2024-01-02 03:04:05.000006', '2024-01-02', 5, 5, 'x', ''),"
        "('2024-01-02', '2024-01-02 03:04:05', NULL, NULL, 1.5, x'00ff', NULL),"
        "(NULL, '2024-01-02 03:04:05.12', 1, 'x', -0.0, x'', 1e100)"
    )
    QUERIES = [
        "SELECT a, b, c, n, m, z, e FROM d",
        "SELECT m FROM d WHERE typeof(m) = 'real'",
        'SELECT b AS "b [timestamp]", n AS "n[money]", c AS "x [unknown]", a AS "y [date", a AS "[date]" FROM d',
        'SELECT a AS "b [money]" FROM d',
        "SELECT 'it' AS \"it [POINT] [date]\"",
    ]

    def test_converts_columns_by_their_names_and_declared_types(self):
        sqlite3.register_converter("money", lambda text: ("money", text))
        sqlite3.register_converter("point", lambda text: ("point", text))
        for name in ("MONEY", "POINT"):
            self.addCleanup(sqlite3.converters.pop, name)
        for detect_types in range(4):
            for query in self.QUERIES:
                with self.subTest(detect_types=detect_types, query=query):

                    def act(connection):
                        columns = ", ".join("%s %s" % item for item in self.DECLARED.items())
                        connection.execute("CREATE TABLE d (%s)" % columns)
                        connection.execute("INSERT INTO d VALUES " + self.VALUES)
                        cursor = connection.execute(query)
                        return cursor.description, repr(cursor.fetchall())

                    ours, real = self.both(detect_types=detect_types)
                    self.host.declared = {**self.DECLARED, **self.RENAMED}
                    self.assertEqual(outcome(act, ours), outcome(act, real))

    def test_rejects_malformed_values(self):
        for text in ("'x'", "'2024-01-02'", "'2024-01-02 03:04'", "'2024-01-02 03:04:05.1.2'"):
            self.compare(lambda connection: connection.execute('SELECT %s AS "a [timestamp]"' % text).fetchall(), detect_types=2)


class Factories(Case):
    def test_uses_the_text_factory(self):
        for text_factory in (str, bytes, bytearray, lambda text: text.decode("latin-1"), lambda text: 1 // 0):

            def act(connection):
                connection.text_factory = text_factory
                return connection.execute("SELECT 'a', 'ü', x'ff41', 5, NULL").fetchall()

            def broken(connection):
                connection.text_factory = text_factory
                return connection.execute("SELECT 'a', CAST(x'ff41' AS TEXT)").fetchall()

            self.compare(act)
            self.compare(broken)

    def test_rejects_text_that_is_not_utf_8(self):
        def act(connection):
            try:
                # Before Python 3.11, `execute` itself reads the first row.
                return connection.execute("SELECT CAST(x'ff41' AS TEXT) AS a").fetchall()
            except Exception as error:
                return type(error).__name__, str(error)

        self.compare(act)

    def test_rows_have_names(self):
        def act(connection):
            connection.row_factory = sqlite3.Row
            row, other = connection.execute("SELECT 1 AS a, 'x' AS B UNION ALL SELECT 1, 'x'").fetchall()
            try:
                row["c"]
            except IndexError as error:
                missing = str(error)
            return (
                tuple(row), row["a"], row["b"], row[0], row[-1], row[0:1], row.keys(), len(row), list(row), row == other,
                row != other, hash(row) == hash(other), dict(row), row == (1, "x"), isinstance(row, sqlite3.Row), missing,
            )

        self.compare(act)
        self.compare(lambda connection: setattr(connection, "row_factory", sqlite3.Row) or connection.execute("SELECT 1").fetchone()[1])

    def test_a_cursor_has_its_own_row_factory(self):
        def act(connection):
            connection.row_factory = lambda cursor, row: ["connection", *row]
            cursor = connection.cursor()
            seen = [cursor.execute("SELECT 1").fetchone()]
            connection.row_factory = None
            seen.append(cursor.execute("SELECT 1").fetchall())
            cursor.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3")
            cursor.row_factory = lambda cursor, row: {cursor.description[0][0]: row[0]}
            seen.append((cursor.fetchone(), cursor.fetchmany(1), list(cursor)))
            cursor.row_factory = None
            return seen, cursor.execute("SELECT 1").fetchall()

        self.compare(act)


class Statements(Case):
    def test_rejects_statements_and_parameters_like_sqlite3(self):
        cases = [
            ("SELECT 1\0; SELECT 2", ()), (b"SELECT 1", ()), (None, ()), ("SELECT ?", {1}), ("SELECT 1", None), ("SELECT ?", 5),
            ("SELECT ?, ?", "ab"), ("SELECT ?", [1]), ("SELECT ?", range(1)),
        ]
        for sql, parameters in cases:
            with self.subTest(sql=sql, parameters=parameters):
                self.compare(lambda connection: connection.execute(sql, parameters).fetchall())
        if sys.version_info >= (3, 11):
            self.compare(lambda connection: connection.executescript("SELECT 1;\0 SELECT 2"))


class Autocommit(Case):
    ACTS = [
        lambda connection: connection.execute(TABLE),
        lambda connection: connection.execute("INSERT INTO t (a) VALUES ('a')"),
        lambda connection: connection.commit(),
        lambda connection: connection.execute("INSERT INTO t (a) VALUES ('b')"),
        lambda connection: connection.rollback(),
        lambda connection: connection.executescript("INSERT INTO t (a) VALUES ('c')"),
        lambda connection: connection.execute("PRAGMA foreign_keys = ON"),
        lambda connection: connection.execute("SAVEPOINT s"),
        lambda connection: connection.execute("INSERT INTO t (a) VALUES ('d')"),
        lambda connection: connection.execute("ROLLBACK TO s"),
        lambda connection: connection.__exit__(None, None, None),
        lambda connection: connection.execute("COMMIT"),
        lambda connection: connection.execute("INSERT INTO t (a) VALUES ('e')"),
        lambda connection: connection.commit(),
        lambda connection: connection.__exit__(ValueError, ValueError(), None),
        lambda connection: setattr(connection, "isolation_level", None),
        lambda connection: setattr(connection, "autocommit", True),
        lambda connection: connection.execute("INSERT INTO t (a) VALUES ('f')"),
        lambda connection: setattr(connection, "autocommit", False),
        lambda connection: connection.execute("INSERT INTO t (a) VALUES ('g')"),
        lambda connection: setattr(connection, "autocommit", -1),
        lambda connection: setattr(connection, "autocommit", 7),
    ]

    def test_each_mode_controls_transactions(self):
        for arguments in ({}, {"autocommit": True}, {"autocommit": False}, {"autocommit": -1, "isolation_level": None}):
            with self.subTest(arguments=arguments):
                if sys.version_info < (3, 12) and "autocommit" in arguments:
                    for connect in (self.ours, self.real):
                        self.assertRaises(TypeError, connect, **arguments)
                    continue

                def act(connection):
                    seen = []
                    for step in self.ACTS:
                        seen.append(outcome(lambda connection: (step(connection), None)[1], connection))
                        seen.append((connection.in_transaction, getattr(connection, "autocommit", "none")))
                    return seen, connection.execute("SELECT a FROM t").fetchall()

                self.compare(act, **arguments)


class Names(Case):
    def test_the_connection_is_an_instance_of_sqlite3s_class(self):
        connection = self.ours()
        self.assertIsInstance(connection, sqlite3.Connection)
        self.assertIsInstance(connection.cursor(), sqlite3.Cursor)
        self.assertNotIsInstance(connection, sqlite3.Cursor)

    def test_exceptions_are_instances_of_sqlite3s_classes(self):
        for name in errors.NAMES[1:]:
            self.assertIs(getattr(self.ours(), name), getattr(errors, name))

        def act(connection):
            connection.execute(TABLE)
            seen = []
            for text in ("SELECT * FROM nope", "INSERT INTO t VALUES (1, 1), (2, 1)", "SELECT :a"):
                for kind in (sqlite3.IntegrityError, sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.Error, connection.Error):
                    try:
                        connection.execute(text, {})
                    except kind as error:
                        seen.append((kind.__name__, str(error)[:20], type(error).__module__))
                    except Exception:
                        seen.append("other")
            return seen

        self.compare(act)

    def test_rejects_methods_that_need_sqlites_handle(self):
        connection = self.ours()
        for use in (
            lambda: connection.backup(None),
            lambda: list(connection.iterdump()),
            lambda: connection.load_extension("mod_spatialite"),
        ):
            with self.assertRaisesRegex(errors.NotSupportedError, "limbeck's SQLite connection"):
                use()
        with self.assertRaises(AttributeError):
            connection.nonsense

    def test_rejects_a_connection_class_of_the_project(self):
        class Own(sqlite3.Connection):
            pass

        with self.assertRaisesRegex(errors.NotSupportedError, "`Own`.*`factory`"):
            self.ours(factory=Own)
        self.ours(factory=sqlite3.Connection)

    def test_run_async_awaits_the_connection(self):
        connection = self.ours()

        async def work(inner):
            await inner.execute("CREATE TABLE t (a)")
            await inner.executemany("INSERT INTO t VALUES (?)", [(1,), (2,)])
            async with inner.execute("SELECT a FROM t") as cursor:
                rows = [row async for row in cursor]
            cursor = await inner.cursor()
            await cursor.execute("SELECT sum(a) FROM t")
            return rows, await cursor.fetchone(), inner.isolation_level

        self.assertEqual(connection.run_async(work), ([(1,), (2,)], (3,), ""))


class Dialect(unittest.TestCase):
    def setUp(self):
        self.host = SqliteHost()
        sqlite._classes.clear()
        self.addCleanup(sqlite._classes.clear)
        for name, class_name in (("sqlite", "pysqlite"), ("sqlite.pysqlite", "pysqlite"), ("sqlite.aiosqlite", "aiosqlite")):
            old = registry.impls.get(name)
            registry.impls[name] = lambda class_name=class_name: sqlite.synchronous_class(class_name, self.host)
            self.addCleanup(registry.impls.__setitem__ if old else registry.impls.pop, name, *([old] if old else []))

    def test_the_usual_listener_enables_foreign_keys(self):
        engine = sa.create_engine("sqlite://")

        @event.listens_for(engine, "connect")
        def switch_on(connection, record):
            if isinstance(connection, sqlite3.Connection):
                connection.execute("PRAGMA foreign_keys = ON")

        with engine.connect() as connection:
            self.assertEqual(connection.exec_driver_sql("PRAGMA foreign_keys").scalar(), 1)
        engine.dispose()

    def test_an_asynchronous_engine_has_an_awaitable_driver_connection(self):
        asyncio_extension.apply()
        asynchronous = importlib.import_module("sqlalchemy.ext.asyncio")
        engine = asynchronous.create_async_engine("sqlite+aiosqlite://")

        async def work():
            async with engine.connect() as connection:
                inner = (await connection.get_raw_connection()).driver_connection
                cursor = await inner.execute("SELECT 5")
                return await cursor.fetchall(), (await connection.exec_driver_sql("SELECT 6")).scalar()

        self.assertEqual(asyncio.run(work()), ([(5,)], 6))

    def arguments(self, text):
        url = urls.make_url(text)
        return sa.create_engine(text, poolclass=sa.pool.NullPool).dialect.create_connect_args(url)[1]

    def test_resolves_a_path_in_the_current_folder(self):
        before = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                here = os.getcwd()
                self.assertEqual(self.arguments("sqlite:///a.db")["url"]["database"], here + "/a.db")
            finally:
                os.chdir(before)

    def test_opens_the_file_of_sqlalchemys_own_dialect(self):
        own = sa.dialects.sqlite.pysqlite.SQLiteDialect_pysqlite()
        for text in (
            "sqlite://", "sqlite:///:memory:", "sqlite:///a.db", "sqlite:////b/a.db", "sqlite:///a b.db", "sqlite:///a%20b%2520.db",
            "sqlite:///ü.db", "sqlite:///file:a.db", "sqlite:///file:a.db?uri=true", "sqlite:///file:a.db?mode=ro&uri=true",
            "sqlite:///file:a.db?uri=false", "sqlite:///file:x?vfs=a&mode=memory&cache=shared&uri=true&timeout=3",
            "sqlite:///file::memory:?cache=shared&uri=true", "sqlite:///C:/a.db?timeout=5",
        ):
            for name in ("sqlite", "sqlite+aiosqlite"):
                with self.subTest(text=text, name=name):
                    (expected,), options = own.create_connect_args(urls.make_url(text))
                    found = self.arguments(text.replace("sqlite", name, 1))
                    parts = found.pop("url")
                    self.assertEqual((parts["database"], parts["query"], found), (expected, [], options))

    def test_passes_settings_of_the_url(self):
        # SQLAlchemy passes only the parameters that it converts to another type, so the isolation level is dropped.
        found = self.arguments("sqlite:///a.db?detect_types=3&isolation_level=IMMEDIATE&timeout=1")
        self.assertEqual((found["detect_types"], found["timeout"], "isolation_level" in found), (3, 1.0, False))
