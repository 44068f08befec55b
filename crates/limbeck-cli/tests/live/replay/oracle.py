"""Runs real Alembic commands one after another, each in a fork: Alembic is imported only once.

Reads a JSON object per line and writes one for each: `program` (null for Alembic's command line), `arguments`, `folder`,
`environment`, and `columns` (null, or the width of a terminal as standard input).
"""

import asyncio  # noqa: F401
import fcntl
import json
import os
import struct
import sys
import tempfile
import termios
import traceback

import alembic.autogenerate  # noqa: F401
import alembic.config
import sqlalchemy.dialects.postgresql  # noqa: F401
import sqlalchemy.dialects.sqlite  # noqa: F401
import sqlalchemy.ext.asyncio  # noqa: F401


def standard_input(columns):
    if columns is None:
        return os.open(os.devnull, os.O_RDWR)
    _, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return terminal


def child(request, out, err):
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.dup2(standard_input(request["columns"]), 0)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    program, arguments = request["program"], request["arguments"]
    if program is not None:
        os.execv(program, [program, *arguments])
    sys.argv = ["alembic", *arguments]
    status = 0
    try:
        alembic.config.main()
    except SystemExit as end:
        status = end.code or 0
        if not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def run(request):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = os.fork()
        if process == 0:
            try:
                child(request, out, err)
            finally:
                os._exit(127)
        _, status = os.waitpid(process, 0)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
        return {"status": os.waitstatus_to_exitcode(status), "stdout": texts[0], "stderr": texts[1]}


sys.dont_write_bytecode = True
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
