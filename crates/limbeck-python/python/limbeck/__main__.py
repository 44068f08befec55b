"""Runs the command: `python -m limbeck` is `limbeck --python` with the running interpreter."""

from __future__ import annotations

import os
import sys

from ._run import interpreter, program


def main() -> None:
    """Replaces this process by the command."""
    python = interpreter()
    # An option of the command line names another interpreter.
    is_named = any(argument == "--python" or argument.startswith("--python=") for argument in sys.argv[1:])
    options = ["--python=" + python] if python and not is_named else []
    path = program()
    os.execv(path, [path, *options, *sys.argv[1:]])


if __name__ == "__main__":
    main()
