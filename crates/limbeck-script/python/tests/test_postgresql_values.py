"""Tests of the conversion of PostgreSQL's texts to Python values."""
import datetime
import decimal
import ipaddress
import types
import unittest
import uuid

from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.base import Driver
from limbeck_worker.dbapi.postgresql_values import decoder_for, parse_array

D = datetime.date
DT = datetime.datetime
T = datetime.time
DELTA = datetime.timedelta
UTC = datetime.timezone.utc


def zone(hours, minutes=0, seconds=0):
    return datetime.timezone(DELTA(hours=hours, minutes=minutes, seconds=seconds))


def connection(json_loads=None, parses_addresses=False, parses_hstore=False, look_up_type=None, **attributes):
    driver = Driver(None, None, "pyformat", **attributes)
    made = types.SimpleNamespace(
        driver=driver, json_loads=json_loads, parses_addresses=parses_addresses, parses_hstore=parses_hstore,
        look_up_type=look_up_type,
    )
    made.decoder = lambda oid: decoder_for(oid, made)
    return made


# OIDs
BOOL, BYTEA, CHAR, NAME, INT8, INT2, INT4, TEXT, OID, JSON, XML = 16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 142
FLOAT4, FLOAT8, INET, CIDR, BPCHAR, VARCHAR, DATE, TIME = 700, 701, 869, 650, 1042, 1043, 1082, 1083
TIMESTAMP, TIMESTAMPTZ, INTERVAL, TIMETZ, BIT, NUMERIC, UUID, JSONB, HSTORE = 1114, 1184, 1186, 1266, 1560, 1700, 2950, 3802, 99999

SCALARS = [
    (BOOL, "t", True),
    (BOOL, "f", False),
    (INT2, "-32768", -32768),
    (INT8, "9223372036854775807", 9223372036854775807),
    (OID, "4294967295", 4294967295),
    (FLOAT4, "1.5", 1.5),
    (FLOAT8, "-0", -0.0),
    (FLOAT8, "1e+308", 1e308),
    (FLOAT8, "Infinity", float("inf")),
    (FLOAT8, "-Infinity", float("-inf")),
    (NUMERIC, "1.10", decimal.Decimal("1.10")),
    (NUMERIC, "-0.000000000000000000001", decimal.Decimal("-1E-21")),
    (NUMERIC, "Infinity", decimal.Decimal("Infinity")),
    (BYTEA, "\\x", b""),
    (BYTEA, "\\x00ff5c", b"\x00\xff\\"),
    # bytea_output = escape
    (BYTEA, "a\\000b\\\\c\\377", b"a\x00b\\c\xff"),
    (DATE, "2024-02-29", D(2024, 2, 29)),
    (DATE, "0001-01-01", D(1, 1, 1)),
    (DATE, "infinity", D.max),
    (DATE, "-infinity", D.min),
    (TIME, "23:59:59.000001", T(23, 59, 59, 1)),
    (TIME, "24:00:00", T(0)),
    (TIMETZ, "01:02:03.5+05:30", T(1, 2, 3, 500000, zone(5, 30))),
    (TIMETZ, "01:02:03-00", T(1, 2, 3, 0, UTC)),
    (TIMESTAMP, "0999-01-02 03:04:05", DT(999, 1, 2, 3, 4, 5)),
    (TIMESTAMP, "2024-01-02 03:04:05.67", DT(2024, 1, 2, 3, 4, 5, 670000)),
    (TIMESTAMP, "infinity", DT.max),
    (TIMESTAMP, "-infinity", DT.min),
    (TIMESTAMPTZ, "2024-01-02 03:04:05+00", DT(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (TIMESTAMPTZ, "2024-01-02 03:04:05.000001-03:30", DT(2024, 1, 2, 3, 4, 5, 1, tzinfo=zone(-3, -30))),
    (TIMESTAMPTZ, "1880-01-01 00:00:00-00:01:15", DT(1880, 1, 1, tzinfo=zone(0, -1, -15))),
    (UUID, "00000000-0000-0000-0000-000000000001", uuid.UUID(int=1)),
    (JSON, '{"a": [1, null]}', {"a": [1, None]}),
    (JSONB, "null", None),
    (JSONB, '"ü"', "ü"),
]

# What stays text, as the drivers have it.
TEXTS = [CHAR, NAME, TEXT, XML, INET, CIDR, BPCHAR, VARCHAR, BIT, HSTORE]

INTERVALS = [
    # value, IntervalStyle: postgres, postgres_verbose, sql_standard, iso_8601 (as PostgreSQL 15 prints them)
    (DELTA(), "00:00:00", "@ 0", "0", "PT0S"),
    (DELTA(days=1), "1 day", "@ 1 day", "1 0:00:00", "P1D"),
    (DELTA(days=-3), "-3 days", "@ 3 days ago", "-3 0:00:00", "P-3D"),
    (DELTA(days=365 + 60), "1 year 2 mons", "@ 1 year 2 mons", "1-2", "P1Y2M"),
    (DELTA(days=-365 - 60), "-1 years -2 mons", "@ 1 year 2 mons ago", "-1-2", "P-1Y-2M"),
    (DELTA(hours=4, minutes=5, seconds=6), "04:05:06", "@ 4 hours 5 mins 6 secs", "4:05:06", "PT4H5M6S"),
    (DELTA(seconds=-0.5), "-00:00:00.5", "@ 0.5 secs ago", "-0:00:00.5", "PT-0.5S"),
    (DELTA(microseconds=1), "00:00:00.000001", "@ 0.000001 secs", "0:00:00.000001", "PT0.000001S"),
    (DELTA(hours=100), "100:00:00", "@ 100 hours", "100:00:00", "PT100H"),
    (
        DELTA(days=365 + 60 + 3, hours=4, minutes=5, seconds=6.789),
        "1 year 2 mons 3 days 04:05:06.789",
        "@ 1 year 2 mons 3 days 4 hours 5 mins 6.789 secs",
        "+1-2 +3 +4:05:06.789",
        "P1Y2M3DT4H5M6.789S",
    ),
    (
        DELTA(days=-365 - 60 + 3, hours=-4, minutes=-5, seconds=-6),
        "-1 years -2 mons +3 days -04:05:06",
        "@ 1 year 2 mons -3 days 4 hours 5 mins 6 secs ago",
        "-1-2 +3 -4:05:06",
        "P-1Y-2M3DT-4H-5M-6S",
    ),
    (DELTA(days=-1, hours=1), "-1 days +01:00:00", "@ 1 day -1 hours ago", "+0-0 -1 +1:00:00", "P-1DT1H"),
]

ARRAYS = [
    (1007, "{}", []),
    (1007, "{1,NULL,-3}", [1, None, -3]),
    (1007, "{{1,2},{3,NULL}}", [[1, 2], [3, None]]),
    (1007, "{{{1}},{{2}}}", [[[1]], [[2]]]),
    (1007, "[0:1]={5,6}", [5, 6]),
    (1007, "[-1:0][2:2]={{5},{6}}", [[5], [6]]),
    (1009, '{a,"b c","d,e","f\\"g","h\\\\i","{}","",NULL,"NULL","null",null}',
     ["a", "b c", "d,e", 'f"g', "h\\i", "{}", "", None, "NULL", "null", "null"]),
    (1009, '{"ü\n\t",\U0001f600}', ["ü\n\t", "\U0001f600"]),
    (1009, '{"=","[0:1]={}"}', ["=", "[0:1]={}"]),
    (1000, "{t,f,NULL}", [True, False, None]),
    (1001, '{"\\\\x00ff",NULL}', [b"\x00\xff", None]),
    (1015, "{a}", ["a"]),
    (1002, "{a}", ["a"]),
    (1041, "{10.0.0.1,::1/64}", ["10.0.0.1", "::1/64"]),
    (1182, "{2024-01-02,infinity}", [D(2024, 1, 2), D.max]),
    (1115, '{"2024-01-02 03:04:05"}', [DT(2024, 1, 2, 3, 4, 5)]),
    (1187, '{"1 day","01:00:00"}', [DELTA(days=1), DELTA(hours=1)]),
    (1231, "{1.10,NaN,NULL}", [decimal.Decimal("1.10"), decimal.Decimal("NaN"), None]),
    (2951, "{00000000-0000-0000-0000-000000000001}", [uuid.UUID(int=1)]),
    (199, '{"{\\"a\\": [1, \\"x\\"]}","null",NULL}', [{"a": [1, "x"]}, None, None]),
]


class Values(unittest.TestCase):
    def decoded(self, oid, text, given=None):
        decode = decoder_for(oid, given or connection())
        return text if decode is None else decode(text)

    def test_reads_scalars(self):
        for oid, text, expected in SCALARS:
            with self.subTest(oid=oid, text=text):
                found = self.decoded(oid, text)
                self.assertEqual(repr(found), repr(expected))

    def test_keeps_texts(self):
        for oid in TEXTS:
            with self.subTest(oid=oid):
                self.assertIsNone(decoder_for(oid, connection()))

    def test_reads_nan(self):
        self.assertNotEqual(self.decoded(FLOAT8, "NaN"), self.decoded(FLOAT8, "NaN"))
        self.assertTrue(self.decoded(NUMERIC, "NaN").is_nan())

    def test_rejects_values_that_python_lacks(self):
        rows = [
            (DATE, "0044-03-15 BC"),
            (DATE, "10000-01-01"),
            (TIMESTAMP, "0044-03-15 12:00:00 BC"),
            (TIMESTAMPTZ, "0044-03-15 12:00:00+00 BC"),
            (TIMESTAMP, "294276-12-31 23:59:59"),
            (INTERVAL, "178000000 years"),
            (INTERVAL, "infinity"),
            (INTERVAL, "unknown"),
            (INTERVAL, "@ 1 fortnight"),
            (INTERVAL, "Px"),
        ]
        for oid, text in rows:
            with self.subTest(text=text), self.assertRaises(errors.DataError) as caught:
                self.decoded(oid, text)
            self.assertIn(text.split(" ")[0], str(caught.exception))

    def test_reads_intervals_in_every_style(self):
        for expected, *texts in INTERVALS:
            for text in texts:
                with self.subTest(text=text):
                    self.assertEqual(self.decoded(INTERVAL, text), expected)

    def test_reads_arrays(self):
        for oid, text, expected in ARRAYS:
            with self.subTest(oid=oid, text=text):
                self.assertEqual(repr(self.decoded(oid, text)), repr(expected))

    def test_reads_arrays_without_a_decoder(self):
        self.assertEqual(parse_array('{a,{"b"}}', None), ["a", ["b"]])

    def test_reads_bytes_as_memoryviews(self):
        found = self.decoded(BYTEA, "\\x00ff", connection(returns_memoryviews=True))
        self.assertIsInstance(found, memoryview)
        self.assertEqual(bytes(found), b"\x00\xff")

    def test_reads_json(self):
        self.assertEqual(self.decoded(JSON, '{"a": 1}'), {"a": 1})
        self.assertEqual(self.decoded(199, '{"{\\"a\\": 1}"}'), [{"a": 1}])
        self.assertEqual(self.decoded(JSONB, "1", connection(json_loads=lambda text: "own " + text)), "own 1")

    def test_uses_a_json_loader_that_is_set_later(self):
        given = connection()
        decode = decoder_for(JSONB, given)
        given.json_loads = lambda text: "own " + text
        self.assertEqual(decode("1"), "own 1")

    def test_reads_addresses(self):
        given = connection(parses_addresses=True)
        self.assertEqual(self.decoded(INET, "10.0.0.1", given), ipaddress.ip_address("10.0.0.1"))
        self.assertEqual(self.decoded(INET, "10.0.0.1/8", given), ipaddress.ip_interface("10.0.0.1/8"))
        self.assertEqual(self.decoded(CIDR, "10.0.0.0/8", given), ipaddress.ip_network("10.0.0.0/8"))
        self.assertEqual(self.decoded(1041, "{10.0.0.1}", given), [ipaddress.ip_address("10.0.0.1")])

    def test_reads_timestamps_with_a_zone(self):
        text = "2024-01-02 03:04:05+02"
        rows = [
            (TIMESTAMPTZ, text, DT(2024, 1, 2, 3, 4, 5, 0, zone(2)), DT(2024, 1, 2, 1, 4, 5, 0, UTC)),
            (TIMESTAMPTZ, "infinity", DT.max.replace(tzinfo=UTC), DT.max),
            (TIMESTAMPTZ, "-infinity", DT.min.replace(tzinfo=UTC), DT.min),
            (1185, '{"%s"}' % text, [DT(2024, 1, 2, 3, 4, 5, 0, zone(2))], [DT(2024, 1, 2, 1, 4, 5, 0, UTC)]),
            (TIMESTAMP, "2024-01-02 03:04:05", DT(2024, 1, 2, 3, 4, 5), DT(2024, 1, 2, 3, 4, 5)),
        ]
        for oid, text, expected, in_utc in rows:
            with self.subTest(text=text):
                self.assertEqual(repr(self.decoded(oid, text)), repr(expected))
                self.assertEqual(repr(self.decoded(oid, text, connection(returns_utc_timestamps=True))), repr(in_utc))

    def test_reads_records(self):
        rows = [
            ("()", ()), ("(1,a)", ("1", "a")), ("(,)", (None, None)), ('(1,"")', ("1", "")), ("(1)", ("1",)), ("(1,)", ("1", None)),
            ('("a""b\\\\c, ")', ('a"b\\c, ',)), ('("(1,""x y"")",2)', ('(1,"x y")', "2")),
        ]
        for text, expected in rows:
            with self.subTest(text=text):
                self.assertEqual(self.decoded(2249, text, connection(parses_records=True)), expected)
        self.assertIsNone(decoder_for(2249, connection()))

    def test_reads_user_defined_types(self):
        types_there = {
            90000: ("hstore", None, None), 90001: ("_hstore", 90000, "hstore"), 90002: ("colour", None, None),
            90003: ("_colour", 90002, "colour"), 90004: (None, None, None),
        }
        rows = [
            (90000, '"a"=>"1", "b"=>NULL', {"a": "1", "b": None}, None),
            (90001, '{"\\"a\\"=>\\"1\\"",NULL}', [{"a": "1"}, None], ['"a"=>"1"', None]),
            (90002, "red", None, None),
            (90003, "{red,NULL}", None, ["red", None]),
            (90004, "x", None, None),
        ]
        with_hstore = connection(parses_hstore=True, look_up_type=types_there.__getitem__)
        with_arrays = connection(parses_every_array=True, look_up_type=types_there.__getitem__)
        for oid, text, *expected in rows:
            for given, value in zip((with_hstore, with_arrays, connection()), (*expected, None)):
                with self.subTest(oid=oid):
                    decode = decoder_for(oid, given)
                    self.assertEqual(decode and decode(text), value)

    def test_keeps_multiranges_as_text(self):
        for oid in (4451, 6150):
            self.assertIsNone(decoder_for(oid, connection(parses_multiranges=False)))

    def test_reads_ranges(self):
        try:
            from sqlalchemy.dialects.postgresql import Range
        except ImportError:
            self.assertIsNone(decoder_for(3904, connection()))
            self.assertIsNone(decoder_for(4451, connection()))
            return
        rows = [
            (3904, "[1,5)", Range(1, 5)),
            (3904, "(,5)", Range(None, 5, bounds="()")),
            (3904, "(,)", Range(None, None, bounds="()")),
            (3904, "empty", Range(empty=True)),
            (3906, "[1.5,2.50]", Range(decimal.Decimal("1.5"), decimal.Decimal("2.50"), bounds="[]")),
            (3908, '["2024-01-02 00:00:00","2024-01-03 00:00:00")', Range(DT(2024, 1, 2), DT(2024, 1, 3))),
            (3910, '["2024-01-02 00:00:00+00",)', Range(DT(2024, 1, 2, tzinfo=UTC), None)),
            (3912, "[2024-01-02,2024-01-05)", Range(D(2024, 1, 2), D(2024, 1, 5))),
            (3926, "[-9,9)", Range(-9, 9)),
            (3905, '{"[1,5)",NULL,empty}', [Range(1, 5), None, Range(empty=True)]),
            (4451, "{[1,3),[5,7)}", [Range(1, 3), Range(5, 7)]),
            (4451, "{}", []),
            (4533, '{["2024-01-02 00:00:00","2024-01-03 00:00:00")}', [Range(DT(2024, 1, 2), DT(2024, 1, 3))]),
        ]
        for oid, text, expected in rows:
            with self.subTest(text=text):
                self.assertEqual(self.decoded(oid, text), expected)
