"""The connection as an asynchronous driver presents it, for the project's code in `run_async`."""
from .base import Cursor
from .driver_classes import imported_class


def run_async(connection, function):
    """Call a coroutine function with the connection and return the coroutine's result."""
    return run_to_completion(
        function(AsyncAdapter(connection)), "the function of `run_async` awaits something other than limbeck's connection"
    )


def run_to_completion(awaitable, message):
    """Run a coroutine that awaits only limbeck's connection, which never suspends; raise `message` if it suspends."""
    iterator = awaitable.__await__()
    try:
        next(iterator)
    except StopIteration as stop:
        return stop.value
    iterator.close()
    raise RuntimeError(message)


class AsyncAdapter:
    """A connection or a cursor whose methods are awaited."""

    @property
    def __class__(self):
        return imported_class(getattr(self._inner, "async_driver_class", None)) or type(self)

    def __init__(self, inner):
        object.__setattr__(self, "_inner", inner)

    def __getattr__(self, name):
        value = getattr(self._inner, name)
        if not callable(value) or name in getattr(self._inner, "synchronous", ()):
            return value
        return lambda *args, **kwargs: _DeferredCall(value, args, kwargs)

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


class _DeferredCall:
    """A call that is made when it is awaited, entered or iterated over."""

    def __init__(self, function, args, kwargs):
        self._call = function, args, kwargs

    def _make(self):
        function, args, kwargs = self._call
        result = function(*args, **kwargs)
        return AsyncAdapter(result) if Cursor in type(result).__mro__ else result

    def __await__(self):
        return self._make()
        yield

    async def __aenter__(self):
        self._entered = self._make()
        # `copy` returns the context of a synchronous `with`.
        return self._entered if isinstance(self._entered, AsyncAdapter) else AsyncAdapter(self._entered.__enter__())

    async def __aexit__(self, *exception):
        if isinstance(self._entered, AsyncAdapter):
            self._entered.close()
            return None
        return self._entered.__exit__(*exception)

    async def __aiter__(self):
        for item in self._make():
            yield item
