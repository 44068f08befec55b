"""Comparisons of the classes, names and texts of exceptions with those of the real drivers."""
import sqlite3
import sys
import unittest

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi as adapted

from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.error_names import AsyncpgNames, ErrorNames, PsycopgNames
from limbeck_worker.dbapi.sqlstates import NAMES

from . import both, servers, test_postgresql

try:
    import asyncpg
    import psycopg
    import psycopg2
    import psycopg2.errorcodes
    import psycopg2.errors
    import pymysql
except ImportError as error:
    raise servers.without_drivers(error)

setUpModule = test_postgresql.setUpModule

LONG = "SELECT " + ", ".join(["1"] * 40)
FAILING = [
    "SELECT * FROM nowhere", "SELEC", "SELECT 1 / 0", "SELECT 'x'::int", "DO $$ BEGIN RAISE EXCEPTION 'own' USING HINT = 'h'; END $$",
    "INSERT INTO unique_ones VALUES (1), (1)", "INSERT INTO unique_ones VALUES (NULL)", "CREATE TABLE unique_ones (a int)",
    "SELECT 1,\n\t  2 FROM\n  nowhere", LONG + ", nothing", "SELECT nothing, " + LONG, LONG + ", nothing, " + LONG, "SELECT\r\n  x",
    "SELECT 'ü', nothing", "DROP TABLE nowhere", "SELECT 1 FROM",
    *("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '%s'; END $$" % code for code in
      ("ZZ001", "P0ZZZ", "23ZZZ", "40001", "57014", "XX001", "34000", "2F002", "0A000", "39004", "38002")),
]


class ErrorTexts(both.Case):
    def test_errors_look_like_each_drivers(self):
        def act(connection):
            connection.exec_driver_sql("CREATE TEMP TABLE unique_ones (a int NOT NULL UNIQUE)")
            connection.commit()
            seen = []
            for text in FAILING:
                try:
                    connection.exec_driver_sql(text)
                except sa.exc.DBAPIError as error:
                    # psycopg prepares a DO, so that the context lacks this line.
                    shown = str(error).replace("\nCONTEXT:  PL/pgSQL function inline_code_block line 1 at RAISE", "")
                    orig = error.orig
                    diag = getattr(orig, "diag", None)
                    seen.append(
                        (text, type(error).__name__, shown, type(orig).__module__, type(orig).__name__,
                         getattr(orig, "pgcode", None) or orig.sqlstate, diag and (diag.message_primary, diag.constraint_name))
                    )
                connection.rollback()
            return seen

        for name in both.DRIVERS:
            with self.subTest(name):
                expected, found = self.real(name, act), self.ours_of(name, act)
                if name == "asyncpg":
                    # asyncpg doesn't classify all errors; limbeck classifies the rest like psycopg2.
                    expected, found = [
                        [(*item[:1], item[2].replace(".%s)" % item[4], ")").partition("\n(Background")[0], *item[3:4], *item[5:6]) for item in rows]
                        for rows in (expected, found)
                    ]
                for one, other in zip(found, expected):
                    self.assertEqual(one, other)
                self.assertEqual(len(found), len(expected))

    def test_errors_are_instances_of_the_drivers_classes(self):
        def caught(connection, kind, text):
            try:
                connection.exec_driver_sql(text)
            except sa.exc.DBAPIError as error:
                self.assertIsInstance(error.orig, kind)
                self.assertIsInstance(error.orig, errors.Error)
                return error.orig

        def act(connection):
            first = caught(connection, psycopg2.errors.UndefinedTable, "SELECT * FROM nowhere")
            self.assertIsInstance(first, psycopg2.Error)
            self.assertEqual((first.pgcode, first.diag.sqlstate), (psycopg2.errorcodes.UNDEFINED_TABLE,) * 2)
            connection.rollback()
            caught(connection, psycopg2.extensions.QueryCanceledError, FAILING[-7])
            connection.rollback()
            cursor = connection.connection.cursor()
            with self.assertRaises(psycopg2.errors.SyntaxError):
                cursor.execute("SELEC")
            cursor.close()
            with self.assertRaises(psycopg2.InterfaceError):
                cursor.execute("SELECT 1")

        self.ours_of("psycopg2", act)

        def act(connection):
            self.assertEqual(caught(connection, psycopg.errors.UndefinedTable, "SELECT * FROM nowhere").sqlstate, "42P01")

        self.ours_of("psycopg", act)

        def act(connection):
            error = caught(connection, errors.ProgrammingError, "SELECT * FROM nowhere")
            self.assertIsInstance(error.__cause__, asyncpg.UndefinedTableError)
            self.assertEqual(error.__cause__.sqlstate, "42P01")
            connection.rollback()
            try:
                connection.exec_driver_sql("INSERT INTO pg_am SELECT * FROM pg_am")
            except sa.exc.IntegrityError as error:
                self.assertIsInstance(error.driver_exception, asyncpg.UniqueViolationError)
                self.assertIsInstance(error.orig, adapted.UniqueViolationError)

        self.ours_of("asyncpg", act)


class ErrorNamesOfDrivers(unittest.TestCase):
    def setUp(self):
        self.addCleanup(errors.use_driver_names, None)

    def test_names_every_sqlstate_like_the_drivers(self):
        self.assertGreater(len(NAMES), 240)
        for code, (name, asyncpgs) in NAMES.items():
            with self.subTest(code):
                self.assertEqual(name, psycopg.errors.lookup(code).__name__)
                self.assertEqual(name, psycopg2.errors.lookup(code).__name__)
                self.assertEqual(asyncpgs, type(asyncpg.PostgresError.new({"C": code, "M": "x"})).__name__)
                for module, kind in (("psycopg2", psycopg2.errors.lookup(code)), ("psycopg", psycopg.errors.lookup(code))):
                    fields = {"kind": "server", "code": code, "message": "x"}
                    found = errors.from_host_error(fields, "postgresql", PsycopgNames(module))
                    self.assertIsInstance(found, kind)
                    standard = [base.__name__ for base in kind.__mro__ if base.__name__ in errors.NAMES]
                    own = [base.__name__ for base in type(found).__mro__ if base.__module__ == errors.__name__]
                    self.assertEqual(own[0], standard[0])

    def test_names_errors_if_the_driver_is_not_imported(self):
        modules = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in ("psycopg2", "asyncpg")}
        try:
            found = errors.from_host_error({"kind": "server", "code": "42P01", "message": "x"}, "postgresql", PsycopgNames("psycopg2"))
            self.assertEqual((type(found).__module__, type(found).__name__), ("psycopg2.errors", "UndefinedTable"))
            found = errors.from_host_error({"kind": "server", "code": "23505", "message": "x"}, "postgresql", AsyncpgNames(False))
            self.assertEqual(type(found).__name__, "IntegrityError")
            self.assertEqual(str(found), "<class 'asyncpg.exceptions.UniqueViolationError'>: x")
            self.assertEqual(sorted(set(modules) & set(sys.modules)), [])
        finally:
            sys.modules.update(modules)

    def test_names_errors_of_other_families(self):
        rows = [
            ("sqlite", {"code": "SQLITE_ERROR"}, "sqlite3", sqlite3.OperationalError),
            ("sqlite", {"code": "SQLITE_CONSTRAINT_UNIQUE"}, "sqlite3", sqlite3.IntegrityError),
            ("mysql", {"number": 1146}, "pymysql.err", pymysql.err.ProgrammingError),
            ("mysql", {"number": 1062}, "pymysql.err", pymysql.err.IntegrityError),
        ]
        for family, fields, module, kind in rows:
            with self.subTest(fields=fields):
                found = errors.from_host_error({"kind": "server", "message": "x", **fields}, family, ErrorNames(module))
                self.assertIsInstance(found, kind)
                self.assertEqual((type(found).__module__, type(found).__name__), (kind.__module__, kind.__name__))
        errors.use_driver_names(ErrorNames("MySQLdb"))
        self.assertEqual(repr(type(errors.OperationalError("x"))), "<class 'MySQLdb.OperationalError'>")
