"""SQLite: what Python's `sqlite3` does with transactions and values."""
import base64
import datetime
import math
import re
import sys

from . import errors
from .base import Connection, Cursor
from .patterns import Pattern

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

PARSE_DECLTYPES = 1
PARSE_COLNAMES = 2


def changes_rows(sql):
    """Whether `sqlite3` begins a transaction before this statement."""
    start = _LEADING.match(sql).end()
    return sql[start : start + 7].upper().startswith(_CHANGES_ROWS)


class SqliteConnection(Connection):
    family = "sqlite"

    def __init__(self, driver, arguments):
        self._isolation_level = arguments.pop("isolation_level", "")
        for name in ("check_same_thread", "factory", "cached_statements", "detect_types"):
            arguments.pop(name, None)
        self.row_factory = None
        self.text_factory = str
        self.total_changes = 0
        super().__init__(driver, arguments)

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
        if self.isolation_level is not None and self.status == "I" and changes_rows(sql):
            return (("BEGIN " + self.isolation_level).strip(),)
        return ()

    def create_function(self, name, narg, func, deterministic=False):
        self.channel.functions[name.lower(), narg] = lambda arguments: _parameter(func(*map(_value, arguments)))
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


class SqliteCursor(Cursor):
    def closed_error(self):
        return errors.ProgrammingError("Cannot operate on a closed cursor.")

    def check_rows(self):
        # A statement without rows has none to fetch, which is no error.
        self.check()

    def execute(self, sql, parameters=()):
        self.start()
        sql, values = _bound(sql, parameters)
        self._take(sql, self.connection.send(sql, parameters=values))
        return self

    def executemany(self, sql, rows):
        self.start()
        texts, many = set(), []
        for parameters in rows:
            text, values = _bound(sql, parameters)
            texts.add(text)
            many.append(values)
        if not many:
            for text in self.connection.before(sql):
                self.connection.run(text)
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
        columns = result["columns"]
        description = None
        if columns is not None:
            description = [(column[0], None, None, None, None, None, None) for column in columns]
        rows = [tuple(map(_value, row)) for row in result["rows"]]
        lastrowid = result["last_id"] if result["last_id"] is not None else self.lastrowid
        self.take(description, rows, rowcount, lastrowid)
        factory = self.connection.row_factory
        if factory is not None:
            self._rows = [factory(self, row) for row in rows]


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
            values.append(_parameter(parameters[name]))
            return "?"

        return _NAMED.sub(place, sql), values
    return sql, [_parameter(value) for value in parameters]


def _parameter(value):
    kind = type(value)
    if value is None or kind is str:
        return value
    if kind is int:
        return _integer(value)
    if kind is float:
        return _float(value)
    if kind in (bytes, bytearray, memoryview):
        return {"b": base64.b64encode(value).decode("ascii")}
    adapted = _adapted(value)
    if adapted is not value:
        return _parameter(adapted)
    if isinstance(value, (bytes, bytearray)):
        return {"b": base64.b64encode(value).decode("ascii")}
    # The adapters that `sqlite3` has by default.
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _integer(int(value))
    if isinstance(value, float):
        return _float(float.__float__(value))
    raise errors.ProgrammingError("Error binding parameter: type '%s' is not supported" % kind.__name__)


def _adapted(value):
    """What the project registered with `sqlite3` for values of this type, or the type's own way."""
    sqlite3 = sys.modules.get("sqlite3")
    protocol = getattr(sqlite3, "PrepareProtocol", None)
    adapter = getattr(sqlite3, "adapters", {}).get((type(value), protocol))
    # Its own are for dates; newer ones warn.
    if adapter is not None and (getattr(adapter, "__module__", None) or "").split(".")[0] != "sqlite3":
        return adapter(value)
    conform = getattr(value, "__conform__", None)
    adapted = conform(protocol) if conform is not None else None
    return value if adapted is None else adapted


def _integer(value):
    if not -(1 << 63) <= value < 1 << 63:
        raise OverflowError("Python int too large to convert to SQLite INTEGER")
    return value


def _float(value):
    if math.isnan(value):
        return None
    if math.isinf(value):
        return {"f": "inf" if value > 0 else "-inf"}
    # JSON's reader would take a whole number for an integer.
    return {"f": repr(value)} if value.is_integer() else value


def _value(value):
    if type(value) is dict:
        if "b" in value:
            return base64.b64decode(value["b"])
        return float(value["f"])
    return value
