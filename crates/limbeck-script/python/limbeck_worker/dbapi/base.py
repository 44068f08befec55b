"""What the DBAPIs of all families share."""
from ..channel import HostError
from ..roles import TRANSACTION, current
from . import errors
from .placeholders import PROGRAMMING


class Driver:
    """What stands in for a driver's module: `connect`, `paramstyle` and the exceptions."""

    apilevel = "2.0"
    threadsafety = 1
    Binary = bytes
    STRING = str
    BINARY = bytes
    NUMBER = float
    DATETIME = object
    ROWID = int
    # What the drivers of a family differ in: see `dialects`.
    mismatch = PROGRAMMING
    infinite_numerics = True
    bytes_as_memoryview = False
    moments_in_utc = False
    parses_addresses = False
    without_zero_dates = False
    parses_every_array = False
    parses_hstore = False
    parses_multiranges = True
    parses_records = False
    remembers_begin = False
    # What its exceptions are called: see `error_names`.
    error_names = None

    def __init__(self, channel, connection_class, paramstyle, **attributes):
        self.channel = channel
        self.connection_class = connection_class
        self.paramstyle = paramstyle
        for name in errors.NAMES:
            setattr(self, name, getattr(errors, name))
        for name, value in attributes.items():
            setattr(self, name, value)

    def connect(self, *positional, **arguments):
        if positional or "url" not in arguments:
            raise own_connection(self)
        return self.connection_class(self, arguments)


def own_connection(driver):
    """What is raised where a project would open a connection itself."""
    return driver.NotSupportedError(
        "limbeck opens the connection itself, and this engine has a function of its own for that (`creator`, `async_creator`"
        " or a listener of `do_connect` that returns a connection): let a listener of `do_connect` change the parameters"
        " instead, or give them as the URL and `connect_args`"
    )


class Connection:
    """A session of the host."""

    family = None
    autocommit = False

    def __init__(self, driver, arguments):
        self.driver = driver
        self.channel = driver.channel
        self.status = "I"
        self.closed = False
        self.notices = []
        url = arguments.pop("url")
        prepared = {name: _argument(value) for name, value in arguments.items()}
        opened = self.request("connect", url=url, args=prepared)
        self.limbeck_connection = opened["connection"]
        self.product = opened["product"]
        self.server_version_text = opened["version"]
        self.parameters = opened["parameters"]

    # SQLAlchemy and its users look for the driver's own connection under these names.
    @property
    def driver_connection(self):
        return self

    @property
    def dbapi_connection(self):
        return self

    def request(self, op, **fields):
        errors.speak_as(self.driver.error_names)
        try:
            return self.channel.request(op, **fields)
        except HostError as error:
            if error.fields.get("status"):
                self.status = error.fields["status"]
            made = errors.of_host(error.fields, self.family, self.driver.error_names, fields.get("sql"))
            made.limbeck_reason = error.fields.get("reason")
        raise made

    def check(self):
        errors.speak_as(self.driver.error_names)
        if self.closed:
            raise self.closed_error()

    def closed_error(self):
        return errors.InterfaceError("connection already closed")

    def run(self, sql, before=(), role=None, **fields):
        """Run one text after the statements in `before`, which are always of the role `transaction`.

        Return the results. Without `role` the text has the role of the caller.
        """
        self.check()
        reply = self.request(
            "execute", connection=self.limbeck_connection, sql=sql, role=role or current(), before=list(before), **fields
        )
        self.status = reply["status"]
        for notice in reply["notices"]:
            self.notice(*notice)
        return reply["results"]

    def notice(self, severity, message, detail, hint):
        text = "%s:  %s\n" % (severity, message)
        for word, more in (("DETAIL", detail), ("HINT", hint)):
            if more:
                text += "%s:  %s\n" % (word, more)
        self.notices.append(text)

    def commit(self):
        if self.status != "I":
            self.run("COMMIT", role=TRANSACTION)

    def rollback(self):
        if self.status != "I" and not self.closed:
            self.run("ROLLBACK", role=TRANSACTION)

    def close(self):
        if not self.closed:
            self.closed = True
            self.request("close", connection=self.limbeck_connection)

    terminate = close

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            self.commit()
        else:
            self.rollback()


class Cursor:
    """Rows of one statement at a time."""

    arraysize = 1

    def __init__(self, connection):
        self.connection = connection
        self.description = None
        self.rowcount = -1
        self.lastrowid = None
        self.closed = False
        self._rows = []
        self._next = 0

    def take(self, columns, rows, rowcount, lastrowid=None):
        self.description = columns
        self._rows = rows
        self._next = 0
        self.rowcount = rowcount
        self.lastrowid = lastrowid

    def check(self):
        # Rows that are here can be read when the connection is closed, as asyncpg's and PyMySQL's can.
        errors.speak_as(self.connection.driver.error_names)
        if self.closed:
            raise self.closed_error()

    def start(self):
        """Before a statement: what the one before left is gone."""
        self.check()
        self.connection.check()
        self.take(None, [], -1, self.lastrowid)

    def closed_error(self):
        return errors.InterfaceError("cursor already closed")

    def check_rows(self):
        """Before rows are fetched: whether there can be any."""
        self.check()
        if self.description is None:
            raise self.no_rows_error()

    def no_rows_error(self):
        return errors.ProgrammingError("no results to fetch")

    def fetchone(self):
        self.check_rows()
        if self._next >= len(self._rows):
            return None
        self._next += 1
        return self._rows[self._next - 1]

    def fetchmany(self, size=None):
        self.check_rows()
        start = self._next
        self._next = min(start + (self.arraysize if size is None else size), len(self._rows))
        return self._rows[start : self._next]

    def fetchall(self):
        self.check_rows()
        start, self._next = self._next, len(self._rows)
        return self._rows[start:]

    def __iter__(self):
        return self

    def __next__(self):
        row = self.fetchone()
        if row is None:
            raise StopIteration
        return row

    def setinputsizes(self, sizes):
        pass

    def setoutputsize(self, size, column=None):
        pass

    def nextset(self):
        return None

    def close(self):
        self.closed = True
        self._rows = []

    async def _async_soft_close(self):
        """SQLAlchemy's asyncio extension asks for it; all rows are here already."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _argument(value):
    """A keyword argument of `connect`, as the host reads it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {str(key): _argument(item) for key, item in value.items()}
    import ssl

    if isinstance(value, ssl.SSLContext):
        from . import tls_contexts

        return {"$tls": tls_contexts.describe(value)}
    import os

    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return {"$object": type(value).__name__}
