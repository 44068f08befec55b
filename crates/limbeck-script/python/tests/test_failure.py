"""What the host is told of an exception."""
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
        """The exception of a file's text."""
        path = os.path.join(self.versions if folder is None else folder, name)
        try:
            exec(compile(text, path, "exec"), {})
        except BaseException as error:
            return path, failure.describe(error, {"script_folders": [self.versions]})
        raise AssertionError("nothing was raised")

    def test_an_exception_of_a_script(self):
        path, told = self.raised("def upgrade():\n    raise ValueError('no \\udcff')\nupgrade()\n")
        self.assertEqual((told["outcome"], told["type"], told["message"]), ("exception", "ValueError", "no \udcff"))
        self.assertEqual(told["limbeck_error"], None)
        places = [(frame["line"], frame["function"]) for frame in told["frames"] if frame["kind"] == "script"]
        self.assertEqual(places, [(3, "<module>"), (2, "upgrade")])
        self.assertEqual(told["frames"][-1]["file"], path)
        self.assertIn("ValueError", told["traceback"])

    def test_kinds_of_frames(self):
        rows = [
            ("env.py", "/project", "script"),
            ("models.py", "/project", "project"),
            ("a.py", "/x/site-packages/lib", "library"),
            ("b.py", os.path.dirname(os.__file__), "library"),
        ]
        for name, folder, kind in rows:
            with self.subTest(name):
                _, told = self.raised("1 / 0", name, folder)
                self.assertEqual(told["frames"][-1]["kind"], kind)
        _, told = self.raised("1 / 0", "<limbeck_worker.x>", "")
        self.assertEqual(told["frames"][-1]["kind"], "library")

    def test_an_exception_that_the_user_raised_from_another_tells_the_place(self):
        _, told = self.raised(
            "def low():\n    raise KeyError('low')\n"
            "try:\n    low()\nexcept KeyError as error:\n    raise RuntimeError('high') from error\n"
        )
        self.assertEqual((told["type"], told["message"]), ("RuntimeError", "high\nfrom KeyError: 'low'"))
        script = [frame["line"] for frame in told["frames"] if frame["kind"] == "script"]
        self.assertEqual(script, [6])

    def test_of_what_a_library_raised_the_place_nearest_to_the_cause(self):
        _, told = self.raised(
            "library = 'class Connection:\\n def __enter__(self): pass\\n def __exit__(self, *error): [][0]'\n"
            "exec(compile(library, '/x/site-packages/lib.py', 'exec'))\n"
            "with Connection():\n    1 / 0\n"
        )
        self.assertNotIn("\n", told["message"])
        script = [frame["line"] for frame in told["frames"] if frame["kind"] == "script"]
        self.assertEqual(script, [4])

    def test_a_context_that_is_suppressed_is_no_cause(self):
        _, told = self.raised("try:\n    1 / 0\nexcept ZeroDivisionError:\n    raise RuntimeError('x') from None\n")
        self.assertEqual([frame["line"] for frame in told["frames"] if frame["kind"] == "script"], [4])

    def test_a_circle_of_causes_ends(self):
        one, two = ValueError("one"), ValueError("two")
        one.__cause__, two.__cause__ = two, one
        self.assertEqual(failure.describe(one, {})["message"], "one")

    def test_the_error_of_the_host_is_found_in_the_chain(self):
        original = errors.from_host_error({"id": 12, "kind": "server", "code": "42P01", "message": "no"}, "postgresql")
        wrapped = RuntimeError("no\n[SQL: SELECT 1]")
        wrapped.orig = original
        wrapped.__cause__ = original
        told = failure.describe(wrapped, {})
        self.assertEqual((told["limbeck_error"], told["message"]), (12, "no\n"))

    def test_a_syntax_error(self):
        path, told = self.raised("def upgrade(:\n    pass\n")
        self.assertEqual((told["syntax"]["file"], told["syntax"]["line"]), (path, 1))
        self.assertTrue(told["syntax"]["message"])

    def test_a_missing_module(self):
        _, told = self.raised("import not_there_at_all.x")
        self.assertEqual((told["type"], told["module"]), ("ModuleNotFoundError", "not_there_at_all"))

    def test_an_exception_without_words(self):
        _, told = self.raised("class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise Odd\n")
        self.assertEqual((told["type"].split(".")[-1], told["message"]), ("Odd", ""))

    def test_names_of_types(self):
        self.assertEqual(failure.describe(errors.DataError("x"), {})["type"], "limbeck_worker.dbapi.errors.DataError")

    def test_exits(self):
        for code, status, printed in (
            (None, 0, ""), (0, 0, ""), (3, 3, ""), (True, 1, ""), (256, 0, ""), (-1, 255, ""), ("why", 1, "why\n"), ((1,), 1, "(1,)\n"),
        ):
            with self.subTest(code=code):
                text = io.StringIO()
                with contextlib.redirect_stderr(text):
                    told = failure.describe_exit(SystemExit(code))
                self.assertEqual((told, text.getvalue()), ({"outcome": "exit", "status": status}, printed))


class Endings(unittest.TestCase):
    """`main` tells the host how a run ended."""

    def ended(self, run, raiseerr=False):
        from limbeck_worker import commands, main

        kept = commands.run
        commands.run = run
        try:
            return main._run(None, {"options": {"raiseerr": raiseerr}, "script_folders": []})
        finally:
            commands.run = kept

    def test_endings(self):
        from alembic.util import CommandError

        def raises(error):
            def run(channel, start):
                raise error

            return run

        self.assertEqual(self.ended(lambda channel, start: None), {"outcome": "done"})
        self.assertEqual(self.ended(raises(SystemExit(4))), {"outcome": "exit", "status": 4})
        self.assertEqual(self.ended(raises(CommandError("no"))), {"outcome": "command_error", "message": "no"})
        self.assertEqual(self.ended(raises(CommandError("no")), raiseerr=True)["outcome"], "exception")
        self.assertEqual(self.ended(raises(ValueError("no")))["type"], "ValueError")
        self.assertEqual(self.ended(raises(GeneratorExit()))["type"], "GeneratorExit")
        with self.assertRaises(KeyboardInterrupt):
            self.ended(raises(KeyboardInterrupt()))

    def test_a_missing_alembic(self):
        from limbeck_worker import main

        kept = {name: sys.modules[name] for name in ("alembic", "sqlalchemy")}
        self.addCleanup(sys.modules.update, kept)
        sys.modules["alembic"] = None
        told = main._run(None, types.MappingProxyType({"options": {}}))
        self.assertEqual((told["outcome"], told["module"]), ("missing", "alembic"))
