"""Tests of `limbeck.command` and `limbeck.aio` with the wheel's program: results, failures, `Config`, and an event loop."""

import asyncio
import inspect
import io
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import alembic.command
import limbeck
from alembic.config import Config
from limbeck import aio, command
from limbeck.results import Revision, Step, UpgradeResult

SECRET = "hunter2"
SCRIPT = '''"""%(doc)s"""
import time
from alembic import op
revision = "%(id)s"
down_revision = %(down)r
def upgrade():
    %(first)s
    op.execute("create table %(table)s (id integer)")
def downgrade():
    op.execute("drop table %(table)s")
'''


class InProject(unittest.TestCase):
    """Base of tests in a new project, with two revisions and an asynchronous URL in a synchronous `env.py`."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # The path without symbolic links, which the reports contain.
        self.folder = Path(folder.name).resolve()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        command.init(None, "migrations")
        self.edit("alembic.ini", "driver://user:pass@localhost/dbname", "sqlite+aiosqlite:///main.db")
        self.first = self.script("aaaaaaaaaaaa", None, "one")
        self.second = self.script("bbbbbbbbbbbb", "aaaaaaaaaaaa", "two")

    def edit(self, name, before, after):
        text = Path(name).read_text()
        self.assertIn(before, text)
        Path(name).write_text(text.replace(before, after))

    def script(self, identifier, down, table, first="pass"):
        path = self.folder / "migrations" / "versions" / (identifier + ".py")
        values = {"id": identifier, "down": down, "table": table, "doc": "make " + table, "first": first}
        path.write_text(SCRIPT % values)
        return str(path)

    def tables(self, name="main.db"):
        if not Path(name).exists():
            return None
        connection = sqlite3.connect(name)
        try:
            return sorted(row[0] for row in connection.execute("select name from sqlite_master where type = 'table'"))
        finally:
            connection.close()


class Commands(InProject):
    def test_upgrades_and_downgrades(self):
        up = command.upgrade(None, "head")
        self.assertIsInstance(up, UpgradeResult)
        self.assertEqual((up.heads_before, up.heads_after), ((), ("bbbbbbbbbbbb",)))
        self.assertEqual(
            up.steps,
            (Step("aaaaaaaaaaaa", "upgrade", self.first), Step("bbbbbbbbbbbb", "upgrade", self.second)),
        )
        self.assertIn("Running upgrade aaaaaaaaaaaa -> bbbbbbbbbbbb, make two", up.log)
        self.assertEqual(self.tables(), ["alembic_version", "one", "two"])
        again = command.upgrade(None, "head")
        self.assertEqual((again.heads_before, again.heads_after, again.steps), (("bbbbbbbbbbbb",),) * 2 + ((),))
        current = command.current("alembic.ini", check_heads=True)
        self.assertEqual((current.heads, current.output), (("bbbbbbbbbbbb",), "bbbbbbbbbbbb (head)\n"))
        self.assertEqual([each.doc for each in current.revisions], ["make two"])
        down = command.downgrade(Path("alembic.ini"), "-1")
        self.assertEqual(down.heads_after, ("aaaaaaaaaaaa",))
        self.assertEqual(down.steps, (Step("bbbbbbbbbbbb", "downgrade", self.second),))
        self.assertEqual(self.tables(), ["alembic_version", "one"])

    def test_lists_revisions(self):
        two = Revision("bbbbbbbbbbbb", ("aaaaaaaaaaaa",), (), (), True, "make two", self.second)
        one = Revision("aaaaaaaaaaaa", (), (), (), False, "make one", self.first)
        self.assertEqual(command.history(None).revisions, (two, one))
        self.assertEqual(command.history(None, rev_range=":aaaaaaaaaaaa").revisions, (one,))
        self.assertEqual(command.heads(None, verbose=True).revisions, (two,))
        self.assertEqual(command.show(None, "aaaa").revisions, (one,))
        self.assertEqual(command.branches(None).revisions, ())
        self.assertIn("generic", command.list_templates(None).output)
        self.assertIsNone(self.tables())

    def test_creates_revisions(self):
        (made,) = command.revision(None, message="-three", rev_id="c1", head="aaaa", splice=True).revisions
        self.assertEqual((made.revision, made.down_revisions, made.doc), ("c1", ("aaaaaaaaaaaa",), "-three"))
        self.assertTrue(Path(made.path).is_file())
        self.assertEqual({each.revision for each in command.heads(None).revisions}, {"c1", "bbbbbbbbbbbb"})
        (branch,) = command.branches(None).revisions
        self.assertEqual(branch.revision, "aaaaaaaaaaaa")
        (merged,) = command.merge(None, "heads", message="join", branch_label="main").revisions
        self.assertEqual(set(merged.down_revisions), {"c1", "bbbbbbbbbbbb"})
        self.assertEqual(merged.branch_labels, ("main",))
        with self.assertRaisesRegex(ValueError, "process_revision_directives"):
            command.revision(None, process_revision_directives=print)

    def test_writes_the_version_table(self):
        self.assertEqual(command.ensure_version(None).heads_after, ())
        stamped = command.stamp(None, ["aaaaaaaaaaaa"], purge=True)
        self.assertEqual(stamped.heads_after, ("aaaaaaaaaaaa",))
        self.assertEqual(self.tables(), ["alembic_version"])

    def test_returns_sql_in_offline_mode(self):
        written = command.upgrade(None, "head", sql=True)
        self.assertIn("create table two", written.output)
        self.assertEqual((written.heads_before, written.heads_after), (None, None))
        self.assertIsNone(self.tables())

    def test_raises_command_errors(self):
        with self.assertRaises(limbeck.CommandError) as caught:
            command.upgrade(None, "nothing")
        error = caught.exception
        self.assertEqual((error.command, error.exit_status, error.kind), ("upgrade", 255, "refused"))
        self.assertEqual(str(error), "Can't locate revision identified by 'nothing'")
        self.script("cccccccccccc", "bbbbbbbbbbbb", "one")
        with self.assertRaises(limbeck.CommandError) as caught:
            command.upgrade(None, "head")
        error = caught.exception
        self.assertEqual((error.exit_status, error.kind, error.revision), (1, "failed", "cccccccccccc"))
        self.assertIn("already exists", str(error))
        self.assertIn("cccccccccccc.py", error.stderr)
        self.assertEqual((error.heads_before, error.heads_after), ((), ("bbbbbbbbbbbb",)))
        with self.assertRaises(limbeck.CommandError) as caught:
            command.check(None)
        self.assertEqual(caught.exception.kind, "refused")

    def test_logs_log_lines(self):
        with self.assertLogs("limbeck", logging.INFO) as logged:
            result = command.upgrade(None, "aaaa")
        self.assertEqual([record.getMessage() for record in logged.records], result.log.splitlines())

    def test_env_py_can_import_the_callers_modules(self):
        Path("elsewhere").mkdir()
        Path("elsewhere", "models_of_mine.py").write_text("")
        self.edit("migrations/env.py", "from alembic import context\n", "from alembic import context\nimport models_of_mine\n")
        with self.assertRaises(limbeck.CommandError):
            command.upgrade(None, "head")
        sys.path.append(str(Path("elsewhere").resolve()))
        self.addCleanup(sys.path.pop)
        self.assertEqual(len(command.upgrade(None, "head").steps), 2)

    def test_ctrl_c_ends_the_command(self):
        self.script("cccccccccccc", "bbbbbbbbbbbb", "three", first="open('started', 'w').close(); time.sleep(60)")
        code = "from limbeck import command; command.upgrade(None, 'head')"
        caller = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, start_new_session=True)
        while not Path("started").exists():
            time.sleep(0.02)
            self.assertIsNone(caller.poll())
        # Only to the caller. A terminal would signal the command, too.
        caller.send_signal(signal.SIGINT)
        _, stderr = caller.communicate(timeout=20)
        self.assertIn(b"KeyboardInterrupt", stderr)
        self.script("cccccccccccc", "bbbbbbbbbbbb", "three")
        self.assertEqual(command.upgrade(None, "head").heads_after, ("cccccccccccc",))


class Configs(InProject):
    def test_passes_values_of_the_config(self):
        config = Config("alembic.ini", stdout=io.StringIO())
        config.set_main_option("sqlalchemy.url", "sqlite+aiosqlite:///other.db")
        self.assertEqual(command.upgrade(config, "head").heads_after, ("bbbbbbbbbbbb",))
        self.assertEqual(command.current(config).heads, ("bbbbbbbbbbbb",))
        self.assertEqual(self.tables("other.db"), ["alembic_version", "one", "two"])
        self.assertIsNone(self.tables())
        self.assertEqual(config.stdout.getvalue(), "bbbbbbbbbbbb (head)\n")

    def test_runs_without_a_file(self):
        Path("pyproject.toml").write_text('[tool.alembic]\nversion_locations = ["nowhere"]\n')
        config = Config(stdout=io.StringIO())
        config.set_main_option("script_location", "migrations")
        config.set_main_option("sqlalchemy.url", "sqlite:///other.db")
        self.assertEqual(len(command.upgrade(config, "head").steps), 2)
        self.assertEqual(self.tables("other.db"), ["alembic_version", "one", "two"])

    def test_runs_from_another_folder(self):
        os.mkdir("elsewhere")
        os.chdir("elsewhere")
        config = Config("../alembic.ini", config_args={"name": "third"}, stdout=io.StringIO())
        config.set_main_option("sqlalchemy.url", "sqlite:///%(here)s/%(name)s.db")
        command.upgrade(config, "aaaa")
        self.assertEqual(self.tables("../third.db"), ["alembic_version", "one"])

    def test_passes_section_and_x_arguments(self):
        with open("alembic.ini", "a") as ini:
            ini.write("\n[other]\nscript_location = migrations\nsqlalchemy.url = sqlite:///\n")
        self.edit("migrations/env.py", "config = context.config\n", "config = context.config\nprint(context.get_x_argument(as_dictionary=True))\n")
        config = Config("alembic.ini", ini_section="other", stdout=io.StringIO())
        config.cmd_opts = alembic.config.CommandLine().parser.parse_args(["-x", "tenant=-a", "upgrade", "head"])
        result = command.upgrade(config, "head")
        self.assertIn("{'tenant': '-a'}", result.output)
        self.assertIsNone(self.tables())

    def test_writes_sql_to_the_output_buffer(self):
        config = Config("alembic.ini", stdout=io.StringIO(), output_buffer=io.StringIO())
        result = command.upgrade(config, "head", sql=True)
        self.assertEqual((config.output_buffer.getvalue(), config.stdout.getvalue()), (result.output, ""))
        self.assertIn("create table one", result.output)

    def test_rejects_values_for_this_process_only(self):
        config = Config("alembic.ini")
        config.attributes["connection"] = object()
        with self.assertRaisesRegex(ValueError, "`connection`"):
            command.upgrade(config, "head")
        config = Config("alembic.ini")
        config.remove_main_option("sqlalchemy.url")
        with self.assertRaisesRegex(ValueError, "`sqlalchemy.url` was removed"):
            command.upgrade(config, "head")

    def test_passwords_do_not_leak(self):
        """Passwords are not in arguments of a process, in errors, or in files that remain."""
        before = set(os.listdir(tempfile.gettempdir()))
        config = Config("alembic.ini")
        config.set_main_option("sqlalchemy.url", "postgresql+asyncpg://u:%s@127.0.0.1:1/d" % SECRET)
        seen = []
        start = subprocess.Popen

        def watched(line, *arguments, **options):
            seen.extend(line)
            return start(line, *arguments, **options)

        subprocess.Popen = watched
        try:
            with self.assertRaises(limbeck.CommandError) as caught, self.assertLogs("limbeck", logging.INFO) as logged:
                command.upgrade(config, "head")
        finally:
            subprocess.Popen = start
        self.assertEqual(caught.exception.kind, "connection")
        self.assertIn("upgrade", seen)
        output = [*seen, str(caught.exception), repr(caught.exception), caught.exception.stderr, *logged.output]
        self.assertEqual([text for text in output if SECRET in text], [])
        remaining = set(os.listdir(tempfile.gettempdir())) - before
        self.assertEqual([name for name in remaining if name.startswith("limbeck-") and name.endswith(".json")], [])


class InEventLoop(InProject):
    def test_runs_inside_an_event_loop(self):
        async def main():
            blocking = command.upgrade(None, "aaaa")
            one, two = await asyncio.gather(aio.upgrade(None, "head"), aio.history(None))
            return blocking, one, two, await aio.downgrade(None, "base")

        blocking, up, history, down = asyncio.run(main())
        self.assertEqual(blocking.heads_after, ("aaaaaaaaaaaa",))
        self.assertEqual((up.heads_before, up.heads_after), (("aaaaaaaaaaaa",), ("bbbbbbbbbbbb",)))
        self.assertEqual(len(history.revisions), 2)
        self.assertEqual(down.heads_after, ())

    def test_accepts_a_config_and_raises_errors(self):
        async def main():
            config = Config("alembic.ini", stdout=io.StringIO())
            config.set_main_option("sqlalchemy.url", "sqlite+aiosqlite:///other.db")
            await aio.upgrade(config, "head")
            with self.assertRaises(limbeck.CommandError) as caught:
                await aio.upgrade(config, "nothing")
            return caught.exception

        self.assertEqual(asyncio.run(main()).exit_status, 255)
        self.assertEqual(self.tables("other.db"), ["alembic_version", "one", "two"])

    def test_cancelling_ends_the_command(self):
        self.script("cccccccccccc", "bbbbbbbbbbbb", "three", first="open('started', 'w').close(); time.sleep(60)")

        async def main():
            task = asyncio.ensure_future(aio.upgrade(None, "head"))
            while not Path("started").exists():
                await asyncio.sleep(0.02)
                self.assertFalse(task.done(), task.done() and task.exception())
            started = time.monotonic()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            return time.monotonic() - started

        self.assertLess(asyncio.run(main()), 10)
        # The lock is free again.
        self.script("cccccccccccc", "bbbbbbbbbbbb", "three")
        self.assertEqual(command.upgrade(None, "head").heads_after, ("cccccccccccc",))
        self.assertEqual(self.tables(), ["alembic_version", "one", "three", "two"])


class Signatures(unittest.TestCase):
    def test_names_and_arguments_match_alembic(self):
        ours = set(command.__all__)
        theirs = {name for name, value in vars(alembic.command).items() if inspect.isfunction(value) and value.__module__ == "alembic.command"}
        self.assertEqual(theirs - ours, {"edit"})
        self.assertEqual(set(aio.__all__), ours)
        for name in ours:
            with self.subTest(name):
                expected = inspect.signature(getattr(alembic.command, name)).parameters
                for module in (command, aio):
                    actual = inspect.signature(getattr(module, name)).parameters
                    self.assertEqual(list(actual), list(expected))
                    defaults = [(parameter.name, parameter.default) for parameter in expected.values()]
                    self.assertEqual([(parameter.name, parameter.default) for parameter in actual.values()], defaults)

    def test_finds_the_wheels_program(self):
        from limbeck._run import program

        self.assertEqual(Path(program()).resolve().parent, Path(sys.executable).parent.resolve())


if __name__ == "__main__":
    unittest.main()
