"""Tests of Alembic's run in the worker: headers in place of modules, the host's plan, Alembic's own commands."""
import os
import subprocess
import sys
import tempfile
import types
import unittest
import warnings

from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from limbeck_worker import commands, migrations
from limbeck_worker.scripts import use_headers

REVISION = '"""%s\n\nRevises: %s\n"""\nrevision = %r\ndown_revision = %r\ndef upgrade(): pass\ndef downgrade(): pass\n'


class Channel:
    def __init__(self, *replies):
        self.replies = list(replies)
        self.requests = []

    def request(self, op, **fields):
        self.notify(op, **fields)
        return self.replies.pop(0) if self.replies else None

    def notify(self, op, **fields):
        self.requests.append((op, fields))


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.versions = os.path.join(folder.name, "versions")
        os.mkdir(self.versions)
        config = Config()
        config.set_main_option("script_location", folder.name)
        self.directory = ScriptDirectory.from_config(config)

    def write(self, revision, down_revision):
        path = os.path.join(self.versions, revision + ".py")
        with open(path, "w") as file:
            file.write(REVISION % ("about " + revision, down_revision, revision, down_revision))
        return path

    def use(self, *headers):
        use_headers(self.directory, headers)


class Headers(Case):
    def test_builds_the_map_without_the_modules(self):
        # None of the files exists.
        self.use(
            ["a", [], ["label"], [], "/not/there/a.py", []],
            ["b", ["a"], [], [], "/not/there/b.py", []],
            ["c", ["a"], [], ["b"], "/not/there/c.py", []],
            ["d", ["b", "c"], [], [], "/not/there/d.py", []],
        )
        self.assertEqual(self.directory.get_heads(), ["d"])
        self.assertEqual(self.directory.get_base(), "a")
        script = self.directory.get_revision("d")
        self.assertEqual(script.down_revision, ("b", "c"))
        self.assertEqual(self.directory.get_revision("b").down_revision, "a")
        self.assertIsNone(self.directory.get_revision("a").down_revision)
        self.assertEqual(self.directory.get_revision("c").dependencies, ("b",) if isinstance(
            self.directory.get_revision("c").dependencies, tuple) else "b")
        self.assertIn("label", self.directory.get_revision("a").branch_labels)
        self.assertEqual(script.path, "/not/there/d.py")

    def test_imports_a_module_on_first_use(self):
        path = self.write("a", None)
        self.use(["a", [], [], [], path, []], ["b", ["a"], [], [], "/not/there/b.py", []])
        script = self.directory.get_revision("a")
        self.assertEqual(script.doc, "about a")
        self.assertIs(script.module, script.module)
        self.assertEqual(script.module.revision, "a")
        with self.assertRaises(ImportError):
            self.directory.get_revision("b").module

    def test_imports_what_is_not_known_to_be_loaded(self):
        path = self.write("a", None)
        for imports, is_imported in (
            ([], False),
            (["os.path", "alembic:op"], False),
            (["xml.no_such_module"], True),
            (["os:no_such_name"], True),
            (None, True),
        ):
            self.use(["a", [], [], [], path, imports])
            script = self.directory.get_revision("a")
            self.assertEqual(script._module is not None, is_imported, imports)

    def test_alembic_reads_the_files_without_headers(self):
        self.write("a", None)
        use_headers(self.directory, None)
        self.assertEqual(self.directory.get_heads(), ["a"])


class ProjectsOfOneRun(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(setattr, ScriptDirectory, "from_config", ScriptDirectory.__dict__["from_config"])
        self.own = os.path.dirname(self.versions)
        commands._use_headers([["z", [], [], [], "/not/there/z.py", []]], [self.versions])

    def heads(self, folder):
        config = Config()
        config.set_main_option("script_location", folder)
        return ScriptDirectory.from_config(config).get_heads()

    def test_only_the_first_has_the_headers(self):
        with tempfile.TemporaryDirectory() as other:
            os.mkdir(os.path.join(other, "versions"))
            self.assertEqual(self.heads(self.own), ["z"])
            self.assertEqual(self.heads(other), [])
            self.assertEqual(self.heads(self.own), ["z"])

    def test_packages_of_version_locations_are_imported_as_late_as_in_alembic(self):
        self.assertEqual(self.heads(self.own), ["z"])
        config = Config()
        config.set_main_option("script_location", self.own)
        config.set_main_option("version_locations", "no_such_package:versions")
        directory = ScriptDirectory.from_config(config)
        with self.assertRaisesRegex(ImportError, "no_such_package"):
            directory.get_heads()

    def test_a_new_script_is_read(self):
        self.assertEqual(self.heads(self.own), ["z"])
        os.utime(self.versions, ns=(1, 1))
        self.write("a", None)
        self.assertEqual(self.heads(self.own), ["a"])


class Plans(Case):
    def context(self, url="postgresql://u:secret@h/d", as_sql=False):
        from sqlalchemy.engine import make_url

        engine = types.SimpleNamespace(url=make_url(url))
        fairy = types.SimpleNamespace(dbapi_connection=types.SimpleNamespace(limbeck_connection=3))
        connection = types.SimpleNamespace(engine=engine, connection=fairy)
        made = types.SimpleNamespace(
            connection=connection, as_sql=as_sql, ensured=0, version_table="v", version_table_schema="s"
        )

        def ensure():
            made.ensured += 1

        made._ensure_version_table = ensure
        return made

    def plan(self, reply, heads=("a",), **context):
        self.channel = Channel(reply)
        host = migrations.Host(self.channel, True)
        host.script_directory = self.directory
        self.made = self.context(**context)
        return host.plan(heads, self.made)

    def test_notifies_the_host_of_each_step(self):
        path = self.write("b", "a")
        self.use(["a", [], [], [], "/not/there/a.py", []], ["b", ["a"], [], [], path, []])
        steps = self.plan(
            {
                "steps": [
                    {"direction": "upgrade", "revision": "b"},
                    {"direction": "downgrade", "revision": "b"},
                    {"direction": "stamp", "from": ["a"], "to": ["b"], "is_upward": True, "branch_move": False},
                ],
                "warnings": [],
            },
        )
        first = next(steps)
        place = {"connection": 3, "table": "v", "schema": "s"}
        plan = {"heads": ["a"], "url": "postgresql://u:***@h/d", "at": place, "begun_at": None}
        self.assertEqual(self.channel.requests, [("plan", plan)])
        self.assertEqual(self.made.ensured, 0)
        # The host learns of a step before the function runs.
        del self.channel.requests[:]
        first.migration_fn()
        step = {"direction": "upgrade", "revision": "b", "path": path, "from": ["a"], "to": ["b"]}
        self.assertEqual(self.channel.requests, [("step", step)])
        # Asking for the next step ends this one.
        second = next(steps)
        self.assertEqual(self.channel.requests[1:], [("step_end", {})])
        del self.channel.requests[:]
        second.migration_fn()
        step = {"direction": "downgrade", "revision": "b", "path": path, "from": ["b"], "to": ["a"]}
        self.assertEqual(self.channel.requests, [("step", step)])
        third = next(steps)
        self.assertEqual([step.is_upgrade for step in (first, second, third)], [True, False, True])
        self.assertEqual((third.from_revisions, third.to_revisions), (("a",), ("b",)))
        del self.channel.requests[:]
        third.migration_fn()
        step = {"direction": "stamp", "revision": None, "path": None, "from": ["a"], "to": ["b"]}
        self.assertEqual(self.channel.requests, [("step", step)])
        self.assertEqual(list(steps), [])
        self.assertEqual(self.channel.requests[1:], [("step_end", {})])

    def test_raises_the_hosts_refusal(self):
        with self.assertRaisesRegex(CommandError, "Can't locate"):
            self.plan({"command_error": "Can't locate revision identified by 'x'"})

    def test_warns_and_creates_the_version_table(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.assertEqual(list(self.plan({"steps": [], "warnings": ["look out"], "ensure_version": True})), [])
        self.assertEqual([str(item.message) for item in caught], ["look out"])
        self.assertEqual(self.made.ensured, 1)

    def test_sends_heads_and_the_masked_url(self):
        for heads, expected in (((), []), ("a", ["a"]), (("a", "b"), ["a", "b"]), (None, [])):
            self.plan({"steps": []}, heads=heads)
            self.assertEqual(self.channel.requests[0][1]["heads"], expected)
        self.plan({"steps": []}, as_sql=True)
        self.assertIsNone(self.channel.requests[0][1]["url"])
        self.assertIsNone(self.channel.requests[0][1]["at"])


class Commands(unittest.TestCase):
    def test_rejects_options_that_this_alembic_lacks(self):
        from alembic import command

        seen = []
        command.limbeck_test = lambda config, message=None: seen.append(message)
        self.addCleanup(delattr, command, "limbeck_test")
        commands._call_alembic("limbeck_test", None, {"message": "x", "check_heads": False, "other": None})
        self.assertEqual(seen, ["x"])
        with self.assertRaisesRegex(CommandError, "no option --check-heads"):
            commands._call_alembic("limbeck_test", None, {"message": "x", "check_heads": True})
        with self.assertRaisesRegex(CommandError, "no command 'not_there'"):
            commands._call_alembic("not_there", None, {})

    def test_lists_identifiers(self):
        for value, expected in ((None, []), ("a", ["a"]), (("a", "b"), ["a", "b"]), ({"a"}, ["a"]), ([], [])):
            self.assertEqual(commands._as_list(value), expected)


ASYNCHRONOUS = """
import asyncio, sys
%s
from limbeck_worker import dialects
from tests.host import SqliteHost
dialects.register(SqliteHost())
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy import pool

async def main():
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=pool.StaticPool)
    async with engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE t (a)"))
        await connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        await connection.run_sync(lambda plain: plain.execute(sa.text("INSERT INTO t VALUES (2)")))
    async with engine.connect() as connection:
        print((await connection.execute(sa.text("SELECT a FROM t"))).scalars().all())
        print(await connection.scalar(sa.text("SELECT count(*) FROM t")))
        await connection.rollback()
        async with AsyncSession(engine) as session:
            print((await session.execute(sa.text("SELECT max(a) FROM t"))).scalar())
        await waits(connection)
    await engine.dispose()

async def waits(connection):
    pass
%s
asyncio.run(main())
"""
# Code that awaits something other than limbeck's connection.
OTHER_COROUTINE = """
async def waits(connection):
    from sqlalchemy.util import concurrency
    try:
        concurrency.await_only(asyncio.sleep(0.001))
    except RuntimeError as error:
        print("greenlet" in str(error))
"""


class Asynchronous(unittest.TestCase):
    """Tests in a separate interpreter, because they change SQLAlchemy."""

    def run_program(self, *parts):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", ASYNCHRONOUS % parts], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, timeout=120,
        )
        self.assertEqual(done.stderr.decode(), "")
        return done.stdout.decode().splitlines()

    def test_works_without_greenlet(self):
        found = self.run_program("sys.modules['greenlet'] = None", OTHER_COROUTINE)
        self.assertEqual(found, ["[1, 2]", "2", "2", "True"])

    def test_works_with_greenlet(self):
        try:
            import greenlet  # noqa: F401
        except ImportError:
            self.skipTest("greenlet is not installed")
        self.assertEqual(self.run_program("", ""), ["[1, 2]", "2", "2"])
