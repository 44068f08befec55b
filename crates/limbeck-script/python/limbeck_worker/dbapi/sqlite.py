"""SQLite: what Python's `sqlite3` does with transactions and values."""
import re
import sys

from ..roles import TRANSACTION
from . import errors, sqlite_values
from .base import Connection, Cursor
from .mirrored import Mirrored
from .patterns import Pattern
from .sqlite_values import parameter

# Comments and white space before a statement's first word, which decides whether a transaction begins.
_LEADING = Pattern(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_CHANGES_ROWS = ("INSERT", "UPDATE", "DELETE", "REPLACE")
# Names can contain a `$`, and a parameter's name can begin with a digit.
_NAMED = Pattern(
    r"""(?P<skip>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)
        |[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
    |[:@$](?P<name>[A-Za-z0-9_$\u0080-\U0010ffff]+)""",
    re.VERBOSE | re.DOTALL,
)

_LEVELS = ("", "DEFERRED", "IMMEDIATE", "EXCLUSIVE")
# What the attribute `autocommit`, which Python 3.12 brought, says where `isolation_level` counts.
_LEGACY = -1
_HAS_AUTOCOMMIT = sys.version_info >= (3, 12)
# What works on the library's own handle, which is the host's.
_WITHOUT = (
    "backup", "blobopen", "create_window_function", "deserialize", "getconfig", "getlimit", "iterdump",
    "load_extension", "serialize", "set_authorizer", "setconfig", "setlimit",
)


def changes_rows(sql):
    """Whether `sqlite3` begins a transaction before this statement."""
    start = _LEADING.match(sql).end()
    return sql[start : start + 7].upper().startswith(_CHANGES_ROWS)


class SqliteConnection(Mirrored, Connection):
    family = "sqlite"
    mirrors = ("sqlite3", "Connection")

    def __init__(self, driver, arguments):
        self.mirrors = getattr(driver, "mirrors", self.mirrors)
        self._isolation_level = arguments.pop("isolation_level", "")
        self._autocommit = _LEGACY
        autocommit = arguments.pop("autocommit", None)
        if autocommit is not None and not _HAS_AUTOCOMMIT:
            raise TypeError("'autocommit' is an invalid keyword argument for Connection()")
        self.detect_types = arguments.pop("detect_types", 0)
        factory = arguments.pop("factory", None)
        if factory is not None and factory is not getattr(sys.modules.get("sqlite3"), "Connection", None):
            raise errors.NotSupportedError(
                "limbeck's SQLite connection can't be one of the class `%s` that the connect argument `factory` names"
                % getattr(factory, "__name__", factory)
            )
        for name in ("check_same_thread", "cached_statements"):
            arguments.pop(name, None)
        self.row_factory = None
        self.text_factory = str
        self.total_changes = 0
        super().__init__(driver, arguments)
        if autocommit is not None:
            self.autocommit = autocommit

    def __getattr__(self, name):
        if name not in _WITHOUT:
            raise AttributeError("'sqlite3.Connection' object has no attribute '%s'" % name)

        def refuse(*args, **kwargs):
            raise errors.NotSupportedError(
                "limbeck's SQLite connection has no `%s`: %s"
                % (
                    name,
                    "run the migrations that need the extension with `alembic`"
                    if name == "load_extension"
                    else "open the database's file with Python's `sqlite3` for it",
                )
            )

        return refuse

    @property
    def autocommit(self):
        if not _HAS_AUTOCOMMIT:
            raise AttributeError("'sqlite3.Connection' object has no attribute 'autocommit'")
        return self._autocommit

    @autocommit.setter
    def autocommit(self, wanted):
        if not _HAS_AUTOCOMMIT:
            raise AttributeError("'sqlite3.Connection' object has no attribute 'autocommit'")
        if wanted not in (True, False, _LEGACY):
            raise ValueError("autocommit must be True, False, or sqlite3.LEGACY_TRANSACTION_CONTROL")
        if wanted == 1 and self.status != "I":
            self.run("COMMIT", role=TRANSACTION)
        elif wanted == 0 and self.status == "I":
            self.run("BEGIN", role=TRANSACTION)
        self._autocommit = wanted if wanted == _LEGACY else bool(wanted)

    def commit(self):
        self._end("COMMIT")

    def rollback(self):
        self._end("ROLLBACK")

    def _end(self, statement):
        self.check()
        if self._autocommit == _LEGACY:
            if self.status != "I":
                self.run(statement, role=TRANSACTION)
        elif not self._autocommit:
            # A transaction is always open: the next one begins at once.
            self.run(statement, role=TRANSACTION)
            self.run("BEGIN", role=TRANSACTION)

    @property
    def isolation_level(self):
        return self._isolation_level

    @isolation_level.setter
    def isolation_level(self, level):
        if level is None:
            # As `sqlite3`: what is open is committed.
            self.commit()
        elif not isinstance(level, str) or level.upper() not in _LEVELS:
            raise ValueError("isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'")
        self._isolation_level = level

    def closed_error(self):
        return errors.ProgrammingError("Cannot operate on a closed database.")

    @property
    def in_transaction(self):
        return self.status != "I"

    def cursor(self, *args, **kwargs):
        self.check()
        return SqliteCursor(self)

    def execute(self, sql, parameters=()):
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql, rows):
        return self.cursor().executemany(sql, rows)

    def executescript(self, sql):
        return self.cursor().executescript(sql)

    def send(self, sql, **parameters):
        return self.run(sql, self.before(sql), **parameters)

    def before(self, sql):
        is_legacy = self._autocommit == _LEGACY and self._isolation_level is not None
        if is_legacy and self.status == "I" and changes_rows(sql):
            return (("BEGIN " + self.isolation_level).strip(),)
        return ()

    def create_function(self, name, narg, func, deterministic=False):
        called = lambda arguments: parameter(func(*map(sqlite_values.value, arguments)))
        for key in ((name.lower(), narg), (self.limbeck_connection, name.lower(), narg)):
            self.channel.functions[key] = called
        self.request(
            "function",
            connection=self.limbeck_connection,
            name=name,
            arguments=narg,
            deterministic=bool(deterministic),
        )

    def create_collation(self, name, callable):
        raise errors.NotSupportedError(
            "limbeck's SQLite connection can't call the Python collation %r that the project registers" % name
        )

    def define_floor(self):
        """`create_function("floor", 1, math.floor, deterministic=True)`, carried out by the host."""
        self.request(
            "function", connection=self.limbeck_connection, name="floor", arguments=1, deterministic=True,
            built_in="math.floor",
        )

    def create_aggregate(self, name, narg, aggregate_class):
        raise errors.NotSupportedError(
            "limbeck's SQLite connection can't call the Python aggregate %r that the project registers" % name
        )

    def set_trace_callback(self, callback):
        pass

    def set_progress_handler(self, handler, n):
        pass

    def enable_load_extension(self, enabled):
        pass


    def run_async(self, function):
        from . import awaited

        return awaited.run(self, function)


for _name in errors.NAMES:
    setattr(SqliteConnection, _name, getattr(errors, _name))


class SqliteCursor(Mirrored, Cursor):
    mirrors = ("sqlite3", "Cursor")

    def __init__(self, connection):
        super().__init__(connection)
        self.row_factory = connection.row_factory

    def closed_error(self):
        return errors.ProgrammingError("Cannot operate on a closed cursor.")

    def check_rows(self):
        # A statement without rows has none to fetch, which is no error.
        self.check()

    def execute(self, sql, parameters=()):
        self.start()
        _check(sql, parameters)
        sql, values = _bound(sql, parameters)
        self._take(sql, self.connection.send(sql, parameters=values))
        return self

    def executemany(self, sql, rows):
        self.start()
        texts, many = set(), []
        for parameters in rows:
            _check(sql, parameters)
            text, values = _bound(sql, parameters)
            texts.add(text)
            many.append(values)
        if not many:
            for text in self.connection.before(sql):
                self.connection.run(text, role=TRANSACTION)
            self.take(None, [], 0, self.lastrowid)
            return self
        if len(texts) > 1:
            raise errors.ProgrammingError("the rows of an executemany have different parameters")
        lastrowid = self.lastrowid
        results = self.connection.send(texts.pop(), many=many)
        self._take(sql, results)
        if self.description is not None and not changes_rows(sql):
            raise errors.ProgrammingError("executemany() can only execute DML statements.")
        self.take(None, [], self.rowcount, lastrowid)
        return self

    def executescript(self, sql):
        self.start()
        if "\0" in sql:
            raise ValueError("embedded null character")
        if self.connection._autocommit == _LEGACY:
            self.connection.commit()
        self.connection.run(sql, script=True)
        self.take(None, [], -1, self.lastrowid)
        return self

    def _take(self, sql, results):
        result = results[-1] if results else None
        if result is None:
            self.take(None, [], -1)
            return
        rowcount = -1
        if changes_rows(sql) and result["affected"] is not None:
            rowcount = result["affected"]
            self.connection.total_changes += rowcount
        lastrowid = result["last_id"] if result["last_id"] is not None else self.lastrowid
        if result["columns"] is None:
            self.take(None, [], rowcount, lastrowid)
            return
        columns = sqlite_values.Columns(result["columns"], self.connection.detect_types, self.connection.text_factory)
        description = tuple((name, None, None, None, None, None, None) for name in columns.names)
        self.take(description, result["rows"], rowcount, lastrowid)
        self._columns = columns

    # Rows are made when they are fetched: the factories may be set, and fail, only then.
    def fetchone(self):
        row = super().fetchone()
        return None if row is None else self._made(row)

    def fetchmany(self, size=None):
        return list(map(self._made, super().fetchmany(size)))

    def fetchall(self):
        return list(map(self._made, super().fetchall()))

    def _made(self, sent):
        row = self._columns.row(sent)
        factory = sqlite_values.factory(self.row_factory)
        return row if factory is None else factory(self, row)


def _check(sql, parameters):
    """Whether `sqlite3` takes these at all."""
    if not isinstance(sql, str):
        raise TypeError("execute() argument 1 must be str, not %s" % type(sql).__name__)
    kind = errors.ProgrammingError if sys.version_info >= (3, 11) else ValueError
    if "\0" in sql:
        # The library would stop reading there.
        raise kind("the query contains a null character")
    if not hasattr(parameters, "__getitem__") and not hasattr(parameters, "__next__"):
        raise kind("parameters are of unsupported type")


def _bound(sql, parameters):
    """The statement with `?` alone, and its values for the host."""
    if hasattr(parameters, "keys"):
        values = []

        def place(match):
            name = match.group("name")
            if name is None:
                return match.group(0)
            if name not in parameters:
                raise errors.ProgrammingError("You did not supply a value for binding parameter :%s." % name)
            values.append(parameter(parameters[name]))
            return "?"

        return _NAMED.sub(place, sql), values
    return sql, [parameter(value) for value in parameters]
