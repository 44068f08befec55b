"""The parts that the DBAPIs of all families share."""
import importlib
import sys

from ..channel import HostError
from ..roles import TRANSACTION, current
from . import errors
from .own_connections import described, refusal
from .placeholders import PROGRAMMING


class Driver:
    """A substitute for a driver's module: `connect`, `paramstyle` and the exceptions."""

    apilevel = "2.0"
    threadsafety = 1
    Binary = bytes
    STRING = str
    BINARY = bytes
    NUMBER = float
    DATETIME = object
    ROWID = int
    # The differences between the drivers of a family; `dialects` sets them.
    mismatch = PROGRAMMING
    has_infinite_numerics = True
    returns_memoryviews = False
    returns_utc_timestamps = False
    parses_addresses = False
    reads_zero_dates_as_none = False
    parses_every_array = False
    parses_hstore = False
    parses_multiranges = True
    parses_records = False
    tracks_begin = False
    # Whether it replaces SQLAlchemy's adapter of an asynchronous driver.
    is_async = False
    # The name of the driver's module. None for an adapter, which is no module.
    module_name = None
    # The names of the driver's exceptions, an `ErrorNames`.
    error_names = None

    def __init__(self, channel, connection_class, paramstyle, **attributes):
        self.channel = channel
        self.connection_class = connection_class
        self.paramstyle = paramstyle
        for name in errors.NAMES:
            setattr(self, name, getattr(errors, name))
        for name, value in attributes.items():
            setattr(self, name, value)

    @property
    def __name__(self):
        return self._module_name()

    def __getattr__(self, name):
        """Return an attribute of the driver's own module, if it is installed."""
        if name.startswith("_") and name != "__version__":
            raise AttributeError(name)
        try:
            return getattr(importlib.import_module(self._module_name()), name)
        except ImportError as error:
            raise AttributeError(name) from error

    def _module_name(self):
        if self.module_name is None:
            raise AttributeError("__name__")
        return self.module_name

    def connect(self, *positional, **arguments):
        if positional or "url" not in arguments:
            creator = arguments.get("async_creator_fn")
            raise refusal(self, described(creator) if creator else "its own arguments of `connect`")
        return self.connection_class(self, arguments)


class Connection:
    """A DBAPI connection over a session of the host."""

    family = None
    autocommit = False

    def __init__(self, driver, arguments):
        self.driver = driver
        self.channel = driver.channel
        self.status = "I"
        # The line that began SQLAlchemy's transaction; the dialect sets it.
        self.begun_at = None
        self.closed = False
        self.notices = []
        url = arguments.pop("url")
        prepared = {name: _argument(value) for name, value in arguments.items()}
        opened = self.request("connect", url=url, args=prepared)
        self.limbeck_connection = opened["connection"]
        self.product = opened["product"]
        self.server_version_text = opened["version"]
        self.parameters = opened["parameters"]
        self.libpq_parameters = opened.get("libpq") or {}
        if driver.is_async:
            # SQLAlchemy's adapters of asynchronous drivers have this method.
            from ..dialects.asyncio_extension import run_coroutine

            self.await_ = run_coroutine

    # SQLAlchemy and its users get the driver's own connection by these names.
    @property
    def driver_connection(self):
        return self

    @property
    def dbapi_connection(self):
        return self

    def request(self, op, **fields):
        """Send a request; raise the driver's exception for an error of the host."""
        errors.use_driver_names(self.driver.error_names)
        try:
            return self.channel.request(op, **fields)
        except HostError as error:
            if error.fields.get("status"):
                self.status = error.fields["status"]
            exception = errors.from_host_error(error.fields, self.family, self.driver.error_names, fields.get("sql"))
            exception.limbeck_reason = error.fields.get("reason")
        raise exception

    def check(self):
        errors.use_driver_names(self.driver.error_names)
        if self.closed:
            raise self.closed_error()

    def closed_error(self):
        return errors.InterfaceError("connection already closed")

    def run(self, sql, before=(), role=None, **fields):
        """Run one text after the statements in `before`, which are always of the role `transaction`.

        Return the results. Without `role` the text has the role of the caller.
        """
        self.check()
        if sql == "ROLLBACK" and _is_asked_to_roll_back():
            fields["deliberate"] = True
        reply = self.request(
            "execute", connection=self.limbeck_connection, sql=sql, role=role or current(), before=list(before), **fields
        )
        return self.take(reply)

    def take(self, reply):
        """Take over the session's state from the reply for a statement; return the statement's results."""
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
        if self.status != "I" and self.has_session:
            self.run("ROLLBACK", role=TRANSACTION)

    @property
    def has_session(self):
        """Return whether the connection has a session that this process can end.

        A forked process has none, and after an interrupt the host ends all sessions. The pool rolls back and closes each
        connection that it drops, in both cases.
        """
        return not self.closed and self.channel.is_usable

    def close(self):
        has_session = self.has_session
        self.closed = True
        if has_session:
            self.request("close", connection=self.limbeck_connection)

    terminate = close

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            self.commit()
        else:
            self.rollback()


def unwrapped(connection):
    """Return the DBAPI connection of a connection of SQLAlchemy's pool; any other connection unchanged."""
    return getattr(connection, "dbapi_connection", None) or getattr(connection, "connection", connection)


def _is_asked_to_roll_back():
    """Return whether the project calls a transaction's `rollback`. SQLAlchemy also rolls back what it closes."""
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "_do_rollback" and frame.f_globals.get("__name__") == "sqlalchemy.engine.base":
            return True
        frame = frame.f_back
    return False


class Cursor:
    """A DBAPI cursor; it holds all rows of its last statement."""

    arraysize = 1

    def __init__(self, connection):
        self.connection = connection
        self.description = None
        self.rowcount = -1
        self.lastrowid = None
        self.closed = False
        self._rows = []
        self._next = 0

    def set_result(self, columns, rows, rowcount, lastrowid=None):
        self.description = columns
        self._rows = rows
        self._next = 0
        self.rowcount = rowcount
        self.lastrowid = lastrowid

    def check(self):
        # As with asyncpg and PyMySQL, rows can still be read when the connection is closed.
        errors.use_driver_names(self.connection.driver.error_names)
        if self.closed:
            raise self.closed_error()

    def start(self):
        """Check that a statement can run, and drop the result of the previous one."""
        self.check()
        self.connection.check()
        self.set_result(None, [], -1, self.lastrowid)

    def closed_error(self):
        return errors.InterfaceError("cursor already closed")

    def check_rows(self):
        """Check that the cursor has a result to fetch rows from."""
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
        """Do nothing: SQLAlchemy's asyncio extension calls this method, and all rows are fetched already."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _argument(value):
    """Return the protocol's form of a keyword argument of `connect`."""
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
