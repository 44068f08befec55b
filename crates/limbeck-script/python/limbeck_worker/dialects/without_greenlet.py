"""SQLAlchemy's asyncio extension where greenlet is not installed.

It runs synchronous code in a greenlet so that a driver can wait in it. Our connections never wait for an
event loop, so the code can just be called.
"""


def apply():
    from sqlalchemy.util import concurrency

    async def greenlet_spawn(function, *args, _require_await=False, **kwargs):
        return function(*args, **kwargs)

    def await_only(awaitable):
        return _finish(awaitable)

    def await_fallback(awaitable):
        return _finish(awaitable)

    replaced = {
        "have_greenlet": True,
        "greenlet_spawn": greenlet_spawn,
        "await_only": await_only,
        "await_fallback": await_fallback,
        "await_": await_only,
        "in_greenlet": lambda: True,
        "_util_async_run": _finish,
        "_util_async_run_coroutine_function": lambda function, *args, **kwargs: _finish(function(*args, **kwargs)),
    }
    shim = getattr(concurrency, "_concurrency_shim", None)
    if shim is not None:
        # SQLAlchemy 2.1 looks for greenlet when it first needs it.
        type(shim)._initialize = lambda self, raise_=True: None
        shim._has_greenlet = True
    import sqlalchemy.util as util

    for name, value in replaced.items():
        setattr(concurrency, name, value)
        if hasattr(util, name):
            setattr(util, name, value)


def _finish(awaitable):
    """Runs a coroutine that does not suspend."""
    iterator = awaitable.__await__()
    try:
        next(iterator)
    except StopIteration as stop:
        return stop.value
    iterator.close()
    raise RuntimeError("greenlet is not installed, and something other than limbeck's connection waits here")
