"""asyncpg's transactions, cursors and prepared statements over limbeck's connection."""
import itertools

from ..roles import ENVIRONMENT, TRANSACTION
from . import errors
from .asyncpg_codecs import asyncpg_error

_LEVELS = {"serializable", "repeatable_read", "read_uncommitted", "read_committed"}


class RowCursor:
    """The result of asyncpg's `cursor`: `async for` iterates over the rows, `await` returns a cursor with `fetch`."""

    def __init__(self, connection, query, args):
        self._call = connection, query, args
        self._rows = None

    async def _start(self):
        connection, query, args = self._call
        if not connection.is_in_transaction():
            raise asyncpg_error("NoActiveSQLTransactionError", "cursor cannot be created outside of a transaction")
        self._rows = iter(await connection.fetch(query, *args))
        return self

    def __await__(self):
        return self._start().__await__()

    async def __aiter__(self):
        await self._start()
        for row in self._rows:
            yield row

    async def fetch(self, n, *, timeout=None):
        return list(itertools.islice(self._rows, n))

    async def fetchrow(self, *, timeout=None):
        return next(self._rows, None)

    async def forward(self, n, *, timeout=None):
        return len(await self.fetch(n))


class PreparedStatement:
    """A statement with asyncpg's methods. It is sent to the server anew at each execution."""

    def __init__(self, connection, query):
        self._connection = connection
        self._query = query
        self._status = None

    def get_query(self):
        return self._query

    def get_statusmsg(self):
        return self._status

    def cursor(self, *args, prefetch=None, timeout=None, record_class=None):
        return RowCursor(self._connection, self._query, args)

    async def fetch(self, *args, timeout=None, record_class=None):
        cursor = self._connection._send(self._query, args)
        self._status = cursor.statusmessage
        return cursor.fetchall()

    async def fetchrow(self, *args, timeout=None, record_class=None):
        return next(iter(await self.fetch(*args)), None)

    async def fetchval(self, *args, column=0, timeout=None):
        return next((row[column] for row in await self.fetch(*args)), None)

    async def fetchmany(self, args, *, timeout=None, record_class=None):
        return await self._connection.fetchmany(self._query, args)

    async def executemany(self, args, *, timeout=None):
        return await self._connection.executemany(self._query, args)

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise errors.NotSupportedError(
            "limbeck's connection has no method `%s` of asyncpg's prepared statements: use fetch, fetchrow, fetchval,"
            " fetchmany, executemany or cursor" % name
        )


class Transaction:
    """A transaction, or a savepoint within an open transaction."""

    _last = 0

    def __init__(self, connection, isolation, readonly, deferrable):
        if isolation is not None and isolation not in _LEVELS:
            raise ValueError(
                "isolation is expected to be either of {%s}, got %r" % (", ".join(map(repr, sorted(_LEVELS))), isolation)
            )
        self._connection = connection
        self._isolation = isolation
        self._name = None
        self._is_managed = False
        # What happened to it: None, "started", "committed" or "rolled back".
        self._state = None
        self._modes = "".join(
            part for part in (
                " ISOLATION LEVEL " + isolation.upper().replace("_", " ") if isolation else "",
                " READ ONLY" if readonly else "", " DEFERRABLE" if deferrable else "",
            )
        )

    async def start(self):
        self._check("start", "is already started" if self._state == "started" else None)
        if self._connection.session_status == "I":
            self._connection.run("BEGIN" + self._modes, role=TRANSACTION)
        else:
            self._check_isolation()
            Transaction._last += 1
            self._name = "__asyncpg_savepoint_%d__" % self._last
            self._connection.run("SAVEPOINT " + self._name, role=TRANSACTION)
        self._state = "started"

    def _check_isolation(self):
        if self._isolation is None:
            return
        outer = self._connection.run("SHOW transaction_isolation", role=ENVIRONMENT)[-1]["rows"][0][0].replace(" ", "_")
        if self._isolation != outer:
            raise asyncpg_error(
                "InterfaceError",
                "nested transaction has a different isolation level: current %r != outer %r" % (self._isolation, outer)
            )

    async def commit(self):
        self._check_manual("commit")
        self._commit()

    async def rollback(self):
        self._check_manual("rollback")
        self._roll_back()

    def _commit(self):
        self._check_started("commit")
        self._state = "in error state"
        self._connection.run("RELEASE SAVEPOINT " + self._name if self._name else "COMMIT", role=TRANSACTION)
        self._state = "committed"

    def _roll_back(self):
        self._check_started("rollback")
        self._state = "in error state"
        self._connection.run("ROLLBACK TO " + self._name if self._name else "ROLLBACK", role=TRANSACTION)
        self._state = "rolled back"

    def _check_manual(self, operation):
        if self._is_managed:
            raise asyncpg_error("InterfaceError", "cannot manually %s from within an `async with` block" % operation)

    def _check_started(self, operation):
        self._check(operation, "is not yet started" if self._state is None else None)

    def _check(self, operation, problem):
        ended = {"committed": "is already committed", "rolled back": "is already rolled back"}
        problem = problem or ended.get(self._state) or (self._state != "started" and self._state and "is " + self._state)
        if problem:
            raise asyncpg_error("InterfaceError", "cannot %s; the transaction %s" % (operation, problem))

    async def __aenter__(self):
        if self._is_managed:
            raise asyncpg_error("InterfaceError", "cannot enter context: already in an `async with` block")
        self._is_managed = True
        await self.start()

    async def __aexit__(self, kind, value, traceback):
        try:
            self._commit() if kind is None else self._roll_back()
        finally:
            self._is_managed = False
