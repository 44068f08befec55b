"""Tests of the roles of statements that the methods of the drivers' connections send."""
import unittest

import sqlalchemy as sa
from limbeck_worker import roles

from .test_dialects import Registered


def in_transaction(connection):
    with connection.transaction():
        connection.execute("SELECT 1")
        with connection.transaction():
            connection.execute("SELECT 2")


def in_asyncpgs_transaction(connection):
    async def run():
        async with connection.driver_connection.transaction():
            await connection.driver_connection.execute("SELECT 1")

    try:
        run().send(None)
    except StopIteration:
        pass


def in_two_phases(connection):
    connection.tpc_begin("x")
    connection.cursor().execute("SELECT 1")
    connection.tpc_prepare()
    connection.tpc_commit()


def with_a_script(connection):
    connection.execute("INSERT INTO t VALUES (1)")
    connection.executescript("SELECT 1; SELECT 2")
    connection.executemany("INSERT INTO t VALUES (?)", [])
    connection.rollback()


# A driver, code of a script that uses the driver's connection, and the statements.
RAW = [
    (
        "postgresql+psycopg2", lambda connection: (connection.cursor().execute("COMMIT"), connection.commit()),
        ["before BEGIN", "script COMMIT", "transaction COMMIT"],
    ),
    (
        "postgresql+psycopg2", lambda connection: (connection.reset(), connection.info.dbname, connection.get_backend_pid()),
        ["transaction RESET ALL", "transaction SET SESSION AUTHORIZATION DEFAULT", "environment SELECT current_database()",
         "environment SELECT pg_backend_pid()"],
    ),
    (
        "postgresql+psycopg2", in_two_phases,
        ["transaction BEGIN", "script SELECT 1", "transaction PREPARE TRANSACTION 'x'", "transaction COMMIT PREPARED 'x'"],
    ),
    (
        "postgresql+psycopg", in_transaction,
        ["transaction BEGIN", "script SELECT 1", 'transaction SAVEPOINT "_pg3_1"', "script SELECT 2",
         'transaction RELEASE "_pg3_1"', "transaction COMMIT"],
    ),
    ("postgresql+asyncpg", in_asyncpgs_transaction, ["transaction BEGIN", "script SELECT 1", "transaction COMMIT"]),
    ("postgresql+asyncpg", lambda connection: connection.ping(), ["environment SELECT 1"]),
    (
        "mysql+pymysql", lambda connection: (connection.begin(), connection.query("SELECT 1"), connection.commit()),
        ["transaction BEGIN", "script SELECT 1", "transaction COMMIT"],
    ),
    (
        "mysql+pymysql", lambda connection: (connection.autocommit(True), connection.ping(), connection.thread_id()),
        ["transaction SET AUTOCOMMIT = 1", "environment SELECT 1", "environment SELECT CONNECTION_ID()"],
    ),
    (
        "sqlite", with_a_script,
        ["before BEGIN", "script INSERT INTO t VALUES (1)", "transaction COMMIT", "script SELECT 1; SELECT 2",
         "transaction BEGIN", "transaction ROLLBACK"],
    ),
]


class RawConnections(Registered):
    def test_methods_of_the_drivers_connections(self):
        for url, act, expected in RAW:
            with self.subTest(url, expected=expected):
                url = sa.engine.make_url("sqlite://" if url == "sqlite" else url + "://h/d")
                dialect = self.make(url.drivername)
                _, arguments = dialect.create_connect_args(url)
                connection = dialect.connect(**arguments)
                del self.host.requests[:]
                self.host.known = {"pg_backend_pid": "1", "CONNECTION_ID": "1", "current_database": "d"}
                with roles.acting_as(roles.SCRIPT):
                    act(connection)
                found = []
                for _, fields in self.host.requests:
                    found += ["before " + text for text in fields["before"]] + [fields["role"] + " " + fields["sql"]]
                self.assertEqual(found, expected)


class Contexts(unittest.TestCase):
    def test_the_inner_role_counts_and_the_outer_one_returns(self):
        self.assertEqual(roles.current(), "environment")
        with roles.acting_as(roles.SCRIPT):
            with roles.acting_as(roles.VERSION):
                self.assertEqual(roles.current(), "version")
            self.assertEqual(roles.current(), "script")
            with self.assertRaises(KeyError), roles.acting_as(roles.TRANSACTION):
                raise KeyError
            self.assertEqual(roles.current(), "script")
        self.assertEqual(roles.current(), "environment")

    def test_a_decorated_function_keeps_its_name_and_result(self):
        @roles.with_role(roles.VERSION)
        def function(value, *, other):
            return value, other, roles.current()

        self.assertEqual(function(1, other=2), (1, 2, "version"))
        self.assertEqual(function.__name__, "function")
