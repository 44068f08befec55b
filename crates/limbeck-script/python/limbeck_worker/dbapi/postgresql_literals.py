"""Python values as PostgreSQL literals, written as psycopg2 writes them."""
import datetime
import decimal
import enum
import ipaddress
import json
import math
import uuid

from . import errors


class Literals:
    def __init__(self, connection):
        self._connection = connection
        self._writers = {
            type(None): lambda value: "NULL",
            bool: lambda value: "true" if value else "false",
            int: _number,
            float: _float,
            str: self._text,
            bytes: _bytes,
            bytearray: _bytes,
            memoryview: _bytes,
            decimal.Decimal: _decimal,
            datetime.datetime: lambda value: _datetime(value),
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
        writer = self._writers.get(type(value))
        if writer is None:
            writer = self._find(value)
            self._writers[type(value)] = writer
        return writer(value)

    def _find(self, value):
        if isinstance(value, enum.Enum) and not isinstance(value, (str, int)):
            raise errors.ProgrammingError("can't adapt type '%s'" % type(value).__name__)
        if isinstance(value, (ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Interface,
                              ipaddress.IPv6Interface)):
            return lambda value: "'%s'::inet" % value
        if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
            return lambda value: "'%s'::cidr" % value
        if hasattr(value, "_stringify") and hasattr(value, "bounds"):
            # SQLAlchemy's Range; a MultiRange is a list of them.
            return lambda value: self._text(value._stringify())
        if isinstance(value, list) and value and hasattr(value[0], "_stringify"):
            return lambda value: self._text("{%s}" % ",".join(item._stringify() for item in value))
        for kind in (bool, int, float, str, bytes, decimal.Decimal, datetime.datetime, datetime.date,
                     datetime.time, datetime.timedelta, uuid.UUID, list, tuple, dict):
            if isinstance(value, kind):
                if kind is str:
                    return lambda value: self._text(str.__str__(value))
                if kind is int:
                    return lambda value: _number(int(value))
                return self._writers[kind]
        raise errors.ProgrammingError("can't adapt type '%s'" % type(value).__name__)

    def _text(self, value):
        if "\x00" in value:
            raise ValueError("A string literal cannot contain NUL (0x00) characters.")
        value = value.replace("'", "''")
        if "\\" in value:
            # Right with and without standard_conforming_strings.
            return "E'%s'" % value.replace("\\", "\\\\")
        return "'%s'" % value

    def _array(self, value):
        if not value:
            return "'{}'"
        if hasattr(value[0], "_stringify"):
            return self._text("{%s}" % ",".join(item._stringify() for item in value))
        if all(isinstance(item, list) and not item for item in value):
            return "'{}'"
        return "ARRAY[%s]" % ",".join(self.literal(item) for item in value)

    def _tuple(self, value):
        return "(%s)" % ", ".join(self.literal(item) for item in value)


def _number(value):
    # A minus sign behind another would begin a comment.
    return " %d" % value if value < 0 else "%d" % value


def _float(value):
    if math.isnan(value):
        return "'NaN'::float"
    if math.isinf(value):
        return "'%sInfinity'::float" % ("-" if value < 0 else "")
    text = repr(value)
    return " " + text if text.startswith("-") else text


def _decimal(value):
    if not value.is_finite():
        return "'NaN'::numeric"
    text = str(value)
    return " " + text if text.startswith("-") else text


def _bytes(value):
    return "'\\x%s'::bytea" % bytes(value).hex()


def _datetime(value):
    kind = "timestamptz" if value.tzinfo is not None else "timestamp"
    return "'%s'::%s" % (value.isoformat(), kind)


def _time(value):
    return "'%s'::%s" % (value.isoformat(), "timetz" if value.tzinfo is not None else "time")


def _interval(value):
    return "'%d days %d.%06d seconds'::interval" % (value.days, value.seconds, value.microseconds)
