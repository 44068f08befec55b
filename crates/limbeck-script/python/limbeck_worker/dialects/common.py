"""What the dialects of all families share."""
import functools
import sys

from sqlalchemy import __version__ as _version
from sqlalchemy import pool

from ..dbapi.base import Connection, own_connection
from ..roles import ENVIRONMENT, TRANSACTION, with_role

VERSION = tuple(int(part) for part in _version.split(".")[:2] if part.isdigit())


class HostDialect:
    """Mixed into a dialect of SQLAlchemy: the connection is the host's."""

    supports_statement_cache = True
    supports_server_side_cursors = False
    limbeck_driver = None

    @classmethod
    def import_dbapi(cls):
        return cls.limbeck_driver

    if VERSION < (2, 0):
        # What the method was called; a newer SQLAlchemy warns where it finds it.
        dbapi = import_dbapi

    # What the driver calls parts of a URL otherwise; none where its arguments are not a URL's parts.
    limbeck_parts = None

    def create_connect_args(self, url):
        accept_in_async_engine()
        parts = url_parts(url)
        # The driver's own arguments are there for a listener of `do_connect`, which may change them.
        return [], {"url": parts, **self._arguments(parts)}

    def _arguments(self, parts):
        """What the driver would be given for a URL."""
        if self.limbeck_parts is None:
            return {}
        names = {name: self.limbeck_parts.get(name, name) for name in ("user", "password", "host", "port", "database")}
        return {**{names[name]: parts[name] for name in names if parts[name]}, **dict(parts["query"])}

    def connect(self, *arguments, **given):
        if "url" not in given:
            # An asynchronous `creator`, or one that calls this with what it knows itself.
            raise own_connection(self.limbeck_driver)
        parts = self._arguments(given["url"])
        # What is as the URL has it goes with the URL, apart from what is done here.
        for name in ("autocommit", "charset"):
            parts.pop(name, None)
        changed = {name: value for name, value in given.items() if name not in parts or parts[name] != value}
        return self.limbeck_driver.connect(**changed)

    def check_connection(self, connection):
        """Whether it is one of ours, and none that the project has opened itself."""
        if not isinstance(connection, Connection):
            raise own_connection(self.limbeck_driver)

    @with_role(ENVIRONMENT)
    def initialize(self, connection):
        session = connection.connection
        self.check_connection(getattr(session, "dbapi_connection", None) or session)
        super().initialize(connection)

    def is_disconnect(self, error, connection, cursor):
        return getattr(error, "limbeck_kind", None) == "lost"

    def get_driver_connection(self, connection):
        return connection


def _with_role_of_its_own(name, role):
    """Return the method `name` of SQLAlchemy's dialect; the statements that it sends are not the caller's."""

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
        setattr(HostDialect, _name, _with_role_of_its_own(_name, _role))


def url_parts(url):
    """A URL as this SQLAlchemy has split it: the versions disagree about what is encoded in it."""
    query = [[key, text] for key, given in url.query.items() for text in ((given,) if isinstance(given, str) else given)]
    dialect, _, driver = url.drivername.partition("+")
    return {
        "dialect": dialect,
        "driver": driver or None,
        "user": url.username,
        # What renders itself as a password may be another object than a text.
        "password": None if url.password is None else str(url.password),
        "host": url.host,
        "port": url.port,
        "database": url.database,
        "query": query,
    }


def asynchronous(name, base, get_pool):
    """The form of a dialect that `create_async_engine` asks for; `base` serves synchronous engines, also
    under an asynchronous driver's URL: that is what most projects with such a URL need."""
    return type(
        name, (base,), {"is_async": True, "get_pool_class": classmethod(get_pool), "supports_statement_cache": True}
    )


def queue_pool(cls, url):
    return getattr(pool, "AsyncAdaptedQueuePool", pool.QueuePool)


def accept_in_async_engine():
    """`AsyncEngine(engine_from_config(…))`, which older templates have, makes the dialect for a synchronous
    engine and then asks whether it is asynchronous. Ours is either."""
    module = sys.modules.get("sqlalchemy.ext.asyncio.engine")
    if module is None or hasattr(module.AsyncEngine, "_limbeck"):
        return
    initialize = module.AsyncEngine.__init__

    @functools.wraps(initialize)
    def with_ours(self, sync_engine, *args, **kwargs):
        if isinstance(sync_engine.dialect, HostDialect):
            sync_engine.dialect.is_async = True
        initialize(self, sync_engine, *args, **kwargs)

    module.AsyncEngine.__init__ = with_ours
    module.AsyncEngine._limbeck = True
