"""The literals of the values that psycopg2, psycopg and asyncpg accept; they refuse all others."""
import enum
import ipaddress

from . import errors
from .postgresql_literals import Literals
from .ranges import is_range

_ADDRESSES = (
    ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network,
)


class DriverLiterals(Literals):
    """Literals of the types that the drivers accept."""

    # The module of the driver's own ranges.
    ranges_module = None
    refused = (dict, set, frozenset)

    def __init__(self, has_infinite_numerics):
        super().__init__(has_infinite_numerics)
        for kind in self.refused:
            self.writers.pop(kind, None)

    def find(self, value):
        if isinstance(value, self.refused) or is_range(value) and not self._is_of_driver(value):
            raise self.unknown(value)
        return super().find(value)

    def is_multirange(self, value):
        return getattr(value, "is_of_driver", False)

    def _is_of_driver(self, value):
        return getattr(value, "is_of_driver", False) or any(
            kind.__module__ == self.ranges_module for kind in type(value).__mro__
        )


class Psycopg2Literals(DriverLiterals):
    ranges_module = "psycopg2._range"
    # Without `register_ipaddress`, which the connection looks for first.
    refused = (*DriverLiterals.refused, *_ADDRESSES)

    def find(self, value):
        if type(value).__name__ == "Binary" and hasattr(value, "adapted"):
            return self._binary
        return super().find(value)

    def _binary(self, value):
        if value.adapted is None:
            return "NULL"
        try:
            data = memoryview(value.adapted)
        except TypeError:
            raise TypeError("can't escape %s to binary" % type(value.adapted).__name__) from None
        return self.literal(data)


class Psycopg2Binary:
    """psycopg2's `Binary`, which accepts any object and refuses it when it is sent."""

    def __init__(self, value):
        self.adapted = value

    def __repr__(self):
        return "<Binary of %r>" % (self.adapted,)


Psycopg2Binary.__name__ = "Binary"


class PsycopgBinary:
    """psycopg's `Binary`, which accepts any object, too."""

    def __init__(self, obj):
        self.obj = obj

    def __repr__(self):
        return "Binary(%r)" % (self.obj,)


PsycopgBinary.__name__ = "Binary"


class PsycopgLiterals(DriverLiterals):
    ranges_module = "psycopg.types.range"

    def find(self, value):
        if isinstance(value, enum.Enum) and not isinstance(value, (str, int)):
            return lambda value: self.literal(value.name)
        if type(value).__name__ == "Binary" and hasattr(value, "obj"):
            return self._binary
        return super().find(value)

    def _binary(self, value):
        try:
            data = memoryview(value.obj)
        except TypeError:
            raise TypeError("bytes or buffer expected, got %s" % type(value.obj)) from None
        return self.literal(data)

    def nul_error(self):
        return errors.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")

    def unknown(self, value):
        kind = type(value)
        name = kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)
        return errors.ProgrammingError("cannot adapt type %r using placeholder '%%s' (format: AUTO)" % name)


class InvalidInput(Exception):
    """A value that asyncpg refuses. The connections raise asyncpg's or its adapter's exception in its place."""


class AsyncpgLiterals(DriverLiterals):
    ranges_module = "asyncpg.types"

    def find(self, value):
        if isinstance(value, NotBytes):
            raise InvalidInput("a bytes-like object is required, not %r" % type(value.value).__name__)
        return super().find(value)

    def nul_error(self):
        return InvalidInput('invalid byte sequence for encoding "UTF8": 0x00')

    def unknown(self, value):
        return InvalidInput("no PostgreSQL type for %r" % type(value).__name__)

    def invalid(self, values):
        """Return asyncpg's message for the first of a statement's values that it refuses, or None."""
        for number, value in enumerate(values, 1):
            try:
                self.literal(value)
            except InvalidInput as error:
                return invalid_input("$%d" % number, value.value if isinstance(value, NotBytes) else value, error)
        return None


def invalid_input(place, value, reason):
    """Return asyncpg's message for a value that can't be encoded."""
    text = repr(value)
    text = text if len(text) <= 40 else text[:40] + "..."
    return "invalid input for query argument %s: %s (%s)" % (place, text, reason)


def asyncpg_binary(value):
    """Return the value for a column of bytes; asyncpg refuses all but bytes when it is sent."""
    try:
        memoryview(value)
    except TypeError:
        return NotBytes(value)
    return value


class NotBytes:
    """A value for a column of bytes that isn't bytes."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return repr(self.value)
