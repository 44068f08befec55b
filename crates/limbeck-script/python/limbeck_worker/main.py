"""One run: sets the interpreter up as `alembic` would find it, does what the host asks, tells how it ended."""
import _thread
import gc
import os
import sys

from .channel import Channel


def main(pipes, lifeline, start, keep_modules):
    _thread.start_new_thread(_end_with_the_host, (lifeline,))
    sys.argv = start["argv"]
    channel = Channel(*pipes)
    status = 1
    try:
        outcome = _run(channel, start)
        _flush()
        if start["changes_database"] and outcome["outcome"] == "done":
            keep_modules()
        channel.request("end", **outcome)
        status = 0
    except KeyboardInterrupt:
        status = 130
    _leave(status)


def _run(channel, start):
    try:
        import alembic  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ImportError as error:
        return {"outcome": "missing", "module": error.name or "", "message": str(error)}

    from alembic.util import CommandError

    try:
        from . import commands

        _collect_garbage()
        commands.run(channel, start)
        return {"outcome": "done"}
    except SystemExit as error:
        from . import failure

        return failure.describe_exit(error)
    except CommandError as error:
        from . import failure

        if start["options"].get("raiseerr"):
            return failure.describe(error, start)
        failure.log_command_error(error)
        return {"outcome": "command_error", "message": str(error)}
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        from . import failure

        return failure.describe(error, start)


def _collect_garbage():
    """From here on, as the project expects it; of what is there already nothing will ever be garbage."""
    gc.freeze()
    gc.enable()


def _end_with_the_host(lifeline):
    """The host holds the other end for as long as it lives: when it is gone, nothing may stay behind."""
    try:
        os.read(lifeline, 1)
    finally:
        os._exit(1)


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass


def _leave(status):
    """Ends without tearing every module down, which takes longer than most migrations; what projects
    registered to run at exit runs."""
    import atexit
    import threading

    try:
        threading._shutdown()
        atexit._run_exitfuncs()
    finally:
        _flush()
        os._exit(status)
