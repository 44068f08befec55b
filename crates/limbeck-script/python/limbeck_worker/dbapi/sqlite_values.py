"""SQLite: values and rows as Python's `sqlite3` makes them."""
import base64
import datetime
import math
import sys

from . import errors
from .mirrored import Mirrored

PARSE_DECLTYPES = 1
PARSE_COLNAMES = 2


def parameter(value):
    """A parameter, as the host takes it."""
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
        return parameter(adapted)
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


def value(sent, text_factory=str, column=""):
    """A value that the host sent."""
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
    """The columns of a result: their names, and what turns a row of the host's into the project's."""

    def __init__(self, columns, detect_types, text_factory):
        self.names = [_shown(column[0], detect_types) for column in columns]
        self._text_factory = text_factory
        self._converters = [_converter(column, detect_types) for column in columns] if detect_types else ()
        self._plain = text_factory is str and not any(self._converters)

    def row(self, sent):
        if self._plain and dict not in map(type, sent):
            return tuple(sent)
        if not any(self._converters):
            return tuple(map(value, sent, [self._text_factory] * len(sent), self.names))
        return tuple(
            value(item, self._text_factory, name) if convert is None else _converted(item, convert)
            for item, name, convert in zip(sent, self.names, self._converters)
        )


def _shown(name, detect_types):
    if detect_types & PARSE_COLNAMES and "[" in name:
        name = name[: name.index("[")]
        return name[:-1] if name.endswith(" ") else name
    return name


def _converter(column, detect_types):
    """What `detect_types` finds for a column: by its name, then by the type that it was declared with."""
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
    # What `sqlite3` has by default, in a project that does not import it itself; newer ones warn.
    return _CONVERTERS.get(name) if converters.get(name) is None or _is_its_own(converters[name]) else converters[name]


def _is_its_own(converter):
    return (getattr(converter, "__module__", None) or "").split(".")[0] == "sqlite3"


def _converted(sent, convert):
    if sent is None:
        return None
    if type(sent) is dict and "f" not in sent:
        text = base64.b64decode(sent["b"] if "b" in sent else sent["t"])
        # An empty blob has no bytes to point at.
        return None if not text and "b" in sent else convert(text)
    sent = value(sent)
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


def factory(wanted):
    """What makes a row: a project's `sqlite3.Row` takes no cursor but a real one."""
    theirs = getattr(sys.modules.get("sqlite3"), "Row", None)
    return Row if wanted is not None and wanted is theirs else wanted


class Row(Mirrored):
    """A row whose values have names, too."""

    __slots__ = ("_names", "_values")
    mirrors = ("sqlite3", "Row")

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
