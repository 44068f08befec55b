"""PostgreSQL: comparisons of the values that psycopg and asyncpg return."""
import asyncio
import datetime
import json
import os
import time
import unittest

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as types

from limbeck_worker.dialects import postgresql

from . import both, servers, test_postgresql

try:
    import asyncpg
    import psycopg
except ImportError as error:
    raise servers.without_drivers(error)

EXPRESSIONS = [
    "true", "1::smallint", "9223372036854775807", "1.10", "'NaN'::numeric", "'Infinity'::numeric", "1.5::real",
    "'-0'::float8", "'a'::text", "'a'::varchar(5)", "'a'::char(5)", "'a'::name", "''::text", "26::oid",
    "'\\x00ff'::bytea", "'2024-02-29'::date", "'03:04:05.678'::time", "'03:04:05+05:30'::timetz",
    "'2024-01-02 03:04:05.000001'::timestamp", "'2024-01-02 03:04:05+02'::timestamptz",
    "'1 year 2 mons 3 days 04:05:06.789'::interval", "'-00:00:00.5'::interval", "'-10 mon 24:00'::interval",
    "'00000000-0000-0000-0000-000000000001'::uuid", "'{1,NULL,-3}'::int[]", "'{{1,2},{3,4}}'::bigint[]",
    "ARRAY['a','b c','d,e','f\"g','h\\i','{}','',NULL,'NULL','null']", "ARRAY['a'::varchar]", "ARRAY[true,NULL]",
    "ARRAY['\\x00ff'::bytea]", "ARRAY['2024-01-01'::date]", "ARRAY['1 day'::interval]", "'<a/>'::xml", "NULL::int",
    "ARRAY['00000000-0000-0000-0000-000000000001'::uuid]", "ARRAY[1.5::numeric]", "ARRAY[B'101']", "ARRAY['<a/>'::xml]",
    "'{\"a\": 1.50}'::jsonb", "'null'::json",
]

# Expressions read through SQLAlchemy without the type of a `Column`, so that the driver's own conversion counts.
UNTYPED = [
    "'{\"a\": 1}'::json", "'[1.5]'::jsonb", "ARRAY['{\"a\": 1}'::jsonb]", "'10.0.0.1'::inet", "'10.0.0.1/24'::inet",
    "'10.0.0.0/8'::cidr", "ARRAY['10.0.0.1'::inet]", "ARRAY['fe80::/10'::cidr]", "'2024-07-01 12:00+02'::timestamptz",
    "ARRAY['2024-07-01 12:00+02'::timestamptz]", "'\\x01'::bytea", "ARRAY['\\x01'::bytea]", "'a=>1,b=>NULL'::hstore",
    "ARRAY['a=>1'::hstore, NULL]", "'it''s'::hue", "ARRAY['red', 'it''s']::hue[]", "'{{red},{NULL}}'::hue[]",
    "'08:00:2b:01:02:03'::macaddr", "'1.50'::money", "'a b'::tsvector", "'pg_class'::regclass", "'x'::label", "'{1,2}'::numbers",
]
# psycopg raises an error for infinite values.
INFINITE = ["'infinity'::timestamptz", "'-infinity'::timestamptz", "'infinity'::timestamp", "'infinity'::date"]


def setUpModule():
    test_postgresql.setUpModule()


def tearDownModule():
    test_postgresql.server = None


class Values(test_postgresql.Case):
    def ours_as(self, name):
        host = test_postgresql.LibpqHost()
        postgresql._classes.clear()
        self.addCleanup(postgresql._classes.clear)
        kind = postgresql.dialect_class(name, host)
        connection = kind.limbeck_driver.connect(url="x")
        self.addCleanup(connection.close)
        return kind, connection

    def compare(self, connection, expected):
        for expression in EXPRESSIONS:
            with self.subTest(expression):
                cursor = connection.cursor()
                cursor.execute("SELECT " + expression)
                (found,) = cursor.fetchone()
                self.assertEqual(test_postgresql.shown(found), test_postgresql.shown(expected[expression]))

    def test_reads_what_psycopg_reads(self):
        _, ours = self.ours_as("psycopg")
        real = self.psycopg()
        expected = {text: real.execute("SELECT " + text).fetchone()[0] for text in EXPRESSIONS}
        self.compare(ours, expected)

    def test_reads_what_asyncpg_reads(self):
        async def read():
            connection = await asyncpg.connect(host=test_postgresql.server.folder, port=5432, user="postgres", database="postgres")
            try:
                # SQLAlchemy sets these codecs.
                for name in ("json", "jsonb"):
                    await connection.set_type_codec(name, encoder=str, decoder=json.loads, schema="pg_catalog")
                return {text: await connection.fetchval("SELECT " + text) for text in EXPRESSIONS}
            finally:
                await connection.close()

        expected = asyncio.run(read())
        for text, value in expected.items():
            if isinstance(value, asyncpg.BitString) or text == "ARRAY[B'101']":
                # SQLAlchemy returns bits as text.
                expected[text] = [bits.as_string().replace(" ", "") for bits in value]
        _, ours = self.ours_as("asyncpg")
        self.compare(ours, expected)


class Untyped(both.Case):
    """Tests of `text()`, which has no types: the driver's values arrive unchanged."""

    @classmethod
    def setUpClass(cls):
        import psycopg2

        cursor = psycopg2.connect(test_postgresql.parameters()).cursor()
        cursor.execute(
            "CREATE EXTENSION IF NOT EXISTS hstore; CREATE TYPE hue AS ENUM ('red', 'it''s');"
            "CREATE DOMAIN label AS text; CREATE DOMAIN numbers AS int[]"
        )
        cursor.connection.commit()
        cursor.connection.close()

    def read(self, expressions):
        def act(connection):
            connection.exec_driver_sql("SET TIME ZONE 'Europe/Amsterdam'")
            found = {}
            for expression in expressions:
                value = connection.exec_driver_sql("SELECT " + expression).scalar()
                found[expression] = type(value).__name__, repr(exact(value))
            return found

        return act

    def test_reads_untyped_values_of_each_driver(self):
        for name in both.DRIVERS:
            more = [] if name == "psycopg" else INFINITE
            if name != "asyncpg":
                more = more + ["row(1, 'a b')", "'{[1,3)}'::int4multirange"][: 1 if name == "psycopg" else 2]
            with self.subTest(name):
                self.both(name, self.read(UNTYPED + more))

    def test_engine_options_change_values(self):
        rows = [
            ("psycopg2", {"use_native_hstore": False}), ("psycopg", {"use_native_hstore": False}),
            ("psycopg", {"native_inet_types": False}), ("asyncpg", {"native_inet_types": False}),
            ("psycopg", {"native_inet_types": True}), ("asyncpg", {"native_inet_types": True}),
            ("psycopg2", {"json_deserializer": lambda text: "own " + text}),
            ("asyncpg", {"json_deserializer": lambda text: "own " + text}),
        ]
        for name, arguments in rows:
            with self.subTest(name, **arguments):
                self.both(name, self.read(UNTYPED), **arguments)

    def test_psycopg2_rejects_native_inet_types(self):
        for run in (self.real, self.ours_of):
            with self.assertRaises(NotImplementedError):
                run("psycopg2", lambda connection: None, native_inet_types=True)

    def test_reads_bytes_of_a_column(self):
        def act(connection):
            typed = sa.text("SELECT '\\x6162'::bytea AS b").columns(sa.Column("b", sa.LargeBinary()))
            value = connection.execute(typed).scalar()
            return type(value).__name__, bytes(value)

        for name in both.DRIVERS:
            with self.subTest(name):
                self.assertEqual(self.both(name, act), ("bytes", b"ab"))

    def test_reads_columns_of_user_defined_types(self):
        def act(connection):
            row = connection.execute(
                sa.select(
                    sa.cast({"a": "1"}, types.HSTORE), sa.literal_column("'b=>2'::hstore", types.HSTORE),
                    sa.literal_column("ARRAY['red']::hue[]", types.ARRAY(types.ENUM("red", "it's", name="hue"))),
                    sa.literal_column("'10.0.0.1'::inet", types.INET),
                )
            ).one()
            return [repr(value) for value in row]

        for name in both.DRIVERS:
            with self.subTest(name):
                self.both(name, act)

    def test_writes_times_without_a_zone(self):
        moments = sa.table("moments", sa.column("there", sa.DateTime(timezone=True)), sa.column("here", sa.DateTime()))
        values = [datetime.datetime(2024, 7, 1, 12), datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.timezone.utc)]

        def act(connection):
            connection.exec_driver_sql("SET TIME ZONE 'Asia/Kolkata'")
            connection.exec_driver_sql("CREATE TEMP TABLE moments (there timestamptz, here timestamp)")
            for value in values:
                connection.execute(moments.insert().values(there=value, here=datetime.datetime(2024, 7, 1, 12)))
            typed = sa.text("INSERT INTO moments (there) VALUES (:a)").bindparams(sa.bindparam("a", type_=sa.DateTime(timezone=True)))
            connection.execute(typed, {"a": values[0]})
            found = connection.exec_driver_sql("SELECT there AT TIME ZONE 'UTC', here FROM moments").fetchall()
            return sorted(map(repr, found))

        before = os.environ.get("TZ")
        try:
            # This machine's zone differs from the server's and the session's.
            os.environ["TZ"] = "America/New_York"
            time.tzset()
            for name in both.DRIVERS:
                with self.subTest(name):
                    self.both(name, act)
        finally:
            os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
            time.tzset()


def exact(value):
    """Return a comparable form: bytes for memoryviews, and the UTC offset in place of a zone."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.replace(tzinfo=datetime.timezone(value.utcoffset()))
    if isinstance(value, list):
        return [exact(item) for item in value]
    return value


class Sqlalchemy(test_postgresql.Case):
    """Comparisons of statements through SQLAlchemy with the real driver and with limbeck's."""

    def run_both(self, name):
        metadata = sa.MetaData()
        things = sa.Table(
            "things", metadata,
            sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
            sa.Column("name", sa.String(20)),
            sa.Column("amount", sa.Numeric(10, 2)),
            sa.Column("ratio", sa.Float),
            sa.Column("colour", sa.Enum("red", "it's", name="colour")),
            sa.Column("document", sa.JSON),
            sa.Column("document_b", types.JSONB),
            sa.Column("data", sa.LargeBinary),
            sa.Column("key", sa.Uuid),
            sa.Column("numbers", types.ARRAY(sa.Integer)),
            sa.Column("words", types.ARRAY(sa.String)),
            sa.Column("colours", types.ARRAY(types.ENUM("red", "it's", name="colour", create_type=False))),
            sa.Column("moment", sa.DateTime(timezone=True)),
            sa.Column("span", sa.Interval),
            sa.Column("period", types.DATERANGE),
            sa.Column("address", types.INET),
        )
        import uuid
        from decimal import Decimal

        rows = [
            {
                "name": "it's 100% \\", "amount": Decimal("1.10"), "ratio": -0.5, "colour": "it's",
                "document": {"a": ["it's", None, "\\ \" %s"]}, "document_b": [1.5, None], "data": b"\x00'\\",
                "key": uuid.UUID(int=7), "numbers": [1, None, -2], "words": ["a", "it's", "b\\", '"'], "colours": ["red", "it's"],
                "moment": datetime.datetime(2024, 1, 2, 3, 4, 5, 6, datetime.timezone.utc),
                "span": datetime.timedelta(days=-1, seconds=5),
                "period": types.Range(datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)),
                "address": "10.0.0.1",
            },
            {name: None for name in (
                "name", "amount", "ratio", "colour", "document", "document_b", "data", "key", "numbers", "words", "colours",
                "moment", "span", "period", "address",
            )},
        ]

        def work(engine):
            with engine.connect() as connection:
                metadata.create_all(connection)
                connection.execute(things.insert(), rows)
                connection.execute(things.insert().values(numbers=[], words=[], document_b={"b": 1}, amount=-32768))
                count = connection.execute(
                    things.update().where(things.c.name.like("it's 100\\%%", escape="!") | (things.c.id == 3)).values(ratio=2)
                ).rowcount
                found = [tuple(map(test_postgresql.shown, row)) for row in connection.execute(sa.select(things).order_by("id"))]
                texts = connection.execute(sa.text("SELECT things::text FROM things ORDER BY id")).scalars().all()
                one = connection.execute(
                    sa.select(things.c.id).where(
                        things.c.document_b["b"].as_integer() == 1, things.c.numbers == [], things.c.amount == -32768
                    )
                ).scalar()
                connection.rollback()
            engine.dispose()
            return count, found, texts, one

        from sqlalchemy.dialects import registry

        server = test_postgresql.server
        expected = work(sa.create_engine("postgresql+psycopg2://postgres@/postgres?host=%s" % server.folder))
        if name != "psycopg2":
            # The other drivers return address objects.
            address = repr("10.0.0.1")
            expected[1][0] = tuple("IPv4Address(%s)" % address if value == address else value for value in expected[1][0])
        before = dict(registry.impls)
        try:
            host = test_postgresql.LibpqHost()
            postgresql._classes.clear()
            kind = postgresql.dialect_class(name, host)
            registry.impls["postgresql." + name] = lambda: kind
            url = "postgresql+%s://postgres@/postgres" % name
            found = both.run_for(kind, lambda: work(sa.create_engine(url, poolclass=sa.pool.StaticPool)))
        finally:
            registry.impls.clear()
            registry.impls.update(before)
            postgresql._classes.clear()
        self.assertEqual(found, expected)

    def test_same_results_as_psycopg2(self):
        self.run_both("psycopg2")

    def test_same_results_as_psycopg(self):
        self.run_both("psycopg")

    def test_same_results_as_asyncpg(self):
        self.run_both("asyncpg")

    def test_same_results_as_pg8000(self):
        self.run_both("pg8000")
