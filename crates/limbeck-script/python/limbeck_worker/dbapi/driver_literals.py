"""The literals of the values that psycopg2 and psycopg adapt; they refuse all others."""
import ipaddress

from . import errors
from .postgresql_literals import Literals
from .ranges import is_range

_ADDRESSES = (
    ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network,
)


class DriverLiterals(Literals):
    """Literals of the types that both drivers adapt."""

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


class PsycopgLiterals(DriverLiterals):
    ranges_module = "psycopg.types.range"

    def unknown(self, value):
        kind = type(value)
        name = kind.__qualname__ if kind.__module__ == "builtins" else "%s.%s" % (kind.__module__, kind.__qualname__)
        return errors.ProgrammingError("cannot adapt type %r using placeholder '%%s' (format: AUTO)" % name)
