"""psycopg's `Copy`."""
import re
import struct

from . import errors

_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_ESCAPE = re.compile(rb"\\[btnvfr\\]")
_ESCAPED = {
    b"\\b": b"\b", b"\\t": b"\t", b"\\n": b"\n", b"\\v": b"\v", b"\\f": b"\f", b"\\r": b"\r", b"\\\\": b"\\",
}


class PsycopgCopy:
    """The context of `with cursor.copy(…)`. psycopg itself converts the rows."""

    # The methods of psycopg's asynchronous class that are not awaited.
    synchronous = ("set_types",)

    def __init__(self, cursor, copy):
        self.cursor = cursor
        self.connection = cursor.connection
        self._copy = copy
        self.formatter = _formatter(copy.is_binary, self.connection)
        self._is_finished = self._has_types = False

    def __enter__(self):
        if self._is_finished:
            raise TypeError("copy blocks can be used only once")
        return self

    def __exit__(self, kind, error, traceback):
        self.finish(error)

    def __iter__(self):
        while True:
            data = self.read()
            if not data:
                return
            yield data

    def read(self):
        return memoryview(b"" if self._is_finished else self._copy.read())

    def rows(self):
        while True:
            row = self.read_row()
            if row is None:
                return
            yield row

    def read_row(self):
        data = self.read()
        if not data:
            return None
        fields = _binary_fields(data.tobytes()) if self._copy.is_binary else _text_fields(data.tobytes())
        if fields is None:
            # The end of binary data.
            self.read()
            return None
        if self._has_types:
            return self.formatter.transformer.load_sequence(fields)
        if self._copy.is_binary:
            return tuple(fields)
        return tuple(None if field is None else field.decode("utf-8") for field in fields)

    def write(self, buffer):
        self._send(self.formatter.write(buffer))

    def write_row(self, row):
        self._send(self.formatter.write_row(row))

    def set_types(self, types):
        adapters = self.connection.adapters
        numbers = [kind if isinstance(kind, int) else adapters.types.get_oid(kind) for kind in types]
        transformer = self.formatter.transformer
        set_types = transformer.set_dumper_types if self._copy.is_in else transformer.set_loader_types
        set_types(numbers, self.formatter.format)
        self._has_types = True

    def finish(self, exc=None):
        copy = self._copy
        if self._is_finished or copy.results is not None:
            self._is_finished = True
            return
        self._is_finished = True
        if not copy.is_in:
            copy.cancel()
        elif exc is None:
            self._send(self.formatter.end())
            copy.finish()
        else:
            try:
                copy.fail("error from Python: %s - %s" % (type(exc).__qualname__, exc))
            except errors.Error:
                # The project's own exception is raised.
                pass

    def _send(self, data):
        if data:
            self._copy.write(data)


def _formatter(is_binary, connection):
    try:
        from psycopg import adapt
    except ImportError:
        raise errors.NotSupportedError("`copy` needs the package psycopg, which converts the rows") from None
    try:
        from psycopg import _copy_base as formats
    except ImportError:
        from psycopg import copy as formats
    kind = formats.BinaryFormatter if is_binary else formats.TextFormatter
    return kind(adapt.Transformer(connection.adaptation))


def _text_fields(line):
    fields = line[:-1].split(b"\t")
    return [
        None if field == b"\\N" else _ESCAPE.sub(lambda match: _ESCAPED[match.group()], field) for field in fields
    ]


def _binary_fields(data):
    """Return the fields of a row, or None for the end of the data. The first row follows the header."""
    at = 0
    if data.startswith(_SIGNATURE):
        (extension,) = struct.unpack_from(">I", data, len(_SIGNATURE) + 4)
        at = len(_SIGNATURE) + 8 + extension
    (count,) = struct.unpack_from(">h", data, at)
    at += 2
    if count < 0:
        return None
    fields = []
    for _ in range(count):
        (length,) = struct.unpack_from(">i", data, at)
        at += 4
        fields.append(None if length < 0 else data[at : at + length])
        at += max(length, 0)
    return fields
