"""PostgreSQL: each value in each column, with the real drivers and with limbeck's: stored alike, or refused alike."""
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as types

from . import both, servers, test_postgresql
from .value_kinds import VALUES, outcomes, without_message

try:
    import psycopg2
    import psycopg2.extras
except ImportError as error:
    raise servers.without_drivers(error)

setUpModule = test_postgresql.setUpModule


def tearDownModule():
    test_postgresql.server = None


COLUMNS = {
    "t": ("text", sa.Text()), "v": ("varchar(20)", sa.String(20)), "i": ("integer", sa.Integer()), "b": ("bigint", sa.BigInteger()),
    "bo": ("boolean", sa.Boolean()), "n": ("numeric(12,4)", sa.Numeric(12, 4)), "f": ("double precision", sa.Float()),
    "ts": ("timestamp", sa.DateTime()), "tz": ("timestamptz", sa.DateTime(timezone=True)), "d": ("date", sa.Date()),
    "ti": ("time", sa.Time()), "iv": ("interval", sa.Interval()), "u": ("uuid", sa.Uuid()), "j": ("json", sa.JSON()),
    "jb": ("jsonb", types.JSONB()), "by": ("bytea", sa.LargeBinary()), "ta": ("text[]", types.ARRAY(sa.Text())),
    "ia": ("integer[]", types.ARRAY(sa.Integer())), "inet": ("inet", types.INET()), "nr": ("numrange", types.NUMRANGE()),
    "ra": ("int4range[]", types.ARRAY(types.INT4RANGE())), "mr": ("int4multirange", types.INT4MULTIRANGE()),
    "ck": ("char(5)", None), "money": ("money", None), "x": ("xml", None), "vb": ("varbit", None), "oid": ("oid", None),
    "ba": ("bytea[]", None), "jba": ("jsonb[]", None), "pt": ("point", None),
}
RANGES = {
    "range": types.Range(1, 5), "ranges": [types.Range(1, 5), types.Range(7, None)], "multirange": types.ranges.MultiRange([types.Range(1, 5)]),
    "empty range": types.Range(empty=True), "psycopg2's range": psycopg2.extras.NumericRange(1, 5),
}
RANGES = {name: lambda value=value: value for name, value in RANGES.items()}

# asyncpg checks the items of an array and the type of an address; limbeck leaves that to the server (docs/differences.md).
LENIENT = {
    *((column, value) for column in ("t", "v", "ta") for value in ("address", "network")),
    ("ta", "set"), ("ta", "frozenset"),
}


class ValueKinds(both.Case):
    def act(self, connection):
        return outcomes(connection, COLUMNS, {**VALUES, **RANGES})

    def test_psycopg2(self):
        expected, found = self.real("psycopg2", self.act), self.ours_of("psycopg2", self.act)
        self.check(expected, found)

    def test_psycopg_and_asyncpg(self):
        """limbeck stores a value only if the driver or psycopg2 does, and then what either stores."""
        lenient = self.real("psycopg2", self.act)
        for name in ("psycopg", "asyncpg"):
            with self.subTest(name):
                strict, found = self.real(name, self.act), self.ours_of(name, self.act)
                self.assertEqual(
                    [
                        "%s: %s, not %s" % (case, found[case], strict[case])
                        for case in strict
                        if found[case][0] != "error" and found[case] not in (strict[case], lenient[case])
                        and not (name == "asyncpg" and case[1:] in LENIENT)
                    ],
                    [],
                )

    def test_asyncpg_reports_the_value(self):
        def act(connection):
            connection.exec_driver_sql("CREATE TEMP TABLE things (t text, data bytea, numbers integer[])")
            connection.commit()
            found = []
            things = sa.table("things", sa.column("data", sa.LargeBinary()))
            for number, statement in enumerate((
                (sa.text("INSERT INTO things (t) VALUES (:a)"), {"a": {"a": 1}}),
                (things.insert().values(data=5), None), (things.insert().values(data=[1, 2]), None),
                (sa.text("INSERT INTO things (t) VALUES (:a)"), {"a": {7}}),
                (sa.text("INSERT INTO things (t) VALUES (:a)"), {"a": types.Range(1, 5)}),
            )):
                with self.assertRaises(sa.exc.DBAPIError) as caught:
                    connection.execute(*statement)
                text = str(caught.exception.orig)
                found.append(text[text.index("invalid input") : text.rindex(" (")])
                connection.rollback()
            connection.execute(sa.text("INSERT INTO things (numbers) VALUES (:a)"), {"a": {7}})
            return found, connection.exec_driver_sql("SELECT numbers FROM things").scalar()

        found, numbers = self.both("asyncpg", act)
        self.assertEqual(found[1], "invalid input for query argument $1: 5")
        self.assertEqual(numbers, [7])

    def check(self, expected, found):
        different = [
            "%s: %s, not %s" % (case, found[case], expected[case])
            for case in expected
            if without_message(found[case]) != without_message(expected[case])
        ]
        self.assertEqual(different, [])

    def test_writes_back_ranges_that_it_read(self):
        def act(connection):
            connection.exec_driver_sql("CREATE TEMP TABLE spans (a int4range, b int4range, many int4range[], spare int4range[])")
            connection.exec_driver_sql("INSERT INTO spans (a, many) VALUES ('[1,5)', '{\"[1,5)\",\"[7,)\",empty,NULL}')")
            raw, many = connection.execute(sa.text("SELECT a, many FROM spans")).one()
            connection.execute(sa.text("UPDATE spans SET b = :r"), {"r": raw})
            connection.execute(sa.text("UPDATE spans SET spare = CAST(:m AS int4range[])"), {"m": many})
            typed = connection.execute(sa.select(sa.column("a", types.INT4RANGE())).select_from(sa.text("spans"))).scalar()
            self.assertIs(type(typed), types.Range)
            try:
                connection.execute(sa.text("UPDATE spans SET a = :r"), {"r": typed})
            except sa.exc.ProgrammingError as error:
                connection.rollback()
                return str(error.orig)
            return connection.exec_driver_sql("SELECT a::text, b::text, many::text, spare::text FROM spans").one()._tuple()

        self.both("psycopg2", act)
