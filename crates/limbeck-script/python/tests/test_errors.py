"""Tests of the choice of an exception for an error of the host."""
import unittest

from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.errors import from_host_error


class Errors(unittest.TestCase):
    def test_has_the_class_hierarchy_of_pep_249(self):
        for name in errors.NAMES:
            kind = getattr(errors, name)
            base = Exception if name in ("Warning", "Error") else errors.Error
            self.assertTrue(issubclass(kind, base), name)
        for name in ("InterfaceError", "Warning", "Error"):
            self.assertFalse(issubclass(getattr(errors, name), errors.DatabaseError), name)

    def test_classifies_postgresqls_errors(self):
        rows = [
            ("42P01", errors.ProgrammingError),
            ("42601", errors.ProgrammingError),
            ("23505", errors.IntegrityError),
            ("22003", errors.DataError),
            ("40001", errors.OperationalError),
            ("40P01", errors.OperationalError),
            ("55P03", errors.OperationalError),
            ("57014", errors.OperationalError),
            ("25001", errors.InternalError),
            ("2BP01", errors.InternalError),
            ("34000", errors.OperationalError),
            ("P0001", errors.InternalError),
            ("0A000", errors.NotSupportedError),
            ("ZZ000", errors.DatabaseError),
            ("", errors.DatabaseError),
            (None, errors.DatabaseError),
        ]
        for code, kind in rows:
            with self.subTest(code=code):
                error = from_host_error({"kind": "server", "code": code, "message": "no", "id": 4}, "postgresql")
                self.assertIs(type(error), kind)
                self.assertEqual((error.limbeck_error, error.limbeck_kind, error.pgcode), (4, "server", code or ""))

    def test_keeps_all_fields_of_a_postgresql_error(self):
        fields = {
            "kind": "server", "severity": "FEHLER", "code": "23505", "message": "doppelt", "detail": "Key (id)=(1).",
            "hint": "other id", "context": "line 1", "schema": "s", "table": "t", "column": "c", "constraint": "pk",
        }
        error = from_host_error(fields, "postgresql")
        text = "doppelt\nDETAIL:  Key (id)=(1).\nHINT:  other id\nCONTEXT:  line 1\n"
        self.assertEqual(str(error), text)
        self.assertEqual(error.pgerror, "FEHLER:  " + text)
        diag = error.diag
        self.assertEqual(
            (diag.sqlstate, diag.message_primary, diag.message_detail, diag.message_hint, diag.context),
            ("23505", "doppelt", "Key (id)=(1).", "other id", "line 1"),
        )
        self.assertEqual(
            (diag.schema_name, diag.table_name, diag.column_name, diag.constraint_name, diag.severity),
            ("s", "t", "c", "pk", "FEHLER"),
        )

    def test_classifies_mysqls_errors(self):
        rows = [
            (1064, errors.ProgrammingError),
            (1146, errors.ProgrammingError),
            (1062, errors.IntegrityError),
            (4025, errors.OperationalError),
            (1050, errors.OperationalError),
            (1054, errors.OperationalError),
            (1060, errors.OperationalError),
            (1091, errors.OperationalError),
            (1406, errors.DataError),
            (1235, errors.NotSupportedError),
            (1213, errors.OperationalError),
            (1205, errors.OperationalError),
            (1366, errors.DataError),
            (0, errors.InternalError),
        ]
        for number, kind in rows:
            with self.subTest(number=number):
                error = from_host_error({"kind": "server", "number": number, "code": "HY000", "message": "no"}, "mysql")
                self.assertIs(type(error), kind)
                self.assertEqual((error.args, error.errno, error.sqlstate), ((number, "no"), number, "HY000"))

    def test_classifies_sqlites_errors(self):
        rows = [
            ("SQLITE_ERROR", "no such table: t", errors.OperationalError),
            ("SQLITE_BUSY", "database is locked", errors.OperationalError),
            ("SQLITE_READONLY", "read only", errors.OperationalError),
            ("SQLITE_CONSTRAINT_UNIQUE", "UNIQUE constraint failed: t.a", errors.IntegrityError),
            ("SQLITE_CONSTRAINT", "constraint failed", errors.IntegrityError),
            ("SQLITE_MISMATCH", "datatype mismatch", errors.IntegrityError),
            ("SQLITE_TOOBIG", "too big", errors.DataError),
            ("SQLITE_CORRUPT", "malformed", errors.DatabaseError),
            ("SQLITE_NOTADB", "not a database", errors.DatabaseError),
            ("SQLITE_AUTH", "not authorized", errors.DatabaseError),
            ("SQLITE_INTERNAL", "inner", errors.InternalError),
            ("SQLITE_MISUSE", "misuse", errors.InterfaceError),
            ("SQLITE_ERROR", "Incorrect number of bindings supplied. The current …", errors.ProgrammingError),
        ]
        for name, message, kind in rows:
            with self.subTest(name=name):
                error = from_host_error({"kind": "server", "code": name, "number": 19, "message": message}, "sqlite")
                self.assertIs(type(error), kind)
                self.assertEqual((str(error), error.sqlite_errorname, error.sqlite_errorcode), (message, name, 19))

    def test_classifies_errors_of_the_host(self):
        rows = [
            ("connect", "postgresql", errors.OperationalError),
            ("lost", "mysql", errors.OperationalError),
            ("unsupported", "postgresql", errors.NotSupportedError),
            ("unsupported", "sqlite", errors.ProgrammingError),
            ("interrupted", "postgresql", errors.InterfaceError),
            ("protocol", "sqlite", errors.InterfaceError),
        ]
        for kind, family, expected in rows:
            with self.subTest(kind=kind, family=family):
                error = from_host_error({"id": 9, "kind": kind, "message": "why"}, family)
                self.assertIs(type(error), expected)
                self.assertEqual((str(error), error.limbeck_error, error.limbeck_kind), ("why", 9, kind))
