"""The role of a statement: why it is sent. `PROTOCOL.md` defines the roles."""
import functools

SCRIPT = "script"
VERSION = "version"
TRANSACTION = "transaction"
ENVIRONMENT = "environment"

_current = ENVIRONMENT


def current():
    """Return the role of a statement that is sent now."""
    return _current


class acting_as:
    """A context in which statements have `role`; the inner context wins."""

    # Not a generator: it would add its own frames to the traceback of an exception on some versions of Python.
    def __init__(self, role):
        self._role = role

    def __enter__(self):
        global _current
        self._outer, _current = _current, self._role

    def __exit__(self, *exception):
        global _current
        _current = self._outer


def with_role(role):
    """Decorate a function so that the statements it sends have `role`."""

    def decorate(function):
        @functools.wraps(function)
        def run(*args, **kwargs):
            with acting_as(role):
                return function(*args, **kwargs)

        return run

    return decorate
