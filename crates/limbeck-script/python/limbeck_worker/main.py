"""One run: sets the interpreter up as `alembic` would find it, does what the host asks, tells how it ended."""
import _thread
import os
import sys

from .channel import Channel


def main(socket_fd, lifeline_fd, start):
    _thread.start_new_thread(_end_with_the_host, (lifeline_fd,))
    sys.argv = start["argv"]
    channel = Channel(socket_fd)
    channel.folder = _folder()
    status = 1
    try:
        outcome = _run(channel, start)
        _flush()
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

    from . import failure

    try:
        from . import commands

        commands.run(channel, start)
        return {"outcome": "done"}
    except SystemExit as error:
        return failure.describe_exit(error)
    except CommandError as error:
        if start["options"].get("raiseerr"):
            return failure.describe(error, start)
        failure.log_command_error(error)
        return {"outcome": "command_error", "message": str(error)}
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return failure.describe(error, start)


def _folder():
    """Where the host is."""
    try:
        return os.getcwd()
    except OSError:
        # It was deleted.
        return None


def _end_with_the_host(lifeline_fd):
    """The host holds the other end for as long as it lives: when it is gone, nothing may stay behind."""
    try:
        os.read(lifeline_fd, 1)
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
