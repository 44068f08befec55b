"""The dialects of SQLite, under the names of the drivers."""
from sqlalchemy import pool
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from ..dbapi.async_adapter import AsyncAdapter
from ..dbapi.base import Driver
from ..dbapi.error_names import ErrorNames
from ..dbapi.sqlite import SqliteConnection
from ..dbapi.sqlite_values import PARSE_COLNAMES, PARSE_DECLTYPES
from ..roles import TRANSACTION, with_role
from . import identity
from .common import VERSION, HostDialect, async_attributes, synchronous_form


class _AsyncContext(SQLiteDialect_pysqlite.execution_ctx_cls):
    def create_server_side_cursor(self):
        return self._dbapi_connection.cursor(server_side=True)


class SqliteDialect(HostDialect, SQLiteDialect_pysqlite):
    default_paramstyle = "qmark"

    def create_connect_args(self, url):
        # SQLAlchemy's own dialect decides on the file and the arguments of `sqlite3.connect`. A relative path starts at
        # the current folder, which `env.py` may have changed.
        _, arguments = HostDialect.create_connect_args(self, url)
        (name,), options = SQLiteDialect_pysqlite.create_connect_args(self, url)
        arguments["url"].update(database=name, query=[])
        return [], {**options, **arguments}

    @with_role(TRANSACTION)
    def set_isolation_level(self, dbapi_connection, level):
        level = level.replace("_", " ")
        if level == "AUTOCOMMIT":
            dbapi_connection.isolation_level = None
            return
        number = {"READ UNCOMMITTED": 1, "SERIALIZABLE": 0}.get(level)
        if number is None:
            from sqlalchemy.exc import ArgumentError

            raise ArgumentError(
                "Invalid value %r for isolation_level. Valid isolation levels for sqlite are "
                "AUTOCOMMIT, READ UNCOMMITTED, SERIALIZABLE" % level
            )
        dbapi_connection.isolation_level = ""
        dbapi_connection.execute("PRAGMA read_uncommitted = %d" % number)

    def detect_autocommit_setting(self, dbapi_connection):
        return dbapi_connection.isolation_level is None

    def on_connect(self):
        def connect(connection):
            self.check_connection(connection)
            # The host has its own `regexp`, and projects may register another. SQLite's `floor` returns a real number.
            if VERSION >= (2, 0):
                connection.define_floor()
            if getattr(self, "isolation_level", None) is not None:
                self.set_isolation_level(connection, self.isolation_level)

        return connect

    def get_driver_connection(self, connection):
        return AsyncAdapter(connection) if self.is_async else connection

    def is_disconnect(self, error, connection, cursor):
        return HostDialect.is_disconnect(self, error, connection, cursor)


def _async_pool(cls, url):
    if cls._is_url_file_db(url):
        return getattr(pool, "AsyncAdaptedQueuePool", pool.NullPool)
    return pool.StaticPool


# The connection classes that a project's event listener gets from SQLAlchemy's own dialects.
_DRIVER_CLASSES = {"aiosqlite": ("sqlalchemy.dialects.sqlite.aiosqlite", "AsyncAdapt_aiosqlite_connection")}
_classes = {}


def synchronous_class(name, channel):
    """Return the dialect of a synchronous engine."""
    if name != "aiosqlite":
        return dialect_class(name, channel)
    key = "synchronous", name
    if key not in _classes:
        dialect = dialect_class(identity.SYNCHRONOUS[name], channel)
        _classes[key] = synchronous_form(dialect, dialect_class(name, channel), dialect.limbeck_parts)
    return _classes[key]


def dialect_class(name, channel):
    """Return the dialect of a driver."""
    if name not in _classes:
        version = channel.request("library", name="sqlite")
        numbers = tuple(int(part) for part in version.split("."))
        driver = Driver(
            channel,
            SqliteConnection,
            "qmark",
            module_name=identity.module_name(name),
            is_async=name == "aiosqlite",
            sqlite_version=version,
            sqlite_version_info=numbers,
            version="2.6.0",
            Binary=memoryview,
            PARSE_DECLTYPES=PARSE_DECLTYPES,
            PARSE_COLNAMES=PARSE_COLNAMES,
            driver_class=_DRIVER_CLASSES.get(name, SqliteConnection.driver_class),
            # aiosqlite has the exceptions of `sqlite3`, too.
            error_names=ErrorNames("sqlite3"),
        )
        attributes = {"driver": name, "limbeck_driver": driver, "supports_statement_cache": True}
        if name == "aiosqlite":
            attributes.update(async_attributes(_async_pool))
            attributes.update(execution_ctx_cls=_AsyncContext, supports_server_side_cursors=True)
        own = identity.own_dialect("sqlite." + name)
        _classes[name] = identity.derive(SqliteDialect, own, SQLiteDialect_pysqlite, attributes)
    return _classes[name]
