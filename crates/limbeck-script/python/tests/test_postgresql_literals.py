"""Tests of the conversion of Python values to PostgreSQL literals."""
import datetime
import decimal
import enum
import ipaddress
import sys
import types
import unittest
import uuid

from limbeck_worker.dbapi import errors, ranges
from limbeck_worker.dbapi.driver_literals import Psycopg2Binary, Psycopg2Literals, PsycopgLiterals
from limbeck_worker.dbapi.postgresql_literals import Literals

UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
LOCAL_MEAN_TIME = datetime.timezone(datetime.timedelta(hours=-1, minutes=-2, seconds=-3))


class Text(str):
    def __str__(self):
        return "not this"


class Whole(int):
    def __repr__(self):
        return "not this"

    __str__ = __repr__


class Real(float):
    def __repr__(self):
        return "Real(1.5)"


class Colour(enum.Enum):
    RED = "red"


class TextColour(str, enum.Enum):
    RED = "it's red"


class Number(enum.IntEnum):
    ONE = 1
    LESS = -1


class Items(list):
    pass


class Range:
    """The attributes that the ranges of SQLAlchemy, psycopg2, psycopg and asyncpg share."""

    def __init__(self, lower=None, upper=None, bounds="[)", isempty=False):
        self.lower, self.upper, self.isempty = lower, upper, isempty
        self.lower_inc, self.upper_inc = bounds[0] == "[", bounds[1] == "]"


VALUES = [
    (None, "NULL"),
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (-1, " -1"),
    (10**400, "1" + "0" * 400),
    (Whole(5), "5"),
    (Number.ONE, "1"),
    (Number.LESS, " -1"),
    (1.0, "1.0"),
    (-0.0, " -0.0"),
    (0.1, "0.1"),
    (1e308, "1e+308"),
    (5e-324, "5e-324"),
    (-2.5, " -2.5"),
    (float("nan"), "'NaN'::float"),
    (float("inf"), "'Infinity'::float"),
    (float("-inf"), "'-Infinity'::float"),
    (Real(1.5), "1.5"),
    (decimal.Decimal("1.10"), "1.10"),
    (decimal.Decimal("-1E+3"), " -1E+3"),
    (decimal.Decimal("0E-10"), "0E-10"),
    (decimal.Decimal("NaN"), "'NaN'::numeric"),
    (decimal.Decimal("sNaN"), "'NaN'::numeric"),
    (decimal.Decimal("Infinity"), "'Infinity'::numeric"),
    (decimal.Decimal("-Infinity"), "'-Infinity'::numeric"),
    ("", "''"),
    ("it's", "'it''s'"),
    ("''", "''''''"),
    ("a\\b", "E'a\\\\b'"),
    ("\\'; DROP TABLE t; --", "E'\\\\''; DROP TABLE t; --'"),
    ("\\", "E'\\\\'"),
    ("%s %(a)s $1 :a ?", "'%s %(a)s $1 :a ?'"),
    ("line\nline\r\t\x1a\x7f", "'line\nline\r\t\x1a\x7f'"),
    ("ü\U0001f600", "'ü\U0001f600'"),
    (Text("it's"), "'it''s'"),
    (TextColour.RED, "'it''s red'"),
    (b"", "E'\\\\x'::bytea"),
    (b"\x00'\\\xff", "E'\\\\x00275cff'::bytea"),
    (bytearray(b"ab"), "E'\\\\x6162'::bytea"),
    (memoryview(b"ab"), "E'\\\\x6162'::bytea"),
    (memoryview(b"abcd")[::2], "E'\\\\x6163'::bytea"),
    (datetime.date(2024, 2, 29), "'2024-02-29'::date"),
    (datetime.date(1, 1, 1), "'0001-01-01'::date"),
    (datetime.datetime(999, 1, 2, 3, 4, 5), "'0999-01-02T03:04:05'::timestamp"),
    (datetime.datetime(2024, 1, 2, 3, 4, 5, 7), "'2024-01-02T03:04:05.000007'::timestamp"),
    (datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "'2024-01-02T03:04:05+00:00'::timestamptz"),
    (datetime.datetime(2024, 1, 2, tzinfo=EAST), "'2024-01-02T00:00:00+05:30'::timestamptz"),
    (datetime.datetime(2024, 1, 2, tzinfo=LOCAL_MEAN_TIME), "'2024-01-02T00:00:00-01:02:03'::timestamptz"),
    (datetime.time(3, 4), "'03:04:00'::time"),
    (datetime.time(23, 59, 59, 999999), "'23:59:59.999999'::time"),
    (datetime.time(3, 4, tzinfo=EAST), "'03:04:00+05:30'::timetz"),
    (datetime.timedelta(), "'0 days 0.000000 seconds'::interval"),
    (datetime.timedelta(days=1, microseconds=5), "'1 days 0.000005 seconds'::interval"),
    (datetime.timedelta(microseconds=-1), "'-1 days +86399.999999 seconds'::interval"),
    (uuid.UUID(int=1), "'00000000-0000-0000-0000-000000000001'::uuid"),
    ([], "'{}'"),
    ([[], []], "'{}'"),
    ([1, None, -2], "ARRAY[1,NULL, -2]"),
    ([None], "'{NULL}'"),
    ([[None], [None]], "'{{NULL},{NULL}}'"),
    ([[1, 2], [3, None]], "ARRAY[ARRAY[1,2],ARRAY[3,NULL]]"),
    (["it's", "a,b", '"', "NULL", "\\", "{}"], "ARRAY['it''s','a,b','\"','NULL',E'\\\\','{}']"),
    (Items(["a"]), "ARRAY['a']"),
    ((1, "a"), "(1, 'a')"),
    ({"a": ["it's", None, 1.5]}, "'{\"a\": [\"it''s\", null, 1.5]}'"),
    ({"a": 'x"\\ü'}, "E'{\"a\": \"x\\\\\"\\\\\\\\\\\\u00fc\"}'"),
    (ipaddress.ip_address("::1"), "'::1'::inet"),
    (ipaddress.ip_interface("10.0.0.1/8"), "'10.0.0.1/8'::inet"),
    (ipaddress.ip_network("10.0.0.0/8"), "'10.0.0.0/8'::cidr"),
    (Range(1, 5), "'[1,5)'"),
    (Range(None, -5, "(]"), "'(,-5]'"),
    (Range(isempty=True), "'empty'"),
    (Range("it's", 'a"b\\'), "E'[it''s,\"a\"\"b\\\\\\\\\")'"),
    (Range("", "a,b"), "'[\"\",\"a,b\")'"),
    (Range(datetime.datetime(2024, 1, 2, tzinfo=UTC)), "'[\"2024-01-02 00:00:00+00:00\",)'"),
    ([Range(1, 2), Range(5)], "'{[1,2),[5,)}'"),
]


class LiteralsTest(unittest.TestCase):
    def setUp(self):
        self.literal = Literals().literal

    def test_writes_values(self):
        for value, expected in VALUES:
            with self.subTest(value=value):
                self.assertEqual(self.literal(value), expected)

    def test_rejects_values_without_a_literal(self):
        rows = [
            ("a\x00b", ValueError),
            (["\x00"], ValueError),
            ({"a": object()}, TypeError),
            (object(), errors.ProgrammingError),
            ([object()], errors.ProgrammingError),
            (Colour.RED, errors.ProgrammingError),
        ]
        for value, kind in rows:
            with self.subTest(value=value), self.assertRaises(kind):
                self.literal(value)

    def test_chooses_the_form_of_each_value_of_a_type(self):
        expected = ["'{[1,2)}'", "ARRAY['a']", "'{}'", "'{NULL}'"]
        for order in (range(4), range(3, -1, -1)):
            literal = Literals().literal
            values = [Items([Range(1, 2)]), Items(["a"]), Items(), Items([None])]
            for index in order:
                self.assertEqual(literal(values[index]), expected[index])

    def test_psycopg2_writes_an_infinite_decimal_as_nan(self):
        literal = Literals(has_infinite_numerics=False).literal
        self.assertEqual(literal(decimal.Decimal("-Infinity")), "'NaN'::numeric")

    def test_writes_sqlalchemys_quoted_names(self):
        from sqlalchemy.sql.elements import quoted_name

        self.assertEqual(self.literal(quoted_name("it's", True)), "'it''s'")

    def test_writes_sqlalchemys_ranges(self):
        try:
            from sqlalchemy.dialects.postgresql import Range as SqlalchemyRange
        except ImportError:
            self.skipTest("this SQLAlchemy has no ranges")
        self.assertEqual(self.literal(SqlalchemyRange(1, 5, bounds="[]")), "'[1,5]'")
        self.assertEqual(self.literal(SqlalchemyRange(empty=True)), "'empty'")
        self.assertEqual(self.literal([SqlalchemyRange(1, 5)]), "'{[1,5)}'")


class DriversLiterals(unittest.TestCase):
    """Tests of the values that psycopg2 and psycopg refuse."""

    def test_refuses_what_the_driver_does_not_adapt(self):
        for value in ({"a": 1}, {1}, frozenset(), [{"a": 1}], Range(1, 5), [Range(1, 5)]):
            for kind, message in ((Psycopg2Literals, "can't adapt type '"), (PsycopgLiterals, "cannot adapt type '")):
                with self.subTest(value=value, kind=kind), self.assertRaisesRegex(errors.ProgrammingError, message):
                    kind(True).literal(value)

    def test_writes_the_ranges_of_the_driver(self):
        if ranges.classes() is None:
            self.skipTest("this SQLAlchemy has no ranges")
        single, multirange = ranges.classes()
        literal = PsycopgLiterals(True).literal
        self.assertEqual(literal(single(1, 5)), "'[1,5)'")
        self.assertEqual(literal(multirange([single(1, 5), single(7)])), "'{[1,5),[7,)}'")

    def test_psycopg2_escapes_only_bytes_to_binary(self):
        literal = Psycopg2Literals(False).literal
        self.assertEqual(literal(Psycopg2Binary(bytearray(b"ab"))), "E'\\\\x6162'::bytea")
        self.assertEqual(literal(Psycopg2Binary(None)), "NULL")
        for value, name in ((5, "int"), (True, "bool"), ([1, 2], "list"), ("a", "str")):
            with self.subTest(value=value), self.assertRaisesRegex(TypeError, "can't escape %s to binary" % name):
                literal(Psycopg2Binary(value))


class DriversObjects(unittest.TestCase):
    """Tests with objects of a driver that a project has imported."""

    class ISQLQuote:
        pass

    def setUp(self):
        self.extensions = types.ModuleType("psycopg2.extensions")
        self.extensions.ISQLQuote = self.ISQLQuote
        self.extensions.adapters = {}
        before = sys.modules.get("psycopg2.extensions")
        sys.modules["psycopg2.extensions"] = self.extensions

        def restore():
            del sys.modules["psycopg2.extensions"]
            if before is not None:
                sys.modules["psycopg2.extensions"] = before

        self.addCleanup(restore)
        self.literal = Literals().literal

    def test_writes_the_drivers_wrappers(self):
        class Json:
            def __init__(self, adapted):
                self.adapted = adapted

            def dumps(self, value):
                return "<it's %s>" % value

        class Jsonb:
            dumps = None

            def __init__(self, obj):
                self.obj = obj

        class QuotedString:
            def __init__(self, adapted):
                self.adapted = adapted

            def getquoted(self):
                return b"'wrong without a connection: \\\\'"

        class AsIs(QuotedString):
            def getquoted(self):
                return self.adapted.encode()

        rows = [
            (Json("a"), "'<it''s a>'"),
            (Jsonb({"a": 1}), "'{\"a\": 1}'"),
            (QuotedString("\\"), "E'\\\\'"),
            (AsIs("now()"), "now()"),
        ]
        for value, expected in rows:
            with self.subTest(type(value).__name__):
                self.assertEqual(self.literal(value), expected)

    def test_uses_the_projects_adapters(self):
        class Point:
            x = "1"

        class Unknown:
            pass

        self.assertEqual(self.literal(1.5), "1.5")
        self.extensions.adapters[Point, self.ISQLQuote] = lambda point: point.x
        self.extensions.adapters[float, self.ISQLQuote] = lambda value: None
        self.assertEqual(self.literal(Point()), "'1'")
        self.assertEqual(self.literal([1.5]), "ARRAY[NULL]")
        with self.assertRaises(errors.ProgrammingError):
            self.literal(Unknown())

    def test_ignores_psycopg2s_own_adapters(self):
        def own(value):
            raise AssertionError("not this one")

        own.__module__ = "psycopg2.extensions"
        self.extensions.adapters[str, self.ISQLQuote] = own
        self.assertEqual(self.literal("a"), "'a'")
