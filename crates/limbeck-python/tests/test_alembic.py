"""Tests of `limbeck.alembic` in stock `env.py` files, with real Alembic, psycopg2, asyncpg and a server that requires TLS."""

import os
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path

import limbeck
from alembic.config import Config
from limbeck._run import program
from limbeck.alembic import async_engine_from_config, engine_from_config, use_async_url, use_sync_url
from sqlalchemy import create_engine, pool, text

PORT, AUTHORITY = os.environ["TEST_PORT"], os.environ["TEST_AUTHORITY"]
SECRET = "secret"
PLACEHOLDER = "driver://user:pass@localhost/dbname"
SYNC_LINES = "from limbeck.alembic import use_sync_url\nuse_sync_url(config)\n"
ASYNC_LINES = "from limbeck.alembic import use_async_url\nuse_async_url(config)\n"
SCRIPT = '''"""one"""
import sqlalchemy as sa
from alembic import op
revision = "ae1027a6acf0"
down_revision = None
def upgrade():
    op.create_table("account", sa.Column("id", sa.Integer, primary_key=True))
def downgrade():
    op.drop_table("account")
'''


def url(scheme, database, query="?ssl=require"):
    return "%s://postgres:%s@127.0.0.1:%s/%s%s" % (scheme, SECRET, PORT, database, query)


class Project:
    """A project from one of Alembic's templates, with one revision."""

    def __init__(self, folder, template):
        self.folder = Path(folder)
        self.alembic(["init", "--template", template, "migrations"], check=True)
        Path(folder, "migrations", "versions", "one.py").write_text(SCRIPT)

    def set_url(self, given):
        ini = self.folder / "alembic.ini"
        ini.write_text(ini.read_text().replace("sqlalchemy.url = " + PLACEHOLDER, "sqlalchemy.url = " + given))

    def edit(self, before, after):
        file = self.folder / "migrations" / "env.py"
        text = file.read_text()
        assert before in text, before
        file.write_text(text.replace(before, after, 1))

    def alembic(self, arguments, check=False, **variables):
        return self.run([sys.executable, "-m", "alembic", *arguments], check, **variables)

    def run(self, command, check=False, **variables):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **variables}
        result = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout
        return result


def tables(database):
    engine = create_engine(url("postgresql+psycopg2", database, "?sslmode=require"), poolclass=pool.NullPool)
    with engine.connect() as connection:
        found = connection.execute(text("select tablename from pg_tables where schemaname = 'public' order by 1"))
        return [name for (name,) in found]


class InEnvPy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def assert_reaches_head_after(self, project, database, change, **variables):
        """Checks that Alembic fails before the change, and reaches head and base again after it."""
        failed = project.alembic(["upgrade", "head"], **variables)
        self.assertNotEqual(failed.returncode, 0, failed.stdout)
        self.assertEqual(tables(database), [])
        change()
        for target, command, expected in [
            ("head", "upgrade", ["account", "alembic_version"]),
            ("base", "downgrade", ["alembic_version"]),
        ]:
            result = project.alembic([command, target], **variables)
            self.assertEqual(result.returncode, 0, result.stdout)
            self.assertNotIn(SECRET, result.stdout)
            self.assertEqual(tables(database), expected)
        offline = project.alembic(["upgrade", "head", "--sql"], **variables)
        self.assertIn("CREATE TABLE account", offline.stdout)
        # limbeck itself runs the changed project, too.
        for command, target, expected in [
            ("upgrade", "head", ["account", "alembic_version"]),
            ("downgrade", "base", ["alembic_version"]),
        ]:
            result = project.run([program(), "--python", sys.executable, command, target], **variables)
            self.assertEqual(result.returncode, 0, result.stdout)
            self.assertEqual(tables(database), expected)
        engine = create_engine(url("postgresql+psycopg2", database, "?sslmode=require"), poolclass=pool.NullPool)
        with engine.begin() as connection:
            connection.execute(text("drop table alembic_version"))

    def test_converts_an_asynchronous_url_for_a_synchronous_env_py(self):
        project = Project(self.folder, "generic")
        project.set_url(url("postgresql+asyncpg", "sync"))

        def change():
            project.edit("config = context.config\n", "config = context.config\n" + SYNC_LINES)

        self.assert_reaches_head_after(project, "sync", change)

    def test_replaces_engine_from_config(self):
        project = Project(self.folder, "generic")
        project.set_url(url("postgresql+asyncpg", "sync"))

        def change():
            project.edit(
                "from sqlalchemy import engine_from_config", "from limbeck.alembic import engine_from_config"
            )

        self.assert_reaches_head_after(project, "sync", change)

    def test_uses_the_url_of_the_environment(self):
        project = Project(self.folder, "generic")

        def change():
            project.edit("config = context.config\n", "config = context.config\n" + SYNC_LINES)

        self.assert_reaches_head_after(project, "sync", change, DATABASE_URL=url("postgresql+asyncpg", "sync"))

    def test_converts_a_synchronous_url_for_an_asynchronous_env_py(self):
        project = Project(self.folder, "async")
        project.set_url(url("postgresql+psycopg2", "async", "?sslmode=require"))

        def change():
            project.edit("config = context.config\n", "config = context.config\n" + ASYNC_LINES)

        self.assert_reaches_head_after(project, "async", change)

    def test_passes_keyword_arguments(self):
        project = Project(self.folder, "async")
        verified = url("postgresql", "async", "?sslmode=verify-full&sslrootcert=" + AUTHORITY)
        project.set_url(verified)

        def change():
            project.edit(
                "from sqlalchemy.ext.asyncio import async_engine_from_config",
                "from limbeck.alembic import async_engine_from_config",
            )

        self.assert_reaches_head_after(project, "async", change)
        config = Config(str(Path(self.folder, "alembic.ini")))
        with self.assertRaises(limbeck.ConvertError) as caught:
            use_async_url(config)
        self.assertEqual((caught.exception.kind, caught.exception.parameter), ("inexpressible_parameter", "ssl"))
        self.assertIn("limbeck.alembic.async_engine_from_config", caught.exception.help)
        self.assertEqual(config.get_main_option("sqlalchemy.url"), verified)


class WithConfig(unittest.TestCase):
    def test_doubles_percent_signs(self):
        config = Config()
        config.set_main_option("sqlalchemy.url", "postgresql+asyncpg://u:p%%40w@h/d")
        converted = use_sync_url(config)
        self.assertEqual(config.get_main_option("sqlalchemy.url"), "postgresql+psycopg2://u:p%40w@h/d")
        self.assertEqual(converted.url, "postgresql+psycopg2://u:p%40w@h/d")
        self.assertEqual(use_sync_url(config, driver="psycopg").url, "postgresql+psycopg://u:p%40w@h/d")

    def test_rejects_a_single_percent_sign(self):
        with tempfile.TemporaryDirectory() as folder:
            ini = Path(folder, "alembic.ini")
            ini.write_text("[alembic]\nsqlalchemy.url = postgresql+asyncpg://u:hunter2%40w@h/d\n")
            with self.assertRaises(limbeck.ConvertError) as caught:
                use_sync_url(Config(str(ini)))
        self.assertEqual(caught.exception.kind, "invalid_url")
        self.assertNotIn("hunter2", str(caught.exception) + repr(caught.exception.__cause__))
        self.assertTrue(caught.exception.__suppress_context__)

    def test_uses_another_section(self):
        config = Config()
        config.set_section_option("engine1", "sqlalchemy.url", "postgresql+asyncpg://one/d")
        config.set_main_option("sqlalchemy.url", "postgresql+asyncpg://main/d")
        use_sync_url(config, "engine1")
        self.assertEqual(config.get_section_option("engine1", "sqlalchemy.url"), "postgresql+psycopg2://one/d")
        self.assertEqual(config.get_main_option("sqlalchemy.url"), "postgresql+asyncpg://main/d")

    def test_enforces_policies_and_warns(self):
        config = Config()
        config.set_main_option("sqlalchemy.url", "postgresql://h/d?channel_binding=require")
        with self.assertRaises(limbeck.ConvertError) as caught:
            use_sync_url(config, policy=limbeck.Policy.PRODUCTION)
        self.assertEqual(caught.exception.kind, "policy_violation")
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            use_async_url(config)
            async_engine_from_config({"sqlalchemy.url": "postgresql://h/d?channel_binding=require"})
        self.assertEqual([(type(record.message), record.filename) for record in warned], [(limbeck.ConversionWarning, __file__)] * 2)

    def test_creates_engines(self):
        configuration = {"sqlalchemy.url": "postgresql+asyncpg://u@h/d", "sqlalchemy.echo": "false", "other": "x"}
        engine = engine_from_config(configuration, poolclass=pool.NullPool)
        self.assertEqual((engine.url.drivername, engine.echo), ("postgresql+psycopg2", False))
        engine = async_engine_from_config({"db.url": PLACEHOLDER}, "db.", url="postgresql://u@h/d")
        self.assertEqual(engine.url.drivername, "postgresql+asyncpg")

    def test_rejects_conflicting_keyword_arguments(self):
        given = {"sqlalchemy.url": url("postgresql", "async", "?sslmode=verify-full&sslrootcert=" + AUTHORITY)}
        async_engine_from_config(given, connect_args={"timeout": 5})
        with self.assertRaises(limbeck.ConvertError) as caught:
            async_engine_from_config(given, connect_args={"ssl": False})
        self.assertEqual((caught.exception.kind, caught.exception.parameter), ("conflicting_parameters", "ssl"))


if __name__ == "__main__":
    unittest.main()
