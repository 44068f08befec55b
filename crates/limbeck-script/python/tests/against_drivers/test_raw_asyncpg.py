"""Comparisons of the methods of asyncpg's own connection, which scripts reach by `run_async` and `driver_connection`."""
from . import both, servers, test_postgresql
from .test_raw_connections import Seen

try:
    import asyncpg  # noqa: F401
except ImportError as error:
    raise servers.without_drivers(error)

setUpModule = test_postgresql.setUpModule


class Outcomes(Seen):
    async def see(self, awaitable):
        """Wait for a result, and keep it or the exception. Records become lists of their items."""
        try:
            self.append(plain(await awaitable))
        except Exception as error:
            self.append((type(error).__name__, str(error).partition("\n")[0]))


def plain(value):
    if isinstance(value, asyncpg.Record):
        return list(value.items())
    return [plain(item) for item in value] if isinstance(value, list) else value


async def fetches(own, seen):
    insert = "INSERT INTO t VALUES ($1, $2)"
    for awaitable in (
        own.execute("CREATE TEMP TABLE t (a int PRIMARY KEY, b text)"),
        own.executemany(insert, [(number, "b%d" % number) for number in range(10)]),
        own.executemany(insert, iter([(10, "x"), (11, "y")]), timeout=5),
        # All rows or none.
        own.executemany(insert, [(12, "x"), (1, "y")]),
        own.fetchval("SELECT count(*) FROM t"),
        own.fetchmany(insert + " RETURNING a", [(20, "x"), (21, "y")]),
        own.fetchmany(insert + " RETURNING a", [(22, "x"), (21, "y")]),
        own.fetchval("SELECT count(*) FROM t"),
        own.fetchrow("SELECT * FROM t ORDER BY a LIMIT 1"), own.fetchrow("SELECT * FROM t WHERE a < 0"),
        own.fetchval("SELECT a, b FROM t WHERE a = $1", 3, column=1), own.fetchval("SELECT a, b FROM t WHERE a = $1", 3, column="b"),
        own.fetchval("SELECT a, b FROM t WHERE a = $1", 3, column=7), own.fetchval("SELECT a FROM t WHERE a = $1", -3),
        own.fetch("SELECT 1 AS a, 2 AS a"), own.fetch("SELECT * FROM nowhere"),
        own.execute("UPDATE t SET b = 'q'; DELETE FROM t WHERE a > 15"),
        own.reload_schema_state(),
    ):
        await seen.see(awaitable)


async def prepared(own, seen):
    await own.execute("CREATE TEMP TABLE t (a int, b text)")
    await seen.see(own.prepare("SELECT * FROM nowhere"))
    insert = await own.prepare("INSERT INTO t VALUES ($1, $2) RETURNING a")
    await seen.see(insert.executemany([(1, "x"), (2, "y")]))
    await seen.see(insert.fetchmany([(3, "z")]))
    select = await own.prepare("SELECT a, b FROM t WHERE a >= $1 ORDER BY a")
    for awaitable in (select.fetch(2), select.fetchrow(2), select.fetchrow(9), select.fetchval(2), select.fetchval(2, column=1)):
        await seen.see(awaitable)
    seen.append((select.get_query(), insert.get_query()))
    await seen.see(select.fetch(1))
    seen.append(select.get_statusmsg())
    async with own.transaction():
        seen.append([plain(row) async for row in select.cursor(2)])


async def cursors(own, seen):
    query = "SELECT n FROM generate_series(1, $1) n"

    async def outside():
        return [row async for row in own.cursor("SELECT 1")]

    await seen.see(outside())
    async with own.transaction():
        cursor = await own.cursor(query, 9)
        for awaitable in (cursor.fetchrow(), cursor.fetch(3), cursor.forward(2), cursor.fetchrow(), cursor.fetch(9), cursor.fetchrow()):
            await seen.see(awaitable)
        seen.append([row["n"] async for row in own.cursor(query, 120, prefetch=7)][-1])


async def transactions(own, seen):
    await own.execute("CREATE TEMP TABLE t AS SELECT 1 AS a")
    for end in ("rollback", "commit"):
        ended = own.transaction()
        await seen.see(ended.commit())
        await seen.see(ended.start())
        await seen.see(ended.start())
        await own.execute("DELETE FROM t")
        await seen.see(getattr(ended, end)())
        seen.append(own.is_in_transaction())
        await seen.see(own.fetchval("SELECT count(*) FROM t"))
        for operation in ("start", "commit", "rollback", "__aenter__"):
            await seen.see(getattr(ended, operation)())
    async with own.transaction() as given:
        seen.append(given)
    managed = own.transaction()
    async with managed:
        for operation in ("start", "commit", "rollback", "__aenter__"):
            await seen.see(getattr(managed, operation)())
    for isolation in ("serializable", "repeatable_read", "read_uncommitted", None):
        async with own.transaction(isolation=isolation, readonly=True, deferrable=isolation == "serializable"):
            await seen.see(own.fetchval("SHOW transaction_isolation"))
            await seen.see(own.fetchval("SHOW transaction_read_only"))
            for inner in ("serializable", "read_committed", None):
                await seen.see(own.transaction(isolation=inner).start())
    try:
        own.transaction(isolation="odd")
    except ValueError as error:
        seen.append(str(error).partition("{")[0])


async def sessions(own, seen):
    seen.append((own.is_closed(), own.is_in_transaction(), own.get_reset_query()))
    seen.append((own.get_server_version()._fields, own.get_settings().server_encoding, hasattr(own.get_settings(), "nothing")))
    await own.execute("SET application_name TO 'own'")
    await seen.see(own.reset())
    await seen.see(own.fetchval("SHOW application_name"))


class RawAsyncpg(both.Case):
    def compare(self, act):
        def run(connection):
            seen = Outcomes()
            connection.rollback()
            raw = connection.connection.dbapi_connection
            raw.run_async(lambda own: act(own, seen))
            driver = connection.connection.driver_connection
            seen.append(raw.run_async(lambda own: driver.fetchval("SELECT 'driver_connection'")))
            return list(seen)

        self.both("asyncpg", run)

    def test_fetches(self):
        self.compare(fetches)

    def test_prepared_statements(self):
        self.compare(prepared)

    def test_cursors(self):
        self.compare(cursors)

    def test_transactions(self):
        self.compare(transactions)

    def test_sessions(self):
        self.compare(sessions)

    def test_refuses_listeners(self):
        def act(connection):
            own = connection.connection.driver_connection
            for name in ("add_listener", "add_log_listener", "add_query_logger", "add_termination_listener"):
                with self.assertRaisesRegex(Exception, "limbeck's connection has no method `%s` of asyncpg: use execute" % name):
                    getattr(own, name)

        self.ours_of("asyncpg", act)
