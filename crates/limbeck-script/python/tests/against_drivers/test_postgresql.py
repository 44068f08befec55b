"""PostgreSQL: comparisons of literals, values and cursors with psycopg2's and psycopg's."""
import base64
import datetime
import decimal
import enum
import ipaddress
import math
import unittest
import uuid

from limbeck_worker.channel import HostError
from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.base import Driver
from limbeck_worker.dbapi.placeholders import PSYCOPG2
from limbeck_worker.dbapi.postgresql_psycopg2 import Psycopg2Connection

from . import servers

try:
    import psycopg
    import psycopg2
    import psycopg2.errorcodes
    import psycopg2.errors
    import psycopg2.extensions
    import psycopg2.extras
except ImportError as error:
    raise servers.without_drivers(error)

UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
DT = datetime.datetime
DELTA = datetime.timedelta

server = None


def setUpModule():
    global server
    server = servers.postgresql()
    unittest.addModuleCleanup(server.close)
    server.wait_for(lambda: psycopg2.connect(parameters())).close()


def parameters():
    return "host=%s port=5432 user=postgres dbname=postgres" % server.folder


class LibpqHost:
    """A host over libpq's simple protocol, with results as text."""

    is_usable = True

    def __init__(self):
        self.functions = {}
        self.connection = psycopg.pq.PGconn.connect(parameters().encode())
        self.connection.exec_(b"SET client_encoding TO 'UTF8'")
        self.notices = []
        self.connection.notice_handler = lambda diagnostics: self.notices.append(
            [
                (diagnostics.error_field(code) or b"").decode("utf-8") or None
                for code in (
                    psycopg.pq.DiagnosticField.SEVERITY, psycopg.pq.DiagnosticField.MESSAGE_PRIMARY,
                    psycopg.pq.DiagnosticField.MESSAGE_DETAIL, psycopg.pq.DiagnosticField.MESSAGE_HINT,
                )
            ]
        )

    def request(self, op, **fields):
        if op == "connect":
            return {"connection": 1, "product": "postgresql", "version": "16", "parameters": {"server_encoding": "UTF8"}}
        if op == "close":
            self.connection.finish()
            return None
        for text in fields["before"]:
            self._run(text)
        results = self._run_extended(fields) if fields.get("extended") else self._run(fields["sql"])
        notices, self.notices[:] = list(self.notices), []
        return {"results": results, "notices": notices, "status": self._status()}

    def _status(self):
        return {0: "I", 2: "T", 3: "E"}[int(self.connection.transaction_status)]

    def _run_extended(self, fields):
        sql = fields["sql"].encode("utf-8")
        if fields["extended"] == "parameter_types":
            prepared = self.connection.prepare(b"", sql)
            if prepared.status != psycopg.pq.ExecStatus.COMMAND_OK:
                self._finish([], prepared)
            described = self.connection.describe_prepared(b"")
            types = [described.param_type(index) for index in range(described.nparams)]
            return [{"columns": None, "rows": [types], "affected": None, "tag": "", "last_id": None}]
        values = [base64.b64decode(value["b"]) for value in fields["parameters"]]
        types = fields["extended"]["binary_parameters"]
        self.connection.send_query_params(sql, values, types, [psycopg.pq.Format.BINARY] * len(values))
        return self._results()

    def _run(self, text):
        self.connection.send_query(text.encode("utf-8"))
        return self._results()

    def _results(self):
        results, failed = [], None
        while True:
            found = self.connection.get_result()
            if found is None:
                break
            if found.status == psycopg.pq.ExecStatus.FATAL_ERROR:
                failed = failed or found
            else:
                results.append(_result(found))
        return self._finish(results, failed)

    def _finish(self, results, failed):
        if failed is not None:
            field = lambda code: (failed.error_field(code) or b"").decode("utf-8")
            raise HostError(
                {
                    "id": 1, "kind": "server", "status": self._status(), "severity": "ERROR",
                    "code": field(psycopg.pq.DiagnosticField.SQLSTATE),
                    "message": field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY),
                    "detail": field(psycopg.pq.DiagnosticField.MESSAGE_DETAIL) or None,
                    "hint": field(psycopg.pq.DiagnosticField.MESSAGE_HINT) or None,
                    "context": field(psycopg.pq.DiagnosticField.CONTEXT) or None,
                    "table": field(psycopg.pq.DiagnosticField.TABLE_NAME) or None,
                    "constraint": field(psycopg.pq.DiagnosticField.CONSTRAINT_NAME) or None,
                    "position": int(field(psycopg.pq.DiagnosticField.STATEMENT_POSITION) or 0) or None,
                }
            )
        return results


def _result(found):
    columns, rows = None, []
    if found.status == psycopg.pq.ExecStatus.TUPLES_OK:
        width = found.nfields
        columns = [[found.fname(index).decode("utf-8"), found.ftype(index), -1, 0, 0] for index in range(width)]
        for row in range(found.ntuples):
            values = [found.get_value(row, index) for index in range(width)]
            rows.append([None if value is None else value.decode("utf-8") for value in values])
    return {"columns": columns, "rows": rows, "affected": found.command_tuples, "tag": (found.command_status or b"").decode(), "last_id": None}


class Enumeration(enum.IntEnum):
    LESS = -5


class Case(unittest.TestCase):
    def ours(self, **driver):
        given = {"returns_memoryviews": True, "has_infinite_numerics": False, "mismatch": PSYCOPG2, "parses_multiranges": False, "tracks_begin": True}
        connection = Driver(LibpqHost(), Psycopg2Connection, "pyformat", **{**given, **driver}).connect(url="x")
        self.addCleanup(connection.close)
        return connection

    def psycopg2(self):
        connection = psycopg2.connect(parameters())
        psycopg2.extras.register_uuid(conn_or_curs=connection)
        self.addCleanup(connection.close)
        return connection

    def psycopg(self):
        connection = psycopg.connect(parameters())
        self.addCleanup(connection.close)
        return connection


def shown(value):
    """Return a form that can be compared across drivers: bytes for memoryviews, UTC for times with a zone."""
    if isinstance(value, memoryview):
        value = bytes(value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(UTC)
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return repr(value)


def outcome(act):
    try:
        return act()
    except Exception as error:
        return error


# Values, and the types of the columns that they are written to and read from.
WRITTEN = [
    ([None], ["int", "text", "bytea", "timestamptz", "int[]", "jsonb", "uuid"]),
    ([True, False], ["bool", "text", "bool[]"]),
    ([0, -1, 32767, -32768], ["smallint", "int", "bigint", "numeric", "float8", "text"]),
    ([-(2**31), 2**31 - 1], ["int", "bigint", "numeric", "float8"]),
    ([-(2**63), 2**63 - 1], ["bigint", "numeric", "float8", "text"]),
    ([2**63, -(10**40)], ["numeric", "float8"]),
    ([Enumeration.LESS], ["int"]),
    (
        [0.0, -0.0, 0.1, 1 / 3, -2.5, 1e22, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")],
        ["float8", "numeric"],
    ),
    ([1.5, float("nan"), float("-inf")], ["real", "text"]),
    (
        [decimal.Decimal(text) for text in ("1.10", "-0.00", "1E+3", "-1E-20", "NaN", "Infinity", "-Infinity")],
        ["numeric", "float8"],
    ),
    (
        ["", "a", "it's", "''", "\\", "\\'", "a\\nb", "\\x41", "%s", "%%", "%(a)s", "$1", ":a", "?", "--", "/*", "$$",
         "line\nline\r\n\t", "\x01\x1a\x7f", "ü", "\U0001f600", "{a}", "NULL", '"', ";", "E'x'", " "],
        ["text", "varchar(100)", "name", "char(30)", "json_text"],
    ),
    (["2024-02-29", "infinity", "-infinity"], ["date", "timestamp", "timestamptz"]),
    (['{"a": ["it\'s \\\\ \\" ü", null, 1.5]}', "null", '"\\u00fc"', "[]"], ["json", "jsonb"]),
    ([b"", b"a", b"\x00\x01\xff", b"'\\\"", bytes(range(256)), bytearray(b"ab"), memoryview(b"ab")], ["bytea"]),
    (
        [datetime.date(2024, 2, 29), datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(999, 1, 1)],
        ["date", "timestamp", "timestamptz", "text"],
    ),
    (
        [DT(2024, 1, 2, 3, 4, 5, 678901), DT(1, 1, 1), DT(9999, 12, 31, 23, 59, 59, 999999), DT(999, 1, 1)],
        ["timestamp", "date", "time", "text"],
    ),
    (
        [DT(2024, 1, 2, 3, 4, 5, 1, UTC), DT(2024, 1, 2, tzinfo=EAST),
         DT(1900, 1, 1, tzinfo=datetime.timezone(DELTA(seconds=-4530)))],
        ["timestamptz", "timestamp", "date", "text"],
    ),
    ([datetime.time(0), datetime.time(23, 59, 59, 999999)], ["time", "interval", "text"]),
    ([datetime.time(1, 2, tzinfo=EAST)], ["timetz", "text"]),
    (
        [DELTA(), DELTA(1), DELTA(-1), DELTA(microseconds=-1), DELTA(days=3, hours=-5), DELTA(400, 5, 6), DELTA(hours=1)],
        ["interval", "text"],
    ),
    ([uuid.UUID(int=5)], ["uuid", "text"]),
    ([[], [1, None, -3], [[1, 2], [3, None]], [None], [[None], [None]]], ["int[]", "bigint[]", "numeric[]"]),
    (
        [[], ["a"], ["it's", "a,b", '"', "NULL", "null", "\\", "{}", "", None, "ü\n"], [["a"], ["b\\"]]],
        ["text[]"],
    ),
    ([[b"\x00\\'"], [None]], ["bytea[]"]),
    ([[datetime.date(2024, 1, 1), None]], ["date[]"]),
    ([[DT(2024, 1, 1, tzinfo=UTC)]], ["timestamptz[]"]),
    ([[uuid.UUID(int=5), None]], ["uuid[]"]),
    ([[1.5, float("nan")]], ["float8[]"]),
    ([[decimal.Decimal("1.5")]], ["numeric[]"]),
    ([[True, None]], ["bool[]"]),
    (["10.0.0.1", "10.0.0.0/8", "::1"], ["inet"]),
]

# Expressions that both connections read.
READ = [
    "true", "NULL::bool", "1::smallint", "-2147483648::int", "9223372036854775807", "1.10", "'NaN'::numeric",
    "'1e-30'::numeric", "1.5::real", "'-0'::float8", "'NaN'::float8", "'-Infinity'::float8", "1e308::float8",
    "'a'::text", "'a'::varchar(5)", "'a'::char(5)", "'a'::name", "'a'::\"char\"", "'x'::unknown", "''::text",
    "26::oid", "'pg_class'::regclass", "'int4'::regtype", "'1'::xid", "'(0,1)'::tid", "B'101'", "B'1'::varbit",
    "'1.50'::money", "'<a/>'::xml", "'a b'::tsvector", "'a & b'::tsquery", "'$.a'::jsonpath",
    "'(1,2)'::point", "'08:00:2b:01:02:03'::macaddr", "'10.0.0.1'::inet", "'10.0.0.1/8'::inet", "'10.0.0.0/8'::cidr",
    "'\\x00ff'::bytea", "'\\x'::bytea",
    "'{\"a\": [1, null, \"ü\"]}'::json", "'{\"a\": 1.50}'::jsonb", "'null'::jsonb", "'\"x\"'::json",
    "'2024-02-29'::date", "'0001-01-01'::date", "'infinity'::date", "'-infinity'::date",
    "'0044-03-15 BC'::date", "'10000-01-01'::date",
    "'03:04:05'::time", "'03:04:05.678'::time", "'24:00'::time", "'03:04:05+05:30'::timetz", "'03:04:05-00:01:15'::timetz",
    "'2024-01-02 03:04:05'::timestamp", "'2024-01-02 03:04:05.000001'::timestamp", "'0001-01-01'::timestamp",
    "'infinity'::timestamp", "'-infinity'::timestamp", "'0044-03-15 12:00 BC'::timestamp", "'294276-12-31'::timestamp",
    "'2024-01-02 03:04:05+02'::timestamptz", "'1880-01-01 00:00:00+00'::timestamptz",
    "'0044-03-15 12:00 BC'::timestamptz", "'infinity'::timestamptz", "'-infinity'::timestamptz", "'{[1,3)}'::int4multirange",
    "ARRAY['{[1,3)}'::int4multirange]",
    "'1 day'::interval", "'-1 day'::interval", "'1 year 2 mons 3 days 04:05:06.789'::interval", "'100:00:00'::interval",
    "'-00:00:00.5'::interval", "'-1 year +3 days -04:05:06'::interval", "'0'::interval", "'1 mon -1 day'::interval",
    "'1 year -1 mon'::interval", "'-10 mon 24:00'::interval", "'0.000001 s'::interval",
    "'00000000-0000-0000-0000-000000000001'::uuid",
    "'{}'::int[]", "'{1,NULL,-3}'::int[]", "'{{1,2},{3,4}}'::bigint[]", "'[0:1]={5,6}'::int[]",
    "ARRAY['a','b c','d,e','f\"g','h\\i','{}','',NULL,'NULL','null']",
    "ARRAY['a'::varchar]", "ARRAY['a'::char(3)]", "ARRAY['a'::name]", "ARRAY[true,NULL]", "ARRAY[1.5,NULL]",
    "ARRAY[1.5::float8]", "ARRAY['\\x00ff'::bytea, NULL]", "ARRAY['2024-01-01'::date]", 
    "ARRAY['2024-01-02 03:04:05'::timestamp]", "ARRAY['2024-01-02 03:04:05+00'::timestamptz]", "ARRAY['1 day'::interval]",
    "ARRAY['03:04'::time]", "ARRAY['00000000-0000-0000-0000-000000000001'::uuid]", "ARRAY['{\"a\": \"x\\\"\"}'::json]",
    "ARRAY['{\"a\": 1}'::jsonb]", "ARRAY['10.0.0.1'::inet]", "ARRAY['10.0.0.0/8'::cidr]",
    "ARRAY['08:00:2b:01:02:03'::macaddr]", "ARRAY[26::oid]", "ARRAY[1::smallint]",
    "current_setting('server_version_num')", "row(1, 'a')", "ARRAY[row(1, 2)]", "1 AS \"ü %\"",
]

# Expressions that only limbeck's connection can read.
READ_BY_LIMBECK_ALONE = [
    ("'[-1:0][2:2]={{5},{6}}'::int[]", [[5], [6]]),
    ("ARRAY['infinity'::date]", [datetime.date.max]),
]


class Literals(Case):
    def test_stores_what_psycopg2_stores(self):
        ours, real = self.ours(), self.psycopg2()
        for scs in ("on", "off"):
            for connection in (ours, real):
                cursor = connection.cursor()
                cursor.execute("SET standard_conforming_strings TO %s" % scs)
                cursor.execute("SET escape_string_warning TO off")
                connection.commit()
            for values, kinds in WRITTEN:
                for value in values:
                    for kind in kinds:
                        with self.subTest(value=value, kind=kind, scs=scs):
                            self.assertEqual(self.stored(ours, kind, value), self.stored(real, kind, value))

    def stored(self, connection, kind, value):
        """Return the column's value as the server writes it, or the SQLSTATE of the error."""
        kind = "text" if kind == "json_text" else kind
        cursor = connection.cursor()
        try:
            cursor.execute("CREATE TEMPORARY TABLE w (c %s)" % kind)
            cursor.execute("INSERT INTO w VALUES (%s)", (value,))
            cursor.execute("SELECT c::text, pg_typeof(c)::text, c IS NULL FROM w")
            return cursor.fetchall()
        except (errors.DatabaseError, psycopg2.DatabaseError) as error:
            return error.pgcode
        finally:
            connection.rollback()

    def test_literals_have_psycopg2s_types(self):
        """The type of a literal selects overloaded functions and operators."""
        ours, real = self.ours(), self.psycopg2()
        for values, _ in WRITTEN:
            for value in values:
                with self.subTest(value=value):
                    found = []
                    for connection in (ours, real):
                        cursor = connection.cursor()
                        cursor.execute("SELECT pg_typeof(%s)::text, %s IS NULL", (value, value))
                        found.append(cursor.fetchall())
                        connection.rollback()
                    self.assertEqual(found[0], found[1])

    def test_literals_equal_psycopg2s(self):
        real = self.psycopg2()
        ours = self.ours()
        for value in (
            None, True, 5, -5, 10**30, 1.5, -1.5, float("nan"), float("inf"), decimal.Decimal("1.10"),
            decimal.Decimal("-1E+3"), decimal.Decimal("NaN"), decimal.Decimal("Infinity"), "it's", "ü",
            datetime.date(1, 2, 3), DT(999, 1, 2, 3, 4, 5, 6), DT(2024, 1, 1, tzinfo=EAST), datetime.time(1, 2, 3, 4),
            DELTA(days=1, microseconds=5), uuid.UUID(int=3), [], [1, -2], [None], [[None], [None]], ["it's"], (1, "a"),
        ):
            with self.subTest(value=value):
                adapted = psycopg2.extensions.adapt(value)
                if hasattr(adapted, "prepare"):
                    adapted.prepare(real)
                self.assertEqual(ours.literal(value), adapted.getquoted().decode("utf-8"))

    def test_rejects_what_psycopg2_rejects(self):
        real, ours = self.psycopg2().cursor(), self.ours().cursor()
        rows = [
            ("SELECT %s", ("a\x00",)), ("SELECT %s", ("\ud800",)), ("SELECT %s", (object(),)),
            ("SELECT %s, %s", (1,)), ("SELECT %s", (1, 2)), ("SELECT %(b)s", {"a": 1}), ("SELECT %s, %s", [1]),
        ]
        for sql, given in rows:
            with self.subTest(sql=sql, given=given):
                expected, found = outcome(lambda: real.execute(sql, given)), outcome(lambda: ours.execute(sql, given))
                self.assertEqual(type(found).__name__, type(expected).__name__)

    def test_writes_infinite_numerics_like_psycopg(self):
        ours, real = self.ours(has_infinite_numerics=True), self.psycopg()
        for text in ("Infinity", "-Infinity", "NaN", "sNaN", "1E+3"):
            value = decimal.Decimal(text)
            found = []
            for connection in (ours, real):
                cursor = connection.cursor()
                cursor.execute("SELECT %s::numeric::text", (value,))
                found.append(cursor.fetchone())
            self.assertEqual(*map(tuple, found))

    def test_casts_negative_numbers_like_server_side_binding(self):
        ours, real = self.ours(), self.psycopg()
        rows = [(-32768, "smallint"), (-(2**31), "int"), (-(2**63), "bigint"), (-1, "text"), (-1.5, "int"), (-0.0, "text")]
        for value, kind in rows:
            with self.subTest(value=value, kind=kind):
                found = []
                for connection in (ours, real):
                    cursor = connection.cursor()
                    cursor.execute("SELECT %%s::%s" % kind, (value,))
                    found.append(cursor.fetchone())
                if kind == "text":
                    found = [[float(item[0])] for item in found]
                self.assertEqual(*map(list, found))

    def test_writes_psycopg2s_objects(self):
        ours, real = self.ours(), self.psycopg2()
        values = [
            psycopg2.extras.Json({"a": "it's \\ \" ü"}), psycopg2.extensions.AsIs("1 + 1"),
            psycopg2.extensions.QuotedString("a\\'"), psycopg2.Binary(b"\x00\\'"),
            psycopg2.extras.NumericRange(1, 5), psycopg2.extras.DateRange(datetime.date(2024, 1, 1), None),
            psycopg2.extras.DateTimeRange(DT(2024, 1, 1, 2), DT(2024, 1, 2), "[]"), psycopg2.extras.NumericRange(empty=True),
            psycopg2.Date(2024, 1, 1), psycopg2.Timestamp(2024, 1, 1, 2, 3, 4),
        ]
        for value in values:
            with self.subTest(value=value):
                found = []
                for connection in (ours, real):
                    cursor = connection.cursor()
                    cursor.execute("SELECT (%s)::text", (value,))
                    found.append(cursor.fetchone())
                    connection.rollback()
                self.assertEqual(*found)


class Values(Case):
    def read(self, connection, expression):
        cursor = connection.cursor()
        try:
            cursor.execute("SELECT " + expression)
            (value,) = cursor.fetchone()
            return shown(value), cursor.description[0][:2]
        except (errors.DatabaseError, psycopg2.DatabaseError, ValueError, OverflowError) as error:
            return "refused: %s" % getattr(error, "pgcode", None)
        finally:
            connection.rollback()

    def test_reads_what_psycopg2_reads(self):
        ours, real = self.ours(), self.psycopg2()
        for zone in ("UTC", "Asia/Kolkata", "Europe/Amsterdam"):
            for connection in (ours, real):
                connection.cursor().execute("SET TIME ZONE '%s'" % zone)
                connection.commit()
            for expression in READ:
                with self.subTest(expression=expression, zone=zone):
                    self.assertEqual(self.read(ours, expression), self.read(real, expression))

    def test_reads_values_that_psycopg2_can_not_read(self):
        ours, real = self.ours(), self.psycopg2()
        for expression, expected in READ_BY_LIMBECK_ALONE:
            with self.subTest(expression=expression):
                self.assertEqual(self.read(ours, expression)[0], shown(expected))
                self.assertIn("refused", self.read(real, expression))

    def test_reads_bytea_in_both_formats(self):
        ours, real = self.ours(), self.psycopg2()
        for form in ("hex", "escape"):
            for connection in (ours, real):
                connection.cursor().execute("SET bytea_output TO '%s'" % form)
                connection.commit()
            for data in (b"", bytes(range(256)), b"\\\\'\\000"):
                with self.subTest(form=form, data=data):
                    for connection in (ours, real):
                        cursor = connection.cursor()
                        cursor.execute("SELECT %s, ARRAY[%s]", (data, data))
                        one, (many,) = cursor.fetchone()
                        self.assertEqual((bytes(one), bytes(many)), (data, data))

    def test_reads_intervals_in_every_style(self):
        """psycopg2 reads only the first style; the others must give the same values."""
        ours, real = self.ours(), self.psycopg2()
        expressions = [
            "0", "1 day", "-1 day", "1 year 2 mons", "-1 year -2 mons", "04:05:06", "-04:05:06", "-00:00:00.5",
            "1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons +3 days -04:05:06", "1 day -1 hour", "-1 day +1 hour",
            "100:00:00", "0.000001 s", "1 mon -1 day", "-10 mon 24:00", "1 week", "1 min", "-1 min 5 s", "1 year -1 mon",
            "-1 year 1 mon 1 s", "5 days 0.5 s", "-3 years", "1 mon 00:00:01",
        ]
        # The style also affects how literals are parsed, so the values are stored first.
        rows = ", ".join("(%d, '%s'::interval)" % pair for pair in enumerate(expressions))
        for connection in (ours, real):
            connection.cursor().execute("CREATE TEMP TABLE i AS SELECT * FROM (VALUES %s) AS v (n, i)" % rows)
        real_cursor = real.cursor()
        real_cursor.execute("SELECT i FROM i ORDER BY n")
        expected = real_cursor.fetchall()
        for style in ("postgres", "postgres_verbose", "sql_standard", "iso_8601"):
            cursor = ours.cursor()
            cursor.execute("SET IntervalStyle TO '%s'" % style)
            cursor.execute("SELECT i, i::text FROM i ORDER BY n")
            for (found, text), (value,) in zip(cursor.fetchall(), expected):
                with self.subTest(style=style, text=text):
                    self.assertEqual(found, value)

    def test_writes_intervals_in_every_style(self):
        ours = self.ours()
        cursor = ours.cursor()
        values = [DELTA(), DELTA(-1), DELTA(microseconds=-1), DELTA(days=3, hours=-5), DELTA(hours=-25), DELTA(days=1, seconds=1)]
        for style in ("postgres", "postgres_verbose", "sql_standard", "iso_8601"):
            cursor.execute("SET IntervalStyle TO '%s'" % style)
            for value in values:
                with self.subTest(style=style, value=value):
                    cursor.execute("SELECT %s", (value,))
                    self.assertEqual(cursor.fetchone(), (value,))

    def test_round_trips_texts_that_need_quotes_in_an_array(self):
        ours, real = self.ours(), self.psycopg2()
        texts = ["", " ", '"', "\\", "{", "}", ",", "NULL", "null", "a\nb", "it's", "ü\U0001f600", "\\x", '\\"', "[0:1]="]
        for connection in (ours, real):
            cursor = connection.cursor()
            cursor.execute("SELECT %s, %s", (texts, [texts, texts]))
            self.assertEqual(cursor.fetchone(), (texts, [texts, texts]))

    def test_reads_the_ranges_that_sqlalchemy_builds_from_psycopg2s(self):
        from sqlalchemy.dialects.postgresql import Range

        ours, real = self.ours(), self.psycopg2()
        for expression in (
            "int4range(1, 5)", "int4range(NULL, 5)", "int4range(1, NULL, '()')", "'empty'::int4range", "numrange(1.5, 2)",
            "daterange('2024-01-01', NULL)", "tsrange('2024-01-01', '2024-01-02 03:04:05.6', '[]')", "int8range(NULL, NULL)",
            "tstzrange('2024-01-01', NULL)", "ARRAY[int4range(1, 5), NULL]",
        ):
            with self.subTest(expression):
                cursor, real_cursor = ours.cursor(), real.cursor()
                cursor.execute("SELECT " + expression)
                real_cursor.execute("SELECT " + expression)
                ((found,), (expected,)) = cursor.fetchone(), real_cursor.fetchone()
                for one, other in zip(found if isinstance(found, list) else [found], expected if isinstance(expected, list) else [expected]):
                    if other is None:
                        self.assertIsNone(one)
                        continue
                    self.assertEqual(one, Range(other.lower, other.upper, bounds=other._bounds or "[)", empty=other.isempty))


class Cursors(Case):
    def both(self, act):
        found = []
        for connection in (self.ours(), self.psycopg2()):
            found.append(outcome(lambda: act(connection)))
        self.assertEqual(*[type(item).__name__ if isinstance(item, Exception) else item for item in found])

    def test_cursors_show_the_same_results(self):
        def after(*texts):
            def act(connection):
                cursor = connection.cursor()
                seen = []
                for text in texts:
                    try:
                        cursor.execute(text)
                    except Exception as error:
                        seen.append((type(error).__mro__[-4].__name__, error.pgcode))
                    names = cursor.description and [(item.name, item[1]) for item in cursor.description]
                    rows = cursor.fetchall() if cursor.description else None
                    seen.append((names, cursor.rowcount, rows))
                return seen

            return act

        self.both(after("CREATE TEMP TABLE c (a int)", "INSERT INTO c VALUES (1), (2)", "SELECT * FROM c ORDER BY 1",
                        "UPDATE c SET a = 3", "DELETE FROM c RETURNING a", "SELECT a FROM c", "DROP TABLE c"))
        self.both(after("SELECT 1; SELECT 2, 3", "SELECT 1; CREATE TEMP TABLE c (a int)"))
        self.both(after("SHOW server_version_num", "EXPLAIN (COSTS off) SELECT 1", "DO $$ BEGIN END $$", "SET TIME ZONE 'UTC'"))

    def test_treats_percent_signs_like_psycopg2(self):
        for sql, given in (
            ("SELECT '%%', %s", (1,)), ("SELECT '%%'", None), ("SELECT '%%'", ()), ("SELECT '%%'", {}), ("SELECT '%'", None),
            ("SELECT %(a)s, %(a)s", {"a": "%s"}), ("SELECT '%s'", (5,)), ("SELECT 1 -- %s\n", (1,)), ("SELECT 5 %% 3, %s", (1,)),
        ):
            with self.subTest(sql=sql, given=given):

                def act(connection):
                    cursor = connection.cursor()
                    cursor.execute(sql, given)
                    return cursor.fetchall()

                self.both(act)

    def test_controls_transactions_like_psycopg2(self):
        def act(connection):
            cursor = connection.cursor()
            cursor.execute("CREATE TEMP TABLE c (a int UNIQUE)")
            connection.commit()
            cursor.executemany("INSERT INTO c VALUES (%s)", [(1,), (2,)])
            count = cursor.rowcount
            connection.rollback()
            with connection:
                cursor.execute("INSERT INTO c VALUES (3)")
            try:
                with connection:
                    cursor.execute("INSERT INTO c VALUES (4)")
                    cursor.execute("INSERT INTO c VALUES (3)")
            except Exception as error:
                code = error.pgcode
            connection.set_isolation_level(0)
            cursor.execute("VACUUM")
            autocommit = connection.autocommit
            connection.set_isolation_level(3)
            cursor.execute("SELECT a, current_setting('transaction_isolation') FROM c")
            return count > 0, code, autocommit, cursor.fetchall()

        self.both(act)

    def test_sets_sessions_like_psycopg2(self):
        def act(connection):
            seen = []
            for given in (
                {"isolation_level": "SERIALIZABLE", "readonly": True, "deferrable": True}, {"isolation_level": "DEFAULT"},
                {"readonly": False, "deferrable": "DEFAULT"}, {"autocommit": True}, {"autocommit": False, "isolation_level": 2},
            ):
                connection.set_session(**given)
                cursor = connection.cursor()
                cursor.execute(
                    "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only'),"
                    " current_setting('transaction_deferrable')"
                )
                seen.append(cursor.fetchall())
                connection.rollback()
            return seen

        self.both(act)

    def test_runs_psycopg2s_helpers(self):
        def act(connection):
            cursor = connection.cursor()
            cursor.execute("CREATE TEMP TABLE c (a int, b text)")
            rows = [(number, "it's %%s \\ %d" % number) for number in range(250)]
            psycopg2.extras.execute_values(cursor, "INSERT INTO c VALUES %s", rows)
            psycopg2.extras.execute_batch(cursor, "UPDATE c SET b = %s WHERE a = %s", [("ü", 1), ("%s", 2)])
            found = psycopg2.extras.execute_values(cursor, "DELETE FROM c USING (VALUES %s) AS v (a) WHERE c.a = v.a RETURNING b",
                                                   [(1,), (2,), (3,)], fetch=True)
            cursor.execute("SELECT count(*), min(b) FROM c")
            return sorted(found), cursor.fetchall()

        self.both(act)

    def test_rejects_use_when_closed(self):
        for use, sends in (
            (lambda connection, cursor: cursor.execute("SELECT 1"), True),
            (lambda connection, cursor: connection.cursor(), True),
            # As with asyncpg, fetched rows can still be read.
            (lambda connection, cursor: cursor.fetchone(), False),
        ):

            def after_the_cursor(connection):
                cursor = connection.cursor()
                cursor.close()
                use(connection, cursor)
                return "fine"

            def after_the_connection(connection):
                cursor = connection.cursor()
                connection.close()
                use(connection, cursor)

            self.both(after_the_cursor)
            if sends:
                self.both(after_the_connection)

    def test_returns_the_server_version(self):
        ours, real = self.ours(), self.psycopg2()
        for text in (real.info.parameter_status("server_version"),):
            ours.server_version_text = text
            self.assertEqual(ours.server_version, real.server_version)


class Errors(unittest.TestCase):
    def test_classifies_every_sqlstate_like_psycopg2(self):
        standard = (
            "InterfaceError", "DataError", "OperationalError", "IntegrityError", "InternalError", "ProgrammingError",
            "NotSupportedError", "DatabaseError", "Error",
        )
        codes = {
            code for name, code in vars(psycopg2.errorcodes).items()
            if name.isupper() and isinstance(code, str) and len(code) == 5
        }
        self.assertGreater(len(codes), 200)
        for code in sorted(codes):
            try:
                kind = psycopg2.errors.lookup(code)
            except KeyError:
                continue
            expected = next(base.__name__ for base in kind.__mro__ if base.__name__ in standard)
            with self.subTest(code=code):
                found = errors.from_host_error({"kind": "server", "code": code, "message": "x"}, "postgresql")
                self.assertEqual(type(found).__name__, expected)
