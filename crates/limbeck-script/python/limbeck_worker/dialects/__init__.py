"""SQLAlchemy dialects over the host's connection, registered under every name that a URL can have."""
import sys


def register(channel):
    """Register the dialects in place of SQLAlchemy's own."""
    from sqlalchemy.dialects import registry

    from ..dbapi import own_connections, tls_contexts
    from . import asyncio_extension

    asyncio_extension.install()
    tls_contexts.record_certificate_files()
    own_connections.install()

    # The module of a family is imported when a URL names the family.
    for family, module, names in _FAMILIES:
        for name, class_name in names.items():
            registry.impls[name] = _loader(module, class_name, channel)


def _loader(module, class_name, channel):
    def load():
        name = "%s.%s" % (__name__, module)
        __import__(name)
        return getattr(sys.modules[name], "dialect_class")(class_name, channel)

    return load


_POSTGRESQL = ("psycopg2", "psycopg", "psycopg_async", "psycopg2cffi", "pg8000", "asyncpg", "pygresql", "pypostgresql")
_MYSQL = ("mysqldb", "pymysql", "aiomysql", "asyncmy", "mysqlconnector", "mariadbconnector", "cymysql", "pyodbc")

_FAMILIES = (
    ("postgresql", "postgresql", {"postgresql": "default", **{"postgresql." + name: name for name in _POSTGRESQL}}),
    ("sqlite", "sqlite", {"sqlite": "pysqlite", "sqlite.pysqlite": "pysqlite", "sqlite.aiosqlite": "aiosqlite"}),
    ("mysql", "mysql", {"mysql": "mysqldb", **{"mysql." + name: name for name in _MYSQL}}),
    ("mariadb", "mysql", {"mariadb": "mariadb", **{"mariadb." + name: "mariadb." + name for name in _MYSQL}}),
)
