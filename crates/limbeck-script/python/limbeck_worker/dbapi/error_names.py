"""The names and base classes of the exceptions of each driver.

A project's code may catch its driver's own exceptions, and its messages show their names. limbeck imports no driver, but
if the project has imported one, the exceptions are instances of the driver's classes, too.
"""
import importlib
import sys

# psycopg's exceptions for classes of SQLSTATE, if they differ from psycopg2's.
_PSYCOPGS = {
    **dict.fromkeys(("10", "26", "34", "P0"), "ProgrammingError"),
    **dict.fromkeys(("2F", "38", "39", "3B", "F0"), "OperationalError"),
}
# Since 2.1 SQLAlchemy's adapter of asyncpg has separate classes for these.
_ADAPTED = {
    "23001": "RestrictViolationError", "23502": "NotNullViolationError", "23503": "ForeignKeyViolationError",
    "23505": "UniqueViolationError", "23514": "CheckViolationError", "23P01": "ExclusionViolationError",
}


class ErrorNames:
    """The exception names of a driver that has all its exceptions in one module."""

    def __init__(self, module):
        self.module = module
        self._classes = {}

    def __reduce__(self):
        return type(self), (self.module,)

    def pep249_name(self, code):
        """Return the name of PEP 249 that the driver uses for an SQLSTATE, or None if psycopg2 uses the same."""

    def message(self, message, fields):
        """Return the text of a server's error; `message` is psycopg2's text."""
        return message

    def cause(self, fields):
        """Return the exception that the driver's exception is raised from."""

    def class_name(self, kind, code):
        """Return the module, the name and, if it is imported, the driver's own class for an SQLSTATE."""
        module = sys.modules.get(self.module)
        return self.module, kind.__name__, getattr(module, kind.__name__, None)

    def class_for(self, kind, code=""):
        """Return the class to raise in place of a class of PEP 249."""
        module, name, real = self.class_name(kind, code)
        key = kind, name, real
        if key not in self._classes:
            bases = (kind, real) if isinstance(real, type) and not issubclass(kind, real) else (kind,)
            attributes = {"__module__": module, "__qualname__": name, "driver_names": self}
            # These attributes of the driver's class are read-only.
            attributes.update(dict.fromkeys(("pgcode", "pgerror", "sqlstate", "diag", "cursor", "detail")))
            self._classes[key] = type(name, bases, attributes)
        return self._classes[key]


class PsycopgNames(ErrorNames):
    """The exception names of psycopg2 and psycopg: a class for each SQLSTATE, in the module `errors`."""

    def pep249_name(self, code):
        return _PSYCOPGS.get(code[:2]) if self.module == "psycopg" else None

    def message(self, message, fields):
        return message if self.module != "psycopg" else message.rstrip("\n")

    def class_name(self, kind, code):
        from .sqlstates import NAMES

        if code not in NAMES:
            return super().class_name(kind, code)
        name = NAMES[code][0]
        return self.module + ".errors", name, getattr(sys.modules.get(self.module + ".errors"), name, None)


class AsyncpgNames(ErrorNames):
    """The exception names of SQLAlchemy's adapter of asyncpg, whose exceptions are raised from asyncpg's own."""

    def __init__(self, newest):
        super().__init__("sqlalchemy.dialects.postgresql.asyncpg")
        self._newest = newest

    def __reduce__(self):
        return type(self), (self._newest,)

    def message(self, message, fields):
        message = fields.get("message") or ""
        if self._newest:
            return message
        from .sqlstates import NAMES

        name = NAMES.get(fields.get("code"), ("", "PostgresError"))[1]
        for word, key in (("DETAIL", "detail"), ("HINT", "hint")):
            if fields.get(key):
                message += "\n%s:  %s" % (word, fields[key])
        return "<class 'asyncpg.exceptions.%s'>: %s" % (name, message)

    def cause(self, fields):
        exceptions = sys.modules.get("asyncpg.exceptions")
        if exceptions is None:
            return None
        letters = {
            "S": "severity", "C": "code", "M": "message", "D": "detail", "H": "hint", "W": "context", "s": "schema",
            "t": "table", "c": "column", "n": "constraint",
        }
        return exceptions.PostgresError.new({letter: fields[key] for letter, key in letters.items() if fields.get(key)})

    def class_name(self, kind, code):
        name = _ADAPTED.get(code) if self._newest else None
        if code.startswith("XX"):
            name = "InternalServerError"
        name = name or kind.__name__
        if "asyncpg" in sys.modules:
            # A project that has imported asyncpg may catch the classes of SQLAlchemy's adapter.
            importlib.import_module(self.module)
        adapter = getattr(sys.modules.get(self.module), "AsyncAdapt_asyncpg_dbapi", None)
        return self.module, name, getattr(adapter, name, None)
