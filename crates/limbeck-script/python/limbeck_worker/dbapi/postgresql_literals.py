"""The conversion of Python values to PostgreSQL literals, with psycopg2's spelling."""
import datetime
import decimal
import enum
import ipaddress
import json
import math
import sys
import uuid

from . import errors
from .ranges import is_range, multirange_text, range_text


class Literals:
    """Writes literals."""

    def __init__(self, has_infinite_numerics=True):
        # A function that returns the literal of a value that the project adapts itself, or None.
        self.adapt = None
        # psycopg2 writes an infinite Decimal as NaN.
        self._infinite_numerics = has_infinite_numerics
        self.writers = {
            type(None): lambda value: "NULL",
            bool: lambda value: "true" if value else "false",
            int: _number,
            float: _float,
            str: self._text,
            bytes: _bytes,
            bytearray: _bytes,
            memoryview: _bytes,
            decimal.Decimal: self._decimal,
            datetime.datetime: _datetime,
            datetime.date: lambda value: "'%s'::date" % value.isoformat(),
            datetime.time: _time,
            datetime.timedelta: _interval,
            uuid.UUID: lambda value: "'%s'::uuid" % value,
            list: self._array,
            tuple: self._tuple,
            set: self._tuple,
            frozenset: self._tuple,
            dict: lambda value: self._text(json.dumps(value)),
        }

    def literal(self, value):
        """Return the literal of a value."""
        adapted = self.adapt and self.adapt(value)
        if adapted is not None:
            return adapted
        registered = _registered_adapter(type(value))
        if registered is not None:
            return self.literal(registered(value))
        writer = self.writers.get(type(value))
        if writer is None:
            writer = self.find(value)
            self.writers[type(value)] = writer
        return writer(value)

    def is_multirange(self, value):
        """Return whether a list that isn't empty is a multirange, not an array."""
        return is_range(value[0])

    def find(self, value):
        """Return the writer for the type of `value`. It is kept, so it must be right for all values of the type."""
        if isinstance(value, enum.Enum) and not isinstance(value, (str, int)):
            raise self.unknown(value)
        if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
            # Interfaces are subclasses of addresses and print their network.
            return lambda value: "'%s'::inet" % value
        if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
            return lambda value: "'%s'::cidr" % value
        if is_range(value):
            return lambda value: self._text(range_text(value))
        for kind in (bool, int, float, str, bytes, decimal.Decimal, datetime.datetime, datetime.date,
                     datetime.time, datetime.timedelta, uuid.UUID, list, tuple, dict):
            if isinstance(value, kind):
                if kind is str:
                    return lambda value: self._text(str.__str__(value))
                return self.writers[kind]
        # The drivers' own wrappers: `Json` of psycopg2, `Json` and `Jsonb` of psycopg.
        if hasattr(value, "adapted") and hasattr(value, "dumps"):
            return lambda value: self._text(value.dumps(value.adapted))
        if hasattr(value, "obj") and hasattr(value, "dumps"):
            return lambda value: self._text(_text_of((value.dumps or json.dumps)(value.obj)))
        if hasattr(value, "adapted") and type(value).__name__ != "AsIs":
            # psycopg2's `QuotedString` and `Binary` need psycopg2's connection to escape correctly.
            return lambda value: self.literal(value.adapted)
        if hasattr(value, "getquoted"):
            return lambda value: _text_of(value.getquoted())
        raise self.unknown(value)

    def unknown(self, value):
        """Return the exception for a value that the driver doesn't adapt."""
        return errors.ProgrammingError("can't adapt type '%s'" % type(value).__name__)

    def nul_error(self):
        """Return the driver's exception for a text with a NUL character."""
        return ValueError("A string literal cannot contain NUL (0x00) characters.")

    def _text(self, value):
        if "\x00" in value:
            raise self.nul_error()
        return _quoted(value)

    def _decimal(self, value):
        if value.is_finite():
            text = str(value)
            return " " + text if text.startswith("-") else text
        if value.is_infinite() and self._infinite_numerics:
            return "'%sInfinity'::numeric" % ("-" if value < 0 else "")
        return "'NaN'::numeric"

    def _array(self, value):
        if not value:
            return "'{}'"
        if self.is_multirange(value):
            return self._text(multirange_text(value))
        if all(isinstance(item, list) and not item for item in value):
            return "'{}'"
        items = [self.literal(item) for item in value]
        if all(item is None or isinstance(item, list) and text[0] == "'" for item, text in zip(value, items)):
            # The server can't infer the type of an ARRAY without any value.
            return "'{%s}'" % ",".join("NULL" if item is None else text[1:-1] for item, text in zip(value, items))
        return "ARRAY[%s]" % ",".join(items)

    def _tuple(self, value):
        return "(%s)" % ", ".join(self.literal(item) for item in value)


def _registered_adapter(kind):
    """Return the adapter that the project registered with psycopg2 for a type, or None."""
    extensions = sys.modules.get("psycopg2.extensions")
    adapters = getattr(extensions, "adapters", None)
    if not adapters:
        return None
    adapter = adapters.get((kind, extensions.ISQLQuote))
    # psycopg2's own adapters need its connection.
    if adapter is None or (getattr(adapter, "__module__", None) or "").startswith("psycopg2"):
        return None
    return adapter


def _text_of(value):
    return bytes(value).decode("utf-8") if isinstance(value, (bytes, bytearray, memoryview)) else value


def _quoted(value):
    value = value.replace("'", "''")
    if "\\" in value:
        # Correct whether standard_conforming_strings is on or off.
        return "E'%s'" % value.replace("\\", "\\\\")
    return "'%s'" % value


def _number(value):
    # The space is needed after another minus sign: two of them begin a comment. A subclass (an IntEnum) may print
    # something other than its number.
    value = int(value)
    return " %d" % value if value < 0 else "%d" % value


def _float(value):
    if math.isnan(value):
        return "'NaN'::float"
    if math.isinf(value):
        return "'%sInfinity'::float" % ("-" if value < 0 else "")
    text = float.__repr__(value)
    return " " + text if text.startswith("-") else text


def _bytes(value):
    # Correct whether standard_conforming_strings is on or off.
    return "E'\\\\x%s'::bytea" % bytes(value).hex()


def _datetime(value):
    kind = "timestamptz" if value.tzinfo is not None else "timestamp"
    return "'%s'::%s" % (value.isoformat(), kind)


def _time(value):
    return "'%s'::%s" % (value.isoformat(), "timetz" if value.tzinfo is not None else "time")


def _interval(value):
    return "'%s'::interval" % interval_text(value)


def interval_text(value):
    """Return the text of a `timedelta`."""
    # With IntervalStyle sql_standard, a second part without a plus sign would be negative, too.
    sign = "+" if value.days < 0 else ""
    return "%d days %s%d.%06d seconds" % (value.days, sign, value.seconds, value.microseconds)
