"""Comparisons of SQLite's connection with Python's own `sqlite3`."""
import datetime
import decimal
import enum
import sqlite3
import unittest
import warnings

from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.base import Driver
from limbeck_worker.dbapi.error_names import ErrorNames
from limbeck_worker.dbapi.sqlite import SqliteConnection, changes_rows

from .host import SqliteHost

TABLE = "CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE)"


class Text(str):
    def __str__(self):
        return "not this"


class Colour(str, enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Point:
    def __conform__(self, protocol):
        return "1;2" if protocol is sqlite3.PrepareProtocol else None


class Case(unittest.TestCase):
    def setUp(self):
        # Newer versions of `sqlite3` deprecate the default adapters, and positions for named parameters.
        warnings.simplefilter("ignore", DeprecationWarning)
        self.addCleanup(warnings.resetwarnings)

    def ours(self, **arguments):
        self.host = SqliteHost()
        driver = Driver(self.host, SqliteConnection, "qmark", error_names=ErrorNames("sqlite3"))
        connection = driver.connect(url="sqlite://", **arguments)
        self.addCleanup(connection.close)
        return connection

    def real(self, **arguments):
        connection = sqlite3.connect(":memory:", **arguments)
        self.addCleanup(connection.close)
        return connection

    def both(self, **arguments):
        return self.ours(**arguments), self.real(**arguments)

    def compare(self, act, **arguments):
        """Call `act` with a connection of each; the results must be equal."""
        ours, real = self.both(**arguments)
        found, expected = outcome(act, ours), outcome(act, real)
        self.assertEqual(found, expected)


def outcome(act, connection):
    try:
        return act(connection)
    except Exception as error:
        return type(error).__name__


def state(connection, cursor):
    description = cursor.description and [tuple(item) for item in cursor.description]
    return description, cursor.rowcount, cursor.lastrowid, cursor.fetchall(), connection.in_transaction


class Statements(Case):
    def test_begins_before_statements_that_change_rows(self):
        texts = [
            "SELECT 1",
            "INSERT INTO t VALUES (5, 'x')",
            "insert into t values (6, 'y')",
            "  \n\tUPDATE t SET a = 1",
            "DELETE FROM t",
            "REPLACE INTO t VALUES (7, 'z')",
            "WITH x AS (SELECT 1 AS b) INSERT INTO t SELECT b, b FROM x",
            "CREATE TABLE u (a)",
            "PRAGMA user_version = 3",
            "PRAGMA user_version",
            "BEGIN",
            "BEGIN IMMEDIATE",
            "ANALYZE",
            "EXPLAIN SELECT 1",
            "SELECT 'INSERT'",
            "",
            "-- nothing",
            "INSERT INTO t (a) VALUES (1), (2) RETURNING id, a",
            "broken",
            "SELECT 1; SELECT 2",
        ]
        for isolation_level in ("", "IMMEDIATE", None):
            for text in texts:
                if "RETURNING" in text and sqlite3.sqlite_version_info < (3, 35):
                    continue
                if ";" in text and not hasattr(sqlite3, "SQLITE_MISUSE"):
                    # Before Python 3.11 this raises a Warning.
                    continue
                with self.subTest(text=text, isolation_level=isolation_level):

                    def act(connection):
                        connection.execute(TABLE)
                        connection.execute("INSERT INTO t VALUES (1, 'first')")
                        connection.commit()
                        cursor = connection.cursor()
                        cursor.execute(text)
                        if "RETURNING" in text or text in ("", "-- nothing"):
                            # The versions of `sqlite3` differ in the rest of the state.
                            return cursor.fetchall(), connection.in_transaction
                        return state(connection, cursor)

                    self.compare(act, isolation_level=isolation_level)

    def test_recognizes_statements_that_change_rows(self):
        rows = [
            ("INSERT INTO t VALUES (1)", True),
            ("/* why */ -- and\n /* how */ update t set a = 1", True),
            ("/* /* */ DELETE FROM t", True),
            ("-- INSERT", False),
            ("/* INSERT", False),
            ("WITH a AS (SELECT 1) DELETE FROM t", False),
            ("CREATE TABLE replaced (a)", False),
            ("", False),
        ]
        for text, expected in rows:
            with self.subTest(text):
                self.assertEqual(changes_rows(text), expected)

    def test_a_cursor_can_be_used_again(self):
        def act(connection):
            cursor = connection.cursor()
            seen = [(cursor.description, cursor.rowcount, cursor.lastrowid)]
            for text in (
                TABLE, "INSERT INTO t VALUES (5, 'x')", "SELECT * FROM t", "UPDATE t SET a = 'y'", "DELETE FROM t",
                "INSERT OR IGNORE INTO t VALUES (9, 'z')", "INSERT OR IGNORE INTO t VALUES (9, 'z')", "SELECT a FROM t",
            ):
                cursor.execute(text)
                seen.append(state(connection, cursor))
            return seen

        self.compare(act)

    def test_fetches_rows(self):
        def act(connection):
            cursor = connection.execute("SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4")
            return cursor.fetchone(), cursor.fetchmany(), cursor.fetchmany(5), cursor.fetchone(), list(cursor)

        self.compare(act)

        def without_rows(connection):
            cursor = connection.execute(TABLE)
            return cursor.fetchone(), cursor.fetchall(), cursor.fetchmany(3), list(cursor), list(connection.cursor())

        self.compare(without_rows)

    def test_executemany_runs_each_row(self):
        cases = [
            ("INSERT INTO t VALUES (?, ?)", [(1, "a"), (2, "b")]),
            ("INSERT INTO t VALUES (:id, :a)", [{"id": 1, "a": "x"}, {"id": 2, "a": "y"}]),
            ("INSERT INTO t (a) VALUES (?)", []),
            ("INSERT INTO t (a) VALUES (?)", [("a",), ("a",)]),
            ("UPDATE t SET a = ? WHERE id = ?", [("a", 1), ("b", 2)]),
            ("SELECT ?", [(1,)]),
            ("CREATE TABLE u (a)", [()]),
        ]
        for text, rows in cases:
            with self.subTest(text=text, rows=rows):

                def act(connection):
                    connection.execute(TABLE)
                    cursor = connection.cursor()
                    cursor.executemany(text, iter(rows))
                    return cursor.rowcount, cursor.description, connection.in_transaction, connection.execute(
                        "SELECT * FROM t"
                    ).fetchall()

                self.compare(act)

    def test_executescript_commits_first(self):
        def act(connection):
            connection.execute(TABLE)
            connection.execute("INSERT INTO t VALUES (1, 'a')")
            cursor = connection.executescript("INSERT INTO t VALUES (2, ';'); INSERT INTO t VALUES (3, '''');")
            return connection.in_transaction, cursor.fetchall(), connection.execute("SELECT * FROM t").fetchall()

        self.compare(act)

    def test_the_connection_controls_transactions(self):
        def committed(connection):
            connection.execute(TABLE)
            with connection:
                connection.execute("INSERT INTO t VALUES (1, 'a')")
            try:
                with connection:
                    connection.execute("INSERT INTO t VALUES (2, 'a')")
            except Exception as error:
                name = type(error).__name__
            connection.execute("INSERT INTO t VALUES (3, 'c')")
            connection.rollback()
            return name, connection.in_transaction, connection.execute("SELECT * FROM t").fetchall()

        self.compare(committed)

        def isolation(connection):
            connection.execute(TABLE)
            seen = [connection.isolation_level]
            connection.execute("INSERT INTO t VALUES (1, 'a')")
            connection.isolation_level = None
            seen.append((connection.in_transaction, connection.isolation_level))
            connection.execute("INSERT INTO t VALUES (2, 'b')")
            seen.append(connection.in_transaction)
            connection.isolation_level = "EXCLUSIVE"
            connection.execute("INSERT INTO t VALUES (3, 'c')")
            seen.append(connection.in_transaction)
            return seen

        self.compare(isolation)

        def wrong_level(connection):
            connection.isolation_level = "SERIALIZABLE"

        self.compare(wrong_level)

    def test_begins_with_the_isolation_level(self):
        connection = self.ours(isolation_level="IMMEDIATE")
        connection.execute(TABLE)
        connection.execute("INSERT INTO t VALUES (1, 2)")
        self.assertEqual(self.host.texts[1:], ["BEGIN IMMEDIATE", "INSERT INTO t VALUES (1, 2)"])

    def test_uses_the_row_factory(self):
        def act(connection):
            connection.row_factory = lambda cursor, row: {item[0]: value for item, value in zip(cursor.description, row)}
            return connection.execute("SELECT 1 AS a, 'x' AS b").fetchall()

        self.compare(act)

    def test_rejects_use_when_closed(self):
        uses = [
            lambda connection, cursor: connection.execute("SELECT 1"),
            lambda connection, cursor: connection.cursor(),
            lambda connection, cursor: cursor.execute("SELECT 1"),
            lambda connection, cursor: cursor.fetchone(),
        ]
        for index, use in enumerate(uses):

            def after_the_connection(connection):
                cursor = connection.cursor()
                connection.close()
                use(connection, cursor)

            def after_the_cursor(connection):
                cursor = connection.cursor()
                cursor.close()
                use(connection, cursor)
                return "fine"

            with self.subTest(index=index):
                self.compare(after_the_cursor)
                if use is not uses[-1]:
                    # As with aiosqlite, fetched rows can still be read.
                    self.compare(after_the_connection)


class Parameters(Case):
    VALUES = [
        None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, 10**30, 1.5, -0.0, 2.0, 1e308, 1e22, 5e-324,
        float("inf"), float("-inf"), float("nan"), "", "it's", "\\", "%s ? :a", "ü\U0001f600", "a\x00b", "\ud800",
        Text("it's"), Colour.RED, Number.ONE, b"", b"\x00\xff", bytearray(b"ab"), memoryview(b"ab"),
        datetime.date(2024, 1, 2), datetime.date(1, 1, 1), datetime.datetime(2024, 1, 2, 3, 4, 5, 6),
        datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), datetime.time(1, 2), datetime.timedelta(1),
        decimal.Decimal("1.1"), object(), [1], {}, Point(),
    ]

    def test_round_trips_values(self):
        for value in self.VALUES:
            with self.subTest(value=value):

                def act(connection):
                    row = connection.execute("SELECT ?1, typeof(?1), quote(?1)", (value,)).fetchone()
                    return repr(row)

                ours, real = self.both()
                found, expected = outcome(act, ours), outcome(act, real)
                if value == "\ud800":
                    # The channel rejects it; this host has no channel.
                    expected = found
                self.assertEqual(found, expected)

    def test_binds_names_and_positions(self):
        cases = [
            ("SELECT ?, ?", (1, 2)),
            ("SELECT ?2, ?1", (1, 2)),
            ("SELECT :a, :b, :a", {"a": 1, "b": 2}),
            ("SELECT @a, $b", {"a": 1, "b": 2}),
            ("SELECT :1, :_a, :a$b, :é", {"1": 1, "_a": 2, "a$b": 3, "é": 4}),
            ("SELECT ':a', \":a\", [:a], `:a`, :a FROM (SELECT 1 AS \":a\")", {"a": 1}),
            ("SELECT ':a''', :a", {"a": 1}),
            ("SELECT '\\', :a", {"a": 1}),
            ("SELECT /* :b ' */ :a -- :c '\n, :a", {"a": 1}),
            ("SELECT a$b, :b FROM (SELECT 5 AS a$b)", {"b": 1}),
            ("SELECT x'3A61', :a", {"a": 1}),
            ("SELECT :a /* :b", {"a": 1}),
            ("SELECT :a", {"a": 1, "b": 2}),
            ("SELECT :a, :b", {"a": 1}),
            ("SELECT ?", ()),
            ("SELECT ?", (1, 2)),
            ("SELECT 1", (1,)),
            ("SELECT 1", {"a": 1}),
            ("SELECT '%s', '%%'", ()),
            ("SELECT :a, :b", (1, 2)),
        ]
        for text, parameters in cases:
            with self.subTest(text=text, parameters=parameters):
                self.compare(lambda connection: connection.execute(text, parameters).fetchall())

    def test_uses_the_projects_adapters(self):
        class Money:
            pass

        sqlite3.register_adapter(decimal.Decimal, lambda value: "decimal %s" % value)
        sqlite3.register_adapter(Money, lambda value: 5)
        sqlite3.register_adapter(dict, lambda value: b"dict")
        self.addCleanup(sqlite3.adapters.pop, (decimal.Decimal, sqlite3.PrepareProtocol))
        self.addCleanup(sqlite3.adapters.pop, (Money, sqlite3.PrepareProtocol))
        self.addCleanup(sqlite3.adapters.pop, (dict, sqlite3.PrepareProtocol))
        self.compare(
            lambda connection: connection.execute("SELECT ?, ?, ?", (decimal.Decimal("1.1"), Money(), {})).fetchall()
        )

    def test_declared_types_convert_nothing(self):
        def act(connection):
            connection.execute("CREATE TABLE d (a DATE, b TIMESTAMP, c BOOLEAN, d DECIMAL(5, 2), e JSON, f VARCHAR)")
            connection.execute("INSERT INTO d VALUES ('2024-01-02', '2024-01-02 03:04:05', 1, '1.50', '{}', 7)")
            return connection.execute("SELECT * FROM d").fetchall()

        self.compare(act)


class Functions(Case):
    def test_registers_a_function_for_its_number_of_arguments(self):
        connection = self.ours()
        connection.create_function("F", 1, lambda value: [value].__repr__())
        connection.create_function("f", -1, lambda *values: len(values))
        connection.create_function("g", 1, lambda value: value)
        functions = self.host.functions
        self.assertEqual(functions["f", 1](["a"]), "['a']")
        self.assertEqual(functions["f", -1](["a", None]), 2)
        values = [None, 1, {"b": "AP8="}, {"f": "inf"}, {"f": "2.0"}, "ü"]
        self.assertEqual([functions["g", 1]([value]) for value in values], values)

    def test_rejects_collations_and_aggregates(self):
        connection = self.ours()
        for refused in (
            lambda: connection.create_collation("c", lambda a, b: 0),
            lambda: connection.create_aggregate("a", 1, object),
        ):
            with self.assertRaises(errors.NotSupportedError):
                refused()
