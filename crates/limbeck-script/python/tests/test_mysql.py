"""Tests of MySQL's connection and cursor: literals, values, and many rows in one text."""
import base64
import datetime
import decimal
import enum
import unittest
import uuid

from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.base import Driver
from limbeck_worker.dbapi.mysql import MysqlConnection
from limbeck_worker.dbapi.placeholders import PYMYSQL

from .host import PreparedHost, column, refusal, result

DELTA = datetime.timedelta
BINARY, UTF8 = 63, 255


class Text(str):
    def __str__(self):
        return "not this"


class Real(float):
    def __repr__(self):
        return "Real(1.5)"


class Colour(str, enum.Enum):
    RED = "it's red"


class Number(enum.IntEnum):
    ONE = 1


def raw(value):
    return {"b": base64.b64encode(value).decode("ascii")}


class Case(unittest.TestCase):
    def connect(self, sql_mode="STRICT_TRANS_TABLES"):
        self.host = PreparedHost(product="mariadb", version="10.11.6-MariaDB")
        connection = Driver(self.host, MysqlConnection, "format", mismatch=PYMYSQL).connect(url="mysql://h/d")
        del self.host.requests[:]
        self.sql_mode = [result([column("m", 253)], [[sql_mode]])]
        return connection

    def executed(self):
        return [text for text in self.host.texts if "@@SESSION.sql_mode" not in text]


class Literals(Case):
    VALUES = [
        (None, "NULL"),
        (True, "1"),
        (False, "0"),
        (-5, "-5"),
        (10**50, "1" + "0" * 50),
        (Number.ONE, "1"),
        (1.0, "1.0e0"),
        (-0.0, "-0.0e0"),
        (1e308, "1e+308"),
        (Real(1.5), "1.5e0"),
        (decimal.Decimal("1.10"), "1.10"),
        (decimal.Decimal("-1E+3"), "-1000"),
        (decimal.Decimal("1E-10"), "0.0000000001"),
        ("", "''"),
        ("it's \"q\"", "'it''s \"q\"'"),
        ("a\\b'", "'a\\\\b'''"),
        ("%s", "'%s'"),
        ("\x00\n\r\x1a", "'\x00\n\r\x1a'"),
        ("ü\U0001f600", "'ü\U0001f600'"),
        (Text("it's"), "'it''s'"),
        (Colour.RED, "'it''s red'"),
        (b"", "_binary x''"),
        (b"\x00'\\\xff", "_binary x'00275cff'"),
        (bytearray(b"ab"), "_binary x'6162'"),
        (memoryview(b"ab"), "_binary x'6162'"),
        (datetime.date(2024, 2, 29), "'2024-02-29'"),
        (datetime.date(1, 1, 1), "'0001-01-01'"),
        (datetime.datetime(999, 1, 2, 3, 4, 5), "'0999-01-02 03:04:05'"),
        (datetime.datetime(2024, 1, 2, 3, 4, 5, 7), "'2024-01-02 03:04:05.000007'"),
        (datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc), "'2024-01-02 00:00:00'"),
        (datetime.time(3, 4), "'03:04:00'"),
        (datetime.time(23, 59, 59, 999999), "'23:59:59.999999'"),
        (DELTA(), "'00:00:00'"),
        (DELTA(hours=100, seconds=1), "'100:00:01'"),
        (DELTA(days=34, hours=22, minutes=59, seconds=59), "'838:59:59'"),
        (DELTA(seconds=-1), "'-00:00:01'"),
        (DELTA(microseconds=-500000), "'-00:00:00.500000'"),
        (DELTA(hours=-25, microseconds=-1), "'-25:00:00.000001'"),
        (uuid.UUID(int=1), "'00000000-0000-0000-0000-000000000001'"),
        ([1, "a", None], "(1,'a',NULL)"),
        ((1,), "(1)"),
    ]

    def test_writes_values(self):
        for value, expected in self.VALUES:
            with self.subTest(value=value):
                connection = self.connect()
                self.host.answers = [self.sql_mode]
                self.assertEqual(connection.literal(value), expected)

    def test_rejects_values_without_a_literal(self):
        rows = [
            (float("nan"), errors.ProgrammingError),
            (float("-inf"), errors.ProgrammingError),
            (decimal.Decimal("NaN"), errors.ProgrammingError),
            (decimal.Decimal("Infinity"), errors.ProgrammingError),
            ({"a": 1}, TypeError),
            ([{}], TypeError),
        ]
        for value, kind in rows:
            with self.subTest(value=value), self.assertRaises(kind):
                self.connect().literal(value)


class Backslashes(Case):
    def test_keeps_a_backslash_under_no_backslash_escapes(self):
        connection = self.connect()
        self.host.answers = [[result([column("m", 253)], [["ANSI_QUOTES,NO_BACKSLASH_ESCAPES"]])]]
        self.assertEqual(connection.literal("a\\'; --"), "'a\\''; --'")
        self.assertEqual(connection.literal("b\\"), "'b\\'")
        self.assertEqual(len(self.host.texts), 1)

    def test_reads_the_mode_only_for_a_backslash(self):
        connection = self.connect()
        connection.cursor().execute("SELECT %s", ("it's",))
        self.assertEqual(self.host.texts, ["SELECT 'it''s'"])

    def test_reads_the_mode_again_after_a_change(self):
        connection = self.connect()
        self.host.answers = [self.sql_mode]
        self.assertEqual(connection.literal("\\"), "'\\\\'")
        cursor = connection.cursor()
        self.host.answers = [[result()], [result([column("m", 253)], [["NO_BACKSLASH_ESCAPES"]])]]
        cursor.execute("SET SQL_MODE = 'NO_BACKSLASH_ESCAPES'")
        self.assertEqual(connection.literal("\\"), "'\\'")
        # Also after a statement that failed.
        self.host.answers = [refusal(number=1231), self.sql_mode]
        with self.assertRaises(errors.OperationalError):
            cursor.execute("SET sql_mode = 'x'")
        self.assertEqual(connection.literal("\\"), "'\\\\'")

    def test_keeps_the_mode_of_each_connection(self):
        for mode, expected in (("", "'\\\\'"), ("NO_BACKSLASH_ESCAPES", "'\\'"), ("", "'\\\\'")):
            connection = self.connect()
            self.host.answers = [[result([column("m", 253)], [[mode]])]]
            self.assertEqual(connection.literal("\\"), expected)


class Values(Case):
    ROWS = [
        # The type, the character set, the host's form, the value.
        (1, BINARY, "1", 1),
        (2, BINARY, "-32768", -32768),
        (3, BINARY, "7", 7),
        (8, BINARY, "18446744073709551615", 18446744073709551615),
        (9, BINARY, "-8388608", -8388608),
        (13, BINARY, "2024", 2024),
        (13, BINARY, "0000", 0),
        (4, BINARY, "1.5", 1.5),
        (5, BINARY, "1e308", 1e308),
        (5, BINARY, "-0", -0.0),
        (0, BINARY, "1.10", decimal.Decimal("1.10")),
        (246, BINARY, "-0.000000000000000000000000000001", decimal.Decimal("-1E-30")),
        (10, BINARY, "2024-02-29", datetime.date(2024, 2, 29)),
        (10, BINARY, "0000-00-00", "0000-00-00"),
        (10, BINARY, "2024-00-01", "2024-00-01"),
        (12, BINARY, "2024-01-02 03:04:05", datetime.datetime(2024, 1, 2, 3, 4, 5)),
        (12, BINARY, "2024-01-02 03:04:05.5", datetime.datetime(2024, 1, 2, 3, 4, 5, 500000)),
        (7, BINARY, "2024-01-02 03:04:05.000001", datetime.datetime(2024, 1, 2, 3, 4, 5, 1)),
        (12, BINARY, "0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        (12, BINARY, "2024-02-31 00:00:00", "2024-02-31 00:00:00"),
        (11, BINARY, "25:06:17", DELTA(hours=25, minutes=6, seconds=17)),
        (11, BINARY, "838:59:59", DELTA(hours=838, minutes=59, seconds=59)),
        (11, BINARY, "-00:00:00.5", DELTA(microseconds=-500000)),
        (11, BINARY, "-838:59:59.000001", -DELTA(hours=838, minutes=59, seconds=59, microseconds=1)),
        (16, BINARY, raw(b"\x05"), b"\x05"),
        (245, UTF8, '{"a": "ü"}', '{"a": "ü"}'),
        (252, BINARY, raw(b"\x00\xff"), b"\x00\xff"),
        (252, BINARY, "text", b"text"),
        (252, UTF8, "text ü", "text ü"),
        (253, UTF8, "", ""),
        (253, UTF8, "ü\U0001f600", "ü\U0001f600"),
        (253, BINARY, raw(b"ab"), b"ab"),
        (254, UTF8, "enum", "enum"),
        (254, BINARY, raw(b"a\x00"), b"a\x00"),
        (255, BINARY, raw(b"\x00\x01"), b"\x00\x01"),
        (3, BINARY, None, None),
        (252, BINARY, None, None),
        (6, BINARY, None, None),
    ]

    def test_reads_values(self):
        for code, charset, sent, expected in self.ROWS:
            with self.subTest(code=code, sent=sent):
                connection = self.connect()
                self.host.answers = [[result([column("c", code, charset)], [[sent]])]]
                cursor = connection.cursor()
                cursor.execute("SELECT c")
                self.assertEqual(repr(cursor.fetchall()), repr([(expected,)]))

    def test_mysqlclient_reads_impossible_dates_as_none(self):
        for code, charset, sent, expected in self.ROWS:
            if code not in (7, 10, 11, 12):
                continue
            with self.subTest(code=code, sent=sent):
                driver = Driver(PreparedHost(product="mysql"), MysqlConnection, "format", reads_zero_dates_as_none=True)
                connection = driver.connect(url="mysql://h/d")
                driver.channel.answers = [[result([column("c", code, charset)], [[sent]])]]
                cursor = connection.cursor()
                cursor.execute("SELECT c")
                self.assertEqual(cursor.fetchone(), (None if isinstance(expected, str) else expected,))


class CharacterSets(Case):
    def test_rejects_characters_that_the_character_set_lacks(self):
        rows = [
            ("latin1", "é€", True), ("latin1", "漢", False), ("gbk", "漢", True), ("gbk", "\U0001f600", False), ("koi8r", "ж", True),
            ("ascii", "é", False), ("utf8mb4", "\U0001f600", True), ("utf8", "漢", True), ("binary", "漢", True), ("swe7", "漢", True),
        ]
        for charset, text, expected in rows:
            with self.subTest(charset=charset, text=text):
                host = PreparedHost(product="mysql")
                connection = Driver(host, MysqlConnection, "format").connect(url="mysql://h/d", charset=charset)
                self.assertEqual(connection.character_set_name(), charset)
                if expected:
                    connection.cursor().execute("SELECT '%s'" % text)
                    self.assertIn(text, host.texts[-1])
                else:
                    with self.assertRaises(UnicodeEncodeError):
                        connection.cursor().execute("SELECT '%s'" % text)


class ConnectionErrors(Case):
    def test_connection_errors_have_pymysqls_numbers(self):
        for fields, number in (
            ({"kind": "connect", "reason": "no_such_database"}, 1049),
            ({"kind": "connect", "reason": "authentication"}, 1045),
            ({"kind": "connect", "reason": "unreachable"}, 2003),
            ({"kind": "lost"}, 2013),
        ):
            with self.subTest(fields):
                connection = self.connect()
                self.host.answers = [refusal(message="why", **fields)]
                with self.assertRaises(errors.OperationalError) as caught:
                    connection.cursor().execute("SELECT 1")
                self.assertEqual(caught.exception.args, (number, "why"))
                self.assertEqual(caught.exception.limbeck_error, 1)
        connection = self.connect()
        self.host.answers = [refusal(message="unknown", kind="connect")]
        with self.assertRaises(errors.OperationalError) as caught:
            connection.cursor().execute("SELECT 1")
        self.assertEqual(caught.exception.args, ("unknown",))


class Cursors(Case):
    def test_returns_rows_and_counts(self):
        connection = self.connect()
        self.host.answers = [
            [result([column("a", 3), ["b", 253, 80, 1, UTF8]], [["1", "x"], ["2", None]], affected=2, last_id=0)],
            [result(affected=3, last_id=12)],
        ]
        cursor = connection.cursor()
        self.assertEqual(cursor.execute("SELECT"), 2)
        self.assertEqual(cursor.description[1], ("b", 253, None, 80, 80, 0, False))
        self.assertEqual(cursor.fetchall(), [(1, "x"), (2, None)])
        self.assertEqual(cursor.execute("INSERT"), 3)
        self.assertEqual((cursor.lastrowid, cursor.rowcount, cursor.description), (12, 3, None))
        self.assertEqual((cursor.fetchone(), list(cursor.fetchall())), (None, []))

    def test_nextset_moves_through_the_results(self):
        connection = self.connect()
        self.host.answers = [[result([column("a", 3)], [["1"]]), result(affected=1), result([column("b", 3)], [["2"]])]]
        cursor = connection.cursor()
        cursor.execute("CALL p()")
        self.assertEqual(cursor.fetchall(), [(1,)])
        self.assertTrue(cursor.nextset())
        self.assertEqual(cursor.rowcount, 1)
        self.assertTrue(cursor.nextset())
        self.assertEqual(cursor.fetchall(), [(2,)])
        self.assertIsNone(cursor.nextset())

    def test_sends_transaction_statements(self):
        connection = self.connect()
        cursor = connection.cursor()
        cursor.execute("INSERT")
        connection.commit()
        connection.begin()
        connection.rollback()
        connection.autocommit(True)
        self.assertTrue(connection.get_autocommit())
        self.assertEqual(self.host.texts, ["INSERT", "COMMIT", "BEGIN", "ROLLBACK", "SET AUTOCOMMIT = 1"])

    def test_sets_autocommit_when_connecting(self):
        for given, expected in (({}, ["SET AUTOCOMMIT = 0"]), ({"autocommit": True}, ["SET AUTOCOMMIT = 1"]), ({"autocommit": None}, [])):
            host = PreparedHost(product="mysql", version="8.0.36")
            connection = Driver(host, MysqlConnection, "format").connect(url="mysql://h/d", **given)
            self.assertEqual(host.texts, expected)
            self.assertNotIn("autocommit", host.requests[0][1]["args"])
            self.assertEqual(connection.get_server_info(), "8.0.36")

    def test_rejects_statements_when_closed(self):
        connection = self.connect()
        cursor = connection.cursor()
        with self.assertRaisesRegex(errors.ProgrammingError, "execute"):
            cursor.fetchone()
        cursor.close()
        with self.assertRaisesRegex(errors.ProgrammingError, "closed"):
            cursor.execute("SELECT 1")
        cursor = connection.cursor()
        with connection:
            pass
        self.assertEqual(self.host.requests[-1][0], "close")
        for use in (lambda: cursor.execute("SELECT 1"), connection.commit, connection.cursor):
            with self.assertRaises(errors.InterfaceError):
                use()
        connection.rollback()

    def test_rejects_parameters_that_do_not_fit(self):
        cursor = self.connect().cursor()
        for sql, parameters, kind in (
            ("%s, %s", (1,), errors.ProgrammingError),
            ("%s", (1, 2), errors.ProgrammingError),
            ("%(b)s", {"a": 1}, KeyError),
        ):
            with self.assertRaises(kind):
                cursor.execute(sql, parameters)
        self.assertEqual(self.host.texts, [])


class Many(Case):
    def many(self, sql, rows):
        connection = self.connect()
        self.host.answers = [[result(affected=1)] for _ in range(20)]
        cursor = connection.cursor()
        cursor.executemany(sql, rows)
        return self.host.texts

    def test_sends_an_insert_of_many_rows_as_one_text(self):
        cases = [
            ("INSERT INTO t (a, b) VALUES (%s, %s)", [(1, "x"), (2, None)], "INSERT INTO t (a, b) VALUES (1, 'x'),(2, NULL)"),
            ("insert into t values (%(a)s)", [{"a": 1}, {"a": "%s"}], "insert into t values (1),('%s')"),
            ("REPLACE INTO t VALUE (%s);", [(1,), (2,)], "REPLACE INTO t VALUE (1),(2)"),
            (
                "INSERT INTO `a%%b` (a) VALUES ( %s ) ON DUPLICATE KEY UPDATE a = VALUES(a), b = '%%'",
                [(1,), (2,)],
                "INSERT INTO `a%b` (a) VALUES ( 1 ),( 2 ) ON DUPLICATE KEY UPDATE a = VALUES(a), b = '%'",
            ),
            (
                "INSERT INTO t (a) VALUES (%s) AS new ON DUPLICATE KEY UPDATE a = new.a",
                [(1,), (2,)],
                "INSERT INTO t (a) VALUES (1),(2) AS new ON DUPLICATE KEY UPDATE a = new.a",
            ),
        ]
        for sql, rows, expected in cases:
            with self.subTest(sql):
                self.assertEqual(self.many(sql, iter(rows)), [expected])

    def test_sends_other_statements_row_by_row(self):
        cases = [
            ("UPDATE t SET a = %s WHERE id = %s", [(1, 2), (3, 4)], "UPDATE t SET a = 3 WHERE id = 4"),
            ("INSERT INTO t VALUES (%s, now())", [(1,), (2,)], "INSERT INTO t VALUES (2, now())"),
            ("INSERT INTO t (a) VALUES (%s) RETURNING (id)", [(1,), (2,)], "INSERT INTO t (a) VALUES (2) RETURNING (id)"),
            ("INSERT INTO t VALUES (%s), (%s)", [(1, 2), (3, 4)], "INSERT INTO t VALUES (3), (4)"),
            (
                "INSERT INTO t VALUES (%s) ON DUPLICATE KEY UPDATE a = %s",
                [(1, 2), (3, 4)],
                "INSERT INTO t VALUES (3) ON DUPLICATE KEY UPDATE a = 4",
            ),
        ]
        for sql, rows, last in cases:
            with self.subTest(sql):
                texts = self.many(sql, rows)
                self.assertEqual((len(texts), texts[-1]), (2, last))

    def test_splits_long_texts(self):
        texts = self.many("INSERT INTO t VALUES (%s)", [("x" * 400000,)] * 7)
        self.assertEqual([text.count("),(") + 1 for text in texts], [3, 3, 1])

    def test_sends_nothing_without_rows(self):
        self.assertEqual(self.many("INSERT INTO t VALUES (%s)", []), [])

    def test_sends_nothing_if_a_row_does_not_fit(self):
        connection = self.connect()
        with self.assertRaises(errors.ProgrammingError):
            connection.cursor().executemany("INSERT INTO t VALUES (%s, %s)", [(1, 2), (1,)])
        self.assertEqual(self.executed(), [])
