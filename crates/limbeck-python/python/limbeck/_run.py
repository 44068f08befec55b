"""Starts the command that the wheel carries, and reads what it reports."""

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
    """A command with its arguments."""

    def __init__(
        self,
        command: str,
        config: ConfigLike,
        arguments: list[str],
        result: Callable[[dict[str, Any], str, str], R],
        *,
        offline: bool = False,
    ) -> None:
        options, overrides = _configuration.arguments(config)
        self.command = command
        self._config = config
        self._options = options
        self._arguments = arguments
        self._result = result
        self._offline = offline
        self.stdin = json.dumps(overrides).encode() if overrides else None

    @contextlib.contextmanager
    def prepared(self) -> Iterator[tuple[list[str], dict[str, str], str]]:
        """The program with its arguments, its environment, and the file for its report, while that is there."""
        handle, report = tempfile.mkstemp(prefix="limbeck-", suffix=".json")
        os.close(handle)
        try:
            line = [program(), *self._options, "--report=" + report]
            if self.stdin is not None:
                line.append("--overrides=-")
            python = interpreter()
            if python:
                line.append("--python=" + python)
            yield [*line, self.command, *self._arguments], _environment(), report
        finally:
            os.unlink(report)

    def finish(self, status: int, stdout: bytes, stderr: str, report: str) -> R:
        """The result of a program that has ended; raises `CommandError` where it failed."""
        # After a signal Python has its number, negative; a shell would say it so.
        status = 128 - status if status < 0 else status
        told: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            with open(report, encoding="utf-8") as file:
                told = json.load(file)
        if status != 0 or not told:
            self._fail(status, stderr, told)
        output = stdout.decode("utf-8", "replace")
        self._print(output)
        return self._result(told, output, stderr)

    def _fail(self, status: int, stderr: str, told: dict[str, Any]) -> NoReturn:
        reason = told.get("error") or {}
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
            heads(told, "heads_before"),
            heads(told, "heads_after"),
        )

    def _print(self, output: str) -> None:
        """Alembic prints to where its `Config` says."""
        config = self._config
        if config is None or isinstance(config, (str, os.PathLike)):
            return
        buffer = config.output_buffer if self._offline else None
        (buffer or config.stdout).write(output)


def run(call: Call[R]) -> R:
    """Runs the command to its end. Whatever interrupts this, as Ctrl-C, ends the command first."""
    with call.prepared() as (line, environment, report):
        process = subprocess.Popen(
            line,
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
                # A program that ended before it read has said why.
                with contextlib.suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(call.stdin)
            for chunk in _chunks(err.fileno()):
                lines.add(chunk)
            status = process.wait()
        except BaseException:
            process.terminate()
            # It may have more to say than a pipe holds.
            for _ in _chunks(err.fileno()):
                pass
            process.wait()
            raise
        finally:
            reader.join()
            out.close()
            err.close()
        return call.finish(status, b"".join(stdout), lines.end(), report)


def _chunks(descriptor: int) -> Iterator[bytes]:
    return iter(lambda: os.read(descriptor, 65536), b"")


class Lines:
    """Standard error: each line is logged as it comes, and all is kept."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._open = b""

    def add(self, chunk: bytes) -> None:
        *lines, self._open = (self._open + chunk).split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8", "replace"))

    def _take(self, line: str) -> None:
        self._text.append(line + "\n")
        if line.strip():
            _log.info("%s", line)

    def end(self) -> str:
        if self._open:
            self._take(self._open.decode("utf-8", "replace"))
            self._open = b""
        return "".join(self._text)


def heads(told: dict[str, Any], name: str) -> tuple[str, ...] | None:
    """The rows of a report; none where they are not known."""
    rows = told.get(name)
    return None if rows is None else tuple(rows)


_program: str | None = None


def program() -> str:
    """The command of this package's own wheel, else the one on the PATH."""
    global _program
    if _program is None or not os.path.exists(_program):
        _program = _find_program()
    return _program


def _find_program() -> str:
    import shutil
    import sysconfig

    beside = os.path.join(sysconfig.get_path("scripts"), "limbeck")
    if os.access(beside, os.X_OK):
        return beside
    # An environment that takes its packages from another one, or an installation for one user.
    import importlib.metadata

    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.files("limbeck") or ():
            if file.name == "limbeck" and file.parent.name == "bin":
                found = os.fspath(file.locate())
                if os.access(found, os.X_OK):
                    return os.path.realpath(found)
    found_on_path = shutil.which("limbeck")
    if found_on_path is None:
        raise FileNotFoundError(
            "the command `limbeck` is neither beside this package nor on the PATH: install the package from its wheel"
        )
    return found_on_path


def interpreter() -> str | None:
    """The interpreter that runs this, or the one of its environment where a program has Python built in."""
    if os.path.basename(sys.executable or "").startswith("python"):
        return sys.executable
    of_environment = os.path.join(sys.prefix, "bin", "python3")
    return of_environment if os.path.exists(of_environment) else None


def _environment() -> dict[str, str]:
    """This process's variables; `env.py` can import what can be imported here."""
    own = (sys.prefix, sys.base_prefix)
    folders = [os.path.abspath(entry) for entry in sys.path]
    added = [folder for folder in folders if os.path.isdir(folder) and not folder.startswith(own)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(added)} if added else dict(os.environ)
