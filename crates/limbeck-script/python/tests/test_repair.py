"""Tests of the functions that `limbeck fix` writes into an `env.py`."""
import unittest
from unittest import mock

from repair.ensure_async_database_url import ensure_async_database_url
from repair.ensure_sync_database_url import ensure_sync_database_url
from sqlalchemy.engine import URL, make_url

NOTHING = ()


def installed(*modules):
    """Pretend that only these drivers are installed, and `sqlite3`."""
    return mock.patch("importlib.util.find_spec", lambda name: name in (*modules, "sqlite3") or None)


class Sync(unittest.TestCase):
    def check(self, given, expected, drivers=("psycopg2", "psycopg", "pymysql", "MySQLdb")):
        with installed(*drivers):
            found = ensure_sync_database_url(given)
            self.assertEqual(found, expected)
            self.assertEqual(ensure_sync_database_url(found), expected, "it is not idempotent")

    def test_chooses_an_installed_driver(self):
        self.check("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg2://u:p@h/d")
        self.check("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg://u:p@h/d", ("psycopg",))
        self.check("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg2://u:p@h/d", NOTHING)
        self.check("postgresql+psycopg_async://h/d", "postgresql+psycopg://h/d")
        self.check("postgresql+pg8000://h/d", "postgresql+pg8000://h/d")
        self.check("postgres://h/d", "postgresql+psycopg2://h/d", ("psycopg2",))
        self.check("postgres://h/d", "postgresql+psycopg://h/d", ("psycopg",))
        self.check("mysql+aiomysql://u:p@h/d", "mysql+pymysql://u:p@h/d")
        self.check("mariadb+asyncmy://u:p@h/d", "mariadb+mysqldb://u:p@h/d", ("MySQLdb",))
        self.check("mysql://u:p@h/d", "mysql+pymysql://u:p@h/d", ("pymysql",))
        self.check("mysql://u:p@h/d", "mysql+mysqldb://u:p@h/d")
        self.check("sqlite+aiosqlite:///a%20b.db?timeout=3", "sqlite+pysqlite:///a%20b.db?timeout=3")
        self.check("sqlite:///:memory:", "sqlite:///:memory:")
        self.check("oracle+oracledb://h/d?x=1", "oracle+oracledb://h/d?x=1")

    def test_keeps_the_text_before_the_query(self):
        for place in ["u:p%40s%2541%3Fs@[::1]:5433/d%20b", "u:p?a/ss@h/d", "u:p+w%%@h", "/d", "u%40x:@h/"]:
            self.check("postgresql+asyncpg://" + place, "postgresql+psycopg2://" + place)
            whole = "postgresql+asyncpg://" + place + "?ssl=require"
            self.check(whole, "postgresql+psycopg2://" + place + "?sslmode=require")

    def test_converts_the_parameters(self):
        def check(given, expected):
            self.check("postgresql+asyncpg://h/d?" + given, "postgresql+psycopg2://h/d" + expected)
            self.check("postgresql+psycopg2://h/d?" + given, "postgresql+psycopg2://h/d" + expected)

        for level in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]:
            check("ssl=" + level, "?sslmode=" + level)
        check("ssl=verify_full", "?sslmode=verify-full")
        check("ssl=True", "?sslmode=require")
        check("ssl=require&sslmode=require", "?sslmode=require")
        check("prepared_statement_cache_size=0&ssl=require&statement_cache_size=0", "?sslmode=require")
        check("command_timeout=60", "")
        check("host=a%3A1&host=b%3A2&target_session_attrs=primary", "?host=a%3A1&host=b%3A2&target_session_attrs=primary")
        check("ssl=require&options=-c%20a%3Db%26c", "?sslmode=require&options=-c%20a%3Db%26c")
        # libpq rejects unknown parameters by name.
        check("no_such=1&ssl=require", "?no_such=1&sslmode=require")

    def test_rejects_urls_that_can_not_be_converted(self):
        for query, message in [("ssl=requird", "`ssl` of"), ("ssl=require&sslmode=disable", "two different"), ("ssl=a&ssl=b", "`ssl` of")]:
            with self.assertRaisesRegex(ValueError, message) as raised:
                ensure_sync_database_url("postgresql+asyncpg://u:geheim@h/d?" + query)
            self.assertNotIn("geheim", str(raised.exception))
        with self.assertRaisesRegex(ValueError, "hide_password=False"):
            ensure_sync_database_url(repr(make_url("postgresql+asyncpg://u:geheim@h/d")))
        with installed("MySQLdb"), self.assertRaisesRegex(ValueError, "PyMySQL"):
            ensure_sync_database_url("mysql+asyncmy://h/d?ssl_ca=/x")
        with installed("MySQLdb"), self.assertRaisesRegex(ValueError, "PyMySQL"):
            ensure_sync_database_url("mysql+asyncmy://u:%C3%A9@h/d")

    def test_accepts_other_types_than_text(self):
        self.assertIsNone(ensure_sync_database_url(None))
        self.assertEqual(ensure_sync_database_url("no url"), "no url")

        class Dsn:
            def __str__(self):
                return "postgresql+asyncpg://u:p@h/d"

        self.check(Dsn(), "postgresql+psycopg2://u:p@h/d")
        given = URL.create("postgresql+asyncpg", "u", "p@%41?", "h", 1, "d", {"ssl": "require", "host": ("a", "b")})
        with installed("psycopg2"):
            found = ensure_sync_database_url(given)
        self.assertEqual((found.drivername, found.password), ("postgresql+psycopg2", "p@%41?"))
        self.assertEqual(dict(found.query), {"sslmode": "require", "host": ("a", "b")})


class Async(unittest.TestCase):
    def check(self, given, expected, drivers=("asyncpg", "psycopg", "aiomysql", "asyncmy", "aiosqlite")):
        with installed(*drivers):
            found = ensure_async_database_url(given)
            self.assertEqual(found, expected)
            self.assertEqual(ensure_async_database_url(found), expected, "it is not idempotent")

    def test_chooses_an_installed_driver(self):
        for scheme in ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+pg8000", "postgresql+asyncpg"]:
            self.check(scheme + "://u:p%40@h/d", "postgresql+asyncpg://u:p%40@h/d")
        self.check("postgresql://h/d?sslmode=require", "postgresql+psycopg://h/d?sslmode=require", ("psycopg",))
        self.check("postgresql+psycopg://h/d?sslmode=require", "postgresql+psycopg://h/d?sslmode=require")
        self.check("mysql+pymysql://h/d", "mysql+aiomysql://h/d")
        self.check("mysql+pymysql://h/d?ssl_ca=/x", "mysql+asyncmy://h/d?ssl_ca=/x")
        self.check("sqlite:///a.db", "sqlite+aiosqlite:///a.db")

    def test_converts_the_parameters(self):
        def check(given, expected):
            self.check("postgresql+asyncpg://u:p%40@h/d?" + given, "postgresql+asyncpg://u:p%40@h/d" + expected)

        check("ssl=verify-full&prepared_statement_cache_size=0", "?ssl=verify-full&prepared_statement_cache_size=0")
        check("sslmode=verify-full", "?ssl=verify-full")
        check("ssl=true", "?ssl=require")
        check("sslmode=require&channel_binding=require&connect_timeout=10", "?ssl=require")
        check("gssencmode=disable", "")
        check("gssencmode=require", "?gssencmode=require")
        dsn = make_url(
            ensure_async_database_url("postgresql://h/d?sslmode=verify-full&sslrootcert=/a b/ca.pem&application_name=x")
        ).query
        self.assertEqual(dsn["ssl"], "verify-full")
        self.assertEqual(dsn["dsn"], "postgresql://?sslrootcert=%2Fa%20b%2Fca.pem&application_name=x")

    def test_rejects_urls_that_can_not_be_converted(self):
        with self.assertRaisesRegex(ValueError, "hide_password=False"):
            ensure_async_database_url("postgresql://u:***@h/d")
        for query, message in [("sslrootcert=system", "system"), ("ssl=require&sslmode=disable", "two different")]:
            with self.assertRaisesRegex(ValueError, message) as raised:
                ensure_async_database_url("postgresql+asyncpg://u:geheim@h/d?" + query)
            self.assertNotIn("geheim", str(raised.exception))

    def test_accepts_other_types_than_text(self):
        self.assertIsNone(ensure_async_database_url(None))
        with installed("asyncpg"):
            found = ensure_async_database_url(make_url("postgresql://u:p%40@h/d?sslmode=require"))
        self.assertEqual(found.render_as_string(hide_password=False), "postgresql+asyncpg://u:p%40@h/d?ssl=require")
