"""Tests of the dialects under every name of a URL, and comparisons with SQLAlchemy's own dialects."""
import enum
import importlib
import os
import re
import unittest

import sqlalchemy as sa
from limbeck_worker import dialects
from limbeck_worker.dialects import identity
from limbeck_worker.dialects.common import VERSION
from sqlalchemy import exc
from sqlalchemy.dialects import mysql, postgresql, registry
from sqlalchemy.engine import make_url

from .host import PreparedHost, column, result

POSTGRESQL = ["psycopg2", "psycopg", "pg8000", "asyncpg", "psycopg2cffi", "pygresql", "pypostgresql"]
MYSQL = ["mysqldb", "pymysql", "aiomysql", "asyncmy", "mysqlconnector", "mariadbconnector", "cymysql", "pyodbc"]
SQLITE = ["pysqlite", "aiosqlite"]

# SQLAlchemy's own dialects. Those that a version lacks are left out of the comparison.
REAL = {
    "postgresql+psycopg2": ("postgresql.psycopg2", "PGDialect_psycopg2"),
    "postgresql+psycopg": ("postgresql.psycopg", "PGDialect_psycopg"),
    "postgresql+asyncpg": ("postgresql.asyncpg", "PGDialect_asyncpg"),
    "postgresql+pg8000": ("postgresql.pg8000", "PGDialect_pg8000"),
    "mysql+pymysql": ("mysql.pymysql", "MySQLDialect_pymysql"),
    "mysql+aiomysql": ("mysql.aiomysql", "MySQLDialect_aiomysql"),
    "mysql+asyncmy": ("mysql.asyncmy", "MySQLDialect_asyncmy"),
    "mysql+mysqldb": ("mysql.mysqldb", "MySQLDialect_mysqldb"),
    "sqlite+pysqlite": ("sqlite.pysqlite", "SQLiteDialect_pysqlite"),
    "sqlite+aiosqlite": ("sqlite.aiosqlite", "SQLiteDialect_aiosqlite"),
}
# The paramstyle of each driver's module.
PARAMSTYLES = {
    "postgresql+psycopg2": "pyformat",
    "postgresql+psycopg": "pyformat",
    "postgresql+asyncpg": "numeric_dollar" if VERSION >= (2, 0) else "format",
    "postgresql+pg8000": "format",
    "mysql+pymysql": "pyformat",
    "mysql+aiomysql": "format",
    "mysql+asyncmy": "format",
    "mysql+mysqldb": "format",
    "sqlite+pysqlite": "qmark",
    "sqlite+aiosqlite": "qmark",
}


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def table(family):
    columns = [
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("name", sa.String(50), nullable=False, server_default="it's 100% \\ fine", comment="a 'b' \\ %"),
        sa.Column("text", sa.Text()),
        sa.Column("amount", sa.Numeric(10, 2)),
        sa.Column("ratio", sa.Float()),
        sa.Column("flag", sa.Boolean(), server_default=sa.true()),
        sa.Column("day", sa.Date()),
        sa.Column("moment", sa.DateTime()),
        sa.Column("moment_there", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("clock", sa.Time()),
        sa.Column("span", sa.Interval()),
        sa.Column("data", sa.LargeBinary()),
        sa.Column("document", sa.JSON()),
        sa.Column("colour", sa.Enum(Colour, name="colour")),
        sa.Column("parent", sa.Integer(), sa.ForeignKey("parents.id", ondelete="CASCADE")),
        sa.Column("order", sa.SmallInteger(), sa.CheckConstraint("\"order\" > 0 AND '%' <> ''", name="ck")),
    ]
    if VERSION >= (2, 0):
        columns += [sa.Column("key", sa.Uuid()), sa.Column("double", sa.Double())]
    if family == "postgresql":
        columns += [
            sa.Column("number", sa.Integer(), sa.Identity(always=True, start=5)),
            sa.Column("uuid", postgresql.UUID(as_uuid=True)),
            sa.Column("document_b", postgresql.JSONB()),
            sa.Column("numbers", postgresql.ARRAY(sa.Integer())),
            sa.Column("words", sa.ARRAY(sa.String(5), dimensions=2)),
            sa.Column("colours", postgresql.ARRAY(postgresql.ENUM("a", "b", name="letters"))),
            sa.Column("address", postgresql.INET()),
            sa.Column("span_of_numbers", postgresql.INT4RANGE()),
            sa.Column("search", postgresql.TSVECTOR()),
            sa.Column("bits", postgresql.BIT(3, varying=True)),
            sa.Column("money", postgresql.MONEY()),
            sa.Column("pairs", postgresql.HSTORE()),
        ]
    if family == "mysql":
        columns += [
            sa.Column("tiny", mysql.TINYINT(1, unsigned=True)),
            sa.Column("long", mysql.LONGTEXT(collation="utf8mb4_bin")),
            sa.Column("set", mysql.SET("a", "b'")),
            sa.Column("bit", mysql.BIT(8)),
            sa.Column("year", mysql.YEAR()),
            sa.Column("stamp", mysql.TIMESTAMP(fsp=6)),
        ]
    metadata = sa.MetaData()
    sa.Table("parents", metadata, sa.Column("id", sa.Integer(), primary_key=True))
    return sa.Table(
        "things", metadata, *columns, sa.Index("ix", "name", unique=True), sa.UniqueConstraint("name", "order"),
        comment="50% 'x'",
    )


def statements(family):
    things = table(family)
    names = [item.name for item in things.columns]
    yield sa.schema.CreateTable(things)
    for index in things.indexes:
        yield sa.schema.CreateIndex(index)
    yield sa.schema.DropTable(things)
    if family != "sqlite":
        yield sa.schema.SetTableComment(things)
    if family == "postgresql":
        yield sa.schema.SetColumnComment(things.c.name)
        yield postgresql.CreateEnumType(things.c.colour.type.dialect_impl(postgresql.dialect()))
    yield things.insert().values({name: sa.bindparam("p_%d" % index) for index, name in enumerate(names)})
    yield things.update().where(things.c.id == 5).values(name="a%b", amount=None)
    yield things.delete().where(things.c.name.like("50%%") & things.c.day.is_(None))
    yield sa.select(things.c.id, things.c.name).where(things.c.order.in_([1, 2])).limit(3).offset(4)
    yield sa.select(sa.cast(sa.literal("5"), sa.Integer()), sa.func.coalesce(things.c.amount, 0), things.c.id % 5)
    yield sa.text("SELECT '50%', '\\:x', :a FROM t WHERE b = :b AND c LIKE '%s'").bindparams(a=1)
    yield sa.select(sa.literal_column("'%'"), sa.literal("a") + "b")


def real(name):
    """Return SQLAlchemy's own dialect, without its driver; None if this version lacks the dialect."""
    module, class_name = REAL[name]
    try:
        kind = getattr(importlib.import_module("sqlalchemy.dialects." + module), class_name)
    except (ImportError, AttributeError):
        return None
    dialect = kind(paramstyle=PARAMSTYLES[name])
    # pg8000 ignores parameters in strings. All of limbeck's dialects need doubled percent signs.
    dialect.identifier_preparer._double_percents = PARAMSTYLES[name] in ("format", "pyformat")
    return dialect


def without_casts(text):
    """Remove the casts of parameters that asyncpg, psycopg and pg8000 add; limbeck needs none, like psycopg2."""
    kind = r"[A-Za-z_]\w*(?: (?:VARYING|PRECISION|WITH(?:OUT)? TIME ZONE))?(?:\([\d, ]*\))?(?:\[\])*"
    return re.sub(r"(\$\d+|%\(\w+\)s|%s)::" + kind, r"\1", text)


class Registered(unittest.TestCase):
    """A test with limbeck's dialects in the registry, which is restored afterwards."""

    def setUp(self):
        before = dict(registry.impls)
        self.host = PreparedHost()
        # The cached classes refer to the channel of an earlier test.
        for module in ("postgresql", "mysql", "sqlite"):
            importlib.import_module("limbeck_worker.dialects." + module)._classes.clear()

        def restore():
            registry.impls.clear()
            registry.impls.update(before)

        self.addCleanup(restore)
        from limbeck_worker.dialects import asyncio_extension

        self.addCleanup(setattr, asyncio_extension, "apply", asyncio_extension.apply)
        # Another test covers the replacements in SQLAlchemy.
        asyncio_extension.apply = lambda: None
        dialects.register(self.host)

    def make(self, name, **arguments):
        """Return the dialect that has the driver's own identity: for an asynchronous driver, an asynchronous engine's."""
        url = make_url(name + "://u:p%40ss@h:1234/d?x=1&x=2")
        kind = url.get_dialect()
        kind = kind.limbeck_async_class if name.partition("+")[2] in identity.SYNCHRONOUS else kind
        return kind(dbapi=kind.import_dbapi() if hasattr(kind, "import_dbapi") else kind.dbapi(), **arguments)


class Names(Registered):
    def test_every_name_in_a_url_has_a_dialect(self):
        names = ["postgresql", "mysql", "mariadb", "sqlite"]
        names += ["postgresql+" + driver for driver in POSTGRESQL]
        names += ["mysql+" + driver for driver in MYSQL] + ["mariadb+" + driver for driver in MYSQL]
        names += ["sqlite+" + driver for driver in SQLITE]
        for name in names:
            with self.subTest(name):
                dialect = self.make(name)
                self.assertEqual(dialect.name, "mysql" if name == "mariadb" and VERSION < (1, 4) else name.split("+")[0])
                if "+" in name:
                    self.assertEqual(dialect.driver, name.split("+")[1])
                self.assertIsInstance(dialect, dialects.common.HostDialect)
                self.assertEqual(getattr(dialect, "is_mariadb", False), name.startswith("mariadb"))

    def test_the_default_driver_of_postgresql_is_sqlalchemys(self):
        self.assertEqual(self.make("postgresql").driver, "psycopg" if VERSION >= (2, 1) else "psycopg2")

    def test_the_host_gets_the_decoded_url(self):
        for name in ("postgresql+asyncpg", "mysql+aiomysql"):
            url = make_url(name + "://u:p%40ss@h:1234/d?x=1&x=2")
            arguments, keywords = self.make(name).create_connect_args(url)
            dialect, driver = name.split("+")
            self.assertEqual((list(arguments), keywords), ([], {
                "url": {
                    "dialect": dialect, "driver": driver, "user": "u", "password": "p@ss", "host": "h", "port": 1234,
                    "database": "d", "query": [["x", "1"], ["x", "2"]],
                },
                "user": "u", "password": "p@ss", "host": "h", "port": 1234, "database": "d", "x": "2",
            }))

    def test_the_host_gets_the_arguments_of_sqlite3_connect(self):
        make = self.make("sqlite").create_connect_args
        for url, name, options in [
            ("sqlite://", ":memory:", {}),
            ("sqlite:///a@b.db?timeout=3&other=1", os.path.abspath("a@b.db"), {"timeout": 3.0}),
            ("sqlite:///file:a.db?mode=ro&uri=true", "file:a.db?mode=ro", {"uri": True}),
        ]:
            arguments, keywords = make(make_url(url))
            parts = keywords.pop("url")
            # Newer versions pass this argument for the pool.
            keywords.pop("check_same_thread", None)
            self.assertEqual((arguments, parts["database"], parts["query"], keywords), ([], name, [], options))

    def test_the_host_gets_the_changed_arguments(self):
        url = make_url("postgresql+psycopg2://u:p%40ss@h:1234/d?x=1")
        dialect = self.make("postgresql+psycopg2")
        rows = [
            ({}, {}), ({"password": "token"}, {"password": "token"}), ({"dbname": "other", "timeout": 5}, {"dbname": "other", "timeout": 5}),
            ({"x": "2"}, {"x": "2"}),
        ]
        for changed, expected in rows:
            _, keywords = dialect.create_connect_args(url)
            del self.host.requests[:]
            dialect.connect(**{**keywords, **changed})
            ((_, sent),) = self.host.requests
            self.assertEqual((sent["url"]["password"], sent["args"]), ("p@ss", expected))

    def test_psycopg_takes_autocommit_as_an_argument(self):
        for url, arguments, expected in (("", {}, False), ("?autocommit=true", {}, True), ("", {"autocommit": True}, True)):
            with self.subTest(url=url, arguments=arguments):
                dialect = self.make("postgresql+psycopg")
                _, keywords = dialect.create_connect_args(make_url("postgresql+psycopg://h/d" + url))
                self.assertEqual(dialect.connect(**{**keywords, **arguments}).autocommit, expected)

    def test_asynchronous_drivers_have_an_asynchronous_dialect(self):
        rows = [
            ("postgresql+asyncpg", True), ("postgresql+psycopg", True), ("postgresql+psycopg2", False),
            ("mysql+aiomysql", True), ("mysql+asyncmy", True), ("mysql+pymysql", False),
            ("mariadb+aiomysql", True), ("sqlite+aiosqlite", True), ("sqlite", False),
        ]
        for name, has_one in rows:
            with self.subTest(name):
                url = make_url(name + "://h/d")
                kind = url.get_dialect()
                self.assertFalse(kind.is_async)
                # Before SQLAlchemy 2.0 only dialects with an asynchronous form have the method.
                asynchronous = getattr(kind, "get_async_dialect_cls", lambda url: kind)(url)
                self.assertEqual(asynchronous.is_async, has_one)

    def test_only_a_lost_connection_is_a_disconnect(self):
        from limbeck_worker.dbapi import errors

        lost = errors.from_host_error({"kind": "lost", "message": "gone"}, "postgresql")
        refused = errors.from_host_error({"kind": "server", "message": "no"}, "postgresql")
        for name in ("postgresql", "mysql", "sqlite"):
            dialect = self.make(name)
            self.assertTrue(dialect.is_disconnect(lost, None, None))
            self.assertFalse(dialect.is_disconnect(refused, None, None))


class Compiled(Registered):
    maxDiff = None

    def test_compiles_like_sqlalchemys_own_dialects(self):
        compared = 0
        for name in sorted(REAL):
            expected_dialect = real(name)
            if expected_dialect is None:
                continue
            compared += 1
            dialect = self.make(name)
            self.assertEqual(dialect.paramstyle, PARAMSTYLES[name], name)
            for statement in statements(name.split("+")[0]):
                expected = statement.compile(dialect=expected_dialect)
                found = statement.compile(dialect=dialect)
                with self.subTest(name=name, statement=str(expected)[:60]):
                    if name == "postgresql+psycopg2":
                        self.assertEqual(str(found), str(expected))
                    self.assertEqual(without_casts(str(found)), without_casts(str(expected)))
                    self.assertEqual(found.params, expected.params)
                    self.assertEqual(
                        getattr(found, "positiontup", None), getattr(expected, "positiontup", None)
                    )
        self.assertGreaterEqual(compared, 8)

    def test_adds_the_casts_of_psycopg2_under_every_driver(self):
        """An array of text is not an array of an enum."""
        statement = table("postgresql").insert().values(words=sa.bindparam("w"), colours=sa.bindparam("c"))
        for name in ("psycopg2", "psycopg", "asyncpg", "pg8000"):
            text = str(statement.compile(dialect=self.make("postgresql+" + name)))
            self.assertIn("::VARCHAR(5)[]", text, name)
            self.assertIn("::letters[]", text, name)

    def test_sends_a_single_percent_sign(self):
        rows = [("postgresql+psycopg2", "%"), ("postgresql+asyncpg", "%"), ("mysql+pymysql", "%"), ("mysql+aiomysql", "%")]
        for name, sign in rows:
            with self.subTest(name):
                engine = sa.create_engine(name + "://h/d", poolclass=sa.pool.NullPool, _initialize=False)
                with engine.connect() as connection:
                    connection.execute(sa.text("SELECT '50%', :a").bindparams(a="%s"))
                self.assertIn("SELECT '50%', '%s'", self.host.texts)


class Connected(Registered):
    def engine(self, name, **arguments):
        self.host.known = {
            "pg_catalog.version()": "PostgreSQL 16.2 on x86_64",
            "current_schema()": "public",
            "standard_conforming_strings": "on",
            "transaction isolation level": "read committed",
        }
        return sa.create_engine(name + "://h/d", poolclass=sa.pool.NullPool, **arguments)

    def test_a_listener_may_change_the_parameters(self):
        for name in ("postgresql+psycopg2", "postgresql+asyncpg", "mysql+pymysql"):
            with self.subTest(name):
                engine = sa.create_engine(name + "://u:p@h/d", poolclass=sa.pool.NullPool, _initialize=False)
                seen = []

                @sa.event.listens_for(engine, "do_connect")
                def give_token(dialect, record, arguments, parameters):
                    seen.append((parameters["user"], parameters["host"], parameters["password"]))
                    parameters["password"] = "token"

                del self.host.requests[:]
                with engine.connect():
                    pass
                self.assertEqual(seen, [("u", "h", "p")])
                op, sent = self.host.requests[0]
                self.assertEqual((op, sent["url"]["password"], sent["args"]), ("connect", "p", {"password": "token"}))

    def test_rejects_a_connection_that_the_project_opened(self):
        import sqlite3

        own = sqlite3.connect(":memory:")
        self.addCleanup(own.close)
        for name in ("postgresql+psycopg2", "postgresql+asyncpg", "mysql+pymysql", "sqlite"):
            engines = [sa.create_engine(name + "://", creator=lambda: own, poolclass=sa.pool.NullPool)]
            engines.append(sa.create_engine(name + "://", poolclass=sa.pool.NullPool))
            sa.event.listen(engines[-1], "do_connect", lambda *arguments: own)
            engines.append(sa.create_engine(name + "://", poolclass=sa.pool.NullPool))
            engines[-1].pool._creator = lambda: engines[-1].dialect.dbapi.connect(async_creator_fn=None)
            for place, engine in enumerate(engines):
                with self.subTest(name, place=place), self.assertRaisesRegex(exc.DBAPIError, "limbeck opens the connection itself"):
                    with engine.connect():
                        pass

    def test_postgresql_begins_with_the_isolation_level(self):
        rows = [
            ("postgresql+asyncpg", "SERIALIZABLE", ["BEGIN ISOLATION LEVEL SERIALIZABLE", "SELECT 1", "ROLLBACK"]),
            ("postgresql+psycopg2", "REPEATABLE READ", ["BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1", "ROLLBACK"]),
            ("postgresql+psycopg2", "AUTOCOMMIT", ["SELECT 1"]),
        ]
        for name, level, expected in rows:
            with self.subTest(name=name, level=level):
                engine = self.engine(name, isolation_level=level)
                with engine.connect():
                    pass
                del self.host.requests[:]
                with engine.connect() as connection:
                    connection.execute(sa.text("SELECT 1"))
                self.assertEqual(self.host.texts, expected)

    def test_mysql_sets_the_isolation_level(self):
        rows = [
            (
                "READ COMMITTED",
                ["SET AUTOCOMMIT = 0", "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "COMMIT"],
            ),
            ("REPEATABLE_READ", ["SET AUTOCOMMIT = 0", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "COMMIT"]),
            ("AUTOCOMMIT", ["SET AUTOCOMMIT = 1"]),
        ]
        for level, expected in rows:
            with self.subTest(level=level):
                dialect = self.make("mysql+aiomysql")
                _, given = dialect.create_connect_args(make_url("mysql+aiomysql://h/d"))
                connection = dialect.connect(**given)
                del self.host.requests[:]
                dialect.set_isolation_level(connection, level)
                self.assertEqual(self.host.texts, expected)

    def test_reads_charset_and_autocommit_of_a_mysql_url(self):
        rows = [
            ("", {}),
            ("?charset=latin1", {"charset": "latin1"}),
            # The drivers get the text, and any text but the empty one is true.
            ("?autocommit=true", {"autocommit": True}),
            ("?autocommit=false", {"autocommit": True}),
        ]
        for name in ("mysql+pymysql", "mysql+aiomysql", "mariadb+pymysql"):
            for query, expected in rows:
                with self.subTest(name=name, query=query):
                    url = make_url(name + "://h/d" + query)
                    _, found = self.make(name).create_connect_args(url)
                    parts = found.pop("url")
                    self.assertEqual((parts["host"], found), ("h", {"host": "h", "database": "d", **expected}))
                    connection = self.make(name).connect(url=parts, **found)
                    self.assertEqual(connection.charset, expected.get("charset", "utf8mb4"))
                    self.assertEqual(connection.get_autocommit(), expected.get("autocommit", False))

    def test_rejects_an_unknown_isolation_level(self):
        for name in ("postgresql", "sqlite"):
            with self.subTest(name), self.assertRaises(exc.ArgumentError):
                dialect = self.make(name)
                dialect.set_isolation_level(None, "SNAPSHOT")

    def test_returns_the_values_of_each_driver(self):
        columns = [column("j", 114), column("b", 17), column("u", 2950), column("i", 869)]
        row = ['{"a": 1}', "\\x6162", "00000000-0000-0000-0000-000000000001", "10.0.0.1"]
        rows = [
            ("postgresql+psycopg2", dict, memoryview),
            ("postgresql+psycopg", dict, bytes),
            ("postgresql+pg8000", dict, bytes),
            # A synchronous engine mirrors psycopg2.
            ("postgresql+asyncpg", dict, memoryview),
        ]
        for name, json_kind, bytes_kind in rows:
            with self.subTest(name):
                with self.engine(name).connect() as connection:
                    self.host.answers = [[result(columns, [row], 1)]]
                    found = connection.exec_driver_sql("SELECT").fetchone()
                    self.assertEqual((type(found[0]), type(found[1])), (json_kind, bytes_kind))
                    self.assertEqual(str(found[2]), row[2])
                    self.host.answers = [[result(columns[:2], [row[:2]], 1)]]
                    typed = sa.text("SELECT").columns(sa.Column("j", sa.JSON()), sa.Column("b", sa.LargeBinary()))
                    found = connection.execute(typed).fetchone()
                    # A memoryview equals its bytes.
                    self.assertEqual([(type(value), value) for value in found], [(dict, {"a": 1}), (bytes, b"ab")])

    def test_writes_values_as_literals(self):
        things = table("postgresql")
        values = {"document": {"a": "it's"}, "colour": Colour.RED, "words": [["a"]], "data": b"ab", "flag": True}
        for name in ("postgresql+psycopg2", "postgresql+psycopg", "postgresql+asyncpg", "postgresql+pg8000"):
            with self.subTest(name):
                with self.engine(name).connect() as connection:
                    connection.execute(things.insert().values(id=1, **values).inline())
                (text,) = [text for text in self.host.texts if text.startswith("INSERT")]
                del self.host.requests[:]
                for part in ("'{\"a\": \"it''s\"}'", "'RED'", "ARRAY[ARRAY['a']]", "E'\\\\x6162'::bytea", "true"):
                    self.assertIn(part, text)
