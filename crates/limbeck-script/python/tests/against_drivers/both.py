"""A test case that runs the same code through SQLAlchemy with a driver of PostgreSQL and with limbeck's substitute."""
import asyncio
import os
import re

import sqlalchemy as sa
from sqlalchemy.dialects import registry

from limbeck_worker import dialects
from limbeck_worker.dialects import postgresql

from . import test_postgresql

dialects.watch_drivers()

DRIVERS = ("psycopg2", "psycopg", "asyncpg")


class Case(test_postgresql.Case):
    """A test case whose method `both` runs a function with each connection and compares the results."""

    maxDiff = None

    def real(self, name, act, **arguments):
        """Return the result of `act` with the real driver."""
        url = "postgresql+%s://postgres@/postgres?host=%s" % (name, test_postgresql.server.folder)
        arguments.setdefault("poolclass", sa.pool.NullPool)
        if name not in ("asyncpg", "psycopg_async"):
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
        """Return the result of `act` with limbeck's substitute."""
        before = dict(registry.impls)
        arguments.setdefault("poolclass", sa.pool.NullPool)
        try:
            postgresql._classes.clear()
            host = Hosts()
            kind = postgresql.dialect_class(name, host)
            registry.impls["postgresql." + name] = lambda: kind

            def work():
                engine = sa.create_engine("postgresql+%s://postgres@/postgres" % name, **arguments)
                with engine.connect() as connection:
                    return act(connection)

            return run_for(kind, work)
        finally:
            host.close()
            registry.impls.clear()
            registry.impls.update(before)
            postgresql._classes.clear()

    def both(self, name, act, **arguments):
        expected = self.real(name, act, **arguments)
        found = self.ours_of(name, act, **arguments)
        if isinstance(expected, list):
            # The first difference is easier to read than all of them.
            for index, (one, other) in enumerate(zip(found, expected)):
                self.assertEqual(one, other, "at %d" % index)
        self.assertEqual(found, expected)
        return found


def run_for(kind, work):
    """Call a function as SQLAlchemy does for a dialect: in a greenlet of an event loop if it is asynchronous."""
    if not kind.is_async:
        return work()
    from sqlalchemy.util import concurrency

    async def run():
        return await concurrency.greenlet_spawn(work)

    return asyncio.run(run())


class Hosts:
    """A host with a connection of libpq for each session."""

    is_usable = True

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
    """Return the result of `act` and the statements that the server logged meanwhile."""
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
    """Return the result of `act`, or the class of its exception and, for a database error, the SQLSTATE."""
    try:
        return act()
    except sa.exc.DBAPIError as error:
        return type(error).__name__, getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    except Exception as error:
        return type(error).__name__


