"""SQLite: each value in each column, with Python's own `sqlite3` and with limbeck's: stored alike, or refused alike."""
import unittest
import warnings

import sqlalchemy as sa
from limbeck_worker.dialects import sqlite
from sqlalchemy import pool
from sqlalchemy.dialects import registry

from .against_drivers.value_kinds import VALUES, outcomes, without_message
from .host import SqliteHost

COLUMNS = {
    "t": ("TEXT", sa.Text()), "v": ("VARCHAR(20)", sa.String(20)), "i": ("INTEGER", sa.Integer()), "n": ("NUMERIC(12,4)", sa.Numeric(12, 4)),
    "f": ("FLOAT", sa.Float()), "bo": ("BOOLEAN", sa.Boolean()), "ts": ("TIMESTAMP", sa.DateTime()), "d": ("DATE", sa.Date()),
    "ti": ("TIME", sa.Time()), "iv": ("DATETIME", sa.Interval()), "j": ("JSON", sa.JSON()), "data": ("BLOB", sa.LargeBinary()), "a": ("", None),
}


class ValueKinds(unittest.TestCase):
    def act(self, **arguments):
        engine = sa.create_engine("sqlite+pysqlite://", poolclass=pool.StaticPool, future=True, **arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with engine.connect() as connection:
                return outcomes(connection, COLUMNS, VALUES)

    def test_stores_and_refuses_what_sqlite3_does(self):
        expected = self.act()
        before = dict(registry.impls)
        try:
            sqlite._classes.clear()
            kind = sqlite.dialect_class("pysqlite", SqliteHost())
            registry.impls["sqlite.pysqlite"] = lambda: kind
            found = self.act()
        finally:
            registry.impls.clear()
            registry.impls.update(before)
            sqlite._classes.clear()
        self.assertEqual(
            [
                "%s: %s, not %s" % (case, found[case], expected[case])
                for case in expected
                if without_message(found[case]) != without_message(expected[case])
            ],
            [],
        )
        message = expected["text", "t", "dict"][3]
        self.assertEqual(found["text", "t", "dict"][3], message)


if __name__ == "__main__":
    unittest.main()
