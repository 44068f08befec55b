"""SQLite: what Python's `sqlite3` does with transactions and values."""
import base64
import datetime
import math
import re

from . import errors
from .base import Connection, Cursor

# Comments and white space before a statement's first word, which decides whether a transaction begins.
_LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_CHANGES_ROWS = ("INSERT", "UPDATE", "DELETE", "REPLACE")
_NAMED = re.compile(
    r"""(?P<skip>'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/)
    |[:@$](?P<name>[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)""",
    re.VERBOSE | re.DOTALL,
)

PARSE_DECLTYPES = 1
PARSE_COLNAMES = 2


def changes_rows(sql):
    """Whether `sqlite3` begins a transaction before this statement."""
    start = _LEADING.match(sql).end()
    return sql[start : start + 7].upper().startswith(_CHANGES_ROWS)


class SqliteConnection(Connection):
    family = "sqlite"

    def __init__(self, driver, arguments):
        self.isolation_level = arguments.pop("isolation_level", "")
        for name in ("check_same_thread", "factory", "cached_statements", "detect_types"):
            arguments.pop(name, None)
        self.row_factory = None
        self.text_factory = str
        self.total_changes = 0
        super().__init__(driver, arguments)

    @property
    def in_transaction(self):
        return self.status != "I"

    def cursor(self, *args, **kwargs):
        return SqliteCursor(self)

    def execute(self, sql, parameters=()):
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql, rows):
        return self.cursor().executemany(sql, rows)

    def executescript(self, sql):
        return self.cursor().executescript(sql)

    def send(self, sql, **parameters):
        before = ()
        if self.isolation_level is not None and self.status == "I" and changes_rows(sql):
            before = (("BEGIN " + self.isolation_level).strip(),)
        return self.run(sql, before, **parameters)

    def create_function(self, name, narg, func, deterministic=False):
        self.channel.functions[name.lower()] = lambda arguments: _parameter(func(*map(_value, arguments)))
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
    def execute(self, sql, parameters=()):
        self.check()
        sql, values = _bound(sql, parameters)
        self._take(sql, self.connection.send(sql, parameters=values))
        return self

    def executemany(self, sql, rows):
        self.check()
        texts, many = set(), []
        for parameters in rows:
            text, values = _bound(sql, parameters)
            texts.add(text)
            many.append(values)
        if not many:
            return self
        if len(texts) > 1:
            raise errors.ProgrammingError("the rows of an executemany have different parameters")
        results = self.connection.send(texts.pop(), many=many)
        self._take(sql, results)
        self.description = None
        return self

    def executescript(self, sql):
        self.check()
        self.connection.commit()
        self.connection.run(sql, script=True)
        self.take(None, [], -1)
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
    if value is None or kind is str or kind is bool:
        return int(value) if kind is bool else value
    if kind is int:
        return _integer(value)
    if kind is float:
        return _float(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
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
        return _float(float(value))
    conform = getattr(value, "__conform__", None)
    if conform is not None:
        return _parameter(conform(None))
    raise errors.ProgrammingError("Error binding parameter: type '%s' is not supported" % kind.__name__)


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
