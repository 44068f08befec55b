"""The connection as an asynchronous driver shows it, for what a project does in `run_async`."""
from .base import Cursor


def run(connection, function):
    """Calls `function` with the connection and carries out what it gives back."""
    return finish(function(Awaited(connection)), "something other than limbeck's connection waits in `run_async`")


def finish(awaitable, otherwise):
    """Runs a coroutine that waits for nothing but our connection, which never waits; `otherwise` says what is wrong."""
    iterator = awaitable.__await__()
    try:
        next(iterator)
    except StopIteration as stop:
        return stop.value
    iterator.close()
    raise RuntimeError(otherwise)


class Awaited:
    """A connection or a cursor whose methods are awaited."""

    def __init__(self, inner):
        object.__setattr__(self, "_inner", inner)

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        if not callable(value):
            return value
        return lambda *args, **kwargs: _Pending(value, args, kwargs)

    def __setattr__(self, name, value):
        setattr(self._inner, name, value)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exception):
        self._inner.close()

    def __aiter__(self):
        return self

    async def __anext__(self):
        for row in self._inner:
            return row
        raise StopAsyncIteration


class _Pending:
    """A call that is made when it is awaited or entered."""

    def __init__(self, function, args, kwargs):
        self._call = function, args, kwargs

    def _made(self):
        function, args, kwargs = self._call
        result = function(*args, **kwargs)
        return Awaited(result) if Cursor in type(result).__mro__ else result

    def __await__(self):
        return self._made()
        yield

    async def __aenter__(self):
        self._entered = self._made()
        return self._entered

    async def __aexit__(self, *exception):
        self._entered.close()
