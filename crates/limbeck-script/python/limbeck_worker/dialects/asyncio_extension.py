"""SQLAlchemy's asyncio extension over connections that never wait for an event loop.

It runs synchronous code in a greenlet so that a driver can wait in it. Our connections do not, so where
greenlet is not installed the code can just be called, and where it is nobody may insist on the waiting.
"""
import functools
import sys
import threading

from ..dbapi.awaited import finish


class _BeforeImport:
    """Applies the changes when the extension is about to be imported, which keeps the functions that it finds.
    A synchronous project is spared greenlet."""

    def find_spec(self, name, path=None, target=None):
        if name == "sqlalchemy.ext.asyncio":
            sys.meta_path.remove(self)
            apply()
        return None


def install():
    if "sqlalchemy.ext.asyncio" in sys.modules:
        apply()
    else:
        sys.meta_path.insert(0, _BeforeImport())


def apply():
    try:
        import greenlet  # noqa: F401
    except ImportError:
        _without_greenlet()
    else:
        _with_greenlet()


def _with_greenlet():
    import sqlalchemy.util as util
    from sqlalchemy.util import concurrency

    spawn = concurrency.greenlet_spawn

    @functools.wraps(spawn)
    async def greenlet_spawn(function, *args, _require_await=False, **kwargs):
        return await spawn(function, *args, **kwargs)

    # Where the extension has been imported before us, its modules have kept what they found.
    extension = [module for name, module in list(sys.modules.items()) if name.startswith("sqlalchemy.ext.asyncio")]
    for module in (concurrency, util, *extension):
        if hasattr(module, "greenlet_spawn"):
            module.greenlet_spawn = greenlet_spawn


def _without_greenlet():
    from sqlalchemy.event import attr
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
        # Nothing waits while it holds one.
        "AsyncAdaptedLock": threading.RLock,
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
        for module in (util, attr):
            if hasattr(module, name):
                setattr(module, name, value)


def run_coroutine(coroutine):
    """Out of synchronous code: by way of the event loop where it runs in one."""
    from sqlalchemy.util import concurrency

    return concurrency.await_only(coroutine) if _in_greenlet(concurrency) else _finish(coroutine)


def _in_greenlet(concurrency):
    if hasattr(concurrency, "in_greenlet"):
        return concurrency.in_greenlet()
    # SQLAlchemy 1.4 has only the class, and that where there is greenlet.
    inner = sys.modules.get("sqlalchemy.util._concurrency_py3k")
    kind = getattr(inner, "_AsyncIoGreenlet", None)
    if kind is None:
        return False
    import greenlet

    return isinstance(greenlet.getcurrent(), kind)


def _finish(awaitable):
    return finish(awaitable, "greenlet is not installed, and something other than limbeck's connection waits here")
