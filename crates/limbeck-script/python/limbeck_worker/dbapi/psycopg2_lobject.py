"""psycopg2's large objects, in terms of the server's functions that libpq also calls."""
import operator
import re
import sys

from . import errors
from .driver_classes import DriverClass

_MODE = re.compile(r"(rw|r|w|n)?([tb])?\Z")
# The server's flags for reading and writing.
_READ, _WRITE = 0x40000, 0x20000
# The size of a part that one statement reads or writes, in bytes.
_PART = 1 << 20


class LargeObject(DriverClass):
    """An open large object, which becomes invalid at the end of its transaction."""

    driver_class = ("psycopg2.extensions", "lobject")

    def __init__(self, connection, oid, mode, new_oid, new_file):
        self._connection = connection
        self._ended = connection.ended
        self._descriptor = None
        self._check_autocommit()
        match = _MODE.match(mode)
        if match is None:
            raise ValueError("bad mode for lobject: '%s'" % mode)
        if not connection.has_begun:
            connection.begin()
        access, form = match.group(1) or "r", match.group(2) or "t"
        self._is_text = form == "t"
        if not oid:
            access = "w"
            oid = int(self._call("lo_create", new_oid)) if new_file is None else self._import(new_file)
        self.oid = oid
        self.mode = access if access == "n" else access + form
        if access != "n":
            self._descriptor = self._open(("r" in access) * _READ | ("w" in access) * _WRITE)

    @property
    def closed(self):
        return self._descriptor is None or self._connection.closed

    def read(self, size=-1):
        self._check_open()
        data = self._read(self._descriptor, size)
        return data.decode("utf-8") if self._is_text else data

    def write(self, data):
        if not isinstance(data, (str, bytes)):
            raise TypeError("lobject.write requires a string; got %s instead" % type(data).__name__)
        self._check_open()
        return self._write(self._descriptor, data.encode("utf-8") if isinstance(data, str) else data)

    def seek(self, offset, whence=0):
        self._check_open()
        return int(self._call("lo_lseek64", self._descriptor, offset, whence))

    def tell(self):
        self._check_open()
        return int(self._call("lo_tell64", self._descriptor))

    def truncate(self, len=0):
        self._check_open()
        self._call("lo_truncate64", self._descriptor, len)

    def export(self, filename):
        self._check_autocommit()
        descriptor = self._open(_READ)
        with _file(filename, "wb") as file:
            while True:
                data = self._read(descriptor, _PART)
                file.write(data)
                if len(data) < _PART:
                    break
        self._call("lo_close", descriptor)

    def unlink(self):
        self.close()
        self._call("lo_unlink", self.oid)

    def close(self):
        connection = self._connection
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None or connection.closed:
            return
        if connection.is_autocommit or self._ended != connection.ended:
            # The server has closed it. As in psycopg2, `closed` stays false.
            self._descriptor = descriptor
            return
        self._call("lo_close", descriptor)

    def _import(self, name):
        with _file(name, "rb") as file:
            self.oid = int(self._call("lo_create", 0))
            descriptor = self._open(_WRITE)
            while True:
                data = file.read(_PART)
                if not data:
                    break
                self._write(descriptor, data)
            self._call("lo_close", descriptor)
        return self.oid

    def _open(self, mode):
        return int(self._call("lo_open", self.oid, mode))

    def _read(self, descriptor, size):
        parts = []
        while size:
            wanted = _PART if size < 0 else min(size, _PART)
            part = bytes.fromhex(self._call("loread", descriptor, wanted, form="encode(%s, 'hex')"))
            parts.append(part)
            size -= min(len(part), max(size, 0))
            if len(part) < wanted:
                break
        return b"".join(parts)

    def _write(self, descriptor, data):
        written = 0
        for start in range(0, len(data), _PART):
            part = "'\\x%s'" % data[start : start + _PART].hex()
            written += int(self._call("lowrite", descriptor, part))
        return written

    def _call(self, function, *arguments, form="%s"):
        """Call a function of the server and return its result as text."""
        call = "pg_catalog.%s(%s)" % (function, ", ".join(map(str, arguments)))
        try:
            return self._connection.send("SELECT " + form % call)[-1]["rows"][0][0]
        except errors.DatabaseError as error:
            if error.limbeck_kind != "server":
                raise
            # As in psycopg2, which gets only a text from libpq.
            failure = errors.OperationalError(error.pgerror)
            failure.limbeck_error, failure.limbeck_kind = error.limbeck_error, error.limbeck_kind
        raise failure

    def _check_open(self):
        if self.closed:
            raise errors.InterfaceError("lobject already closed")
        self._check_transaction()

    def _check_transaction(self):
        self._check_autocommit()
        if self._ended != self._connection.ended:
            raise errors.ProgrammingError("lobject isn't valid anymore")

    def _check_autocommit(self):
        if self._connection.is_autocommit:
            raise errors.ProgrammingError("can't use a lobject outside of transactions")


def open_lobject(connection, oid=0, mode=None, new_oid=0, new_file=None, lobject_factory=None):
    """Return a large object with the arguments of psycopg2's `lobject`."""
    own = getattr(sys.modules.get("psycopg2.extensions"), "lobject", None)
    if lobject_factory is not None and lobject_factory is not own:
        raise errors.NotSupportedError(
            "limbeck's connection can't make a large object of the class `%s`: use no `lobject_factory`"
            % getattr(lobject_factory, "__qualname__", lobject_factory)
        )
    if mode is not None and not isinstance(mode, str):
        raise TypeError("argument 2 must be str or None, not %s" % type(mode).__name__)
    oid, new_oid = (operator.index(number) & 0xFFFFFFFF for number in (oid, new_oid))
    return LargeObject(connection, oid, mode or "", new_oid, new_file)


class _file:
    """A context with a file; a failure to open, read or write it is psycopg2's exception."""

    def __init__(self, name, mode):
        self._name, self._mode = name, mode

    def __enter__(self):
        try:
            self._file = open(self._name, self._mode)
        except OSError as error:
            raise errors.OperationalError('could not open file "%s": %s\n' % (self._name, error.strerror)) from error
        return self._file

    def __exit__(self, kind, value, traceback):
        self._file.close()
        if kind is not None and issubclass(kind, OSError):
            raise errors.OperationalError('could not write to file "%s": %s\n' % (self._name, value.strerror)) from value
