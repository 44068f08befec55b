"""Under which names, and as subclasses of what, the exceptions of each driver are raised.

A project's code may look for its driver's own exceptions, and reads their names in messages. limbeck imports no
driver, but where the project has, what is raised is an instance of the driver's class, too.
"""
import importlib
import sys

# As psycopg sorts the classes of SQLSTATE, where psycopg2 does it in another way.
_PSYCOPGS = {
    **dict.fromkeys(("10", "26", "34", "P0"), "ProgrammingError"),
    **dict.fromkeys(("2F", "38", "39", "3B", "F0"), "OperationalError"),
}
# SQLAlchemy's adapter of asyncpg has classes of its own for these since 2.1.
_ADAPTED = {
    "23001": "RestrictViolationError", "23502": "NotNullViolationError", "23503": "ForeignKeyViolationError",
    "23505": "UniqueViolationError", "23514": "CheckViolationError", "23P01": "ExclusionViolationError",
}


class ErrorNames:
    """The names of a driver whose exceptions are attributes of one module."""

    def __init__(self, module):
        self.module = module
        self._made = {}

    def kind_of(self, code):
        """The name of the class that the driver sorts an SQLSTATE into, where it is not psycopg2's."""

    def text(self, message, fields):
        """What `str` shows of a server's error; `message` is psycopg2's."""
        return message

    def cause(self, fields):
        """The exception that the driver's is raised from."""

    def name(self, kind, code):
        """The class for an SQLSTATE: its module, its name, and the driver's own where there is one."""
        module = sys.modules.get(self.module)
        return self.module, kind.__name__, getattr(module, kind.__name__, None)

    def of(self, kind, code=""):
        """The class to raise for one of PEP 249's."""
        module, name, real = self.name(kind, code)
        key = kind, name, real
        if key not in self._made:
            bases = (kind, real) if isinstance(real, type) and not issubclass(kind, real) else (kind,)
            made = {"__module__": module, "__qualname__": name}
            # The driver's are made by its own code, and can only be read.
            made.update(dict.fromkeys(("pgcode", "pgerror", "sqlstate", "diag", "cursor", "detail")))
            self._made[key] = type(name, bases, made)
        return self._made[key]


class PsycopgNames(ErrorNames):
    """psycopg2 and psycopg: a class for each SQLSTATE, in `errors`."""

    def kind_of(self, code):
        return _PSYCOPGS.get(code[:2]) if self.module == "psycopg" else None

    def text(self, message, fields):
        return message if self.module != "psycopg" else message.rstrip("\n")

    def name(self, kind, code):
        from .sqlstates import NAMES

        if code not in NAMES:
            return super().name(kind, code)
        name = NAMES[code][0]
        return self.module + ".errors", name, getattr(sys.modules.get(self.module + ".errors"), name, None)


class AsyncpgNames(ErrorNames):
    """asyncpg, as SQLAlchemy shows it: classes of the adapter, raised from asyncpg's own."""

    def __init__(self, newest):
        super().__init__("sqlalchemy.dialects.postgresql.asyncpg")
        self._newest = newest

    def text(self, message, fields):
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
        told = {letter: fields[key] for letter, key in letters.items() if fields.get(key)}
        return exceptions.PostgresError.new(told)

    def name(self, kind, code):
        name = _ADAPTED.get(code) if self._newest else None
        if code.startswith("XX"):
            name = "InternalServerError"
        name = name or kind.__name__
        if "asyncpg" in sys.modules:
            # Who has imported asyncpg may look for it behind SQLAlchemy's exceptions, which these lead to.
            importlib.import_module(self.module)
        adapter = getattr(sys.modules.get(self.module), "AsyncAdapt_asyncpg_dbapi", None)
        return self.module, name, getattr(adapter, name, None)
