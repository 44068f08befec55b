"""Comparisons of statements through SQLAlchemy with Python's own `sqlite3` and with limbeck's connection."""
import datetime
import decimal
import unittest
import warnings

import sqlalchemy as sa
from limbeck_worker.dialects import sqlite
from sqlalchemy import exc, pool
from sqlalchemy.dialects import registry

from .host import SqliteHost


def work(engine):
    metadata = sa.MetaData()
    columns = [
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(20), unique=True),
        sa.Column("amount", sa.Numeric(10, 2)),
        sa.Column("ratio", sa.Float),
        sa.Column("flag", sa.Boolean),
        sa.Column("colour", sa.Enum("red", "it's", name="colour")),
        sa.Column("document", sa.JSON),
        sa.Column("data", sa.LargeBinary),
        sa.Column("day", sa.Date),
        sa.Column("moment", sa.DateTime),
        sa.Column("clock", sa.Time),
        sa.Column("span", sa.Interval),
    ]
    names = [column.name for column in columns[1:]]
    things = sa.Table("things", metadata, *columns)
    values = {
        "name": "it's 100% :a ? \\", "amount": decimal.Decimal("-1.10"), "ratio": -0.0, "flag": True, "colour": "it's",
        "document": {"a": ["it's", None, "ü"]}, "data": b"\x00'\\", "day": datetime.date(2024, 1, 2),
        "moment": datetime.datetime(2024, 1, 2, 3, 4, 5, 6), "clock": datetime.time(1, 2, 3),
        "span": datetime.timedelta(days=-1, seconds=5),
    }
    seen = []
    with engine.connect() as connection:
        transaction = connection.begin()
        metadata.create_all(connection)
        seen.append(tuple(connection.execute(things.insert().values(name="first", ratio=2.0)).inserted_primary_key))
        seen.append(connection.execute(things.insert(), [values, dict.fromkeys(names)]).rowcount)
        transaction.commit()
        transaction = connection.begin()
        seen.append(connection.execute(things.update().where(things.c.name.like("it's 100|%%", escape="|")).values(ratio=1e22)).rowcount)
        seen.append(connection.execute(sa.text("UPDATE things SET data = :d WHERE name = 'a:b' OR id = :i"), {"d": b"x", "i": 1}).rowcount)
        savepoint = connection.begin_nested()
        try:
            connection.execute(things.insert().values(name="first"))
        except exc.IntegrityError as error:
            seen.append((type(error.orig).__name__, str(error.orig)))
        savepoint.rollback()
        seen.append([tuple(row) for row in connection.execute(sa.select(*columns).order_by("id"))])
        seen.append(connection.execute(sa.text("SELECT typeof(ratio), typeof(data), quote(moment) FROM things ORDER BY id")).fetchall())
        transaction.rollback()
        transaction = connection.begin()
        seen.append(connection.execute(sa.text("SELECT ratio FROM things ORDER BY id")).fetchall())
        try:
            connection.execute(sa.text("SELECT * FROM nowhere"))
        except exc.OperationalError as error:
            seen.append(str(error.orig))
        seen.append(connection.execute(sa.text("SELECT 'abc' REGEXP 'b'" if not hasattr(engine, "ours") else "SELECT 1")).scalar())
        inspector = sa.inspect(connection)
        seen.append([(item["name"], str(item["type"]), item["nullable"]) for item in inspector.get_columns("things")])
        seen.append(inspector.get_unique_constraints("things"))
        transaction.rollback()
    return repr(seen)


class SameAsSqlite3(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore")
        self.addCleanup(warnings.resetwarnings)

    def ours(self, driver):
        before = dict(registry.impls)

        def restore():
            registry.impls.clear()
            registry.impls.update(before)
            sqlite._classes.clear()

        self.addCleanup(restore)
        sqlite._classes.clear()
        kind = sqlite.synchronous_class(driver, SqliteHost())
        registry.impls["sqlite." + driver] = lambda: kind
        engine = sa.create_engine("sqlite+%s://" % driver, poolclass=pool.StaticPool)
        # The real host has the function `regexp`, this one lacks it.
        engine.ours = True
        return engine

    def test_gives_the_same_results_under_every_name(self):
        expected = work(sa.create_engine("sqlite://", poolclass=pool.StaticPool))
        for driver in ("pysqlite", "aiosqlite"):
            with self.subTest(driver):
                self.assertEqual(work(self.ours(driver)), expected)

    def test_sets_isolation_levels(self):
        for level in ("AUTOCOMMIT", "SERIALIZABLE", "READ UNCOMMITTED"):
            seen = []
            for engine in (sa.create_engine("sqlite://", poolclass=pool.StaticPool), self.ours("pysqlite")):
                with engine.connect().execution_options(isolation_level=level) as connection:
                    plain = getattr(connection.connection, "dbapi_connection", None) or connection.connection.connection
                    connection.execute(sa.text("CREATE TABLE t (a)"))
                    connection.execute(sa.text("INSERT INTO t VALUES (1)"))
                    read = connection.execute(sa.text("PRAGMA read_uncommitted")).scalar()
                    seen.append((plain.isolation_level, plain.in_transaction, read, connection.get_isolation_level()))
            self.assertEqual(*seen)
