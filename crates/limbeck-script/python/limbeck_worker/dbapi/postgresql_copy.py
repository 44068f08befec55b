"""COPY between the project's code and the server, and psycopg2's methods for it."""
import base64
import io

from ..roles import current
from . import errors

# The size of data from which a message is sent, in bytes.
_MESSAGE = 1 << 18


class Copy:
    """A COPY that runs. `results` are the statement's results once it is over."""

    def __init__(self, connection, reply):
        self._connection = connection
        self.is_in = reply["copy"] == "in"
        self.is_binary = reply["binary"]
        self.columns = reply["columns"]
        self.results = None
        self._parts, self._size = [], 0
        self._received = []

    def write(self, data):
        """Send bytes."""
        self._parts.append(bytes(data))
        self._size += len(data)
        if self._size >= _MESSAGE:
            self._flush()

    def finish(self):
        """End the data and wait for the server's result."""
        self._flush()
        self._end(self._request("copy_end", failure=None))

    def fail(self, reason):
        """Make the COPY fail for a reason, and raise the server's error."""
        self._parts.clear()
        self._end(self._request("copy_end", failure=reason))

    def read(self):
        """Return the next message of the server as bytes, which is a row; `b""` at the end."""
        if not self._received and self.results is None:
            reply = self._request("copy_read")
            if "data" in reply:
                self._received = [base64.b64decode(part) for part in reversed(reply["data"])]
            else:
                self._end(reply)
        return self._received.pop() if self._received else b""

    def cancel(self):
        """End a COPY whose data is not needed any more. An open transaction has then failed."""
        self._received.clear()
        if self.results is None:
            self._end(self._request("copy_cancel"))

    def _flush(self):
        if self._parts:
            data = base64.b64encode(b"".join(self._parts)).decode("ascii")
            self._parts, self._size = [], 0
            self._request("copy_data", data=data)

    def _request(self, op, **fields):
        try:
            return self._connection.request(op, connection=self._connection.limbeck_connection, **fields)
        except errors.Error:
            self.results = ()
            raise

    def _end(self, reply):
        self.results = self._connection.take(reply)


class CopiesFiles:
    """The methods of psycopg2's cursor that copy from and to files."""

    def copy_expert(self, sql, file, size=8192):
        sql = self.without_composables(sql)
        if not isinstance(sql, (str, bytes)):
            raise TypeError("argument 1 must be a string or unicode object: got %s instead" % type(sql).__name__)
        if not hasattr(file, "read") and not hasattr(file, "write"):
            raise TypeError(
                "file must be a readable file-like object for COPY FROM; a writable file-like object for COPY TO."
            )
        self._copy(sql.decode("utf-8") if isinstance(sql, bytes) else sql, file, size)

    def copy_from(self, file, table, sep="\t", null="\\N", size=8192, columns=None):
        if not hasattr(file, "read"):
            raise TypeError("argument 1 must have a .read() method")
        self._copy(self._copy_text("FROM stdin", table, columns, sep, null), file, size)

    def copy_to(self, file, table, sep="\t", null="\\N", columns=None):
        if not hasattr(file, "write"):
            raise TypeError("argument 1 must have a .write() method")
        self._copy(self._copy_text("TO stdout", table, columns, sep, null), file, None)

    def _copy_text(self, direction, table, columns, sep, null):
        columns = "(%s)" % ",".join(map(quoted, columns)) if columns else ""
        is_standard = self.connection.parameters.get("standard_conforming_strings") == "on"
        literal = _standard_literal if is_standard else self.connection.literal
        return "COPY %s%s %s WITH DELIMITER AS %s NULL AS %s" % (
            quoted(table), columns, direction, literal(sep), literal(null)
        )

    def _copy(self, sql, file, size):
        self.start()
        self.query = sql.encode("utf-8")
        copy, results = self.connection.start_copy(sql)
        if copy is not None:
            (_send_file(copy, file, size) if copy.is_in else _receive_file(copy, file))
            results = copy.results
        self.show_result(results)
        if copy is not None:
            # psycopg2 takes the message from the start of the COPY.
            self.statusmessage = ""


def _send_file(copy, file, size):
    try:
        while True:
            data = file.read(size)
            if isinstance(data, str):
                data = data.encode("utf-8")
            elif not isinstance(data, bytes):
                copy.fail("error in .read() call")
            if not data:
                break
            copy.write(data)
    except errors.Error:
        raise
    except Exception as error:
        # As in psycopg2, the server's error takes the exception's place.
        copy.fail("error in .read() call: %s %s" % (type(error).__name__, error))
    copy.finish()


def _receive_file(copy, file):
    is_text = isinstance(file, io.TextIOBase)
    try:
        while True:
            data = copy.read()
            if not data:
                break
            file.write(data.decode("utf-8") if is_text else data)
    finally:
        # As in psycopg2, the statement ends by itself when the file can't be written.
        while copy.results is None:
            copy.read()


def start(connection, sql, before):
    """Run a text that may start a COPY. Return the `Copy`, or None and the text's results."""
    reply = connection.request(
        "copy", connection=connection.limbeck_connection, sql=sql, role=current(), before=list(before)
    )
    if "copy" in reply:
        return Copy(connection, reply), None
    return None, connection.take(reply)


def _standard_literal(text):
    return "'%s'" % text.replace("'", "''")


def quoted(name):
    """Return the quoted form of an identifier."""
    return '"%s"' % name.replace('"', '""')
