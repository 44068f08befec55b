"""Tests of the URL functions and the provider, with every supported Python and SQLAlchemy's own URL type."""

import os
import ssl
import subprocess
import tempfile
import unittest
import warnings
from pathlib import Path

import limbeck
from sqlalchemy.engine import make_url

SECRET = "hunter2"


class Urls(unittest.TestCase):
    def test_converts_to_synchronous_and_asynchronous_drivers(self):
        for given, sync, asynchronous in [
            (
                "postgresql+asyncpg://u:p%40w@h/d?ssl=require",
                "postgresql+psycopg2://u:p%40w@h/d?sslmode=require",
                "postgresql+asyncpg://u:p%40w@h/d?ssl=require",
            ),
            ("postgres://u@h/d", "postgresql+psycopg2://u@h/d", "postgresql+asyncpg://u@h/d"),
            ("mysql+aiomysql://u@h/d", "mysql+pymysql://u@h/d", "mysql+aiomysql://u@h/d"),
            ("sqlite+aiosqlite:///f.db", "sqlite:///f.db", "sqlite+aiosqlite:///f.db"),
        ]:
            with self.subTest(given):
                self.assertEqual(limbeck.ensure_sync_database_url(given), sync)
                self.assertEqual(limbeck.ensure_async_database_url(given), asynchronous)
                self.assertEqual(limbeck.convert(given, "sync").url, sync)
                self.assertEqual(limbeck.convert(given, "async").url, asynchronous)

    def test_converts_to_a_requested_driver(self):
        url = "postgresql+asyncpg://u@h/d"
        self.assertEqual(limbeck.ensure_sync_database_url(url, driver="psycopg"), "postgresql+psycopg://u@h/d")
        self.assertEqual(
            limbeck.ensure_sync_database_url(url, "postgresql+pg8000"), "postgresql+pg8000://u@h/d"
        )
        self.assertEqual(
            limbeck.ensure_async_database_url("postgresql://u@h/d", driver="psycopg"), "postgresql+psycopg://u@h/d"
        )
        for function, driver in [
            (limbeck.ensure_sync_database_url, "asyncpg"),
            (limbeck.ensure_async_database_url, "psycopg2"),
            (limbeck.ensure_sync_database_url, "pymysql"),
        ]:
            with self.assertRaises(limbeck.ConvertError) as caught:
                function(url, driver=driver)
            self.assertEqual(caught.exception.kind, "unsupported_scheme")

    def test_accepts_url_objects(self):
        class Settings:
            """Mimics pydantic's `SecretStr` with a URL."""

            def get_secret_value(self):
                return self

            def unicode_string(self):
                return url

        url = "postgresql+asyncpg://u:%s@h/d" % SECRET
        expected = "postgresql+psycopg2://u:%s@h/d" % SECRET
        self.assertEqual(limbeck.ensure_sync_database_url(make_url(url)), expected)
        del Settings.get_secret_value
        self.assertEqual(limbeck.ensure_sync_database_url(Settings()), expected)

        class Secret:
            def get_secret_value(self):
                return Settings()

        self.assertEqual(limbeck.ensure_sync_database_url(Secret()), expected)
        with self.assertRaisesRegex(TypeError, "not a `int`"):
            limbeck.ensure_sync_database_url(1)

    def test_returns_keyword_arguments_beside_the_url(self):
        with tempfile.TemporaryDirectory() as folder:
            authority, url = certificate(folder), "postgresql://u:%s@h/d?sslmode=verify-full" % SECRET
            converted = limbeck.convert("%s&sslrootcert=%s" % (url, authority), "postgresql+asyncpg")
            self.assertFalse(converted.is_complete)
            context = converted.connect_args["ssl"]
            self.assertIsInstance(context, ssl.SSLContext)
            self.assertTrue(context.check_hostname)
            self.assertEqual(context.verify_mode, ssl.CERT_REQUIRED)
            self.assertEqual(len(context.get_ca_certs()), 1)
            with self.assertRaises(limbeck.ConvertError) as caught:
                limbeck.ensure_async_database_url("%s&sslrootcert=%s" % (url, authority))
            self.assertEqual((caught.exception.kind, caught.exception.parameter), ("inexpressible_parameter", "ssl"))
            self.assertIn("connect_args", caught.exception.help)
            missing = limbeck.convert("%s&sslrootcert=%s/missing.crt" % (url, folder), "async")
            with self.assertRaisesRegex(FileNotFoundError, "missing.crt"):
                missing.connect_args

    def test_root_certificates_with_require_do_not_verify_the_host_name(self):
        with tempfile.TemporaryDirectory() as folder:
            url = "postgresql://u@h/d?sslmode=require&sslrootcert=%s" % certificate(folder)
            context = limbeck.convert(url, "async").connect_args["ssl"]
        self.assertFalse(context.check_hostname)
        self.assertEqual(context.verify_mode, ssl.CERT_REQUIRED)

    def test_warns_about_dropped_parameters(self):
        url = "postgresql://u:%s@h/d?channel_binding=require" % SECRET
        converted = limbeck.convert(url, "postgresql+asyncpg")
        (warning,) = converted.warnings
        self.assertEqual(warning.parameter, "channel_binding")
        self.assertIsInstance(warning, limbeck.ConversionWarning)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            limbeck.ensure_async_database_url(url)
        self.assertEqual([str(record.message) for record in caught], [warning.message])
        self.assertEqual(caught[0].filename, __file__)

    def test_doubles_percent_signs_for_an_ini_file(self):
        converted = limbeck.convert("postgresql+asyncpg://u:p%40w@h/d", "sync")
        self.assertEqual(converted.url_for_ini, "postgresql+psycopg2://u:p%%40w@h/d")

    def test_no_output_shows_a_password(self):
        url = "postgresql://u:%s@h/d?sslmode=verify-full&sslpassword=%s" % (SECRET, SECRET)
        converted = limbeck.convert(url, "sync")
        self.assertIn(SECRET, converted.url)
        self.assertNotIn(SECRET, str(converted) + repr(converted) + "%s" % (converted,))
        provider = limbeck.DatabaseConfigProvider(url, migration_url=url)
        self.assertNotIn(SECRET, repr(provider) + str(provider))
        for bad in [
            "postgresql://u:%s@b@h/d" % SECRET,
            "postgresql://u:%s@h/d?sslmode=%s" % (SECRET, SECRET),
            "postgresql://u:%s@h:99999/d" % SECRET,
            "nothing://u:%s@h" % SECRET,
            "postgresql://u:%s\udce9@h/d" % SECRET,
            SECRET,
        ]:
            with self.assertRaises(limbeck.ConvertError) as caught:
                limbeck.ensure_sync_database_url(bad)
            self.assertIsInstance(caught.exception, ValueError)
            shown = str(caught.exception) + repr(caught.exception) + repr(vars(caught.exception))
            self.assertNotIn(SECRET, shown)
            self.assertIsNone(caught.exception.__cause__)
            self.assertIsNone(caught.exception.__context__)


class Provider(unittest.TestCase):
    def test_derives_both_urls_from_one(self):
        provider = limbeck.DatabaseConfigProvider("postgres://u@h/d?sslmode=require")
        self.assertEqual(provider.get_sync_database_url(), "postgresql+psycopg2://u@h/d?sslmode=require")
        self.assertEqual(provider.get_async_database_url(), "postgresql+asyncpg://u@h/d?ssl=require")
        self.assertEqual(provider.sync_database_url(), provider.get_sync_database_url())
        self.assertEqual(provider.async_database_url(), provider.get_async_database_url())
        self.assertEqual(provider.sync_database_url(driver="psycopg"), "postgresql+psycopg://u@h/d?sslmode=require")
        self.assertEqual(provider.sync_conversion().url, provider.sync_database_url())
        self.assertEqual(provider.async_conversion("psycopg").url, provider.async_database_url("psycopg"))
        self.assertEqual(provider.migration_source.kind, "given")

    def test_reports_the_source_of_a_url(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "settings.env")
            file.write_text("X=1\nDATABASE_URL=postgresql://file/d\n")
            for environ, env_file, url, kind, source in [
                ({"DATABASE_URL": "postgresql://a/d"}, None, "a/d", "variable", "DATABASE_URL"),
                (
                    {"DATABASE_URL": "postgresql://a/d", "DIRECT_URL": "postgresql://b/d"},
                    file,
                    "b/d",
                    "variable",
                    "DIRECT_URL",
                ),
                ({}, str(file), "file/d", "dotenv", "DATABASE_URL (.env, line 2)"),
                ({"PGHOST": "h", "PGUSER": "u"}, folder, "u@h", "parts", "PGHOST, PGUSER"),
            ]:
                with self.subTest(source):
                    provider = limbeck.DatabaseConfigProvider.from_env(environ=environ, env_file=env_file)
                    self.assertEqual(provider.get_sync_database_url(), "postgresql+psycopg2://" + url)
                    self.assertEqual((provider.migration_source.kind, str(provider.migration_source)), (kind, source))
            with self.assertRaises(limbeck.ConvertError) as caught:
                limbeck.DatabaseConfigProvider.from_env(environ={}, env_file=Path(folder, "none"))
            self.assertEqual(caught.exception.kind, "missing_url")
            file.write_bytes(b"DATABASE_URL=\xff")
            with self.assertRaisesRegex(OSError, "could not read `.*settings.env`"):
                limbeck.DatabaseConfigProvider.from_env(environ={}, env_file=file)

    def test_reads_the_process_and_its_folder_by_default(self):
        previous = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                Path(".env").write_text("DIRECT_URL=postgresql://file/d\n")
                os.environ["DATABASE_URL"] = "postgresql://process/d"
                provider = limbeck.DatabaseConfigProvider.from_env()
            finally:
                os.chdir(previous)
                os.environ.pop("DATABASE_URL", None)
        self.assertEqual(provider.get_sync_database_url(), "postgresql+psycopg2://file/d")
        self.assertEqual(provider.get_async_database_url(), "postgresql+asyncpg://process/d")
        self.assertEqual((provider.application_source.kind, provider.migration_source.kind), ("variable", "dotenv"))

    def test_enforces_policies(self):
        production = limbeck.Policy.PRODUCTION
        self.assertEqual(production, limbeck.Policy(tls="verify-full", refuses_local=True))
        self.assertEqual((production.tls, production.refuses_local), ("verify-full", True))
        for url, parameter in [
            ("postgresql://u@h/d?sslmode=require", "sslmode"),
            ("postgresql://u@localhost/d?sslmode=verify-full", "host"),
        ]:
            for provider in [
                limbeck.DatabaseConfigProvider(url, policy=production),
                limbeck.DatabaseConfigProvider.from_env(
                    environ={"DATABASE_URL": url}, env_file=None, policy=production
                ),
            ]:
                with self.assertRaises(limbeck.ConvertError) as caught:
                    provider.get_sync_database_url("psycopg")
                self.assertEqual((caught.exception.kind, caught.exception.parameter), ("policy_violation", parameter))
        with self.assertRaisesRegex(ValueError, "`verify-full`"):
            limbeck.Policy(tls="verify_full")


def certificate(folder):
    """Creates a self-signed certificate and returns its path."""
    file = os.path.join(folder, "ca.crt")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=test -days 2".split()
    command += ["-keyout", os.path.join(folder, "ca.key"), "-out", file]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return file


if __name__ == "__main__":
    unittest.main()
