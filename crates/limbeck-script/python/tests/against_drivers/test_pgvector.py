"""Comparisons of pgvector's `register_vector`, which projects call in a listener of `connect`.

pgvector's extension is not needed: a type with its name, whose input and output are those of a built-in type, has the same
text or binary form on both sides.
"""
import sqlalchemy as sa

from . import both, servers, test_postgresql
from .test_registered_types import outcome, raw

try:
    import pgvector
    import pgvector.asyncpg
    import pgvector.psycopg
    import psycopg
except ImportError as error:
    raise servers.without_drivers(error)


def setUpModule():
    test_postgresql.setUpModule()
    with psycopg.connect(test_postgresql.parameters(), autocommit=True) as connection:
        for text in (
            "CREATE SCHEMA binary_vector", "CREATE SCHEMA text_vector",
            # asyncpg's codec has the binary form, those of psycopg and psycopg2 the text form.
            *_base_type("binary_vector", "bytea"), *_base_type("text_vector", "text"),
        ):
            connection.execute(text)


def _base_type(schema, like):
    name = schema + ".vector"
    yield "CREATE TYPE " + name
    for suffix, arguments, result in (
        ("in", "cstring", name), ("out", name, "cstring"), ("recv", "internal", name), ("send", name, "bytea"),
    ):
        yield "CREATE FUNCTION %s.vector_%s(%s) RETURNS %s LANGUAGE internal IMMUTABLE STRICT AS '%s%s'" % (
            schema, suffix, arguments, result, like, suffix
        )
    yield "CREATE TYPE %s (INPUT = %s_in, OUTPUT = %s_out, RECEIVE = %s_recv, SEND = %s_send)" % ((name,) * 5)
    yield "CREATE TABLE %s.items (n serial, v %s, a %s[])" % (schema, name, name)


class TestRegisterVector(both.Case):
    def test_asyncpg(self):
        vector = pgvector.Vector

        def act(connection):
            connection.exec_driver_sql("SET search_path = binary_vector, public")
            connection.exec_driver_sql("TRUNCATE items RESTART IDENTITY")
            raw(connection, lambda own: pgvector.asyncpg.register_vector(own, schema="binary_vector"))
            insert = "INSERT INTO binary_vector.items (v, a) VALUES ($1, $2)"
            seen = []
            for values in (
                (vector([1, 2, 3.5]), None), ([4, 5], [vector([1]), None, vector([2, 3])]), (None, []), ("[1,2,3]", None),
                (vector([1]), "[1]"),
            ):
                savepoint = connection.begin_nested()
                seen.append(outcome(lambda: connection.exec_driver_sql(insert, values).rowcount))
                savepoint.rollback() if isinstance(seen[-1], tuple) else savepoint.commit()
            connection.exec_driver_sql(insert, [(vector([number]), None) for number in range(3)])
            connection.execute(sa.text("INSERT INTO items (v) VALUES (:v)"), {"v": vector([9])})
            raw(connection, lambda own: own.execute(insert, vector([8]), [vector([7])]))
            raw(connection, lambda own: own.executemany(insert, [(vector([6]), None)]))
            seen += [tuple(row) for row in connection.exec_driver_sql("SELECT v, a FROM items ORDER BY n")]
            seen.append([tuple(row) for row in raw(connection, lambda own: own.fetch("SELECT $1::vector", vector([9])))])
            seen.append(connection.exec_driver_sql("SELECT v::text FROM items ORDER BY n").scalars().all())
            return seen

        found = self.both("asyncpg", act)
        self.assertIn((vector([1, 2, 3.5]), None), found)
        self.assertIn((vector([4, 5]), [vector([1]), None, vector([2, 3])]), found)

    def test_psycopg(self):
        vector = pgvector.Vector

        def act(connection):
            connection.exec_driver_sql("SET search_path = text_vector, public")
            connection.exec_driver_sql("TRUNCATE items RESTART IDENTITY")
            pgvector.psycopg.register_vector(connection.connection.dbapi_connection)
            seen = []
            # psycopg would send the binary form, which the server's `textrecv` does not read.
            for values in ((vector([1, 2, 3.5]),), (None,)):
                seen.append(connection.exec_driver_sql("INSERT INTO items (v) VALUES (%s)", values).rowcount)
            return seen

        self.assertEqual(self.ours_of("psycopg", act), [1, 1])

        def read(connection):
            connection.exec_driver_sql("SET search_path = text_vector, public")
            pgvector.psycopg.register_vector(connection.connection.dbapi_connection)
            connection.exec_driver_sql("INSERT INTO items (v, a) VALUES ('[1,2]', ARRAY['[1]', '[2,3]']::vector[])")
            return [tuple(row) for row in connection.exec_driver_sql("SELECT v, a FROM items ORDER BY n")]

        self.assertIn((vector([1, 2]), [vector([1]), vector([2, 3])]), self.both("psycopg", read))

    def test_psycopg_without_the_type(self):
        def act(connection):
            connection.exec_driver_sql("SET search_path = public")
            return outcome(lambda: pgvector.psycopg.register_vector(connection.connection.dbapi_connection))

        self.both("psycopg", act)
