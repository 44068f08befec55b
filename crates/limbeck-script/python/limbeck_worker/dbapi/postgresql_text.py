"""The rows of COPY's text format, from the Python values that asyncpg accepts for a column's type."""
import datetime
import decimal
import ipaddress
import uuid

from ..roles import ENVIRONMENT
from . import errors
from .postgresql_literals import interval_text
from .ranges import is_range, range_text

_ESCAPES = str.maketrans(
    {"\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r"}
)


class Texts:
    """Writes rows for columns of these types."""

    def __init__(self, connection, types):
        self._writers = [_Type.of(connection, oid).write for oid in types]

    def row(self, record):
        """Return a record as a line."""
        record = tuple(record)
        if len(record) != len(self._writers):
            raise errors.DataError("a record has %d fields, the table has %d" % (len(record), len(self._writers)))
        fields = [
            "\\N" if value is None else write(value).translate(_ESCAPES) for write, value in zip(self._writers, record)
        ]
        return ("\t".join(fields) + "\n").encode("utf-8")


class _Type:
    """A type of the server: its name, and for an array the type of its items."""

    def __init__(self, name, item=None):
        self.name = name
        self.item = item
        self._accepted, self._write = _BASE.get(name, _OTHER)

    @classmethod
    def of(cls, connection, oid):
        rows = connection.run(
            "SELECT coalesce(b.typname, t.typname), CASE WHEN t.typcategory = 'A' THEN t.typelem END"
            " FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype WHERE t.oid = %d" % oid,
            role=ENVIRONMENT,
        )[-1]["rows"]
        name, item = rows[0]
        return cls(name, cls.of(connection, int(item)) if item else None)

    def write(self, value):
        """Return the server's text for a value."""
        if self.item is not None:
            return self._array(value)
        if not isinstance(value, self._accepted):
            raise errors.DataError(
                "invalid value %r for a column of the type %s: expected %s, found %s"
                % (value, self.name, " or ".join(kind.__name__ for kind in self._accepted), type(value).__name__)
            )
        return self._write(value)

    def _array(self, value):
        if isinstance(value, (str, bytes, bytearray, dict)) or not hasattr(value, "__iter__"):
            raise errors.DataError(
                "invalid value %r for a column of the type %s: expected a list" % (value, self.name)
            )
        return "{%s}" % ",".join(map(self._item, value))

    def _item(self, value):
        if value is None:
            return "NULL"
        if isinstance(value, (list, tuple)):
            return self._array(value)
        return '"%s"' % self.item.write(value).replace("\\", "\\\\").replace('"', '\\"')


def _bool(value):
    return "t" if value else "f"


def _integer(value):
    return "%d" % value


def _bytes(value):
    return "\\x" + bytes(value).hex()


def _moment(value):
    # As in asyncpg, the limits of the Python type without a zone are infinite.
    limits = type(value)
    if getattr(value, "tzinfo", None) is None and value in (limits.min, limits.max):
        return "infinity" if value == limits.max else "-infinity"
    return value.isoformat()


def _date(value):
    return _moment(value).partition("T")[0]


def _other(value):
    if isinstance(value, bool):
        return _bool(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes(value)
    if isinstance(value, datetime.timedelta):
        return interval_text(value)
    if is_range(value):
        return range_text(value)
    if isinstance(value, (tuple, list)):
        return "(%s)" % ",".join("" if item is None else _record_item(item) for item in value)
    if isinstance(value, dict):
        raise errors.DataError("a dict has no text: pass JSON as a str")
    return str(value)


def _record_item(value):
    return '"%s"' % _other(value).replace("\\", "\\\\").replace('"', '""')


_NUMBERS = (int, float, decimal.Decimal)
_TEXT = ((str,), str)
_NETWORK = (str, ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network)
# The classes that asyncpg accepts for a type, and the function that writes the text.
_BASE = {
    "bool": ((bool,), _bool),
    "int2": ((int,), _integer),
    "int4": ((int,), _integer),
    "int8": ((int,), _integer),
    "oid": ((int,), _integer),
    "float4": (_NUMBERS, lambda value: repr(float(value))),
    "float8": (_NUMBERS, lambda value: repr(float(value))),
    "numeric": ((*_NUMBERS, str), lambda value: str(decimal.Decimal(value))),
    "text": _TEXT,
    "varchar": _TEXT,
    "bpchar": _TEXT,
    "name": _TEXT,
    "json": _TEXT,
    "jsonb": _TEXT,
    "xml": _TEXT,
    "bytea": ((bytes, bytearray, memoryview), _bytes),
    "date": ((datetime.date,), _date),
    "time": ((datetime.time,), datetime.time.isoformat),
    "timetz": ((datetime.time,), datetime.time.isoformat),
    "timestamp": ((datetime.datetime, datetime.date), _moment),
    "timestamptz": ((datetime.datetime, datetime.date), _moment),
    "interval": ((datetime.timedelta,), interval_text),
    "uuid": ((uuid.UUID, str), str),
    "inet": (_NETWORK, str),
    "cidr": (_NETWORK, str),
}
_OTHER = ((object,), _other)
