"""SQLite: the conversion of values and rows, as in Python's `sqlite3`."""
import base64
import datetime
import math
import sys

from . import errors
from .driver_classes import DriverClass

PARSE_DECLTYPES = 1
PARSE_COLNAMES = 2


def to_host(value):
    """Return the protocol's form of a parameter."""
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
        return to_host(adapted)
    if _has_buffer(value):
        return {"b": base64.b64encode(value).decode("ascii")}
    # The default adapters of `sqlite3`.
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
    raise Unsupported(kind.__name__)


class Unsupported(Exception):
    """A value that SQLite can't store; `bind` raises the exception of `sqlite3` in its place."""


def bind(value, number, name=None):
    """Return the protocol's form of a statement's parameter, or raise what `sqlite3` raises for it."""
    try:
        return to_host(value)
    except Unsupported as error:
        if sys.version_info < (3, 11):
            place = number - 1 if name is None else ":" + name
            raise errors.InterfaceError("Error binding parameter %s - probably unsupported type." % place) from None
        raise errors.ProgrammingError(
            "Error binding parameter %d: type '%s' is not supported" % (number, error)
        ) from None


def _has_buffer(value):
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def _adapted(value):
    """Apply the project's adapter for the type of a value, or its `__conform__`; return the value if it has neither."""
    sqlite3 = sys.modules.get("sqlite3")
    protocol = getattr(sqlite3, "PrepareProtocol", None)
    adapter = getattr(sqlite3, "adapters", {}).get((type(value), protocol))
    # The default adapters are left out: they are for dates, and warn since Python 3.12.
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
    # A JSON reader would read a whole number as an integer.
    return {"f": repr(value)} if value.is_integer() else value


def from_host(sent, text_factory=str, column=""):
    """Return the value for the protocol's form."""
    kind = type(sent)
    if kind is str:
        return sent if text_factory is str else text_factory(sent.encode("utf-8"))
    if kind is not dict:
        return sent
    if "b" in sent:
        return base64.b64decode(sent["b"])
    if "f" in sent:
        return float(sent["f"])
    text = base64.b64decode(sent["t"])
    if text_factory is not str:
        return text_factory(text)
    message = b"Could not decode to UTF-8 column '%s' with text '%s'" % (column.encode("utf-8"), text)
    raise errors.OperationalError(message.decode("ascii", "replace"))


class Columns:
    """The columns of a result: their names and the conversion of rows."""

    def __init__(self, columns, detect_types, text_factory):
        self.names = [_without_type(column[0], detect_types) for column in columns]
        self._text_factory = text_factory
        self._converters = [_converter(column, detect_types) for column in columns] if detect_types else ()
        self._plain = text_factory is str and not any(self._converters)

    def row(self, sent):
        if self._plain and dict not in map(type, sent):
            return tuple(sent)
        if not any(self._converters):
            return tuple(map(from_host, sent, [self._text_factory] * len(sent), self.names))
        return tuple(
            from_host(item, self._text_factory, name) if convert is None else _converted(item, convert)
            for item, name, convert in zip(sent, self.names, self._converters)
        )


def _without_type(name, detect_types):
    if detect_types & PARSE_COLNAMES and "[" in name:
        name = name[: name.index("[")]
        return name[:-1] if name.endswith(" ") else name
    return name


def _converter(column, detect_types):
    """Return the converter that `detect_types` selects for a column, by the name or the declared type, or None."""
    name, declared = column[0], column[5] if len(column) > 5 else None
    found = None
    if detect_types & PARSE_COLNAMES and "[" in name:
        found = _registered(name[name.index("[") + 1 :].partition("]")[0]) if "]" in name else None
    if found is None and detect_types & PARSE_DECLTYPES and declared:
        found = _registered(declared.split(" ")[0].split("(")[0])
    return found


def _registered(name):
    name = name.upper()
    converters = getattr(sys.modules.get("sqlite3"), "converters", {})
    # The default converters of `sqlite3`: the project may not have imported it, and they warn since Python 3.12.
    return _CONVERTERS.get(name) if converters.get(name) is None or _is_default(converters[name]) else converters[name]


def _is_default(converter):
    return (getattr(converter, "__module__", None) or "").split(".")[0] == "sqlite3"


def _converted(sent, convert):
    if sent is None:
        return None
    if type(sent) is dict and "f" not in sent:
        text = base64.b64decode(sent["b"] if "b" in sent else sent["t"])
        # `sqlite3` gets a null pointer for an empty blob and returns None.
        return None if not text and "b" in sent else convert(text)
    sent = from_host(sent)
    if type(sent) is float:
        text = "%.15g" % sent
        sent = text + ".0" if text.lstrip("-").isdigit() else text.replace("inf", "Inf")
    return convert(str(sent).encode("utf-8"))


def _date(text):
    return datetime.date(*map(int, text.split(b"-")))


def _timestamp(text):
    day, clock = text.split(b" ")
    clock, *fraction = clock.split(b".")
    microseconds = int("{:0<6.6}".format(fraction[0].decode())) if len(fraction) == 1 else 0
    year, month, day = map(int, day.split(b"-"))
    hours, minutes, seconds = map(int, clock.split(b":"))
    return datetime.datetime(year, month, day, hours, minutes, seconds, microseconds)


_CONVERTERS = {"DATE": _date, "TIMESTAMP": _timestamp}


def row_factory(factory):
    """Return `factory`, or the substitute for `sqlite3.Row`, which accepts only a cursor of `sqlite3`."""
    sqlite3_row = getattr(sys.modules.get("sqlite3"), "Row", None)
    return Row if factory is not None and factory is sqlite3_row else factory


class Row(DriverClass):
    """A substitute for `sqlite3.Row`: a row with access by index and by name."""

    __slots__ = ("_names", "_values")
    driver_class = ("sqlite3", "Row")

    def __init__(self, cursor, values):
        self._names = [item[0] for item in cursor.description]
        self._values = values

    def keys(self):
        return list(self._names)

    def __getitem__(self, key):
        if not isinstance(key, str):
            return self._values[key]
        for name, found in zip(self._names, self._values):
            if name.lower() == key.lower():
                return found
        raise IndexError("No item with that key")

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return iter(self._values)

    def __eq__(self, other):
        if type(other) is not Row:
            return NotImplemented
        return self._names == other._names and self._values == other._values

    def __hash__(self):
        return hash((tuple(self._names), self._values))
