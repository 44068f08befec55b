"""Tests of the description of an exception for the host."""
import contextlib
import io
import os
import sys
import tempfile
import types
import unittest

from limbeck_worker import failure
from limbeck_worker.dbapi import errors


class Failures(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.versions = os.path.join(os.path.realpath(self.folder.name), "versions")

    def raised(self, text, name="a_revision.py", folder=None):
        """Run the text of a file; return its path and the description of the exception it raises."""
        path = os.path.join(self.versions if folder is None else folder, name)
        try:
            exec(compile(text, path, "exec"), {})
        except BaseException as error:
            return path, failure.describe(error, {"script_folders": [self.versions]})
        raise AssertionError("nothing was raised")

    def test_describes_an_exception_of_a_script(self):
        path, described = self.raised("def upgrade():\n    raise ValueError('no \\udcff')\nupgrade()\n")
        self.assertEqual((described["outcome"], described["type"], described["message"]), ("exception", "ValueError", "no \udcff"))
        self.assertEqual(described["limbeck_error"], None)
        places = [(frame["line"], frame["function"]) for frame in described["frames"] if frame["kind"] == "script"]
        self.assertEqual(places, [(3, "<module>"), (2, "upgrade")])
        self.assertEqual(described["frames"][-1]["file"], path)
        self.assertIn("ValueError", described["traceback"])

    def test_classifies_frames_by_their_file(self):
        rows = [
            ("env.py", "/project", "script"),
            ("models.py", "/project", "project"),
            ("a.py", "/x/site-packages/lib", "library"),
            ("b.py", os.path.dirname(os.__file__), "library"),
        ]
        for name, folder, kind in rows:
            with self.subTest(name):
                _, described = self.raised("1 / 0", name, folder)
                self.assertEqual(described["frames"][-1]["kind"], kind)
        _, described = self.raised("1 / 0", "<limbeck_worker.x>", "")
        self.assertEqual(described["frames"][-1]["kind"], "library")

    def test_locates_an_exception_that_the_user_raised_from_another(self):
        _, described = self.raised(
            "def low():\n    raise KeyError('low')\n"
            "try:\n    low()\nexcept KeyError as error:\n    raise RuntimeError('high') from error\n"
        )
        self.assertEqual((described["type"], described["message"]), ("RuntimeError", "high\nfrom KeyError: 'low'"))
        script = [frame["line"] for frame in described["frames"] if frame["kind"] == "script"]
        self.assertEqual(script, [6])

    def test_locates_the_root_of_an_exception_that_a_library_raised(self):
        _, described = self.raised(
            "library = 'class Connection:\\n def __enter__(self): pass\\n def __exit__(self, *error): [][0]'\n"
            "exec(compile(library, '/x/site-packages/lib.py', 'exec'))\n"
            "with Connection():\n    1 / 0\n"
        )
        self.assertNotIn("\n", described["message"])
        script = [frame["line"] for frame in described["frames"] if frame["kind"] == "script"]
        self.assertEqual(script, [4])

    def test_ignores_a_suppressed_context(self):
        _, described = self.raised("try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise RuntimeError('x') from None\n")
        self.assertEqual([frame["line"] for frame in described["frames"] if frame["kind"] == "script"], [4])

    def test_accepts_a_cycle_of_causes(self):
        one, two = ValueError("one"), ValueError("two")
        one.__cause__, two.__cause__ = two, one
        self.assertEqual(failure.describe(one, {})["message"], "one")

    def test_finds_the_hosts_error_in_the_chain(self):
        original = errors.from_host_error({"id": 12, "kind": "server", "code": "42P01", "message": "no"}, "postgresql")
        wrapped = RuntimeError("no\n[SQL: SELECT 1]")
        wrapped.orig = original
        wrapped.__cause__ = original
        described = failure.describe(wrapped, {})
        self.assertEqual((described["limbeck_error"], described["message"]), (12, "no\n"))

    def test_names_the_users_exception_whose_handling_failed(self):
        text = (
            "from limbeck_worker.dbapi import errors\n"
            "def roll_back():\n    error = errors.OperationalError('lost')\n    error.limbeck_error = 3\n    raise error\n"
        )
        library = {}
        exec(compile(text, "/x/site-packages/lib.py", "exec"), library)
        path = os.path.join(self.versions, "a.py")
        script = "try:\n    raise RuntimeError('own')\nfinally:\n    roll_back()\n"
        try:
            exec(compile(script, path, "exec"), library)
        except errors.OperationalError as error:
            described = failure.describe(error, {"script_folders": [self.versions]})
        self.assertEqual((described["message"], described["limbeck_error"]), ("lost", 3))
        self.assertEqual(described["handled"], "RuntimeError: own")
        _, described = self.raised("raise ValueError('alone')")
        self.assertIsNone(described["handled"])

    def test_locates_a_syntax_error(self):
        path, described = self.raised("def upgrade(:\n    pass\n")
        self.assertEqual((described["syntax"]["file"], described["syntax"]["line"]), (path, 1))
        self.assertTrue(described["syntax"]["message"])

    def test_names_a_missing_module(self):
        _, described = self.raised("import not_there_at_all.x")
        self.assertEqual((described["type"], described["module"]), ("ModuleNotFoundError", "not_there_at_all"))

    def test_accepts_an_exception_whose_text_raises(self):
        _, described = self.raised("class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise Odd\n")
        self.assertEqual((described["type"].split(".")[-1], described["message"]), ("Odd", ""))

    def test_qualifies_the_names_of_types(self):
        self.assertEqual(failure.describe(errors.DataError("x"), {})["type"], "limbeck_worker.dbapi.errors.DataError")

    def test_describes_an_exit(self):
        for code, status, printed in (
            (None, 0, ""), (0, 0, ""), (3, 3, ""), (True, 1, ""), (256, 0, ""), (-1, 255, ""), ("why", 1, "why\n"), ((1,), 1, "(1,)\n"),
        ):
            with self.subTest(code=code):
                text = io.StringIO()
                with contextlib.redirect_stderr(text):
                    described = failure.describe_exit(SystemExit(code))
                self.assertEqual((described, text.getvalue()), ({"outcome": "exit", "status": status}, printed))


class Outcomes(unittest.TestCase):
    """Tests of the outcome that `main` reports."""

    def outcome(self, run, raiseerr=False):
        from limbeck_worker import commands, main

        original = commands.run
        commands.run = run
        try:
            return main._run(None, {"options": {"raiseerr": raiseerr}, "script_folders": []}, [])
        finally:
            commands.run = original

    def test_reports_each_outcome(self):
        from alembic.util import CommandError

        def raises(error):
            def run(channel, start):
                raise error

            return run

        self.assertEqual(self.outcome(lambda channel, start: None), {"outcome": "done"})
        self.assertEqual(self.outcome(raises(SystemExit(4))), {"outcome": "exit", "status": 4})
        self.assertEqual(self.outcome(raises(CommandError("no"))), {"outcome": "command_error", "message": "no"})
        self.assertEqual(self.outcome(raises(CommandError("no")), raiseerr=True)["outcome"], "exception")
        self.assertEqual(self.outcome(raises(ValueError("no")))["type"], "ValueError")
        self.assertEqual(self.outcome(raises(GeneratorExit()))["type"], "GeneratorExit")
        with self.assertRaises(KeyboardInterrupt):
            self.outcome(raises(KeyboardInterrupt()))

    def test_reports_a_missing_alembic(self):
        from limbeck_worker import main

        modules = {name: sys.modules[name] for name in ("alembic", "sqlalchemy")}
        self.addCleanup(sys.modules.update, modules)
        sys.modules["alembic"] = None
        described = main._run(None, types.MappingProxyType({"options": {}}), [])
        self.assertEqual((described["outcome"], described["module"]), ("missing", "alembic"))
