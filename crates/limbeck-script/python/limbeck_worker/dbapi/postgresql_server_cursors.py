"""Cursors on the server, whose rows are fetched when they are needed: named cursors, and SQLAlchemy's `stream_results`."""
import itertools
import re

from ..roles import ENVIRONMENT, acting_as
from .postgresql_copy import quoted

# The queries that DECLARE accepts, apart from those that begin with WITH, which may change rows.
_QUERY = re.compile(r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|VALUES|TABLE)\b", re.IGNORECASE | re.DOTALL)

_numbers = itertools.count(1)


def new_name(owner):
    """Return a new name of the form that SQLAlchemy gives to its cursors on the server."""
    return "c_%x_%x" % (id(owner), next(_numbers))


class ServerCursor:
    """A mixin for a cursor class of PostgreSQL: the query runs in the server's cursor `name`."""

    server_side = True
    name = None
    scrollable = None
    withhold = False
    itersize = 2000
    is_declared = False

    def send(self, text):
        results = self.connection.send("%s FOR %s" % (self.declaration(), text))
        self.is_declared = True
        return results

    def declaration(self):
        scroll = "" if self.scrollable is None else "SCROLL " if self.scrollable else "NO SCROLL "
        return "DECLARE %s %sCURSOR %s HOLD" % (quoted(self.name), scroll, "WITH" if self.withhold else "WITHOUT")

    def fetch(self, count):
        """Fetch a number of rows, or all with None, as the cursor's result."""
        self.start()
        results = self._run("FETCH FORWARD %s FROM %s" % ("ALL" if count is None else int(count), quoted(self.name)))
        self.show_result(results)

    def fetchone(self):
        self.fetch(1)
        return super().fetchone()

    def fetchmany(self, size=None):
        self.fetch(self.arraysize if size is None else size)
        return super().fetchall()

    def fetchall(self):
        self.fetch(None)
        return super().fetchall()

    def __next__(self):
        if self._next >= len(self._rows):
            self.fetch(self.itersize)
        self._next += 1
        if self._next > len(self._rows):
            raise StopIteration
        return self._rows[self._next - 1]

    def move(self, value, mode):
        return self._run("MOVE%s %d FROM %s" % (" ABSOLUTE" if mode == "absolute" else "", value, quoted(self.name)))

    def close(self):
        if not self.closed and self.is_on_server:
            self.drop()
        super().close()

    def drop(self):
        self._run("CLOSE " + quoted(self.name))

    @property
    def is_on_server(self):
        """Whether the server still has the cursor: a failed transaction or its end closes it."""
        connection = self.connection
        if not self.is_declared or not connection.has_session:
            return False
        return connection.session_status in ("IT" if self.withhold else "T")

    def _run(self, text):
        # The drivers send these by themselves.
        with acting_as(ENVIRONMENT):
            return self.connection.send(text)


class Streaming(ServerCursor):
    """A mixin for the cursors of drivers that read the result of any statement in portions."""

    itersize = 50

    def __init__(self, connection):
        super().__init__(connection)
        self.name = new_name(self)

    def send(self, text):
        if _QUERY.match(text):
            return super().send(text)
        # DECLARE accepts no other statement. Its rows are fetched at once.
        return self.connection.send(text)

    def execute(self, sql, parameters=None):
        super().execute(sql, parameters)
        if self.is_declared:
            # This returns no row, but the columns.
            self.fetch(0)
        return self

    def executemany(self, sql, rows):
        # The words are those of SQLAlchemy's adapter.
        raise NotImplementedError("server side cursor doesn't support executemany yet")

    def fetch(self, count):
        if self.is_declared:
            super().fetch(count)

    def fetchone(self):
        return next(self, None)

    def fetchmany(self, size=None):
        if size is None:
            return self.fetchall()
        rows = self._rows[self._next : self._next + size]
        self._next += len(rows)
        if len(rows) < size:
            self.fetch(size - len(rows))
            rows += self._rows[self._next :]
            self._next = len(self._rows)
        return rows

    def fetchall(self):
        rows, self._rows = self._rows[self._next :], []
        self._next = 0
        self.fetch(None)
        rows += self._rows
        self._next = len(self._rows)
        return rows
