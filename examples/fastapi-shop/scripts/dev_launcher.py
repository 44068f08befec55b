#!/usr/bin/env python3
"""Starts the shop for development: limbeck migrates the database, then uvicorn serves and reloads.

    scripts/dev_launcher.py [--port 8000] [OPTION OF UVICORN ...]

limbeck replaces this process, so that it receives the signals and sets the exit status.
"""

import argparse
import os
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description="Migrates the shop's database and starts the application.")
    parser.add_argument("--port", type=int, default=8000)
    arguments, for_uvicorn = parser.parse_known_args()
    # The folder of alembic.ini, pyproject.toml, .env and the SQLite database.
    os.chdir(Path(__file__).resolve().parent.parent)
    command = [
        "limbeck",
        "run",
        f"--probe=http://127.0.0.1:{arguments.port}/health/ready",
        "--",
        *(sys.executable, "-m", "uvicorn", "app.main:app"),
        f"--port={arguments.port}",
        *(for_uvicorn or ["--reload", "--reload-dir=app"]),
    ]
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        print("error: `limbeck` not found on PATH", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main()
