"""What the dialects of all families share."""
from sqlalchemy import __version__ as _version
from sqlalchemy import pool

VERSION = tuple(int(part) for part in _version.split(".")[:2] if part.isdigit())


class HostDialect:
    """Mixed into a dialect of SQLAlchemy: the connection is the host's."""

    supports_statement_cache = True
    supports_server_side_cursors = False
    limbeck_driver = None

    @classmethod
    def import_dbapi(cls):
        return cls.limbeck_driver

    @classmethod
    def dbapi(cls):
        return cls.limbeck_driver

    def create_connect_args(self, url):
        return [], {"url": url.render_as_string(hide_password=False)}

    def is_disconnect(self, error, connection, cursor):
        return getattr(error, "limbeck_kind", None) == "lost"

    def get_driver_connection(self, connection):
        return connection


def asynchronous(name, base, get_pool):
    """The async form of a dialect: nothing in it ever waits, but SQLAlchemy has to believe that it does."""
    return type(name, (base,), {"is_async": True, "get_pool_class": classmethod(get_pool)})


def queue_pool(cls, url):
    return getattr(pool, "AsyncAdaptedQueuePool", pool.QueuePool)
