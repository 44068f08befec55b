"""MariaDB: comparisons of literals, values and cursors with PyMySQL's."""
import base64
import datetime
import decimal
import enum
import os
import unittest
import uuid

from limbeck_worker.channel import HostError
from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.base import Driver
from limbeck_worker.dbapi.error_names import ErrorNames
from limbeck_worker.dbapi.mysql import MysqlConnection
from limbeck_worker.dbapi.placeholders import PYMYSQL

from . import both, servers

try:
    import pymysql
    import pymysql.converters
    import pymysql.err
except ImportError as error:
    raise servers.without_drivers(error)

DT = datetime.datetime
DELTA = datetime.timedelta

server = None


def setUpModule():
    global server
    server = servers.mariadb()
    unittest.addModuleCleanup(server.close)
    connection = server.wait_for(lambda: connect(database=None))
    connection.cursor().execute("CREATE DATABASE d CHARACTER SET utf8mb4")
    connection.close()


def connect(database="d", **arguments):
    return pymysql.connect(
        unix_socket=os.path.join(server.folder, "s"), user="root", database=database, charset="utf8mb4",
        **{"client_flag": pymysql.constants.CLIENT.FOUND_ROWS, **arguments}
    )


class PyMysqlHost:
    """A host over PyMySQL's protocol, without its conversions."""

    is_usable = True

    # With SQLAlchemy, drivers count the rows that an UPDATE matched.
    FLAGS = pymysql.constants.CLIENT.MULTI_STATEMENTS | pymysql.constants.CLIENT.FOUND_ROWS

    def __init__(self):
        self.functions = {}
        self.connection = connect(conv=pymysql.converters.encoders, client_flag=self.FLAGS)

    def request(self, op, **fields):
        if op == "connect":
            version = self.connection.get_server_info()
            return {"connection": 1, "product": "mariadb", "version": version, "parameters": {}}
        if op == "close":
            self.connection.close()
            return None
        cursor = self.connection.cursor()
        results = []
        try:
            cursor.execute(fields["sql"])
            while True:
                results.append(_result(cursor))
                if not cursor.nextset():
                    break
        except pymysql.err.MySQLError as error:
            raise HostError(
                {"id": 1, "kind": "server", "number": error.args[0], "message": error.args[1], "code": "HY000"}
            ) from error
        status = "T" if self.connection.server_status & pymysql.constants.SERVER_STATUS.SERVER_STATUS_IN_TRANS else "I"
        return {"results": results, "notices": [], "status": status}


def _result(cursor):
    columns, rows = None, []
    if cursor.description is not None:
        fields = cursor._result.fields
        columns = [[field.name, field.type_code, field.length, field.flags, field.charsetnr] for field in fields]
        for row in cursor.fetchall():
            rows.append([_sent(value) for value in row])
    return {
        "columns": columns, "rows": rows, "affected": cursor.rowcount, "tag": "", "last_id": cursor.lastrowid,
    }


def _sent(value):
    return {"b": base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


class Number(enum.IntEnum):
    ONE = 1


class Colour(str, enum.Enum):
    RED = "it's red"


TEXTS = [
    "", "a", "it's", "''", "\\", "\\'", "\\\\'", "a\\nb", "%s", "%%", "--", "-- ", "#", "/*", ";", '"', '""', "`",
    "line\nline\r\n\t", "\x00", "a\x00b", "\x01\x1a\x7f", "ü", "\U0001f600", "NULL", " ", "\\%\\_", "\\Z", "\\0",
]

WRITTEN = [
    ([None], ["int", "text", "blob", "datetime", "json"]),
    ([True, False, 0, -1, 127, -128, 2**31 - 1, -(2**63), 2**64 - 1], ["tinyint", "bigint", "bigint unsigned", "text", "double"]),
    ([10**40], ["decimal(65)", "double"]),
    ([0.0, -0.0, 0.1, 1 / 3, -2.5, 1e22, 1e308, 5e-324], ["double", "decimal(30,10)", "float"]),
    ([decimal.Decimal(text) for text in ("1.10", "-0.00", "1E+3", "-1E-10")], ["decimal(20,12)", "double", "text"]),
    (TEXTS, ["text", "varchar(50)", "blob", "varbinary(50)", "char(30)"]),
    (["5", "1.5"], ["int", "double", "text"]),
    (["a"], ["enum('a','b')", "set('a','b')"]),
    (['{"a": "it\'s \\\\ \\" ü"}'], ["json"]),
    (
        [b"", b"a", b"\x00\x01\xff", b"'\\\"", bytes(range(256)), bytearray(b"ab")],
        ["blob", "varbinary(300)", "binary(3)"],
    ),
    ([b"\x05", b"5", b"123"], ["int", "bit(8)", "text", "double", "bit(64)"]),
    ([datetime.date(2024, 2, 29), datetime.date(1, 1, 1), datetime.date(9999, 12, 31)], ["date", "datetime", "text"]),
    (
        [DT(2024, 1, 2, 3, 4, 5, 678901), DT(999, 1, 1), DT(2024, 1, 2), DT(2024, 1, 2, tzinfo=datetime.timezone.utc)],
        ["datetime(6)", "datetime", "date", "timestamp(6)", "text"],
    ),
    ([datetime.time(0), datetime.time(23, 59, 59, 999999)], ["time(6)", "time", "text"]),
    (
        [DELTA(), DELTA(1), DELTA(-1), DELTA(microseconds=-1), DELTA(hours=-1, minutes=1), DELTA(hours=838), DELTA(seconds=-1.5)],
        ["time(6)", "text"],
    ),
    ([uuid.UUID(int=5)], ["char(36)", "uuid"]),
    ([Colour.RED], ["text"]),
]

READ = [
    "1", "-1", "18446744073709551615", "CAST(1 AS SIGNED)", "1.10", "1e0", "-0e0", "CAST(1.5 AS FLOAT)", "1e308", "true",
    "NULL", "'a'", "''", "'ü'", "_binary'a'", "x''", "x'00ff'", "b'101'", "CAST('a' AS BINARY(3))", "CAST('a' AS CHAR(3))",
    "DATE'2024-02-29'", "TIMESTAMP'2024-01-02 03:04:05'", "TIMESTAMP'2024-01-02 03:04:05.000001'", "TIME'03:04:05'",
    "TIME'838:59:59'", "TIME'-00:00:00.5'", "TIME'-838:59:59.000001'", "CAST('0000-00-00' AS DATE)",
    "CAST('2024-00-00' AS DATE)", "JSON_OBJECT('a', 1)", "JSON_EXTRACT('{\"a\": \"ü\"}', '$.a')", "CAST(5 AS UNSIGNED)",
    "version()", "database()", "user()", "@@sql_mode", "@@version_comment", "ST_GeomFromText('POINT(1 2)')", "uuid() IS NULL",
    "CAST('00000000-0000-0000-0000-000000000005' AS UUID)", "INET6_ATON('::1')", "CAST('::1' AS INET6)", "concat('a', 1)",
    "md5('a')", "hex('a')", "1 AS `ü %`", "CURRENT_TIMESTAMP IS NULL", "now() > 0", "10 DIV 3", "10 / 3", "sum(1)", "group_concat('a')",
]
COLUMNS = [
    ("tinyint(1)", "1"), ("bool", "true"), ("smallint", "-5"), ("mediumint", "7"), ("int unsigned", "4294967295"),
    ("bigint", "-5"), ("float", "1.5"), ("double", "0.1"), ("decimal(10,2)", "'1.50'"), ("bit(1)", "1"), ("bit(12)", "4095"),
    ("char(5)", "'a'"), ("varchar(5)", "'ü'"), ("binary(3)", "'a'"), ("varbinary(3)", "'a'"), ("tinytext", "'a'"),
    ("mediumtext", "'a'"), ("longtext", "'ü'"), ("tinyblob", "'a'"), ("longblob", "'a'"), ("enum('a','b')", "'b'"),
    ("set('a','b')", "'a,b'"), ("json", "'{\"a\": 1}'"), ("year", "2024"), ("year", "0"), ("date", "'2024-01-02'"),
    ("date", "'0000-00-00'"), ("datetime", "'0000-00-00'"), ("datetime(6)", "'2024-01-02 03:04:05.5'"),
    ("timestamp(3) null", "'2024-01-02 03:04:05.5'"), ("time", "'25:06:17'"), ("time(6)", "'-00:00:00.5'"), ("uuid", "uuid()"),
    ("inet6", "'::1'"), ("geometry", "point(1, 2)"), ("int", "NULL"), ("text charset latin1", "'ü'"),
]


def outcome(act):
    try:
        return act()
    except (errors.Error, pymysql.err.Error) as error:
        return type(error).__name__, error.args[0]
    except Exception as error:
        return type(error).__name__


class Case(unittest.TestCase):
    def both(self):
        ours = Driver(PyMysqlHost(), MysqlConnection, "pyformat", mismatch=PYMYSQL).connect(url="x")
        real = connect()
        for connection in (ours, real):
            self.addCleanup(connection.close)
            connection.cursor().execute("SET SESSION sql_mode = 'STRICT_TRANS_TABLES'")
        return ours, real

    def compare(self, ours, real, act):
        found, expected = outcome(lambda: act(ours)), outcome(lambda: act(real))
        self.assertEqual(found, expected)


class Literals(Case):
    def test_stores_what_pymysql_stores(self):
        ours, real = self.both()
        for mode in ("STRICT_TRANS_TABLES", "STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES,ANSI_QUOTES", ""):
            for connection in (ours, real):
                connection.cursor().execute("SET SESSION sql_mode = '%s'" % mode)
            for values, kinds in WRITTEN:
                for kind in kinds:
                    for connection in (ours, real):
                        connection.cursor().execute("CREATE OR REPLACE TEMPORARY TABLE w (c %s NULL)" % kind)
                    for value in values:

                        def act(connection):
                            cursor = connection.cursor()
                            cursor.execute("DELETE FROM w")
                            cursor.execute("INSERT INTO w VALUES (%s)", (value,))
                            cursor.execute("SELECT hex(c), c + 0, c IS NULL FROM w")
                            return repr(list(cursor.fetchall()))

                        with self.subTest(value=value, kind=kind, mode=mode):
                            self.compare(ours, real, act)

    def test_literals_have_pymysqls_types(self):
        ours, real = self.both()
        for value in (b"5", b"a", "5", 5, True, 1.5, decimal.Decimal("1.50"), datetime.date(2024, 1, 2), DELTA(1), None):
            for expression in ("%s + 1", "concat(%s, 'a')", "coalesce(%s, 1)", "%s = '5'", "length(%s)", "charset(%s)"):
                with self.subTest(value=value, expression=expression):

                    def act(connection):
                        cursor = connection.cursor()
                        cursor.execute("SELECT " + expression, (value,))
                        return repr(list(cursor.fetchall()))

                    self.compare(ours, real, act)

    def test_literals_equal_pymysqls(self):
        ours, _ = self.both()
        for value in (
            None, True, 5, -5, 2**64, 0.1, -0.0, 1e22, 1e308, decimal.Decimal("1.10"), decimal.Decimal("1E+3"), "a", "",
            datetime.date(1, 2, 3), DT(999, 1, 2, 3, 4, 5), DT(2024, 1, 2, 3, 4, 5, 6), datetime.time(1, 2, 3, 4),
            DELTA(hours=-30, microseconds=5), DELTA(hours=30), uuid.UUID(int=3),
        ):
            with self.subTest(value=value):
                # limbeck doubles a quote instead of escaping it, which is correct in every sql_mode.
                expected = pymysql.converters.escape_item(value, "utf8mb4").replace("\\'", "''")
                self.assertEqual(ours.literal(value), expected)

    def test_rejects_what_pymysql_rejects(self):
        ours, real = self.both()
        for sql, given in (
            ("SELECT %s", (float("nan"),)), ("SELECT %s", (float("inf"),)), ("SELECT %s", (decimal.Decimal("NaN"),)),
            ("SELECT %s", ({"a": 1},)), ("SELECT %s, %s", (1,)), ("SELECT %s", (1, 2)), ("SELECT %(b)s", {"a": 1}),
        ):
            with self.subTest(sql=sql, given=given):
                found = [type(self.failure(connection, sql, given)).__name__ for connection in (ours, real)]
                self.assertEqual(*found)

    def failure(self, connection, sql, given):
        with self.assertRaises(Exception) as caught:
            connection.cursor().execute(sql, given)
        return caught.exception


class Values(Case):
    def test_reads_expressions(self):
        ours, real = self.both()
        for expression in READ:
            with self.subTest(expression):

                def act(connection):
                    cursor = connection.cursor()
                    cursor.execute("SELECT " + expression)
                    return repr(list(cursor.fetchall())), cursor.description[0][:2], cursor.rowcount

                self.compare(ours, real, act)

    def test_reads_columns(self):
        ours, real = self.both()
        for kind, value in COLUMNS:
            with self.subTest(kind=kind, value=value):

                def act(connection):
                    cursor = connection.cursor()
                    cursor.execute("SET SESSION sql_mode = ''")
                    cursor.execute("CREATE OR REPLACE TEMPORARY TABLE r (c %s)" % kind)
                    cursor.execute("INSERT INTO r VALUES (%s)" % (value if value != "uuid()" else "'%s'" % uuid.UUID(int=9)))
                    cursor.execute("SELECT c FROM r")
                    return repr(list(cursor.fetchall())), cursor.description[0][:5], cursor.description[0][6]

                self.compare(ours, real, act)


class Cursors(Case):
    def test_cursors_show_the_same_results(self):
        ours, real = self.both()

        def act(connection):
            cursor = connection.cursor()
            seen = []
            for text, given in (
                ("CREATE OR REPLACE TEMPORARY TABLE c (id int PRIMARY KEY AUTO_INCREMENT, a int UNIQUE)", None),
                ("INSERT INTO c (a) VALUES (%s), (%s)", (1, 2)),
                ("SELECT id, a FROM c ORDER BY 1", None),
                ("UPDATE c SET a = a + 10", ()),
                ("INSERT INTO c (a) VALUES (11)", None),
                ("SELECT 1 WHERE false", None),
                ("SHOW TABLES", None),
                ("SET @a = 1", None),
                ("DELETE FROM c", None),
            ):
                count = outcome(lambda: cursor.execute(text, given))
                seen.append((count, cursor.rowcount if not isinstance(count, tuple) else None))
                if not isinstance(count, tuple):
                    seen.append((cursor.description, cursor.lastrowid, cursor.fetchone(), list(cursor.fetchall())))
            return seen

        self.compare(ours, real, act)

    def test_executemany_writes_the_same_rows(self):
        ours, real = self.both()
        rows = [(1, "it's"), (2, "100%"), (3, None)]
        for sql, given in (
            ("INSERT INTO m (a, b) VALUES (%s, %s)", rows),
            ("insert into m values (%(a)s, %(b)s)", [{"a": 1, "b": "x"}, {"a": 2, "b": "%s"}]),
            ("INSERT INTO m (a, b) VALUES (%s, %s) ON DUPLICATE KEY UPDATE b = VALUES(b)", rows + [(1, "again")]),
            ("INSERT INTO m (a, b) VALUES (%s, upper(%s))", rows),
            ("REPLACE INTO m (a, b) VALUES (%s, %s)", rows + rows),
            ("INSERT INTO m (a, b) VALUES (%s, %s) RETURNING a", rows),
            ("DELETE FROM m WHERE a = %s AND b = %s", rows),
            ("INSERT INTO m (a, b) VALUES (%s, '%%')", [(1,), (2,)]),
            ("INSERT INTO m (a, b) VALUES (%s, %s)", [(1, "x"), (1, "y")]),
        ):
            with self.subTest(sql=sql):

                def act(connection):
                    cursor = connection.cursor()
                    cursor.execute("CREATE OR REPLACE TEMPORARY TABLE m (a int PRIMARY KEY, b text)")
                    count = outcome(lambda: cursor.executemany(sql, given))
                    cursor.execute("SELECT * FROM m ORDER BY a")
                    return count, list(cursor.fetchall())

                self.compare(ours, real, act)

    def test_controls_transactions_like_pymysql(self):
        ours, real = self.both()

        def act(connection):
            cursor = connection.cursor()
            cursor.execute("CREATE OR REPLACE TABLE t_%s (a int)" % (connection is ours))
            cursor.execute("INSERT INTO t_%s VALUES (1)" % (connection is ours))
            connection.rollback()
            connection.begin()
            cursor.execute("INSERT INTO t_%s VALUES (2)" % (connection is ours))
            connection.commit()
            connection.autocommit(True)
            cursor.execute("INSERT INTO t_%s VALUES (3)" % (connection is ours))
            connection.rollback()
            cursor.execute("SELECT a FROM t_%s" % (connection is ours))
            return list(cursor.fetchall()), bool(connection.get_autocommit())

        self.compare(ours, real, act)

    def test_rejects_use_when_closed(self):
        uses = [
            lambda connection, cursor: cursor.execute("SELECT 1"),
            lambda connection, cursor: connection.commit(),
        ]
        for use in uses:

            def after_the_cursor(connection):
                cursor = connection.cursor()
                cursor.execute("SELECT 1")
                cursor.close()
                return use(connection, cursor) and None

            def after_the_connection(connection):
                cursor = connection.cursor()
                connection.close()
                return use(connection, cursor) and None

            for act in (after_the_cursor, after_the_connection):
                ours, real = Driver(PyMysqlHost(), MysqlConnection, "pyformat").connect(url="x"), connect()
                found, expected = (outcome(lambda: act(connection)) for connection in (ours, real))
                self.assertEqual(found and found[0], expected and expected[0])
                for connection in (ours, real):
                    if not getattr(connection, "closed", not getattr(connection, "open", False)):
                        connection.close()


class PyMysqlExtras(Case):
    """Tests of PyMySQL's methods beyond PEP 249."""

    def test_calls_procedures(self):
        ours, real = self.both()

        def act(connection):
            cursor = connection.cursor()
            cursor.execute("CREATE OR REPLACE PROCEDURE p (IN x int, INOUT y text) BEGIN SELECT x, y; SELECT 2; SET y = 'out'; END")
            seen = [cursor.callproc("p", (5, "it's")), list(cursor.fetchall())]
            while cursor.nextset():
                seen.append((cursor.description and cursor.description[0][0], cursor.rowcount, cursor.lastrowid))
            cursor.execute("SELECT @_p_0, @_p_1")
            seen.append(list(cursor.fetchall()))
            cursor.execute("CREATE OR REPLACE PROCEDURE q () SET @q = 1")
            seen.append((cursor.callproc("q"), cursor.nextset()))
            return seen, outcome(lambda: cursor.callproc("nope"))

        self.compare(ours, real, act)

    def test_accepts_a_single_parameter(self):
        ours, real = self.both()
        for given in ("abc", "", 5, 0, b"ab", None, {1}, decimal.Decimal("1.5"), datetime.date(2024, 1, 2)):
            with self.subTest(given=given):

                def act(connection):
                    cursor = connection.cursor()
                    cursor.execute("SELECT %s", given)
                    return list(cursor.fetchall()), cursor.executemany("SELECT %s", None)

                self.compare(ours, real, act)

    def test_scrolls(self):
        ours, real = self.both()

        def act(connection):
            cursor = connection.cursor()
            cursor.execute("SELECT 1 AS a UNION SELECT 2 UNION SELECT 3")
            seen = [cursor.rownumber, cursor.fetchone(), cursor.rownumber]
            for value, mode in ((1, "relative"), (0, "absolute"), (-1, "relative"), (3, "absolute"), (0, "nonsense")):
                seen.append((outcome(lambda: cursor.scroll(value, mode)) is None, cursor.rownumber))
            return seen, list(cursor.fetchall())

        self.compare(ours, real, act)

    def test_returns_rows_as_dictionaries(self):
        ours, real = self.both()

        def act(connection):
            cursor = connection.cursor(pymysql.cursors.DictCursor)
            cursor.execute("SELECT 1 AS a, 'x' AS b, NULL AS c UNION SELECT 2, 'y', 3")
            return cursor.fetchone(), list(cursor.fetchall())

        self.compare(ours, real, act)
        with self.assertRaisesRegex(errors.NotSupportedError, "two columns `a`"):
            ours.cursor(pymysql.cursors.DictCursor).execute("SELECT 1 AS a, 2 AS a")

    def test_unbuffered_cursors(self):
        ours, real = self.both()

        def act(connection):
            seen = []
            for kind in (pymysql.cursors.SSCursor, pymysql.cursors.SSDictCursor):
                cursor = connection.cursor(kind)
                seen.append(cursor.execute("SELECT 1 AS a UNION SELECT 2 UNION SELECT 3"))
                seen.append((cursor.rowcount, cursor.fetchone(), list(cursor.fetchmany(1)), list(cursor.fetchall()), cursor.fetchone()))
                cursor.execute("SET @a = 1")
                seen.append(cursor.rowcount)
                cursor.close()
            return seen

        self.compare(ours, real, act)

    def test_the_connection_returns_ids_counts_and_warnings(self):
        ours, real = self.both()

        def act(connection):
            cursor = connection.cursor()
            cursor.execute("CREATE OR REPLACE TEMPORARY TABLE o (id int PRIMARY KEY AUTO_INCREMENT, a tinyint)")
            cursor.execute("SET SESSION sql_mode = ''")
            cursor.execute("INSERT INTO o (a) VALUES (1), (1000)")
            seen = [connection.insert_id(), connection.affected_rows(), connection.show_warnings(), connection.open]
            cursor.execute("DELETE FROM o WHERE a = 77")
            seen.append((cursor.lastrowid, connection.insert_id(), connection.affected_rows()))
            seen.append((connection.escape("a\\b"), connection.escape(5), connection.thread_id() > 0))
            connection.select_db("mysql")
            cursor.execute("SELECT database()")
            return seen, cursor.fetchone()

        self.compare(ours, real, act)

    def test_objects_are_instances_of_pymysqls_classes(self):
        ours = Driver(
            PyMysqlHost(), MysqlConnection, "pyformat", mismatch=PYMYSQL, driver_class=("pymysql.connections", "Connection"),
            error_names=ErrorNames("pymysql.err"),
        ).connect(url="x")
        self.addCleanup(ours.close)
        self.assertIsInstance(ours, pymysql.connections.Connection)
        self.assertIsInstance(ours.cursor(), pymysql.cursors.Cursor)
        for kind in (pymysql.cursors.DictCursor, pymysql.cursors.SSCursor, pymysql.cursors.SSDictCursor):
            self.assertIsInstance(ours.cursor(kind), kind)
        for sql, kind in (("SELECT * FROM nope", pymysql.err.ProgrammingError), ("CREATE TABLE a (b int, b int)", pymysql.OperationalError)):
            with self.assertRaises(kind) as caught:
                ours.cursor().execute(sql)
            self.assertIsInstance(caught.exception, errors.DatabaseError)
            self.assertEqual(len(caught.exception.args), 2)


class Sqlalchemy(Case):
    """Comparisons of statements through SQLAlchemy with the real driver and with limbeck's."""

    def work(self, engine):
        import sqlalchemy as sa
        from sqlalchemy.dialects import mysql

        metadata = sa.MetaData()
        things = sa.Table(
            "things", metadata,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.String(20), comment="it's 100% \\ a"),
            sa.Column("amount", sa.Numeric(10, 2)),
            sa.Column("ratio", sa.Double),
            sa.Column("flag", sa.Boolean),
            sa.Column("colour", sa.Enum("red", "it's", name="colour")),
            sa.Column("document", sa.JSON),
            sa.Column("data", sa.LargeBinary),
            sa.Column("key", sa.Uuid),
            sa.Column("day", sa.Date),
            sa.Column("moment", mysql.DATETIME(fsp=6)),
            sa.Column("clock", sa.Time),
            sa.Column("bits", mysql.BIT(10)),
            sa.Column("tags", mysql.SET("a", "b")),
        )
        rows = [
            {
                "name": "it's 100% \\", "amount": decimal.Decimal("-1.10"), "ratio": -0.5, "flag": True, "colour": "it's",
                "document": {"a": ["it's", None, "\\ \" %s ü"]}, "data": b"\x00'\\", "key": uuid.UUID(int=7),
                "day": datetime.date(2024, 1, 2), "moment": DT(2024, 1, 2, 3, 4, 5, 6), "clock": datetime.time(1, 2, 3),
                "bits": 513, "tags": {"b", "a"},
            },
            {name: None for name in (
                "name", "amount", "ratio", "flag", "colour", "document", "data", "key", "day", "moment", "clock", "bits", "tags",
            )},
        ]
        with engine.connect() as connection:
            metadata.drop_all(connection)
            metadata.create_all(connection)
            first = connection.execute(things.insert().values(name="\\'", data=b"5")).inserted_primary_key
            many = connection.execute(things.insert(), rows).rowcount
            again = mysql.insert(things).values([{"id": 1, "name": "x"}, {"id": 9, "name": "%"}])
            upserted = connection.execute(again.on_duplicate_key_update(name=again.inserted.name)).rowcount
            updated = connection.execute(things.update().where(things.c.name.like("it's 100|%%", escape="|")).values(ratio=2)).rowcount
            found = [
                [sorted(value) if isinstance(value, set) else value for value in row]
                for row in connection.execute(sa.select(things).order_by("id"))
            ]
            by_document = connection.execute(sa.select(things.c.id).where(things.c.document["a"][0].as_string() == "it's")).scalars().all()
            comment = sa.inspect(connection).get_columns("things")[1]["comment"]
            connection.commit()
        engine.dispose()
        return list(first), many, upserted, updated, repr(found), by_document, comment

    def stream(self, engine):
        with engine.connect() as connection:
            result = connection.exec_driver_sql("SELECT 1 UNION SELECT 2", execution_options={"stream_results": True})
            return result.rowcount, result.all(), connection.dialect.supports_server_side_cursors

    def value_kinds(self, engine):
        import sqlalchemy as sa

        from .value_kinds import VALUES, outcomes, without_message

        columns = {
            "t": ("TEXT", sa.Text()), "v": ("VARCHAR(20)", sa.String(20)), "i": ("INTEGER", sa.Integer()),
            "n": ("NUMERIC(12,4)", sa.Numeric(12, 4)), "f": ("DOUBLE", sa.Float()), "bo": ("BOOLEAN", sa.Boolean()),
            "ts": ("DATETIME(6)", sa.DateTime()), "d": ("DATE", sa.Date()), "ti": ("TIME", sa.Time()), "j": ("JSON", sa.JSON()),
            "data": ("BLOB", sa.LargeBinary()), "bits": ("BIT(8)", sa.dialects.mysql.BIT(8)),
            "tags": ("SET('a','abc')", sa.dialects.mysql.SET("a", "abc")),
        }
        # PyMySQL sends the text of a memoryview and of a number of an enum (docs/differences.md). The text of a generator has
        # its address.
        left_out = ("memoryview", "int enum", "generator", "object")
        values = {name: make for name, make in VALUES.items() if name not in left_out}
        with engine.connect() as connection:
            return sorted((case, without_message(result)) for case, result in outcomes(connection, columns, values).items())

    def test_stores_and_refuses_what_pymysql_does(self):
        self.compare_dialects(("mysql+pymysql",), self.value_kinds)

    def test_streams_results(self):
        names = ("mysql+pymysql", "mysql+asyncmy", "mysql+mysqldb", "mysql+aiomysql", "mariadb+mysqldb")
        self.compare_dialects(names, self.stream)

    def test_gives_the_same_results_under_every_name(self):
        names = ("mysql+pymysql", "mysql+asyncmy", "mysql+mysqldb", "mysql+aiomysql", "mariadb+mysqldb", "mysql+mysqlconnector")
        self.compare_dialects(names, self.work)

    def compare_dialects(self, names, work):
        import sqlalchemy as sa
        from limbeck_worker.dialects import mysql
        from sqlalchemy.dialects import registry

        expected = work(sa.create_engine("mysql+pymysql://root@/d?unix_socket=%s/s" % server.folder))
        before = dict(registry.impls)
        for name in names:
            with self.subTest(name):
                family, driver = name.split("+")
                try:
                    mysql._classes.clear()
                    kind = mysql.dialect_class(driver if family == "mysql" else "mariadb." + driver, PyMysqlHost())
                    registry.impls["%s.%s" % (family, driver)] = lambda: kind
                    url = name + "://root@/d"
                    found = both.run_for(kind, lambda: work(sa.create_engine(url, poolclass=sa.pool.StaticPool)))
                finally:
                    registry.impls.clear()
                    registry.impls.update(before)
                    mysql._classes.clear()
                self.assertEqual(found, expected)


class Errors(unittest.TestCase):
    def test_classifies_every_number_like_pymysql(self):
        self.assertGreater(len(pymysql.err.error_map), 30)
        for number in [0, 1, 999, *range(1000, 5000)]:
            with self.subTest(number=number):
                with self.assertRaises(pymysql.err.Error) as caught:
                    pymysql.err.raise_mysql_exception(b"\xff" + number.to_bytes(2, "little") + b"#HY000x")
                found = errors.from_host_error({"kind": "server", "number": number, "message": "x"}, "mysql")
                self.assertEqual(type(found).__name__, type(caught.exception).__name__)
