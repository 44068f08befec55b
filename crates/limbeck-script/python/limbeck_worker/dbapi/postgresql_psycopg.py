"""psycopg's connection and cursor beyond PEP 249."""
import contextlib
import sys

from ..roles import TRANSACTION
from . import errors
from .async_adapter import AsyncAdapter
from .driver_classes import DriverClass
from .driver_literals import PsycopgLiterals
from .postgresql import PostgresConnection, PostgresCursor
from .postgresql_server_cursors import ServerCursor, new_name
from .psycopg_adapters import Adapters
from .psycopg_copy import PsycopgCopy

# psycopg's `IsolationLevel`.
_LEVELS = {1: "READ UNCOMMITTED", 2: "READ COMMITTED", 3: "REPEATABLE READ", 4: "SERIALIZABLE"}
# The module of SQLAlchemy's adapter of asynchronous connections.
_ADAPTER = "sqlalchemy.dialects.postgresql.psycopg"
_NUMBERS = {level: number for number, level in _LEVELS.items()}


class PsycopgConnection(PostgresConnection):
    driver_class = ("psycopg", "Connection")
    literals_class = PsycopgLiterals
    broken = False

    def __init__(self, driver, arguments):
        self._handlers = []
        self._savepoints = 0
        self.row_factory = arguments.pop("row_factory", None)
        autocommit = arguments.pop("autocommit", False)
        for name in ("context", "cursor_factory"):
            if arguments.get(name) is not None:
                raise _unsupported("connect argument `%s`" % name, "leave it out")
        super().__init__(driver, arguments)
        if driver.is_async:
            self.driver_class = (_ADAPTER, "AsyncAdapt_psycopg_connection")
        self.is_autocommit = bool(autocommit)
        self.adaptation = Adapters(self)
        self.literals.adapt = self.adaptation.literal

    def cursor(self, name="", binary=False, row_factory=None, scrollable=None, withhold=False):
        self.check()
        cursor = PsycopgServerCursor(self) if name else PsycopgCursor(self)
        cursor.name, cursor.scrollable, cursor.withhold = name or None, scrollable, withhold
        if self.driver.is_async:
            cursor.driver_class = (_ADAPTER, "AsyncAdapt_psycopg_ss_cursor" if name else "AsyncAdapt_psycopg_cursor")
        cursor.row_factory = row_factory or self.row_factory
        return cursor

    def server_cursor(self):
        return self.cursor(new_name(self))

    @property
    def driver_connection(self):
        return AsyncPsycopgConnection(self) if self.driver.is_async else self

    @property
    def info(self):
        info = super().info
        info.transaction_status = _transaction_status(info.transaction_status)
        return info

    def execute(self, query, params=None, prepare=None, binary=False):
        return self.cursor().execute(query, params)

    def closed_error(self):
        return errors.OperationalError("the connection is closed")

    def __exit__(self, kind, value, traceback):
        super().__exit__(kind, value, traceback)
        self.close()

    def run_async(self, function):
        """Run a coroutine function with psycopg's asynchronous connection, like SQLAlchemy's `AdaptedConnection`."""
        from ..dialects.asyncio_extension import run_coroutine

        return run_coroutine(function(AsyncPsycopgConnection(self)))

    def decoder(self, oid):
        return self.adaptation.decoder(oid) or super().decoder(oid)

    @property
    def adapters(self):
        if self.adaptation.adapters is None:
            raise _unsupported("`adapters`", "import psycopg before you use them")
        return self.adaptation.adapters

    # psycopg's functions take a connection as their context, and ask it for its connection.
    @property
    def connection(self):
        return self

    limbeck_adapted = connection

    def transaction(self, savepoint_name=None, force_rollback=False):
        self.check()
        return _Transaction(self, savepoint_name, force_rollback)

    def next_savepoint(self):
        self._savepoints += 1
        return "_pg3_%d" % self._savepoints

    def notice(self, severity, message, detail, hint):
        diagnostics = errors.Diagnostics({"severity": severity, "message": message, "detail": detail, "hint": hint})
        for handler in self._handlers:
            handler(diagnostics)

    def add_notice_handler(self, callback):
        self._handlers.append(callback)

    def remove_notice_handler(self, callback):
        self._handlers.remove(callback)

    @property
    def isolation_level(self):
        return _NUMBERS.get(self.level)

    @isolation_level.setter
    def isolation_level(self, level):
        if level is not None and level not in _LEVELS:
            raise ValueError("%r is not a valid IsolationLevel" % (level,))
        self._change("isolation_level", level=_LEVELS.get(level))

    @property
    def autocommit(self):
        return self.is_autocommit

    @autocommit.setter
    def autocommit(self, on):
        self._change("autocommit", is_autocommit=bool(on))

    @property
    def read_only(self):
        return self._read_only

    @read_only.setter
    def read_only(self, value):
        self._change("read_only", _read_only=value)

    @property
    def deferrable(self):
        return self.is_deferrable

    @deferrable.setter
    def deferrable(self, value):
        self._change("deferrable", is_deferrable=value)

    def set_isolation_level(self, value):
        self.isolation_level = value

    def set_autocommit(self, value):
        self.autocommit = value

    def set_read_only(self, value):
        self.read_only = value

    def set_deferrable(self, value):
        self.deferrable = value

    def _change(self, name, **values):
        self.check()
        if self.session_status != "I":
            state = "INTRANS" if self.session_status == "T" else "INERROR"
            raise errors.ProgrammingError("can't change %r now: connection in transaction status %s" % (name, state))
        for key, value in values.items():
            setattr(self, key, value)

    _read_only = None

    @property
    def pgconn(self):
        return _PGconn(self)

    def pipeline(self):
        raise _unsupported("`pipeline`", "leave it out, the statements run one after the other")

    def notifies(self, *args, **kwargs):
        raise _unsupported("`notifies`", "listen on a connection that the project opens with psycopg")


def _transaction_status(number):
    """Return a transaction status as psycopg's enumeration has it."""
    pq = sys.modules.get("psycopg.pq")
    if pq is not None:
        return pq.TransactionStatus(number)
    import enum

    return enum.IntEnum("TransactionStatus", "IDLE ACTIVE INTRANS INERROR UNKNOWN", start=0)(number)


class AsyncPsycopgConnection(DriverClass, AsyncAdapter):
    """The connection as psycopg's `AsyncConnection` presents it."""

    driver_class = ("psycopg", "AsyncConnection")

    def cursor(self, *args, **kwargs):
        return AsyncAdapter(self._inner.cursor(*args, **kwargs))

    @property
    def connection(self):
        return self

    @property
    def limbeck_adapted(self):
        return self._inner

    async def execute(self, query, params=None, *, prepare=None, binary=False):
        return AsyncAdapter(self._inner.execute(query, params, prepare, binary))

    def transaction(self, savepoint_name=None, force_rollback=False):
        return _AsyncTransaction(self._inner.transaction(savepoint_name, force_rollback))


class PsycopgCursor(PostgresCursor):
    driver_class = ("psycopg", "Cursor")
    async_driver_class = ("psycopg", "AsyncCursor")
    row_factory = None
    name = None

    def execute(self, query, params=None, prepare=None, binary=None):
        if not isinstance(self.without_composables(query), (str, bytes)):
            raise TypeError("expected bytes, %s found" % type(query).__name__)
        return super().execute(query, params)

    def executemany(self, query, params_seq, returning=False):
        if not returning:
            super().executemany(query, params_seq)
            return
        self.start()
        results = []
        for parameters in params_seq:
            results += self.connection.send(self.text(query, parameters))
        self.show_result(results)
        self.rowcount = sum(result["affected"] or 0 for result in results[:1])

    def stream(self, query, params=None, binary=None, size=1):
        return iter(self.execute(query, params))

    def nextset(self):
        if not self.results[self.shown + 1 :]:
            return None
        self.show_result(self.results, self.shown + 1)
        return True

    def closed_error(self):
        return errors.InterfaceError("the cursor is closed")

    def no_rows_error(self):
        if not self.results:
            return errors.ProgrammingError("no result available")
        status = "command status: %s" % self.statusmessage if self.statusmessage else "result status: EMPTY_QUERY"
        return errors.ProgrammingError("the last operation didn't produce records (%s)" % status)

    def shown_index(self, results):
        # psycopg shows the first statement's result; `nextset` moves to the next one.
        return 0

    def set_result(self, columns, rows, rowcount, lastrowid=None):
        super().set_result(columns, rows, rowcount, lastrowid)
        if self.row_factory is not None and columns is not None:
            self.set_row_maker(lambda names: self.row_factory(self))

    def scroll(self, value, mode="relative"):
        if mode not in ("relative", "absolute"):
            raise ValueError("bad mode: %s. It should be 'relative' or 'absolute'" % mode)
        self.check_rows()
        position = value + (self.rownumber if mode == "relative" else 0)
        if not 0 <= position < self.rowcount:
            raise IndexError("position out of bound")
        self.move_to(position)

    @contextlib.contextmanager
    def copy(self, statement, params=None, writer=None):
        if writer is not None:
            raise _unsupported("argument `writer` of `copy`", "leave it out")
        self.start()
        copy, results = self.connection.start_copy(self.text(statement, params))
        if copy is None:
            returns_rows = results and results[-1]["columns"] is not None
            raise errors.ProgrammingError(
                "copy() should be used only with COPY ... TO STDOUT or COPY ... FROM STDIN statements, got "
                + ("TUPLES_OK" if returns_rows else "COMMAND_OK")
            )
        with PsycopgCopy(self, copy) as context:
            yield context
        self.show_result(copy.results)

    # psycopg's row factories read these attributes.
    _encoding = "utf-8"

    @property
    def pgresult(self):
        return _Result(self.description) if self.results else None


class PsycopgServerCursor(ServerCursor, PsycopgCursor):
    """A cursor with a name."""

    driver_class = ("psycopg", "ServerCursor")
    async_driver_class = ("psycopg", "AsyncServerCursor")
    itersize = 100
    _position = 0

    def execute(self, query, params=None, binary=None):
        if self.is_on_server:
            self.drop()
        self._position = 0
        super().execute(query, params)
        # This returns no row, but the columns.
        self.fetch(0)
        return self

    def executemany(self, query, params_seq, returning=True):
        raise errors.NotSupportedError("executemany not supported on server-side cursors")

    def fetch(self, count):
        super().fetch(count)
        self.rowcount = -1

    def fetchone(self):
        row = super().fetchone()
        self._position += row is not None
        return row

    def fetchmany(self, size=0):
        rows = super().fetchmany(size or self.arraysize)
        self._position += len(rows)
        return rows

    def fetchall(self):
        rows = super().fetchall()
        self._position += len(rows)
        return rows

    def __next__(self):
        row = super().__next__()
        self._position += 1
        return row

    @property
    def rownumber(self):
        return self._position if self.description is not None else None

    def scroll(self, value, mode="relative"):
        if mode not in ("relative", "absolute"):
            raise ValueError("bad mode: %s. It should be 'relative' or 'absolute'" % mode)
        self.move(value, mode)
        self._position = value + (self._position if mode == "relative" else 0)


class _Result:
    """The part of libpq's result that row factories need."""

    def __init__(self, description):
        self._names = [column[0] for column in description or ()]
        self.nfields = len(self._names)
        self.status = 1 if description is None else 2

    def fname(self, index):
        return self._names[index].encode("utf-8")


class _Transaction:
    """The context of `with connection.transaction()`: a transaction, or a savepoint within an open one."""

    def __init__(self, connection, name, force_rollback):
        self.connection = connection
        self.savepoint_name = name
        self._force_rollback = force_rollback
        self._outer = False

    def __enter__(self):
        connection = self.connection
        self._outer = connection.session_status == "I"
        if self._outer:
            connection.begin()
        if self.savepoint_name or not self._outer:
            self.savepoint_name = self.savepoint_name or connection.next_savepoint()
            connection.run("SAVEPOINT " + self._quoted(), role=TRANSACTION)
        return self

    def __exit__(self, kind, value, traceback):
        connection = self.connection
        commits = kind is None and not self._force_rollback
        if self._outer:
            connection.run("COMMIT" if commits else "ROLLBACK", role=TRANSACTION)
        else:
            if not commits:
                connection.run("ROLLBACK TO " + self._quoted(), role=TRANSACTION)
            connection.run("RELEASE " + self._quoted(), role=TRANSACTION)
        # `raise psycopg.Rollback()` ends a transaction without an error.
        return kind is not None and kind.__name__ == "Rollback" and kind.__module__.startswith("psycopg")

    def _quoted(self):
        return '"%s"' % self.savepoint_name.replace('"', '""')


class _PGconn:
    """The part of libpq's connection that psycopg's own functions read."""

    _encoding = "utf-8"
    status = 0

    def __init__(self, connection):
        self._connection = connection

    @property
    def transaction_status(self):
        return self._connection.transaction_status

    @property
    def server_version(self):
        return self._connection.server_version

    def parameter_status(self, name):
        value = self._connection.get_parameter_status(name.decode("utf-8"))
        return None if value is None else value.encode("utf-8")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise _unsupported("`pgconn.%s`" % name, "the connection doesn't use libpq")


class _AsyncTransaction:
    def __init__(self, transaction):
        self._transaction = transaction

    async def __aenter__(self):
        return self._transaction.__enter__()

    async def __aexit__(self, *exception):
        return self._transaction.__exit__(*exception)


def _unsupported(feature, alternative):
    return errors.NotSupportedError("limbeck's connection has no %s: %s" % (feature, alternative))
