"""The dialects of PostgreSQL, under the names of the drivers."""
import datetime
import importlib
import logging

from sqlalchemy import types as sqltypes
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGDialect, PGExecutionContext

from ..dbapi import ranges
from ..dbapi.base import Driver
from ..dbapi.driver_literals import Psycopg2Binary, PsycopgBinary, asyncpg_binary
from ..dbapi.error_names import AsyncpgNames, ErrorNames, PsycopgNames
from ..dbapi.placeholders import INTERFACE, PROGRAMMING, PSYCOPG2
from ..roles import ENVIRONMENT
from . import identity
from .common import VERSION, HostDialect, async_attributes, queue_pool, synchronous_form

# The differences between the drivers that a migration can see: the style of parameters, and the values of types whose
# conversion SQLAlchemy leaves to the driver.
_DOLLAR = "numeric_dollar" if VERSION >= (2, 0) else "format"
_DRIVERS = {
    #                 paramstyle  async  bytea as memoryview  addresses  hstore
    "psycopg2": ("pyformat", False, True, False, True),
    "psycopg2cffi": ("pyformat", False, True, False, True),
    "psycopg": ("pyformat", False, False, True, True),
    "psycopg_async": ("pyformat", True, False, True, True),
    "pg8000": ("format", False, False, True, False),
    "pygresql": ("pyformat", False, False, False, False),
    "pypostgresql": ("pyformat", False, False, False, False),
    "asyncpg": (_DOLLAR, True, False, True, False),
}
# The modules and classes of the connections. A run imports one of them.
_CONNECTIONS = {
    "psycopg2": ("postgresql_psycopg2", "Psycopg2Connection"), "psycopg2cffi": ("postgresql_psycopg2", "Psycopg2Connection"),
    "psycopg": ("postgresql_psycopg", "PsycopgConnection"), "psycopg_async": ("postgresql_psycopg", "PsycopgConnection"),
    "asyncpg": ("postgresql_asyncpg", "AsyncpgConnection"),
}
# The drivers that track their own BEGIN and ignore the server's transaction status.
_TRACK_BEGIN = ("psycopg2", "psycopg2cffi", "asyncpg")
# The drivers' exceptions for parameters that don't fit the statement.
_MISMATCHES = {"psycopg2": PSYCOPG2, "psycopg2cffi": PSYCOPG2, "asyncpg": INTERFACE}

# The functions and classes that take the values for columns of bytes, if they aren't `bytes`.
_BINARIES = {
    "psycopg2": Psycopg2Binary, "psycopg2cffi": Psycopg2Binary, "psycopg": PsycopgBinary, "psycopg_async": PsycopgBinary,
    "asyncpg": asyncpg_binary,
}


def _connection_class(name):
    module, class_name = _CONNECTIONS.get(name, ("postgresql", "PostgresConnection"))
    return getattr(importlib.import_module("limbeck_worker.dbapi." + module), class_name)


def _error_names(name):
    if name == "asyncpg":
        return AsyncpgNames(newest=VERSION >= (2, 1))
    if name in ("psycopg2", "psycopg", "psycopg_async"):
        return PsycopgNames(name.partition("_")[0])
    return ErrorNames({"pygresql": "pgdb", "pypostgresql": "postgresql.exceptions"}.get(name, name))


class _ParsedJSON:
    """A mixin for types of JSON, which the connection has parsed already."""

    def result_processor(self, dialect, coltype):
        return None


class _JSON(_ParsedJSON, postgresql.JSON):
    pass


class _JSONB(_ParsedJSON, postgresql.JSONB):
    pass


class _Hstore(postgresql.HSTORE):
    """HSTORE, which the connection has parsed already if the driver would."""

    def result_processor(self, dialect, coltype):
        parse = super().result_processor(dialect, coltype)
        return lambda value: value if isinstance(value, dict) else parse(value)


class _LocalDateTime(sqltypes.DateTime):
    """A timestamp for asyncpg, which reads a value without a zone in this machine's zone, not the session's."""

    def bind_processor(self, dialect):
        if not self.timezone:
            return None

        def process(value):
            if type(value) is datetime.date:
                value = datetime.datetime.combine(value, datetime.time())
            if isinstance(value, datetime.datetime) and value.tzinfo is None:
                return value.astimezone(datetime.timezone.utc)
            return value

        return process


class _OldUUID(postgresql.UUID):
    """UUID for SQLAlchemy 1.4, which expects text from the driver; limbeck's connection returns UUIDs."""

    def bind_processor(self, dialect):
        return None

    def result_processor(self, dialect, coltype):
        if self.as_uuid:
            return None
        return lambda value: None if value is None else str(value)


class _Array(postgresql.ARRAY):
    """An array with a cast, as in psycopg2's dialect: an array literal of text is not an array of varchar."""

    render_bind_cast = True


class _OldArray(postgresql.ARRAY):
    """An array with a cast for SQLAlchemy 1.4."""

    def bind_expression(self, bindvalue):
        from sqlalchemy.dialects.postgresql.base import _ColonCast

        return _ColonCast(bindvalue, self)


class _Range:
    """A mixin for types of ranges, which convert between SQLAlchemy's ranges and the driver's."""

    def bind_processor(self, dialect):
        return ranges.to_driver

    def result_processor(self, dialect, coltype):
        return ranges.from_driver


class _MultiRange:
    """A mixin for types of multiranges, as for ranges."""

    def bind_processor(self, dialect):
        return ranges.to_driver_multirange

    def result_processor(self, dialect, coltype):
        return ranges.from_driver_multirange


def _range_types(name):
    """Return the types of ranges that a driver's dialect converts."""
    if ranges.classes() is None:
        return {}
    from sqlalchemy.dialects.postgresql import ranges as types

    def class_of(kind):
        return getattr(types, kind, None) or getattr(types, kind.replace("Single", ""))

    single = type("_Range", (_Range, class_of("AbstractSingleRangeImpl")), {})
    if name.startswith("psycopg2"):
        # psycopg2 has neither multiranges nor ranges of other types.
        return dict.fromkeys(
            (types.INT4RANGE, types.INT8RANGE, types.NUMRANGE, types.DATERANGE, types.TSRANGE, types.TSTZRANGE), single
        )
    return {
        class_of("AbstractSingleRange"): single,
        types.AbstractMultiRange: type("_MultiRange", (_MultiRange, types.AbstractMultiRangeImpl), {}),
    }


class _Vector:
    """A mixin for `int2vector` and `oidvector`, which drivers return as text: numbers separated by spaces."""

    def result_processor(self, dialect, coltype):
        return lambda value: None if value is None else [int(part) for part in value.split()]


def _vectors():
    try:
        from sqlalchemy.dialects.postgresql.pg_catalog import INT2VECTOR, OIDVECTOR
    except ImportError:
        # Before SQLAlchemy 2.0 reflection parsed the vectors itself.
        return {}
    return {kind: type("_" + kind.__name__, (_Vector, kind), {"cache_ok": True}) for kind in (INT2VECTOR, OIDVECTOR)}


def _log_notice(diagnostics):
    _logger().info("%s: %s", diagnostics.severity, diagnostics.message_primary)


def _logger():
    return logging.getLogger("sqlalchemy.dialects.postgresql")


class _Context(PGExecutionContext):
    def create_server_side_cursor(self):
        return self._dbapi_connection.server_cursor()


class _LoggingContext(_Context):
    """An execution context that logs and clears the notices after each statement, as in psycopg2's dialect."""

    def post_exec(self):
        super().post_exec()
        notices = self.cursor.connection.notices
        if notices:
            for notice in notices:
                _logger().info(notice.rstrip())
            del notices[:]


class PostgresDialect(HostDialect, PGDialect):
    supports_native_decimal = True
    supports_unicode_statements = True
    supports_unicode_binds = True
    use_insertmanyvalues_wo_returning = True
    default_paramstyle = "pyformat"
    limbeck_parts = {}
    # psycopg2 and psycopg look up the type of hstore on the server. With text that isn't needed.
    use_native_hstore = False
    use_native_uuid = True
    _has_native_hstore = False

    def __init__(
        self,
        executemany_mode=None,
        executemany_batch_page_size=100,
        executemany_values_page_size=1000,
        use_batch_mode=None,
        use_native_unicode=None,
        client_encoding=None,
        use_native_hstore=None,
        use_native_uuid=None,
        async_fallback=None,
        native_inet_types=None,
        **kwargs
    ):
        # The other arguments are accepted and ignored: they configure the drivers.
        if native_inet_types and not self.limbeck_driver.parses_addresses:
            raise NotImplementedError(
                "The %s dialect does not implement ipaddress type handling; native_inet_types cannot be set "
                "to ``True`` when using this dialect." % self.driver
            )
        self._parses_addresses = native_inet_types is not False and self.limbeck_driver.parses_addresses
        self._parses_hstore = use_native_hstore is not False and self.limbeck_driver.parses_hstore
        PGDialect.__init__(self, **kwargs)

    def on_connect(self):
        inherited = super().on_connect() if hasattr(super(), "on_connect") else None

        def connected(connection):
            self.check_connection(connection)
            connection.json_loads = self._json_deserializer
            connection.parses_addresses = self._parses_addresses
            connection.parses_hstore = self._parses_hstore
            if hasattr(connection, "add_notice_handler"):
                connection.add_notice_handler(_log_notice)
            if inherited is not None:
                inherited(connection)
            if getattr(self, "isolation_level", None) is not None and VERSION < (2, 0):
                self.set_isolation_level(connection, self.isolation_level)

        return connected

    def get_isolation_level_values(self, dbapi_connection):
        levels = ["AUTOCOMMIT", "READ COMMITTED", "READ UNCOMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
        if self.driver == "asyncpg":
            levels.remove("READ UNCOMMITTED")
        return levels

    @property
    def _isolation_lookup(self):
        return set(self.get_isolation_level_values(None))

    def set_isolation_level(self, dbapi_connection, level):
        level = level.replace("_", " ")
        if level not in self._isolation_lookup:
            from sqlalchemy.exc import ArgumentError

            raise ArgumentError(
                "Invalid value %r for isolation_level. Valid isolation levels for %s are %s"
                % (level, self.name, ", ".join(sorted(self._isolation_lookup)))
            )
        dbapi_connection.set_level(level)

    def detect_autocommit_setting(self, dbapi_connection):
        return bool(dbapi_connection.autocommit)

    def do_ping(self, dbapi_connection):
        # Like the drivers, without a transaction.
        dbapi_connection.run("SELECT 1", role=ENVIRONMENT)
        return True

    # The drivers have two names for the attribute.
    def set_readonly(self, connection, value):
        setattr(connection, "read_only" if self.driver == "psycopg" else "readonly", value)

    def get_readonly(self, connection):
        return connection.read_only

    def set_deferrable(self, connection, value):
        connection.deferrable = value

    def get_deferrable(self, connection):
        return connection.deferrable

    def get_driver_connection(self, connection):
        return connection.driver_connection

    # asyncpg has no two-phase methods: its dialect inherits SQLAlchemy's, which run statements.
    def do_begin_twophase(self, connection, xid):
        if self.driver == "asyncpg":
            super().do_begin_twophase(connection, xid)
        else:
            connection.connection.tpc_begin(xid)

    def do_prepare_twophase(self, connection, xid):
        if self.driver == "asyncpg":
            super().do_prepare_twophase(connection, xid)
        else:
            connection.connection.tpc_prepare()

    def do_commit_twophase(self, connection, xid, is_prepared=True, recover=False):
        if self.driver == "asyncpg":
            super().do_commit_twophase(connection, xid, is_prepared, recover)
        else:
            self._finish_twophase(connection, "tpc_commit", xid, recover)

    def do_rollback_twophase(self, connection, xid, is_prepared=True, recover=False):
        if self.driver == "asyncpg":
            super().do_rollback_twophase(connection, xid, is_prepared, recover)
        else:
            self._finish_twophase(connection, "tpc_rollback", xid, recover)

    def _finish_twophase(self, connection, method, xid, recover):
        session = connection.connection
        if not recover:
            getattr(session, method)()
            return
        if session.has_begun:
            session.rollback()
        getattr(session, method)(xid)

    def do_recover_twophase(self, connection):
        if self.driver == "asyncpg":
            return super().do_recover_twophase(connection)
        return [str(xid) for xid in connection.connection.tpc_recover()]

    def do_executemany(self, cursor, statement, parameters, context=None):
        cursor.executemany(statement, parameters)


_classes = {}


def synchronous_class(name, channel):
    """Return the dialect of a synchronous engine; `default` is the one that SQLAlchemy uses for `postgresql://`."""
    if name == "default":
        name = "psycopg" if VERSION >= (2, 1) else "psycopg2"
    asynchronous = {"psycopg": "psycopg_async"}.get(name, name)
    if not _DRIVERS[asynchronous][1]:
        return dialect_class(name, channel)
    key = "synchronous", name
    if key not in _classes:
        dialect = dialect_class(identity.SYNCHRONOUS.get(name, name), channel)
        asynchronous_class = dialect_class(asynchronous, channel)
        _classes[key] = synchronous_form(dialect, asynchronous_class, asynchronous_class.limbeck_parts)
    return _classes[key]


def dialect_class(name, channel):
    """Return the dialect of a driver."""
    if name not in _classes:
        paramstyle, is_async, as_memoryview, addresses, hstore = _DRIVERS[name]
        driver = Driver(
            channel,
            _connection_class(name),
            paramstyle,
            module_name=identity.module_name(name),
            is_async=is_async,
            returns_memoryviews=as_memoryview,
            returns_utc_timestamps=name == "asyncpg",
            parses_addresses=addresses,
            parses_every_array=name == "asyncpg",
            parses_hstore=hstore,
            parses_multiranges=not name.startswith("psycopg2"),
            parses_records=name in ("psycopg", "psycopg_async"),
            has_infinite_numerics=not name.startswith("psycopg2"),
            mismatch=_MISMATCHES.get(name, PROGRAMMING),
            error_names=_error_names(name),
            tracks_begin=name in _TRACK_BEGIN,
            **({"Binary": _BINARIES[name]} if name in _BINARIES else {}),
        )
        colspecs = dict(PGDialect.colspecs)
        colspecs.update({sqltypes.JSON: _JSON, postgresql.JSON: _JSON, postgresql.JSONB: _JSONB, postgresql.HSTORE: _Hstore})
        if name == "asyncpg":
            colspecs[sqltypes.DateTime] = _LocalDateTime
        colspecs.update(_vectors())
        colspecs.update(_range_types(name))
        if VERSION >= (2, 0):
            colspecs[sqltypes.ARRAY] = _Array
        else:
            colspecs[sqltypes.ARRAY] = _OldArray
            colspecs[postgresql.UUID] = _OldUUID
        attributes = {
            "driver": "psycopg" if name == "psycopg_async" else name,
            "limbeck_driver": driver,
            "default_paramstyle": paramstyle,
            "colspecs": colspecs,
            "limbeck_parts": {"database": "dbname"} if name.startswith("psycopg") else {},
            "returns_native_bytes": not as_memoryview,
            "execution_ctx_cls": _LoggingContext if name.startswith("psycopg2") else _Context,
            "supports_server_side_cursors": name not in ("pygresql", "pypostgresql"),
            "supports_sane_multi_rowcount": name != "asyncpg",
            "supports_statement_cache": True,
        }
        if is_async:
            attributes.update(async_attributes(queue_pool))
        own = identity.own_dialect("postgresql." + name)
        _classes[name] = identity.derive(PostgresDialect, own, PGDialect, attributes)
    return _classes[name]
