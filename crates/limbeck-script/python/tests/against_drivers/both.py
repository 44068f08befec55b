"""The same work through SQLAlchemy with a real driver of PostgreSQL and with limbeck's in its place."""
import asyncio
import os
import re

import sqlalchemy as sa
from sqlalchemy.dialects import registry

from limbeck_worker.dialects import postgresql

from . import test_postgresql

DRIVERS = ("psycopg2", "psycopg", "asyncpg")


class Case(test_postgresql.Case):
    """`both` runs a function of a connection twice; each time it must end with the same."""

    maxDiff = None

    def real(self, name, act, **arguments):
        """What `act` gives with the real driver."""
        url = "postgresql+%s://postgres@/postgres?host=%s" % (name, test_postgresql.server.folder)
        arguments.setdefault("poolclass", sa.pool.NullPool)
        if name != "asyncpg":
            engine = sa.create_engine(url, **arguments)
            with engine.connect() as connection:
                return act(connection)

        from sqlalchemy.ext.asyncio import create_async_engine

        async def run():
            engine = create_async_engine(url, **arguments)
            async with engine.connect() as connection:
                return await connection.run_sync(act)

        return asyncio.run(run())

    def ours_of(self, name, act, **arguments):
        """What `act` gives with limbeck's."""
        before = dict(registry.impls)
        arguments.setdefault("poolclass", sa.pool.NullPool)
        try:
            postgresql._classes.clear()
            host = Hosts()
            kind = postgresql.dialect_class(name, host)
            registry.impls["postgresql." + name] = lambda: kind
            engine = sa.create_engine("postgresql+%s://postgres@/postgres" % name, **arguments)
            with engine.connect() as connection:
                return act(connection)
        finally:
            host.close()
            registry.impls.clear()
            registry.impls.update(before)
            postgresql._classes.clear()

    def both(self, name, act, **arguments):
        expected = self.real(name, act, **arguments)
        found = self.ours_of(name, act, **arguments)
        if isinstance(expected, list):
            # The first difference says more than all of it.
            for place, (one, other) in enumerate(zip(found, expected)):
                self.assertEqual(one, other, "at %d" % place)
        self.assertEqual(found, expected)
        return found


class Hosts:
    """One connection of libpq for each that is asked for."""

    def __init__(self):
        self.functions = {}
        self.open = {}

    def request(self, op, **fields):
        if op == "connect":
            number = len(self.open) + 1
            self.open[number] = test_postgresql.LibpqHost()
            return {**self.open[number].request(op, **fields), "connection": number}
        return self.open[fields["connection"]].request(op, **fields)

    def close(self):
        for host in self.open.values():
            host.connection.finish()


def statements(act, connection):
    """What the server was sent while `act` ran, without the forms in which the drivers send it."""
    process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    connection.rollback()
    log = os.path.join(test_postgresql.server.folder, "log")
    start = os.path.getsize(log)
    result = act(connection)
    with open(log, "rb") as file:
        file.seek(start)
        text = file.read().decode("utf-8")
    found = re.findall(r"^%d LOG:  (?:statement|execute [^:]*): (.*)$" % process, text, re.MULTILINE)
    return result, [line.strip().rstrip(";") for line in found]


def error_of(act):
    """The class of the exception, and whether the database or SQLAlchemy has raised it."""
    try:
        return act()
    except sa.exc.DBAPIError as error:
        return type(error).__name__, getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    except Exception as error:
        return type(error).__name__


