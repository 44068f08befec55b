"""SQLAlchemy's adapter of asyncpg beyond PEP 249, and asyncpg's own connection behind the adapter."""
import contextlib
import sys
from collections import namedtuple

from ..roles import ENVIRONMENT, TRANSACTION
from . import asyncpg_arguments, errors
from .asyncpg_codecs import SETS, Codecs, asyncpg_error
from .asyncpg_copy import CopiesTables, own_errors
from .asyncpg_objects import PreparedStatement, RowCursor, Transaction
from .driver_classes import DriverClass
from .driver_literals import AsyncpgLiterals, InvalidInput
from .placeholders import fill_dollar, fill_percent
from .postgresql import PostgresConnection, PostgresCursor
from .postgresql_server_cursors import Streaming


_ADAPTER = "sqlalchemy.dialects.postgresql.asyncpg"


class AsyncpgConnection(PostgresConnection):
    driver_class = (_ADAPTER, "AsyncAdapt_asyncpg_connection")
    literals_class = AsyncpgLiterals

    def __init__(self, driver, arguments):
        asyncpg_arguments.prepare(arguments)
        super().__init__(driver, arguments)
        self.codecs = Codecs(self)

    def decoder(self, oid):
        return self.codecs.decoder(oid) or super().decoder(oid)

    def cursor(self, server_side=False):
        self.check()
        return (AsyncpgServerCursor if server_side else AsyncpgCursor)(self)

    def server_cursor(self):
        return self.cursor(server_side=True)

    def notice(self, severity, message, detail, hint):
        """Drop the notice: asyncpg passes notices only to listeners of its own connection."""

    @property
    def isolation_level(self):
        if self.is_autocommit:
            return "autocommit"
        return self.level and self.level.lower().replace(" ", "_")

    def set_isolation_level(self, level):
        self.set_level(level and level.upper().replace("_", " "))

    def ping(self):
        self.run("SELECT 1", role=ENVIRONMENT)

    @property
    def driver_connection(self):
        return _raw_class()(self)

    _connection = driver_connection

    def run_async(self, function):
        """Run a coroutine function with asyncpg's connection, like SQLAlchemy's `AdaptedConnection`."""
        from ..dialects.asyncio_extension import run_coroutine

        return run_coroutine(function(self.driver_connection))


class AsyncpgCursor(PostgresCursor):
    driver_class = (_ADAPTER, "AsyncAdapt_asyncpg_cursor")
    server_side = False

    def __init__(self, connection):
        super().__init__(connection)
        self.set_row_maker(lambda names: lambda row: Record(names, row))

    def check_rows(self):
        # asyncpg's adapter doesn't raise for a statement without rows.
        self.check()

    def executemany(self, sql, rows):
        if self.connection.codecs:
            rows = list(rows)
            rows = self._encoded(self.connection.codecs.encode_rows, sql, rows[0], rows) if rows else rows
            self._encodes = False
        try:
            super().executemany(sql, rows)
        finally:
            self._encodes = True
        self.rowcount = -1

    # Whether the values of a statement have yet to be encoded.
    _encodes = True

    def text(self, sql, parameters, keep=True):
        if self.connection.codecs and parameters and self._encodes:
            parameters = self._encoded(self.connection.codecs.encode, sql, parameters, parameters)
        if has_sets(parameters):
            parameters = self._encoded(self.connection.codecs.lists, sql, parameters, parameters)
        try:
            return super().text(sql, parameters, keep)
        except InvalidInput:
            raise self._data_error(self.connection.literals.invalid(parameters)) from None

    def _encoded(self, encode, sql, first, values):
        """Call a method of the codecs with a statement whose parameters are `$1`, `$2`, …, as the server understands."""
        driver = self.connection.driver
        fill = fill_dollar if driver.paramstyle == "numeric_dollar" else fill_percent
        numbered = fill(sql, range(1, len(first) + 1), lambda number: "$%d" % number, driver.mismatch)
        try:
            return encode(numbered, values)
        except InvalidInput as error:
            raise self._data_error(str(error)) from error.__cause__

    def _data_error(self, message):
        return errors.DataError(self.connection.driver.error_names.message(message, {"message": message, "code": "22000"}))


class AsyncpgServerCursor(Streaming, AsyncpgCursor):
    driver_class = (_ADAPTER, "AsyncAdapt_asyncpg_ss_cursor")


class Record(DriverClass, tuple):
    """A row of asyncpg, with access by index and by name."""

    driver_class = ("asyncpg", "Record")

    def __new__(cls, names, values):
        record = super().__new__(cls, values)
        record._names = names
        return record

    def __getitem__(self, key):
        if isinstance(key, str):
            if key not in self._names:
                raise KeyError(key)
            # If several columns have the name, the last one counts.
            return super().__getitem__(len(self._names) - 1 - self._names[::-1].index(key))
        try:
            return super().__getitem__(key)
        except IndexError:
            raise IndexError("record index out of range") from None

    def get(self, key, default=None):
        return self[key] if key in self._names else default

    def keys(self):
        return iter(self._names)

    def values(self):
        return iter(self)

    def items(self):
        return zip(self._names, self)

    def __contains__(self, key):
        return key in self._names

    def __repr__(self):
        return "<Record %s>" % " ".join("%s=%r" % pair for pair in self.items())


ServerVersion = namedtuple("ServerVersion", "major minor micro releaselevel serial")


class _Settings:
    """The parameters that the server reported, as attributes."""

    def __init__(self, parameters):
        self.__dict__.update(parameters)


class RawAsyncpgConnection(DriverClass, CopiesTables):
    """The part of `asyncpg.Connection` that scripts use; the rest raises an error."""

    driver_class = ("asyncpg.connection", "Connection")

    def __init__(self, connection):
        self._adapted = connection

    async def execute(self, query, *args, timeout=None):
        return self._send(query, args).statusmessage or ""

    async def executemany(self, command, args, timeout=None):
        self._send_all(command, args)

    async def fetchmany(self, query, args, *, timeout=None, record_class=None):
        return self._send_all(query, args)

    async def prepare(self, query, *, name=None, timeout=None, record_class=None):
        # The server reports its errors now.
        with own_errors():
            self._adapted.run(query, role=ENVIRONMENT, extended="parameter_types")
        return PreparedStatement(self, query)

    async def fetch(self, query, *args, timeout=None, record_class=None):
        return self._rows(query, args)

    async def fetchrow(self, query, *args, timeout=None, record_class=None):
        return next(iter(self._rows(query, args)), None)

    async def fetchval(self, query, *args, column=0, timeout=None):
        return next((row[column] for row in self._rows(query, args)), None)

    async def set_type_codec(self, typename, *, schema="public", encoder, decoder, format="text"):
        self._adapted.codecs.set(typename, schema, encoder, decoder, format)

    async def set_builtin_type_codec(self, typename, *, schema="public", codec_name, format=None):
        self._adapted.codecs.set_built_in(typename, schema, codec_name)

    async def reset_type_codec(self, typename, *, schema="public"):
        self._adapted.codecs.reset(typename, schema)

    def cursor(self, query, *args, prefetch=None, timeout=None, record_class=None):
        return RowCursor(self, query, args)

    def transaction(self, isolation=None, readonly=False, deferrable=False):
        return Transaction(self._adapted, isolation, readonly, deferrable)

    def is_in_transaction(self):
        return self._adapted.session_status != "I"

    def is_closed(self):
        return self._adapted.closed

    async def close(self, timeout=None):
        self._adapted.close()

    def get_server_version(self):
        number = self._adapted.server_version
        minor, micro = (number // 100 % 100, number % 100) if number < 100000 else (0, number % 10000)
        return ServerVersion(number // 10000, minor, micro, "final", 0)

    def get_settings(self):
        return _Settings(self._adapted.parameters)

    def get_reset_query(self):
        return "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"

    async def reset(self, *, timeout=None):
        if self._adapted.session_status != "I":
            self._adapted.run("ROLLBACK", role=TRANSACTION)
        self._adapted.run(self.get_reset_query(), role=ENVIRONMENT)

    async def reload_schema_state(self):
        """Do nothing: limbeck keeps no types between statements that are not registered."""

    def get_server_pid(self):
        return self._adapted.get_backend_pid()

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise errors.NotSupportedError(
            "limbeck's connection has no method `%s` of asyncpg: use execute, executemany, fetch, fetchmany, fetchrow, fetchval,"
            " prepare, cursor or transaction, or SQLAlchemy" % name
        )

    def _send(self, query, args, encodes=True):
        # Statements that bypass the adapter begin no transaction.
        cursor = AsyncpgCursor(self._adapted)
        cursor.start()
        if self._adapted.codecs and encodes:
            args = self._encoded(self._adapted.codecs.encode, query, args)
        if has_sets(args):
            args = self._encoded(self._adapted.codecs.lists, query, args)
        try:
            text = fill_dollar(query, args, self._adapted.literal)
        except InvalidInput:
            raise asyncpg_error("DataError", self._adapted.literals.invalid(args)) from None
        with own_errors():
            cursor.show_result(self._adapted.run(text))
        return cursor

    def _send_all(self, query, args):
        """Run a statement for each item of `args`, all or none as asyncpg does, and return the rows."""
        items = list(args)
        if self._adapted.codecs:
            items = self._encoded(self._adapted.codecs.encode_rows, query, items)
        with self._all_or_none():
            return [row for item in items for row in self._send(query, item, encodes=False).fetchall()]

    @contextlib.contextmanager
    def _all_or_none(self):
        if self._adapted.session_status != "I":
            yield
            return
        self._adapted.run("BEGIN", role=TRANSACTION)
        try:
            yield
        except BaseException:
            if not self._adapted.closed:
                self._adapted.run("ROLLBACK", role=TRANSACTION)
            raise
        self._adapted.run("COMMIT", role=TRANSACTION)

    def _encoded(self, encode, query, values):
        try:
            with own_errors():
                return encode(query, values)
        except InvalidInput as error:
            raise asyncpg_error("DataError", str(error)) from error.__cause__

    def _rows(self, query, args):
        return self._send(query, args).fetchall()


def has_sets(values):
    return any(isinstance(value, SETS) for value in values or ())


def _raw_class():
    """Return the class of the raw connection. asyncpg's `isinstance` looks for its own classes among the base classes."""
    proxy = getattr(sys.modules.get("asyncpg.connection"), "_ConnectionProxy", None)
    if proxy is None:
        return RawAsyncpgConnection
    if proxy not in _raw_classes:
        _raw_classes[proxy] = type("Connection", (RawAsyncpgConnection, proxy), {})
    return _raw_classes[proxy]


_raw_classes = {}
