"""Runs the program of the wheel, and reads its report."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from . import _configuration
from ._errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable

    from ._configuration import ConfigLike

R = TypeVar("R")

_log = logging.getLogger("limbeck")


class Call(Generic[R]):
    """A command with its arguments and the function that makes its result."""

    def __init__(
        self,
        command: str,
        config: ConfigLike,
        arguments: list[str],
        make_result: Callable[[dict[str, Any], str, str], R],
        *,
        offline: bool = False,
    ) -> None:
        options, overrides = _configuration.arguments(config)
        self.command = command
        self._config = config
        self._options = options
        self._arguments = arguments
        self._make_result = make_result
        self._offline = offline
        self.stdin = json.dumps(overrides).encode() if overrides else None

    @contextlib.contextmanager
    def prepared(self) -> Iterator[tuple[list[str], dict[str, str], str]]:
        """Yields the program with its arguments, its environment, and the path of a temporary file for its report."""
        handle, report_path = tempfile.mkstemp(prefix="limbeck-", suffix=".json")
        os.close(handle)
        try:
            arguments = [program(), *self._options, "--report=" + report_path]
            if self.stdin is not None:
                arguments.append("--overrides=-")
            python = interpreter()
            if python:
                arguments.append("--python=" + python)
            yield [*arguments, self.command, *self._arguments], _environment(), report_path
        finally:
            os.unlink(report_path)

    def finish(self, status: int, stdout: bytes, stderr: str, report_path: str) -> R:
        """Returns the result of a program that has ended. Raises `CommandError` if the program failed."""
        # After a signal, Python returns its negative number. Shells add the number to 128.
        status = 128 - status if status < 0 else status
        report: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            with open(report_path, encoding="utf-8") as file:
                report = json.load(file)
        if status != 0 or not report:
            self._fail(status, stderr, report)
        output = stdout.decode("utf-8", "replace")
        self._print(output)
        return self._make_result(report, output, stderr)

    def _fail(self, status: int, stderr: str, report: dict[str, Any]) -> NoReturn:
        reason = report.get("error") or {}
        lines = [line for line in stderr.splitlines() if line.strip()]
        message = reason.get("message") or (
            f"`limbeck {self.command}` ended with status {status}" + (f": {lines[-1]}" if lines else "")
        )
        raise CommandError(
            message,
            self.command,
            status,
            stderr,
            reason.get("kind"),
            reason.get("revision"),
            version_rows(report, "heads_before"),
            version_rows(report, "heads_after"),
        )

    def _print(self, output: str) -> None:
        """Writes the output to the streams of Alembic's `Config`."""
        config = self._config
        if config is None or isinstance(config, (str, os.PathLike)):
            return
        buffer = config.output_buffer if self._offline else None
        (buffer or config.stdout).write(output)


def run(call: Call[R]) -> R:
    """Runs the command until it ends. An exception in the meantime, such as Ctrl-C, ends the command first."""
    with call.prepared() as (arguments, environment, report_path):
        process = subprocess.Popen(
            arguments,
            env=environment,
            stdin=subprocess.DEVNULL if call.stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = process.stdout, process.stderr
        assert out is not None and err is not None
        stdout: list[bytes] = []
        reader = threading.Thread(target=lambda: stdout.append(out.read()), daemon=True)
        lines = Lines()
        try:
            reader.start()
            if process.stdin is not None and call.stdin is not None:
                # A program that ends before it reads its input reports the reason.
                with contextlib.suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(call.stdin)
            for chunk in _chunks(err.fileno()):
                lines.add(chunk)
            status = process.wait()
        except BaseException:
            process.terminate()
            # Its remaining output may exceed the capacity of a pipe.
            for _ in _chunks(err.fileno()):
                pass
            process.wait()
            raise
        finally:
            reader.join()
            out.close()
            err.close()
        return call.finish(status, b"".join(stdout), lines.end(), report_path)


def _chunks(descriptor: int) -> Iterator[bytes]:
    return iter(lambda: os.read(descriptor, 65536), b"")


class Lines:
    """The program's standard error. Each line is logged when it arrives, and all lines are kept."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._incomplete = b""

    def add(self, chunk: bytes) -> None:
        *lines, self._incomplete = (self._incomplete + chunk).split(b"\n")
        for line in lines:
            self._add_line(line.decode("utf-8", "replace"))

    def _add_line(self, line: str) -> None:
        self._text.append(line + "\n")
        if line.strip():
            _log.info("%s", line)

    def end(self) -> str:
        """Returns the whole text, including a last line without a line end."""
        if self._incomplete:
            self._add_line(self._incomplete.decode("utf-8", "replace"))
            self._incomplete = b""
        return "".join(self._text)


def version_rows(report: dict[str, Any], name: str) -> tuple[str, ...] | None:
    """Returns the version rows of a report, or `None` if they are unknown."""
    rows = report.get(name)
    return None if rows is None else tuple(rows)


_program: str | None = None


def program() -> str:
    """Returns the path of the program: the one of this package's wheel, or else the one on the PATH."""
    global _program
    if _program is None or not os.path.exists(_program):
        _program = _find_program()
    return _program


def _find_program() -> str:
    import shutil
    import sysconfig

    in_scripts = os.path.join(sysconfig.get_path("scripts"), "limbeck")
    if os.access(in_scripts, os.X_OK):
        return in_scripts
    # The package may come from another environment, or be installed for one user.
    import importlib.metadata

    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("limbeck") or ():
            if file.name == "limbeck" and file.parent.name == "bin":
                installed = os.fspath(file.locate())
                if os.access(installed, os.X_OK):
                    return os.path.realpath(installed)
    on_path = shutil.which("limbeck")
    if on_path is None:
        raise FileNotFoundError(
            "program `limbeck` not found, neither with this package nor on the PATH: install the package from its wheel"
        )
    return on_path


def interpreter() -> str | None:
    """Returns the running interpreter, or that of the environment if a program embeds Python."""
    if os.path.basename(sys.executable or "").startswith("python"):
        return sys.executable
    in_environment = os.path.join(sys.prefix, "bin", "python3")
    return in_environment if os.path.exists(in_environment) else None


def _environment() -> dict[str, str]:
    """Returns this process's variables, with a `PYTHONPATH` so that `env.py` can import the same modules."""
    prefixes = (sys.prefix, sys.base_prefix)
    folders = [os.path.abspath(entry) for entry in sys.path]
    added = [folder for folder in folders if os.path.isdir(folder) and not folder.startswith(prefixes)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(added)} if added else dict(os.environ)
