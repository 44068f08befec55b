"""The parts that the dialects of all families share."""
import functools
import sys

from sqlalchemy import __version__ as _version
from sqlalchemy import pool

from ..calls import calling_line
from ..dbapi.base import Connection, unwrapped
from ..dbapi.own_connections import HostUrl, described, guard, refusal, unguarded
from ..roles import ENVIRONMENT, TRANSACTION, with_role

VERSION = tuple(int(part) for part in _version.split(".")[:2] if part.isdigit())


class HostDialect:
    """A mixin for SQLAlchemy's dialects that connects through the host."""

    supports_statement_cache = True
    supports_server_side_cursors = False
    limbeck_driver = None
    # The dialect that an asynchronous engine has under the same URL, if there is one.
    limbeck_async_class = None

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        self._limbeck_arguments = kwargs
        return self

    def become_async(self):
        """Change the dialect of a new engine into the one of an asynchronous engine."""
        kind = self.limbeck_async_class
        if self.is_async:
            return
        if kind is None:
            # SQLAlchemy refuses a synchronous driver here. limbeck's connection works in both kinds of engine.
            self.is_async = True
            return
        self.__class__ = kind
        # What the constructor and SQLAlchemy's caches have set is of the old class. The listeners stay.
        kept = {name: self.__dict__[name] for name in ("dispatch", "_limbeck_arguments") if name in self.__dict__}
        self.__dict__.clear()
        self.__dict__.update(kept)
        self.__init__(**{**self._limbeck_arguments, "dbapi": kind.limbeck_driver})

    @classmethod
    def import_dbapi(cls):
        return cls.limbeck_driver

    if VERSION < (2, 0):
        # The old name of the method. Newer versions warn if it exists.
        dbapi = import_dbapi

    # The driver's argument names for the parts of a URL, if they differ. None if its arguments aren't the parts of a URL.
    limbeck_parts = None

    def create_connect_args(self, url):
        accept_in_async_engine()
        parts = HostUrl(url_parts(url), self)
        # The driver's own arguments are for listeners of `do_connect`, which may change them.
        return [], {"url": parts, **self._arguments(parts)}

    def _arguments(self, parts):
        """Return the arguments that the driver would get for a URL."""
        if self.limbeck_parts is None:
            return {}
        names = {name: self.limbeck_parts.get(name, name) for name in ("user", "password", "host", "port", "database")}
        return {**{names[name]: parts[name] for name in names if parts[name]}, **dict(parts["query"])}

    def connect(self, *arguments, **given):
        if "url" not in given:
            # The caller is an asynchronous `creator`, or a `creator` with its own arguments.
            return self.limbeck_driver.connect(*arguments, **given)
        parts = self._arguments(given["url"])
        # Arguments that equal the URL's go with the URL, except for these, which the connection handles itself.
        for name in ("autocommit", "charset"):
            parts.pop(name, None)
        changed = {name: value for name, value in given.items() if name not in parts or parts[name] != value}
        with unguarded():
            return self.limbeck_driver.connect(**changed)

    def check_connection(self, connection):
        """Raise an error if the project opened the connection itself."""
        if not isinstance(connection, Connection):
            functions = [self.limbeck_creator, *self.dispatch.do_connect]
            given = " or ".join(described(function) for function in functions if function is not None)
            raise refusal(self.limbeck_driver, given or "`%s`" % type(connection).__module__)

    # The project's function that opens connections for the pool, or None.
    limbeck_creator = None

    @classmethod
    def engine_created(cls, engine):
        super().engine_created(engine)
        creator = engine.pool._creator
        if getattr(creator, "__module__", None) != "sqlalchemy.engine.create":
            engine.dialect.limbeck_creator = creator
        guard(engine.pool, engine.dialect)

    @with_role(ENVIRONMENT)
    def initialize(self, connection):
        self.check_connection(unwrapped(connection.connection))
        super().initialize(connection)

    def do_begin(self, connection):
        super().do_begin(connection)
        # SQLAlchemy calls this when it begins a transaction by itself, too. A statement may follow later.
        unwrapped(connection).begun_at = calling_line()

    def is_disconnect(self, error, connection, cursor):
        return getattr(error, "limbeck_kind", None) == "lost"

    def get_driver_connection(self, connection):
        return connection


def _method_with_role(name, role):
    """Return a method that calls `name` of SQLAlchemy's dialect in a context with `role`."""

    @with_role(role)
    def method(self, *args, **kwargs):
        return getattr(super(HostDialect, self), name)(*args, **kwargs)

    method.__name__ = name
    return method


for _role, _names in {
    TRANSACTION: (
        "do_savepoint", "do_rollback_to_savepoint", "do_release_savepoint", "do_begin_twophase", "do_prepare_twophase",
        "do_commit_twophase", "do_rollback_twophase", "do_recover_twophase",
    ),
    ENVIRONMENT: ("do_ping", "get_isolation_level"),
}.items():
    for _name in _names:
        setattr(HostDialect, _name, _method_with_role(_name, _role))


def url_parts(url):
    """Return the parts of a URL as this SQLAlchemy splits it: the versions differ in which parts they decode."""
    query = [[key, text] for key, given in url.query.items() for text in ((given,) if isinstance(given, str) else given)]
    dialect, _, driver = url.drivername.partition("+")
    return {
        "dialect": "postgresql" if dialect == "postgres" else dialect,
        "driver": driver or None,
        "user": url.username,
        # A password may be an object that renders itself as text.
        "password": None if url.password is None else str(url.password),
        "host": url.host,
        "port": url.port,
        "database": url.database,
        "query": query,
    }


def async_attributes(get_pool):
    """Return the attributes that only the dialect of an asynchronous engine has."""
    return {"is_async": True, "get_pool_class": classmethod(get_pool)}


def synchronous_form(dialect, asynchronous, parts):
    """Return a dialect for synchronous engines under the URL of an asynchronous driver.

    Most projects with such a URL need exactly that. An asynchronous engine under the same URL gets `asynchronous`. `parts`
    are the names of the arguments, which are the URL's.
    """
    attributes = {
        "limbeck_async_class": asynchronous,
        "limbeck_parts": parts,
        "get_async_dialect_cls": classmethod(lambda cls, url: asynchronous),
        "supports_statement_cache": True,
        "__module__": dialect.__module__,
        "__qualname__": dialect.__qualname__,
    }
    return type(dialect.__name__, (dialect,), attributes)


def queue_pool(cls, url):
    return getattr(pool, "AsyncAdaptedQueuePool", pool.QueuePool)


def accept_in_async_engine():
    """Make `AsyncEngine` accept an engine with one of these dialects.

    Older templates have `AsyncEngine(engine_from_config(…))`, which creates the synchronous dialect and then requires an
    asynchronous one.
    """
    module = sys.modules.get("sqlalchemy.ext.asyncio.engine")
    if module is None or hasattr(module.AsyncEngine, "_limbeck"):
        return
    initialize = module.AsyncEngine.__init__

    @functools.wraps(initialize)
    def accept_host_dialect(self, sync_engine, *args, **kwargs):
        if isinstance(sync_engine.dialect, HostDialect):
            sync_engine.dialect.become_async()
        initialize(self, sync_engine, *args, **kwargs)

    module.AsyncEngine.__init__ = accept_host_dialect
    module.AsyncEngine._limbeck = True
