"""Comparisons of what a script can ask of its dialect with the answers of SQLAlchemy's own dialect."""
import importlib
import inspect
import pkgutil
import unittest

import sqlalchemy as sa
from limbeck_worker.dialects import identity
from sqlalchemy import dialects as package
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import Dialect

from . import test_dialects

# SQLAlchemy's own dialects, by the name of a URL.
FAMILIES = {
    "postgresql": test_dialects.POSTGRESQL + ["psycopg_async"],
    "mysql": test_dialects.MYSQL,
    "mariadb": test_dialects.MYSQL,
    "sqlite": test_dialects.SQLITE,
}
NAMES = [family + "+" + driver for family, drivers in FAMILIES.items() for driver in drivers]
# The paramstyles of the drivers' modules, if they differ from SQLAlchemy's default: a dialect asks the module, which is not
# installed everywhere. limbeck has no question marks for MySQL (docs/differences.md).
PARAMSTYLES = {"pymysql": "pyformat", "mysqlconnector": "pyformat", "mariadbconnector": "format", "pyodbc": "pyformat"}


def exported_classes():
    """Return every dialect class that a module of SQLAlchemy exports."""
    found = {postgresql.dialect, mysql.dialect, sqlite.dialect, sa.engine.default.DefaultDialect}
    for family in (postgresql, mysql, sqlite):
        for module in pkgutil.iter_modules(family.__path__, family.__name__ + "."):
            if module.name.rpartition(".")[2] in ("provision", "types"):
                continue
            try:
                members = vars(importlib.import_module(module.name))
            except ImportError:
                continue
            found.update(kind for kind in members.values() if inspect.isclass(kind) and issubclass(kind, Dialect))
    return sorted(found, key=lambda kind: (kind.__module__, kind.__qualname__))


CLASSES = exported_classes()


def own(name):
    return identity.own_dialect(name.replace("+", "."))


class Identity(test_dialects.Registered):
    def answers(self, kind, dialect):
        """Return what a script can ask of a dialect."""
        return {
            "name": dialect.name,
            "driver": dialect.driver,
            "paramstyle": dialect.paramstyle,
            "positional": dialect.positional,
            "is_async": dialect.is_async,
            "is_mariadb": getattr(dialect, "is_mariadb", None),
            "class": kind.__name__,
            "module": kind.__module__,
            "isinstance": [other.__name__ for other in CLASSES if isinstance(dialect, other)],
            "issubclass": [other.__name__ for other in CLASSES if issubclass(kind, other)],
        }

    def expected(self, name):
        kind = own(name)
        if kind is None:
            return None
        answers = self.answers(kind, kind())
        style = PARAMSTYLES.get(name.partition("+")[2])
        return {**answers, "paramstyle": style, "positional": style == "format"} if style else answers

    def found(self, engine):
        return self.answers(type(engine.dialect), engine.dialect)

    def engine(self, name, **arguments):
        if "_is_async" not in arguments:
            return sa.create_engine(name + "://h/d" if name[:6] != "sqlite" else name + "://")
        kind = make_url(name + "://").get_dialect()
        kind = kind.get_async_dialect_cls(make_url(name + "://h/d"))
        dialect = kind(dbapi=kind.limbeck_driver)
        return type("Engine", (), {"dialect": dialect})

    def test_every_exported_class_is_in_the_table(self):
        names = {kind.__name__ for kind in CLASSES}
        some = {"PGDialect", "PGDialect_psycopg2", "PGDialect_asyncpg", "MySQLDialect_pymysql", "SQLiteDialect_aiosqlite"}
        self.assertLessEqual(some, names)

    def test_a_synchronous_engine_has_the_identity_of_the_driver(self):
        compared = 0
        for name in NAMES:
            family, driver = name.split("+")
            mirrored = identity.SYNCHRONOUS.get(driver, driver)
            expected = self.expected(family + "+" + mirrored)
            if expected is None:
                continue
            with self.subTest(name):
                compared += 1
                self.assertEqual(self.found(self.engine(name)), expected)
        self.assertGreaterEqual(compared, 20)

    def test_an_asynchronous_engine_has_the_identity_of_the_driver(self):
        for name in NAMES:
            family, driver = name.split("+")
            expected = self.expected(name)
            if driver in identity.SYNCHRONOUS and expected is not None:
                with self.subTest(name):
                    self.assertEqual(self.found(self.engine(name, _is_async=True)), expected)

    def test_wrapping_a_synchronous_engine_makes_it_asynchronous(self):
        for name in ("postgresql+asyncpg", "mysql+aiomysql", "sqlite+aiosqlite"):
            engine = self.engine(name)
            sa.event.listen(engine, "connect", lambda *arguments: None)
            engine.dialect.become_async()
            with self.subTest(name):
                self.assertEqual(self.found(engine), self.expected(name))
                self.assertEqual(engine.dialect.dbapi, type(engine.dialect).limbeck_driver)

    def test_a_family_without_a_driver_has_sqlalchemys_default(self):
        for name in ("postgresql", "sqlite", "mysql", "mariadb"):
            expected = self.expected(name)
            with self.subTest(name):
                self.assertEqual(self.found(self.engine(name)), expected)

    def test_the_module_has_the_drivers_name(self):
        rows = [
            ("postgresql+psycopg2", "psycopg2"), ("postgresql+psycopg", "psycopg"), ("postgresql+asyncpg", "psycopg2"),
            ("mysql+pymysql", "pymysql"), ("mysql+mysqldb", "MySQLdb"), ("mysql+asyncmy", "pymysql"),
            ("sqlite", "sqlite3.dbapi2"), ("sqlite+aiosqlite", "sqlite3.dbapi2"),
        ]
        for name, expected in rows:
            with self.subTest(name):
                self.assertEqual(self.engine(name).dialect.dbapi.__name__, expected)
        for name in ("postgresql+asyncpg", "mysql+aiomysql", "sqlite+aiosqlite"):
            with self.subTest(name, engine="asynchronous"):
                # SQLAlchemy's adapter is an object, not a module.
                self.assertFalse(hasattr(self.engine(name, _is_async=True).dialect.dbapi, "__name__"))

    def test_an_asynchronous_connection_awaits_coroutines(self):
        async def double(number):
            return 2 * number

        for name in ("postgresql+asyncpg", "mysql+aiomysql"):
            dialect = self.engine(name, _is_async=True).dialect
            _, arguments = dialect.create_connect_args(make_url(name + "://h/d"))
            with self.subTest(name):
                self.assertEqual(dialect.connect(**arguments).await_(double(2)), 4)

    def test_the_module_has_the_drivers_other_attributes_if_it_is_installed(self):
        import sqlite3

        self.assertIs(self.engine("sqlite").dialect.dbapi.complete_statement, sqlite3.complete_statement)
        with self.assertRaises(AttributeError):
            self.engine("mysql+mariadbconnector").dialect.dbapi.nothing


if __name__ == "__main__":
    unittest.main()
