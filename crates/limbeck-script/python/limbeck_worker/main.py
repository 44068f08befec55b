"""One run: set up the interpreter as `alembic` would, carry out the host's task, and report the outcome."""
import _thread
import functools
import gc
import os
import sys

from .channel import Channel, is_forked


def main(pipes, lifeline, start, write_module_cache):
    _thread.start_new_thread(_exit_with_host, (lifeline,))
    sys.argv = start["argv"]
    channel = Channel(*pipes)
    os.register_at_fork(after_in_child=functools.partial(_leave, channel, lifeline))
    status = 1
    failures = []
    try:
        outcome = _run(channel, start, failures)
        _flush(failures)
        if is_forked():
            _exit(_report(outcome))
        if failures:
            channel.notify("output_failed", errno=failures[0].errno or 0)
        if start["changes_database"] and outcome["outcome"] == "done":
            write_module_cache()
        channel.request("end", **outcome)
        status = 0
    except KeyboardInterrupt:
        status = 130
    _exit(status)


def _run(channel, start, failures):
    try:
        import alembic  # noqa: F401
        import sqlalchemy  # noqa: F401
    except ImportError as error:
        return {"outcome": "missing", "module": error.name or "", "message": str(error)}

    from alembic.util import CommandError

    _watch_output(failures)
    try:
        from . import commands

        _enable_garbage_collector()
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


def _leave(channel, lifeline):
    """Separate a forked process from the host."""
    channel.leave()
    os.close(lifeline)


def _report(outcome):
    """Print what ended a forked process, which has no host to report to; return its exit status."""
    if outcome["outcome"] == "exit":
        return outcome["status"]
    if outcome["outcome"] == "done":
        return 0
    if outcome["outcome"] == "command_error":
        print("FAILED: %s" % outcome["message"], file=sys.stderr)
        return 255
    print(outcome.get("traceback") or outcome["message"], file=sys.stderr)
    return 1


def _enable_garbage_collector():
    """Enable the collector, as the project expects. What exists already will never be garbage, so it is exempt."""
    gc.freeze()
    gc.enable()


def _exit_with_host(lifeline):
    """Exit when the host does: the host holds the other end of the pipe for as long as it lives."""
    try:
        os.read(lifeline, 1)
    finally:
        os._exit(1)


def _watch_output(failures):
    """Keep the errors of standard output, which Alembic's function for output suppresses."""
    from alembic import util
    from alembic.util import messaging

    def write_outstream(stream, *text, quiet=False):
        if quiet:
            return
        encoding = getattr(stream, "encoding", "ascii") or "ascii"
        for part in text:
            if not isinstance(part, bytes):
                part = part.encode(encoding, "replace")
            try:
                stream.write(part.decode(encoding))
            except OSError as error:
                failures.append(error)
                return

    messaging.write_outstream = util.write_outstream = write_outstream


def _flush(failures):
    """Write what Python has buffered. Keep the errors of standard output."""
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except OSError as error:
            if stream is sys.stdout:
                failures.append(error)
        except (AttributeError, ValueError):
            # The project has replaced or closed the stream.
            pass


def _exit(status):
    """Run the project's exit functions and exit without tearing the modules down, which takes longer than most runs."""
    import atexit
    import threading

    try:
        threading._shutdown()
        atexit._run_exitfuncs()
    finally:
        _flush([])
        os._exit(status)
