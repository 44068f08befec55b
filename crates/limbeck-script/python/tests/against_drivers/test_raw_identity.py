"""Comparisons of the classes of raw connections, and of what the drivers' own functions do with them."""
import decimal

import sqlalchemy as sa

from . import both, servers, test_postgresql

try:
    import asyncpg
    import psycopg
    import psycopg2.extensions
    import psycopg2.extras
    from psycopg2 import sql
    from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
except ImportError as error:
    raise servers.without_drivers(error)


def setUpModule():
    test_postgresql.setUpModule()


CLASSES = (
    psycopg2.extensions.connection, psycopg2.extensions.cursor, psycopg2.extras.RealDictCursor, psycopg.Connection,
    psycopg.AsyncConnection, psycopg.Cursor, psycopg.AsyncCursor, asyncpg.Connection, asyncpg.Record,
    AsyncAdapt_asyncpg_connection,
)


def names(value):
    return [kind.__name__ for kind in CLASSES if isinstance(value, kind)]


def classes(connection):
    proxy = connection.connection
    cursor = proxy.cursor()
    return names(proxy.dbapi_connection), names(proxy.driver_connection), names(cursor)


def dict_cursor(connection):
    return names(connection.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor))


def written(connection):
    raw = connection.connection.dbapi_connection
    cursor = raw.cursor()
    query = sql.SQL("SELECT {} AS {} FROM {}").format(sql.Literal("it's \u00e4"), sql.Identifier('a"b'), sql.Identifier("s", "T"))
    found = []
    for scope in (raw, cursor):
        found.append(query.as_string(scope))
        found += [sql.Literal(value).as_string(scope) for value in (1, None, True, [1, 2], decimal.Decimal("1.50"))]
        found += [psycopg2.extensions.quote_ident(name, scope) for name in ("a", 'A "b"', "")]
    for arguments in ((1, raw), ("a", None), ("a", object())):
        try:
            psycopg2.extensions.quote_ident(*arguments)
        except TypeError as error:
            found.append(type(error).__name__)
    return found


class Money:
    def __init__(self, amount):
        self.amount = amount


class Cents(Money):
    pass


class Prepared:
    """An adapter in the form that psycopg2's documentation shows."""

    def __init__(self, value):
        self._value = value

    def prepare(self, connection):
        self._encoding = connection.encoding

    def getquoted(self):
        return b"'%s %d'" % (self._encoding.encode(), self._value.amount)


def adapted(connection):
    raw = connection.connection.dbapi_connection
    cursor = raw.cursor()
    register = psycopg2.extensions.register_adapter
    found = []

    def select(value):
        cursor.execute("SELECT %s::text", (value,))
        found.append(cursor.fetchone()[0])

    before = dict(psycopg2.extensions.adapters)
    try:
        for adapter in (
            lambda value: psycopg2.extensions.AsIs(value.amount),
            Prepared,
            lambda value: psycopg2.extensions.QuotedString(str(value.amount)),
            lambda value: psycopg2.extras.Json({"amount": value.amount}),
        ):
            register(Money, adapter)
            select(Money(5))
            select(Cents(6))
        select(1.5)
        register(float, lambda value: psycopg2.extensions.AsIs("'float %s'" % value))
        select(1.5)
        register(dict, psycopg2.extras.Json)
        select({"a": [1, "it's"]})
    finally:
        psycopg2.extensions.adapters.clear()
        psycopg2.extensions.adapters.update(before)
    return found


def typecast(connection):
    cursor = connection.connection.cursor()
    found = []

    def select(text):
        cursor.execute(text)
        found.append(cursor.fetchone()[0])

    before = dict(psycopg2.extensions.string_types)
    try:
        select("SELECT 1.5::numeric")
        as_float = psycopg2.extensions.new_type((1700,), "FLOAT", lambda value, cursor: None if value is None else float(value))
        psycopg2.extensions.register_type(as_float)
        select("SELECT 1.5::numeric")
        select("SELECT NULL::numeric")
        many = psycopg2.extensions.new_array_type((1231,), "FLOATS", as_float)
        psycopg2.extensions.register_type(many)
        select("SELECT ARRAY[1.5, NULL]::numeric[]")
        return [(type(value).__name__, value) for value in found]
    finally:
        psycopg2.extensions.string_types.clear()
        psycopg2.extensions.string_types.update(before)


def statuses(connection):
    raw = connection.connection.driver_connection
    found = [raw.info.transaction_status.name]
    connection.execute(sa.text("SELECT 1"))
    found.append(raw.info.transaction_status.name)
    connection.rollback()
    return [*found, raw.info.transaction_status.name, raw.info.transaction_status]


def rows_by_name(connection):
    raw = connection.connection.dbapi_connection
    cursor = raw.cursor()
    cursor.execute("SELECT 1 AS a, 'x' AS b")
    row = cursor.fetchone()
    found = [row["a"], row["b"], row[0], dict(row), names(row)]

    async def iterate(own):
        rows = []
        async with own.transaction():
            async for row in own.cursor("SELECT n FROM generate_series(1, $1::int) AS n", 3):
                rows.append(row["n"])
            cursor = await own.cursor("SELECT n FROM generate_series(1, 5) AS n")
            rows.append([row["n"] for row in await cursor.fetch(2)])
            rows.append(await cursor.forward(1))
            rows.append((await cursor.fetchrow())["n"])
        try:
            async for row in own.cursor("SELECT 1"):
                rows.append(row)
        except asyncpg.NoActiveSQLTransactionError as error:
            rows.append(str(error))
        return rows

    raw.rollback()
    found.append(raw.run_async(iterate))
    return found


class Raw(both.Case):
    def test_connections_and_cursors_are_instances_of_the_drivers_classes(self):
        for name in (*both.DRIVERS, "psycopg_async"):
            with self.subTest(name):
                expected = self.real(name, classes)
                self.assertEqual(self.ours_of(name, classes), expected)
        self.both("psycopg2", dict_cursor)

    def test_psycopg2_writes_with_limbecks_connection(self):
        self.both("psycopg2", written)

    def test_adapters_that_a_project_registers_with_psycopg2(self):
        self.both("psycopg2", adapted)

    def test_refuses_an_adapter_that_needs_psycopg2s_own_connection(self):
        class Nested:
            def __init__(self, value):
                self._inner = psycopg2.extensions.Binary(b"a\\")

            def prepare(self, connection):
                self._inner.prepare(connection)

            def getquoted(self):
                return self._inner.getquoted()

        def act(connection):
            with self.assertRaisesRegex(psycopg2.NotSupportedError, "can't be used by the adapter `.*Nested`"):
                connection.connection.cursor().execute("SELECT %s", (Money(1),))

        psycopg2.extensions.register_adapter(Money, Nested)
        try:
            self.ours_of("psycopg2", act)
        finally:
            del psycopg2.extensions.adapters[Money, psycopg2.extensions.ISQLQuote]

    def test_typecasters_that_a_project_registers_with_psycopg2(self):
        self.both("psycopg2", typecast)

    def test_the_status_of_a_transaction_of_psycopg_has_a_name(self):
        self.both("psycopg", statuses)

    def test_rows_of_asyncpg_have_names(self):
        self.both("asyncpg", rows_by_name)
