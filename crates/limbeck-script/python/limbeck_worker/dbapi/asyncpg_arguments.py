"""The arguments of `asyncpg.connect` that are functions or classes of the project."""
import inspect
import sys

from . import errors

# What a class may override: limbeck has no prepared statements to name, and no pool that resets connections.
_WITHOUT_EFFECT = {"_get_unique_id", "get_reset_query", "_get_reset_query", "reset"}


def prepare(arguments):
    """Replace or remove the arguments that the host can't read."""
    connection_class = arguments.pop("connection_class", None)
    if connection_class is not None:
        _check_class(connection_class)
    password = arguments.get("password")
    if callable(password):
        arguments["password"] = _called(password)


def _check_class(connection_class):
    """Refuse a class of connections whose own methods the project would miss."""
    own = getattr(sys.modules.get("asyncpg"), "Connection", object)
    added = {
        name
        for kind in getattr(connection_class, "__mro__", ())
        if kind not in own.__mro__
        for name, value in vars(kind).items()
        # The special names of a class that are data: `__module__`, `__doc__`, `__slots__`.
        if callable(value) or not name.startswith("__")
    }
    added -= _WITHOUT_EFFECT
    if added:
        raise errors.NotSupportedError(
            "limbeck's connection can't have the methods of `%s` (the connect argument `connection_class`): %s; leave the class"
            " out of the engine in env.py, or override only `_get_unique_id`"
            % (getattr(connection_class, "__qualname__", connection_class), ", ".join("`%s`" % name for name in sorted(added)))
        )


def _called(password):
    result = password()
    if inspect.isawaitable(result):
        from ..dialects.asyncio_extension import run_awaitable

        result = run_awaitable(result)
    if result is not None and not isinstance(result, str):
        raise errors.InterfaceError(
            "the function in the connect argument `password` returned a %s, not a str" % type(result).__name__
        )
    return result
