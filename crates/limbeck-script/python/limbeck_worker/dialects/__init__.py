"""SQLAlchemy dialects over the host's connection, registered under every name that a URL can have."""
import functools
import sys

from ..import_hooks import when_imported


def register(channel):
    """Register the dialects in place of SQLAlchemy's own."""
    from sqlalchemy.dialects import registry

    from ..dbapi import own_connections, tls_contexts
    from . import asyncio_extension

    asyncio_extension.install()
    tls_contexts.record_certificate_files()
    own_connections.install()
    watch_drivers()

    # The module of a family is imported when a URL names the family.
    for family, module, names in _FAMILIES:
        for name, class_name in names.items():
            registry.impls[name] = _loader(module, class_name, channel)


# What limbeck does when the project imports a driver's module: the function, and its module.
_WATCHES = {
    "psycopg": ("psycopg_adapters", "keep_original"),
    "psycopg.sql": ("psycopg_adapters", "write_with"),
    "psycopg._typeinfo": ("psycopg_adapters", "fetch_over_host"),
    "psycopg2._psycopg": ("psycopg2_types", "watch"),
    "psycopg2.extensions": ("psycopg2_registered", "quote_with"),
    "psycopg2": ("psycopg2_registered", "keep_defaults"),
    "psycopg2.sql": ("psycopg2_registered", "write_with"),
}


def watch_drivers():
    """Notice what the project registers with its drivers, from their import on."""
    for name, watch in _WATCHES.items():
        when_imported(name, functools.partial(_watch, *watch))


def _watch(module_name, function, driver):
    name = "limbeck_worker.dbapi." + module_name
    __import__(name)
    getattr(sys.modules[name], function)(driver)


def _loader(module, class_name, channel):
    def load():
        name = "%s.%s" % (__name__, module)
        __import__(name)
        return getattr(sys.modules[name], "synchronous_class")(class_name, channel)

    return load


_POSTGRESQL = ("psycopg2", "psycopg", "psycopg_async", "psycopg2cffi", "pg8000", "asyncpg", "pygresql", "pypostgresql")
_MYSQL = ("mysqldb", "pymysql", "aiomysql", "asyncmy", "mysqlconnector", "mariadbconnector", "cymysql", "pyodbc")

_FAMILIES = (
    ("postgresql", "postgresql", {"postgresql": "default", **{"postgresql." + name: name for name in _POSTGRESQL}}),
    # SQLAlchemy before 1.4 had this name, too, and hosters still write it.
    ("postgresql", "postgresql", {"postgres": "default", **{"postgres." + name: name for name in _POSTGRESQL}}),
    ("sqlite", "sqlite", {"sqlite": "pysqlite", "sqlite.pysqlite": "pysqlite", "sqlite.aiosqlite": "aiosqlite"}),
    ("mysql", "mysql", {"mysql": "mysqldb", **{"mysql." + name: name for name in _MYSQL}}),
    ("mariadb", "mysql", {"mariadb": "mariadb", **{"mariadb." + name: "mariadb." + name for name in _MYSQL}}),
)
