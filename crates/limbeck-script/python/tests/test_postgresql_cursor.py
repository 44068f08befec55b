"""Tests of PostgreSQL's connection and cursor: transactions, results and psycopg2's methods."""
import unittest

from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.base import Driver
from limbeck_worker.dbapi.placeholders import PSYCOPG2
from limbeck_worker.dbapi.postgresql_psycopg2 import Psycopg2Connection

from .host import PreparedHost, column, refusal, result

INT4, TEXT = 23, 25


class Case(unittest.TestCase):
    def connect(self, version="16.2", paramstyle="pyformat", **arguments):
        self.host = PreparedHost(version=version)
        driver = Driver(self.host, Psycopg2Connection, paramstyle, mismatch=PSYCOPG2, tracks_begin=True)
        return driver.connect(url="postgresql://h/d", **arguments)


class Connecting(Case):
    def test_sends_the_connect_arguments(self):
        import pathlib

        self.connect(timeout=5, server_settings={"a": 1, 2: None}, sslrootcert=pathlib.Path("/ca"), raw=b"x", odd=object())
        self.assertEqual(
            self.host.requests[0],
            ("connect", {"url": "postgresql://h/d", "args": {
                "timeout": 5, "server_settings": {"a": 1, "2": None}, "sslrootcert": "/ca", "raw": "x",
                "odd": {"$object": "object"},
            }}),
        )

    def test_sends_tls_contexts(self):
        import ssl

        rows = [(ssl.create_default_context(), True, True), (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), True, True)]
        lax = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        lax.check_hostname = False
        lax.verify_mode = ssl.CERT_NONE
        rows.append((lax, False, False))
        for context, verify, check_hostname in rows:
            self.connect(ssl=context)
            sent = self.host.requests[0][1]["args"]["ssl"]["$tls"]
            self.assertEqual((sent["verify"], sent["check_hostname"]), (verify, check_hostname))

    def test_returns_the_version_as_a_number(self):
        rows = [
            ("9.6.24", 90624),
            ("10.1", 100001),
            ("15.8 (Debian 15.8-1.pgdg120+1)", 150008),
            ("17beta1", 170000),
            ("18devel", 180000),
            ("unknown", 0),
        ]
        for text, number in rows:
            with self.subTest(text):
                self.assertEqual(self.connect(version=text).server_version, number)


class Transactions(Case):
    def test_begins_with_the_first_statement(self):
        connection = self.connect()
        connection.commit()
        connection.rollback()
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.execute("SELECT 2")
        connection.commit()
        connection.commit()
        cursor.execute("SELECT 3")
        connection.rollback()
        self.assertEqual(
            self.host.texts, ["BEGIN", "SELECT 1", "SELECT 2", "COMMIT", "BEGIN", "SELECT 3", "ROLLBACK"]
        )

    def test_begins_with_the_isolation_level(self):
        rows = [
            ("SERIALIZABLE", "BEGIN ISOLATION LEVEL SERIALIZABLE"),
            ("READ COMMITTED", "BEGIN ISOLATION LEVEL READ COMMITTED"),
            (1, "BEGIN ISOLATION LEVEL READ COMMITTED"),
            (2, "BEGIN ISOLATION LEVEL REPEATABLE READ"),
            (3, "BEGIN ISOLATION LEVEL SERIALIZABLE"),
            (4, "BEGIN ISOLATION LEVEL READ UNCOMMITTED"),
            (5, "BEGIN"),
            (None, "BEGIN"),
            ("AUTOCOMMIT", None),
            (0, None),
        ]
        for level, begin in rows:
            with self.subTest(level=level):
                connection = self.connect()
                connection.set_isolation_level(level)
                self.assertEqual(connection.autocommit, begin is None)
                connection.cursor().execute("SELECT 1")
                self.assertEqual(self.host.texts, [text for text in (begin, "SELECT 1") if text])
        with self.assertRaises(ValueError):
            self.connect().set_isolation_level(6)

    def test_restores_a_level_that_psycopg2_scripts_save(self):
        connection = self.connect()
        before = connection.isolation_level
        connection.set_isolation_level(0)
        connection.cursor().execute("VACUUM")
        connection.set_isolation_level(before)
        connection.cursor().execute("SELECT 1")
        self.assertEqual(self.host.texts, ["VACUUM", "BEGIN", "SELECT 1"])

    def test_setting_a_level_rolls_back(self):
        connection = self.connect()
        connection.cursor().execute("SELECT 1")
        connection.set_isolation_level("AUTOCOMMIT")
        connection.cursor().execute("VACUUM")
        self.assertEqual(self.host.texts, ["BEGIN", "SELECT 1", "ROLLBACK", "VACUUM"])

    def test_begins_with_the_modes(self):
        connection = self.connect()
        connection.set_isolation_level("SERIALIZABLE")
        connection.readonly, connection.deferrable = True, True
        connection.cursor().execute("SELECT 1")
        connection.rollback()
        connection.readonly, connection.deferrable = False, False
        connection.cursor().execute("SELECT 2")
        self.assertEqual(self.host.texts[0], "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE")
        self.assertEqual(self.host.texts[3], "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE NOT DEFERRABLE")

    def test_set_session_sets_the_modes(self):
        rows = [
            ({"isolation_level": "serializable", "readonly": True}, ["BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", "x"]),
            ({"isolation_level": 1, "deferrable": False}, ["BEGIN ISOLATION LEVEL READ COMMITTED NOT DEFERRABLE", "x"]),
            ({"isolation_level": "DEFAULT", "readonly": "DEFAULT"}, ["BEGIN", "x"]),
            ({"autocommit": True}, ["x"]),
            ({}, ["BEGIN", "x"]),
        ]
        for given, expected in rows:
            with self.subTest(given=given):
                connection = self.connect()
                connection.set_session(**given)
                connection.cursor().execute("x")
                self.assertEqual(self.host.texts, expected)
        connection = self.connect()
        connection.cursor().execute("x")
        with self.assertRaises(errors.ProgrammingError):
            connection.set_session(readonly=True)

    def test_the_connection_is_a_context_manager_of_a_transaction(self):
        connection = self.connect()
        with connection:
            connection.cursor().execute("SELECT 1")
        with self.assertRaises(RuntimeError), connection:
            connection.cursor().execute("SELECT 2")
            raise RuntimeError
        self.assertEqual(self.host.texts, ["BEGIN", "SELECT 1", "COMMIT", "BEGIN", "SELECT 2", "ROLLBACK"])
        self.assertFalse(connection.closed)

    def test_takes_the_servers_status_after_an_error(self):
        connection = self.connect()
        self.host.answers = [refusal(code="42P01", status="E")]
        with self.assertRaises(errors.ProgrammingError):
            connection.cursor().execute("SELECT 1")
        self.assertEqual(connection.session_status, "E")
        connection.rollback()
        self.assertEqual(self.host.texts, ["BEGIN", "SELECT 1", "ROLLBACK"])

    def test_rejects_use_when_closed(self):
        connection = self.connect()
        cursor = connection.cursor()
        connection.close()
        connection.close()
        connection.rollback()
        self.assertEqual([op for op, _ in self.host.requests], ["connect", "close"])
        for use in (lambda: cursor.execute("x"), lambda: connection.run("x"), connection.cursor):
            with self.assertRaises(errors.InterfaceError):
                use()

    def test_rows_outlive_the_connection(self):
        connection = self.connect()
        self.host.answers = [[result([column("a", INT4)], [["1"]], 1)]]
        cursor = connection.cursor()
        cursor.execute("SELECT")
        connection.close()
        self.assertEqual(cursor.fetchall(), [(1,)])


class Cursors(Case):
    def answered(self, *results):
        connection = self.connect()
        self.host.answers = [list(results)]
        cursor = connection.cursor()
        cursor.execute("SELECT")
        return cursor

    def test_returns_rows(self):
        columns = [column("id", INT4), column("name", TEXT)]
        rows = [["1", "a"], ["2", None], ["3", "c"], ["4", "d"]]
        cursor = self.answered(result(columns, rows, affected=4))
        self.assertEqual([item[:2] for item in cursor.description], [("id", 23), ("name", 25)])
        self.assertEqual([item.name for item in cursor.description], ["id", "name"])
        self.assertEqual({len(item) for item in cursor.description}, {7})
        self.assertEqual(cursor.rowcount, 4)
        self.assertEqual(cursor.fetchone(), (1, "a"))
        self.assertEqual(cursor.fetchmany(), [(2, None)])
        self.assertEqual(cursor.fetchmany(1), [(3, "c")])
        self.assertEqual(next(cursor), (4, "d"))
        self.assertIsNone(cursor.fetchone())
        self.assertEqual((cursor.fetchall(), cursor.fetchmany(5), list(cursor)), ([], [], []))

    def test_rejects_text_that_is_not_utf_8(self):
        with self.assertRaises(UnicodeDecodeError):
            self.answered(result([column("a", TEXT)], [["a"], [{"b": "/A=="}]], affected=2))

    def test_iterates_over_rows(self):
        cursor = self.answered(result([column("a", INT4)], [["1"], [None], ["3"]], affected=3))
        self.assertEqual(cursor.fetchone(), (1,))
        self.assertEqual(list(cursor), [(None,), (3,)])
        with self.assertRaises(StopIteration):
            next(cursor)

    def test_rejects_fetching_without_rows(self):
        cursor = self.answered(result(affected=3))
        self.assertEqual((cursor.description, cursor.rowcount), (None, 3))
        for fetch in (cursor.fetchone, cursor.fetchall, cursor.fetchmany, lambda: next(cursor)):
            with self.assertRaises(errors.ProgrammingError):
                fetch()
        self.assertEqual(self.answered(result()).rowcount, -1)

    def test_shows_the_last_of_several_results(self):
        cursor = self.answered(result([column("a", INT4)], [["1"]], 1), result([column("b", TEXT)], [["x"]], 1))
        self.assertEqual(cursor.fetchall(), [("x",)])
        self.assertEqual(self.answered(result([column("a", INT4)], [["1"]], 1), result()).description, None)

    def test_accepts_an_empty_result(self):
        cursor = self.answered()
        self.assertEqual((cursor.description, cursor.rowcount), (None, -1))

    def test_a_failed_statement_drops_the_previous_rows(self):
        cursor = self.answered(result([column("a", INT4)], [["1"]], 1))
        self.host.answers = [refusal(code="42601")]
        with self.assertRaises(errors.ProgrammingError):
            cursor.execute("bad")
        self.assertIsNone(cursor.description)
        with self.assertRaises(errors.ProgrammingError):
            cursor.fetchone()

    def test_rejects_use_when_closed(self):
        cursor = self.answered(result([column("a", INT4)], [["1"]], 1))
        with cursor as same:
            self.assertIs(same, cursor)
        cursor.close()
        for use in (cursor.fetchone, cursor.fetchall, lambda: cursor.execute("x"), lambda: cursor.executemany("x", [])):
            with self.assertRaises(errors.InterfaceError):
                use()

    def test_does_not_begin_if_parameters_do_not_fit(self):
        cursor = self.connect().cursor()
        for sql, parameters, kind in (("%s, %s", (1,), IndexError), ("%s", (1, 2), TypeError), ("%s", ("\0",), ValueError)):
            with self.assertRaises(kind):
                cursor.execute(sql, parameters)
        self.assertEqual(self.host.texts, [])

    def test_uses_the_paramstyle_of_the_driver(self):
        cursor = self.connect(paramstyle="numeric_dollar").cursor()
        cursor.execute("SELECT '%s', $1::VARCHAR", ("a",))
        self.assertEqual(self.host.texts[-1], "SELECT '%s', 'a'::VARCHAR")

    def test_accepts_bytes_and_mogrifies(self):
        cursor = self.connect().cursor()
        self.assertEqual(cursor.mogrify("SELECT %s", ("ü",)), "SELECT 'ü'".encode("utf-8"))
        cursor.execute("SELECT 'ü', %s".encode("utf-8"), (1,))
        self.assertEqual(self.host.texts[-1], "SELECT 'ü', 1")


class Many(Case):
    def test_sends_many_rows_as_one_text_in_a_transaction(self):
        connection = self.connect()
        self.host.answers = [[result(affected=1)] * 100, [result(affected=1)] * 100, [result(affected=1)] * 5]
        cursor = connection.cursor()
        cursor.executemany("INSERT INTO t VALUES (%s) -- row", [(number,) for number in range(205)])
        self.assertEqual(cursor.rowcount, 205)
        self.assertEqual([op for op, _ in self.host.requests].count("execute"), 3)
        # The comment of a statement must not include the next one.
        lines = self.host.texts[1].split("\n")
        self.assertEqual(lines[:3], ["INSERT INTO t VALUES (0) -- row", ";", "INSERT INTO t VALUES (1) -- row"])

    def test_sends_rows_one_by_one_outside_a_transaction(self):
        connection = self.connect()
        connection.autocommit = True
        self.host.answers = [[result(affected=1)], [result(affected=1)], refusal(code="23505")]
        with self.assertRaises(errors.IntegrityError):
            connection.cursor().executemany("INSERT INTO t VALUES (%s)", [(1,), (2,), (2,), (3,)])
        self.assertEqual(self.host.texts, ["INSERT INTO t VALUES (%d)" % number for number in (1, 2, 2)])

    def test_rejects_fetching_without_rows(self):
        cursor = self.connect().cursor()
        cursor.executemany("INSERT INTO t VALUES (%s)", [])
        self.assertEqual((self.host.texts, cursor.rowcount, cursor.description), ([], 0, None))

    def test_accepts_rows_of_a_generator(self):
        connection = self.connect()
        self.host.answers = [[result(affected=2), result(affected=3)]]
        cursor = connection.cursor()
        cursor.executemany("UPDATE t SET a = %(a)s", ({"a": number} for number in (1, 2)))
        self.assertEqual(cursor.rowcount, 5)
        self.assertEqual(self.host.texts, ["BEGIN", "UPDATE t SET a = 1\n;\nUPDATE t SET a = 2"])


class Notices(Case):
    def test_keeps_notices(self):
        connection = self.connect()
        self.host.notices = [["NOTICE", "relation exists, skipping", None, None], ["WARNING", "no", "d", "h"]]
        connection.cursor().execute("x")
        self.assertEqual(connection.notices, ["NOTICE:  relation exists, skipping\n", "WARNING:  no\nDETAIL:  d\nHINT:  h\n"])
        self.assertEqual(connection.get_parameter_status("TimeZone"), "UTC")
        self.assertIsNone(connection.get_parameter_status("unknown"))
