"""SQLite: transactions and values as in Python's `sqlite3`."""
import re
import sys

from ..roles import TRANSACTION
from . import errors, sqlite_values
from .base import Connection, Cursor
from .driver_classes import DriverClass
from .patterns import Pattern
from .sqlite_values import bind, to_host

# The comments and white space before a statement's first word, which decides whether a transaction begins.
_LEADING = Pattern(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_CHANGES_ROWS = ("INSERT", "UPDATE", "DELETE", "REPLACE")
# A name may contain a `$`, and a parameter's name may start with a digit.
_NAMED = Pattern(
    r"""(?P<skip>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)
        |[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*)
    |[:@$](?P<name>[A-Za-z0-9_$\u0080-\U0010ffff]+)""",
    re.VERBOSE | re.DOTALL,
)

_LEVELS = ("", "DEFERRED", "IMMEDIATE", "EXCLUSIVE")
# The value of the attribute `autocommit` (since Python 3.12) with which `isolation_level` counts.
_LEGACY = -1
_HAS_AUTOCOMMIT = sys.version_info >= (3, 12)
# Methods that need SQLite's own handle, which the host has.
_UNSUPPORTED = (
    "backup", "blobopen", "create_window_function", "deserialize", "getconfig", "getlimit", "iterdump",
    "load_extension", "serialize", "set_authorizer", "setconfig", "setlimit",
)


def changes_rows(sql):
    """Return whether `sqlite3` begins a transaction before a statement."""
    start = _LEADING.match(sql).end()
    return sql[start : start + 7].upper().startswith(_CHANGES_ROWS)


class SqliteConnection(DriverClass, Connection):
    family = "sqlite"
    driver_class = ("sqlite3", "Connection")
    async_driver_class = ("aiosqlite", "Connection")

    def __init__(self, driver, arguments):
        self.driver_class = getattr(driver, "driver_class", self.driver_class)
        self._isolation_level = arguments.pop("isolation_level", "")
        self._autocommit = _LEGACY
        autocommit = arguments.pop("autocommit", None)
        if autocommit is not None and not _HAS_AUTOCOMMIT:
            raise TypeError("'autocommit' is an invalid keyword argument for Connection()")
        self.detect_types = arguments.pop("detect_types", 0)
        factory = arguments.pop("factory", None)
        if factory is not None and factory is not getattr(sys.modules.get("sqlite3"), "Connection", None):
            raise errors.NotSupportedError(
                "limbeck's SQLite connection can't be an instance of `%s`, the connect argument `factory`: leave it out"
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
        if name not in _UNSUPPORTED:
            raise AttributeError("'sqlite3.Connection' object has no attribute '%s'" % name)

        def refuse(*args, **kwargs):
            raise errors.NotSupportedError(
                "limbeck's SQLite connection has no `%s`: %s"
                % (
                    name,
                    "run the migrations that need the extension with `alembic`"
                    if name == "load_extension"
                    else "open the database's file with Python's `sqlite3` instead",
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
        if self.closed or self.channel.is_usable:
            self._end("ROLLBACK")

    def _end(self, statement):
        self.check()
        if self._autocommit == _LEGACY:
            if self.status != "I":
                self.run(statement, role=TRANSACTION)
        elif not self._autocommit:
            # In this mode a transaction is always open, so begin the next one.
            self.run(statement, role=TRANSACTION)
            self.run("BEGIN", role=TRANSACTION)

    @property
    def isolation_level(self):
        return self._isolation_level

    @isolation_level.setter
    def isolation_level(self, level):
        if level is None:
            # `sqlite3` commits an open transaction.
            self.commit()
        elif not isinstance(level, str) or level.upper() not in _LEVELS:
            raise ValueError("isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'")
        self._isolation_level = level

    def closed_error(self):
        return errors.ProgrammingError("Cannot operate on a closed database.")

    @property
    def in_transaction(self):
        return self.status != "I"

    def cursor(self, *args, server_side=False, **kwargs):
        self.check()
        cursor = SqliteCursor(self)
        cursor.server_side = server_side
        return cursor

    def execute(self, sql, parameters=()):
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql, rows):
        return self.cursor().executemany(sql, rows)

    def executescript(self, sql):
        return self.cursor().executescript(sql)

    def send(self, sql, **parameters):
        return self.run(sql, self.before(sql), **parameters)

    def before(self, sql):
        """Return the statements that have to run before this one."""
        is_legacy = self._autocommit == _LEGACY and self._isolation_level is not None
        if is_legacy and self.status == "I" and changes_rows(sql):
            return (("BEGIN " + self.isolation_level).strip(),)
        return ()

    def create_function(self, name, narg, func, deterministic=False):
        called = lambda arguments: to_host(func(*map(sqlite_values.from_host, arguments)))
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
        """Register `math.floor` as the SQL function `floor`; the host runs it without calling Python."""
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
        from . import async_adapter

        return async_adapter.run_async(self, function)


for _name in errors.NAMES:
    setattr(SqliteConnection, _name, getattr(errors, _name))


class SqliteCursor(DriverClass, Cursor):
    driver_class = ("sqlite3", "Cursor")
    # Whether aiosqlite's adapter would read the rows when they are needed. limbeck reads all at once.
    server_side = False

    def __init__(self, connection):
        super().__init__(connection)
        self.row_factory = connection.row_factory

    def closed_error(self):
        return errors.ProgrammingError("Cannot operate on a closed cursor.")

    def check_rows(self):
        # Fetching from a statement without rows is not an error.
        self.check()

    def execute(self, sql, parameters=()):
        self.start()
        _check(sql, parameters)
        sql, values = _with_positions(sql, parameters)
        self._show_results(sql, self.connection.send(sql, parameters=values))
        return self

    def executemany(self, sql, rows):
        self.start()
        texts, many = set(), []
        for parameters in rows:
            _check(sql, parameters)
            text, values = _with_positions(sql, parameters)
            texts.add(text)
            many.append(values)
        if not many:
            for text in self.connection.before(sql):
                self.connection.run(text, role=TRANSACTION)
            self.set_result(None, [], 0, self.lastrowid)
            return self
        if len(texts) > 1:
            raise errors.ProgrammingError("the rows of an executemany have different parameters")
        lastrowid = self.lastrowid
        results = self.connection.send(texts.pop(), many=many)
        self._show_results(sql, results)
        if self.description is not None and not changes_rows(sql):
            raise errors.ProgrammingError("executemany() can only execute DML statements.")
        self.set_result(None, [], self.rowcount, lastrowid)
        return self

    def executescript(self, sql):
        self.start()
        if "\0" in sql:
            raise ValueError("embedded null character")
        if self.connection._autocommit == _LEGACY:
            self.connection.commit()
        self.connection.run(sql, script=True)
        self.set_result(None, [], -1, self.lastrowid)
        return self

    def _show_results(self, sql, results):
        result = results[-1] if results else None
        if result is None:
            self.set_result(None, [], -1)
            return
        rowcount = -1
        if changes_rows(sql) and result["affected"] is not None:
            rowcount = result["affected"]
            self.connection.total_changes += rowcount
        lastrowid = result["last_id"] if result["last_id"] is not None else self.lastrowid
        if result["columns"] is None:
            self.set_result(None, [], rowcount, lastrowid)
            return
        columns = sqlite_values.Columns(result["columns"], self.connection.detect_types, self.connection.text_factory)
        description = tuple((name, None, None, None, None, None, None) for name in columns.names)
        self.set_result(description, result["rows"], rowcount, lastrowid)
        self._columns = columns

    # Rows are built when they are fetched: only then are the factories set, and only then may they fail.
    def fetchone(self):
        row = super().fetchone()
        return None if row is None else self._make_row(row)

    def fetchmany(self, size=None):
        return list(map(self._make_row, super().fetchmany(size)))

    def fetchall(self):
        return list(map(self._make_row, super().fetchall()))

    def _make_row(self, sent):
        row = self._columns.row(sent)
        factory = sqlite_values.row_factory(self.row_factory)
        return row if factory is None else factory(self, row)


def _check(sql, parameters):
    """Raise what `sqlite3` raises for a statement or parameters of the wrong type."""
    if not isinstance(sql, str):
        raise TypeError("execute() argument 1 must be str, not %s" % type(sql).__name__)
    kind = errors.ProgrammingError if sys.version_info >= (3, 11) else ValueError
    if "\0" in sql:
        # SQLite would ignore the rest of the text.
        raise kind("the query contains a null character")
    if not hasattr(parameters, "__getitem__") and not hasattr(parameters, "__next__"):
        raise kind("parameters are of unsupported type")


def _with_positions(sql, parameters):
    """Return the statement with only `?` as placeholders, and the host's form of its values."""
    if hasattr(parameters, "keys"):
        values = []

        def placeholder(match):
            name = match.group("name")
            if name is None:
                return match.group(0)
            if name not in parameters:
                raise errors.ProgrammingError("You did not supply a value for binding parameter :%s." % name)
            values.append(bind(parameters[name], len(values) + 1, name))
            return "?"

        return _NAMED.sub(placeholder, sql), values
    return sql, [bind(value, number) for number, value in enumerate(parameters, 1)]
