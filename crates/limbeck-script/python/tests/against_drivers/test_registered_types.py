"""Comparisons of the types that a project registers on its connections: asyncpg's codecs, and psycopg's adapters."""
import datetime
import decimal
import enum
import json

import sqlalchemy as sa

from . import both, servers, test_postgresql

try:
    import asyncpg  # noqa: F401
    import psycopg
    import psycopg.adapt
    import psycopg.types.composite
    import psycopg.types.enum
    import psycopg.types.hstore
    import psycopg.types.json
    import psycopg2.extensions
    import psycopg2.extras
except ImportError as error:
    raise servers.without_drivers(error)


def setUpModule():
    test_postgresql.setUpModule()
    with psycopg.connect(test_postgresql.parameters(), autocommit=True) as connection:
        for text in (
            "CREATE EXTENSION hstore", "CREATE TYPE mood AS ENUM ('sad', 'happy')", "CREATE TYPE pair AS (a int, b text)",
            "CREATE DOMAIN positive AS int CHECK (value > 0)",
            "CREATE TABLE kept (n int, h hstore, j json, k jsonb, m mood, p pair, i interval, t text)",
        ):
            connection.execute(text)


class Mood(enum.Enum):
    SAD = "sad"
    HAPPY = "happy"


# psycopg maps the labels to the names.
NamedMood = enum.Enum("NamedMood", "sad happy")


def outcome(call):
    """Return the result of `call`, or the exception's class and the first line of its text."""
    try:
        return call()
    except Exception as error:
        error = getattr(error, "orig", error)
        # SQLAlchemy's adapter has no subclass for asyncpg's DataError (see docs/differences.md).
        kind = type(error).__name__
        return "Error" if kind == "DataError" else kind, str(error).partition("\n")[0].replace("<class 'asyncpg.exceptions.DataError'>: ", "")


def raw(connection, function):
    """Run a coroutine function with asyncpg's connection."""
    return connection.connection.dbapi_connection.run_async(function)


def codec(*arguments, **given):
    """Return a coroutine function that sets a codec."""

    async def register(connection):
        await connection.set_type_codec(*arguments, **given)

    return register


class TestAsyncpg(both.Case):
    def test_text_and_tuple_codecs(self):
        def act(connection):
            def encode(delta):
                return (0, delta.days, delta.seconds * 1000000 + delta.microseconds)

            register = [
                codec("interval", schema="pg_catalog", encoder=encode, decoder=tuple, format="tuple"),
                codec("mood", encoder=lambda mood: mood.value, decoder=Mood),
                codec("numeric", schema="pg_catalog", encoder=str, decoder=float),
                codec("pair", encoder=lambda pair: (pair["a"], pair["b"]), decoder=lambda p: {"a": p[0], "b": p[1]}, format="tuple"),
            ]
            for function in register:
                raw(connection, function)
            seen = [connection.exec_driver_sql(
                "INSERT INTO kept (n, i, m, p) VALUES (1, $1, $2, $3) RETURNING i, m, p",
                (datetime.timedelta(days=3, hours=-1), Mood.HAPPY, {"a": 7, "b": "it's, \"x\""}),
            ).one()]
            seen.append(connection.exec_driver_sql("SELECT i::text, m::text, p::text FROM kept WHERE n = 1").one())
            seen.append(connection.exec_driver_sql("SELECT '1 mon 2 days 3s'::interval, 1.5::numeric, ARRAY['sad']::mood[]").one())
            seen.append(outcome(lambda: connection.exec_driver_sql("INSERT INTO kept (m) VALUES ($1)", ("happy",))))
            connection.rollback()
            raw(connection, codec("mood", encoder=lambda mood: mood.value, decoder=Mood))
            insert = "INSERT INTO kept (m) VALUES ($1)"
            seen.append(outcome(lambda: raw(connection, lambda own: own.execute(insert, "happy"))))
            seen.append(outcome(lambda: raw(connection, lambda own: own.executemany(insert, [(Mood.SAD,), ("happy",)]))))
            connection.rollback()
            return [tuple(row) for row in seen]

        self.both("asyncpg", act)

    def test_json_codecs_replace_those_of_sqlalchemy(self):
        def act(connection):
            raw(connection, codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=lambda text: ("own", json.loads(text))))
            seen = [connection.exec_driver_sql("INSERT INTO kept (k) VALUES ($1) RETURNING k", ({"a": [1]},)).scalar()]
            seen.append(connection.exec_driver_sql("SELECT '{\"a\": 1}'::jsonb, '{\"a\": 1}'::json").one())

            async def reset(own):
                await own.reset_type_codec("jsonb", schema="pg_catalog")

            raw(connection, reset)
            seen.append(connection.exec_driver_sql("SELECT '{\"a\": 1}'::jsonb").scalar())
            connection.rollback()
            return seen

        self.both("asyncpg", act)

    def test_built_in_codecs(self):
        def act(connection):
            async def register(own):
                await own.set_builtin_type_codec("hstore", codec_name="pg_contrib.hstore")
                await own.set_builtin_type_codec("mood", codec_name="text")

            raw(connection, register)
            seen = []
            for value in ({"a": "1", 'q"\\': None}, {}, [("x", "y")], {"a": 1}, {None: "a"}):
                savepoint = connection.begin_nested()
                seen.append(outcome(lambda: connection.exec_driver_sql("INSERT INTO kept (h) VALUES ($1) RETURNING h", (value,)).scalar()))
                savepoint.rollback()
            seen.append(connection.exec_driver_sql("SELECT 'sad'::mood").scalar())

            async def reset(own):
                await own.reset_type_codec("hstore")

            raw(connection, reset)
            seen.append(connection.exec_driver_sql("SELECT 'a=>1'::hstore").scalar())
            return seen

        found = self.both("asyncpg", act)
        self.assertEqual(found[0], {"a": "1", 'q"\\': None})

    def test_refused_codecs(self):
        def act(connection):
            seen = []
            plain = {"encoder": str, "decoder": str}
            for arguments, given in (
                (("nothing",), plain), (("positive",), plain), (("pair",), plain), (("_int4",), {**plain, "schema": "pg_catalog"}),
                (("int4range",), {**plain, "schema": "pg_catalog"}), (("text",), {**plain, "schema": "pg_catalog", "format": "tuple"}),
                (("mood",), {**plain, "format": "odd"}),
            ):
                seen.append(outcome(lambda: raw(connection, codec(*arguments, **given))))

            async def alias(own):
                await own.set_builtin_type_codec("pair", codec_name="text")

            seen.append(outcome(lambda: raw(connection, alias)))
            return [kind if kind is None else kind[0] for kind in seen]

        self.both("asyncpg", act)

    def test_statements_whose_types_the_server_does_not_infer(self):
        def act(connection):
            raw(connection, codec("mood", encoder=lambda mood: mood.value, decoder=Mood))
            seen = [connection.exec_driver_sql("INSERT INTO kept (n, m) VALUES (5, 'sad')").rowcount]
            # A text of several commands has no types. Only the outcome of the whole is compared with psycopg2's.
            connection.exec_driver_sql("UPDATE kept SET n = $1 WHERE n = 5; UPDATE kept SET t = $2 WHERE n = 6", (6, "x"))
            seen.append(tuple(connection.exec_driver_sql("SELECT n, m, t FROM kept WHERE n = 6").one()))
            connection.rollback()
            return seen

        self.assertEqual(self.ours_of("asyncpg", act), [1, (6, Mood.SAD, "x")])


class TestPsycopg(both.Case):
    def own(self, connection):
        return connection.connection.dbapi_connection

    def test_type_infos(self):
        def act(connection):
            own, seen = self.own(connection), []
            for kind, name in (
                (psycopg.types.TypeInfo, "hstore"), (psycopg.types.TypeInfo, "nothing"), (psycopg.types.TypeInfo, "pg_catalog.int4"),
                (psycopg.types.enum.EnumInfo, "mood"), (psycopg.types.composite.CompositeInfo, "pair"),
                (psycopg.types.TypeInfo, psycopg.sql.Identifier("public", "mood")),
            ):
                info = kind.fetch(own, name)
                seen.append(info and (info.name, info.oid, info.array_oid, info.regtype))
                seen.append(getattr(info, "labels", None))
                seen.append(getattr(info, "field_types", None))
            return seen

        self.both("psycopg", act)

    def test_registered_types(self):
        def act(connection):
            own = self.own(connection)
            psycopg.types.hstore.register_hstore(psycopg.types.TypeInfo.fetch(own, "hstore"), own)
            psycopg.types.enum.register_enum(psycopg.types.enum.EnumInfo.fetch(own, "mood"), own, NamedMood)
            pair = psycopg.types.composite.CompositeInfo.fetch(own, "pair")
            psycopg.types.composite.register_composite(pair, own)
            seen = [connection.exec_driver_sql(
                "INSERT INTO kept (h, m, p) VALUES (%s, %s, %s) RETURNING h, m, p, ARRAY[m], ARRAY[h]",
                ({"a": "1", "b": None}, NamedMood.happy, pair.python_type(3, "it's")),
            ).one()]
            seen.append(connection.exec_driver_sql("SELECT ARRAY[h], ARRAY[p] FROM kept WHERE m = ANY(%s)", ([NamedMood.happy],)).one())
            connection.rollback()
            return [[repr(value) for value in row] for row in seen]

        self.both("psycopg", act)

    def test_own_loaders_and_dumpers(self):
        class Upper(psycopg.adapt.Dumper):
            oid = 25

            def dump(self, obj):
                return obj.text.upper().encode()

        class Loud:
            def __init__(self, text):
                self.text = text

        def act(connection):
            own = self.own(connection)
            own.adapters.register_dumper(Loud, Upper)
            own.adapters.register_loader("numeric", psycopg.types.numeric.FloatLoader)
            psycopg.types.json.set_json_loads(lambda text: ("own", json.loads(text)), own)
            seen = [connection.exec_driver_sql("SELECT %s, 1.5, ARRAY[1.5], '{\"a\": 1}'::jsonb, %s", (Loud("it's\\"), 1)).one()]
            seen.append(connection.exec_driver_sql("SELECT %s", (decimal.Decimal("1.5"),)).scalar())
            return [repr(item) for item in seen]

        self.both("psycopg", act)

    def test_asynchronous_listener(self):
        async def register(own):
            info = await psycopg.types.enum.EnumInfo.fetch(own, "mood")
            psycopg.types.enum.register_enum(info, own, NamedMood)
            await own.set_autocommit(True)
            async with own.transaction():
                cursor = own.cursor()
                await cursor.execute("SELECT 'sad'::mood")
                row = await cursor.fetchone()
            return isinstance(own, psycopg.AsyncConnection), row, await (await own.execute("SELECT 'happy'::mood")).fetchone()

        found = self.ours_of("psycopg_async", lambda connection: self.own(connection).run_async(register))
        self.assertEqual(found, (True, (NamedMood.sad,), (NamedMood.happy,)))


class TestPsycopg2(both.Case):
    def own(self, connection):
        return connection.connection.dbapi_connection

    def tearDown(self):
        # `register_hstore` and `register_composite` register adapters for all connections.
        psycopg2.extensions.adapters.pop((dict, psycopg2.extensions.ISQLQuote), None)

    def test_typecasters_of_a_connection(self):
        def act(connection):
            own = self.own(connection)
            extensions = psycopg2.extensions
            number = extensions.new_type((1700,), "NUMBER", lambda text, cursor: text and ("number", float(text)))
            text = extensions.new_type((25,), "TEXT", lambda text, cursor: "nothing" if text is None else text + cursor.connection.encoding)
            for typecaster in (
                number, text, extensions.new_array_type((1231,), "NUMBERS", number),
                extensions.new_type((1082,), "DATE", psycopg2.STRING), extensions.new_type((20,), "BIG", psycopg2.extensions.FLOAT),
            ):
                extensions.register_type(typecaster, own)
            query = "SELECT 1.5, ARRAY[1.5, NULL], NULL::text, 'a'::text, DATE '2024-01-02', 7::bigint, 8::int, NULL::numeric"
            seen = [tuple(connection.exec_driver_sql(query).one())]
            cursor, other = own.cursor(), own.cursor()
            extensions.register_type(extensions.new_type((23,), "INT", lambda text, cursor: "int " + text), cursor)
            for each in (cursor, other):
                each.execute("SELECT 8, 1.5")
                seen.append(each.fetchall())
            seen.append(({20, 25, 1082, 1231, 1700} <= set(own.string_types), sorted(cursor.string_types)))
            return seen

        self.both("psycopg2", act)

    def test_hstore(self):
        def act(connection):
            own, seen = self.own(connection), []
            psycopg2.extras.register_hstore(own)
            for value in ({"a": "1", "it's \\": None}, {}):
                seen.append(tuple(connection.exec_driver_sql("INSERT INTO kept (h) VALUES (%s) RETURNING h, ARRAY[h]", (value,)).one()))
            seen.append(outcome(lambda: connection.exec_driver_sql("SELECT %s", ({"a": 1},)).scalar())[0])
            connection.rollback()
            psycopg2.extras.register_hstore(own, oid=1, array_oid=2)
            return seen

        found = self.both("psycopg2", act, use_native_hstore=False)
        self.assertEqual(found[0], ({"a": "1", "it's \\": None}, [{"a": "1", "it's \\": None}]))

    def test_composites_and_ranges(self):
        def act(connection):
            own = self.own(connection)
            psycopg2.extras.register_composite("pair", own)
            psycopg2.extras.register_default_json(own, loads=lambda text: ("own", json.loads(text)))
            row = connection.exec_driver_sql("SELECT ROW(1, 'it''s')::pair, ARRAY[ROW(2, NULL)::pair], '[1]'::json, '[int4range(1, 3)]'::text").one()
            return [repr(value) for value in row]

        self.both("psycopg2", act)

    def test_parameters_and_polling(self):
        def act(connection):
            own = self.own(connection)
            return own.poll(), [name in own.get_dsn_parameters() for name in ("password",)]

        self.both("psycopg2", act)
