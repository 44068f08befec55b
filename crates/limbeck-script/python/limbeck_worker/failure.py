"""The description of an exception for the host: the user's own code, without limbeck's and the libraries' frames."""
import configparser
import logging
import os
import sys
import traceback

from .calls import is_library


def describe(error, start):
    """Return the outcome for an exception that ended the run."""
    root = error
    chain = [root]
    while True:
        cause = root.__cause__ or (None if root.__suppress_context__ else root.__context__)
        if cause is None or cause in chain:
            break
        root = cause
        chain.append(root)
    versions = set(start.get("script_folders") or ())
    frames = []
    for item in _by_relevance(chain, versions):
        frames.extend(_frames(item, versions))
        if any(frame["kind"] != "library" for frame in frames):
            break
    return {
        "outcome": "exception",
        "type": _type_name(error),
        # Exceptions of limbeck's own connection have the attribute, whichever driver they are named after.
        "of_driver": hasattr(error, "limbeck_error"),
        "message": _message(error) + _causes(chain, versions),
        "handled": _handled(chain, versions),
        "limbeck_error": next((e.limbeck_error for e in chain if hasattr(e, "limbeck_error")), None),
        "frames": frames,
        "syntax": _syntax(error),
        "traceback": _traceback(error, chain),
        "option": next((_option(e) for e in chain if isinstance(e, configparser.InterpolationError)), None),
        "module": error.name if isinstance(error, ImportError) else None,
    }


def _frames(error, versions):
    return [_frame(frame, versions) for frame in traceback.extract_tb(error.__traceback__)]


def _raised_by_user(error, versions):
    frames = _frames(error, versions)
    return bool(frames) and frames[-1]["kind"] != "library"


def _by_relevance(chain, versions):
    """Return the exceptions of a chain, the one with the most useful location first.

    That is the last one if the user's own code raised it, and otherwise the root: an exception that a library raises while
    it cleans up hides the location.
    """
    if _raised_by_user(chain[0], versions):
        return chain
    return chain[::-1]


def _causes(chain, versions):
    """Return the causes of the user's own exception as text, without database errors: the host reports those itself."""
    if not _raised_by_user(chain[0], versions):
        return ""
    causes = [item for item in chain[1:] if not _is_of_database(item)]
    return "".join("\nfrom %s: %s" % (_type_name(item), _message(item)) for item in causes)


def _handled(chain, versions):
    """Return the user's own exception during whose handling a library raised another one, as text: a rollback may fail."""
    if _raised_by_user(chain[0], versions):
        return None
    own = (item for item in chain[1:] if _raised_by_user(item, versions) and not _is_of_database(item))
    return next(("%s: %s" % (_type_name(item), _message(item)) for item in own), None)


def _is_of_database(error):
    return any(hasattr(item, "limbeck_error") for item in (error, getattr(error, "orig", None)))


def describe_exit(error):
    """Return the outcome for a `SystemExit`."""
    code = error.code
    if code is None:
        status = 0
    elif isinstance(code, int):
        status = code & 0xFF
    else:
        print(code, file=sys.stderr)
        status = 1
    return {"outcome": "exit", "status": status}


def log_command_error(error):
    """Log a command's error as Alembic does; the line appears if `env.py` configured logging."""
    logging.getLogger("alembic.util.messaging").error(str(error))


def _type_name(error):
    kind = type(error)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return "%s.%s" % (kind.__module__, kind.__qualname__)


def _traceback(error, chain):
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    for item in chain:
        if isinstance(item, configparser.InterpolationError):
            text = text.replace(str(item), _message(item))
    return text


def _option(error):
    return {"section": error.section, "name": error.option}


def _message(error):
    if isinstance(error, configparser.InterpolationError):
        # Python's own text quotes the value, which is usually a URL with a password.
        return "the value of `%s` in [%s] can't be interpolated" % (error.option, error.section)
    # SQLAlchemy appends the statement and a link to its message. The host reports the statement itself.
    original = getattr(error, "orig", None)
    try:
        return str(error if original is None else original)
    except Exception:
        # The `__str__` of a project's own exception may raise, which must not hide the exception.
        return ""


def _syntax(error):
    if not isinstance(error, SyntaxError) or error.filename is None:
        return None
    return {"file": error.filename, "line": error.lineno, "column": error.offset, "message": error.msg}


def _frame(frame, versions):
    file = frame.filename
    if file.startswith("<limbeck_worker"):
        kind = "library"
    elif os.path.dirname(os.path.abspath(file)) in versions or os.path.basename(file) == "env.py":
        kind = "script"
    elif file.startswith("<") or is_library(file):
        kind = "library"
    else:
        kind = "project"
    return {
        "file": file,
        "line": frame.lineno,
        "column": getattr(frame, "colno", None),
        "end_line": getattr(frame, "end_lineno", None),
        "end_column": getattr(frame, "end_colno", None),
        "function": frame.name,
        "kind": kind,
    }
