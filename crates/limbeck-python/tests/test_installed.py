"""Tests of the installed package: files, command, types, and import time."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import unittest
from pathlib import Path

IMPORT_BUDGET = 0.010
"""The time limit of `import limbeck`, in seconds."""
UNWANTED = ["asyncio", "dataclasses", "ssl", "sqlalchemy", "subprocess", "typing"]
"""Modules that `import limbeck` must not import."""


def python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


class Installed(unittest.TestCase):
    def test_import_is_fast(self):
        code = "import time; start = time.perf_counter(); import limbeck; print(time.perf_counter() - start)"
        best = min(float(python(code)) for _ in range(7))
        self.assertLess(best, IMPORT_BUDGET)

    def test_import_imports_no_large_modules(self):
        # `-S` ignores the imports of the environment's `.pth` files.
        folder = Path(sysconfig.get_path("platlib"))
        code = "import sys; sys.path.insert(0, %r); before = set(sys.modules); import limbeck\n" % str(folder)
        code += "print(*(set(sys.modules) - before))"
        command = [sys.executable, "-S", "-c", code]
        imported = subprocess.run(command, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout.split()
        self.assertIn("limbeck._limbeck", imported)
        self.assertEqual([name for name in UNWANTED if name in imported], [])

    def test_wheel_contains_the_command(self):
        command = os.path.join(sysconfig.get_path("scripts"), "limbeck")
        output = subprocess.run([command, "--version"], check=True, stdout=subprocess.PIPE, universal_newlines=True)
        version = importlib.metadata.version("limbeck")
        self.assertEqual(output.stdout.split(), ["limbeck", version])
        self.assertEqual(python("import limbeck; print(limbeck.__version__)").strip(), version)

    def test_module_runs_the_command(self):
        command = [sys.executable, "-m", "limbeck"]
        version = importlib.metadata.version("limbeck")
        output = subprocess.run([*command, "--version"], check=True, stdout=subprocess.PIPE, universal_newlines=True)
        self.assertEqual(output.stdout.split(), ["limbeck", version])
        with tempfile.TemporaryDirectory() as folder:
            failed = subprocess.run([*command, "heads"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(failed.returncode, 255)
        self.assertIn(b"script_location", failed.stdout)

    def test_types_check(self):
        user = Path(__file__).with_name("user_code.py")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(user, folder)
            for target in (["-p", "limbeck"], [user.name]):
                command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.path.join(folder, "cache")]
                checked = subprocess.run(
                    [*command, *target], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
                )
                self.assertEqual(checked.returncode, 0, checked.stdout.decode())

    def test_stubs_match_the_module(self):
        command = [sys.executable, "-m", "mypy.stubtest", "limbeck._limbeck"]
        with tempfile.TemporaryDirectory() as folder:
            checked = subprocess.run(
                command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
        self.assertEqual(checked.returncode, 0, checked.stdout.decode())


if __name__ == "__main__":
    unittest.main()
