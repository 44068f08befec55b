"""SQLAlchemy's asyncio extension over connections that never wait for an event loop.

The extension runs synchronous code in a greenlet, so that a driver can wait for the event loop there. limbeck's
connections don't wait. Without greenlet the code can therefore be called directly; with greenlet, the extension must not
insist that the code awaits something.
"""
import functools
import sys
import threading

from ..dbapi.async_adapter import run_to_completion


class _ApplyBeforeImport:
    """An importer that applies the changes just before the extension is imported and keeps references to the functions.

    A synchronous project never imports the extension, and so never imports greenlet.
    """

    def find_spec(self, name, path=None, target=None):
        if name == "sqlalchemy.ext.asyncio":
            sys.meta_path.remove(self)
            apply()
        return None


def install():
    """Apply the changes to SQLAlchemy, now or when its asyncio extension is imported."""
    if "sqlalchemy.ext.asyncio" in sys.modules:
        apply()
    else:
        sys.meta_path.insert(0, _ApplyBeforeImport())


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

    # If the extension is imported already, its modules have their own references.
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
        return _run_to_completion(awaitable)

    def await_fallback(awaitable):
        return _run_to_completion(awaitable)

    replaced = {
        "have_greenlet": True,
        "greenlet_spawn": greenlet_spawn,
        "await_only": await_only,
        "await_fallback": await_fallback,
        "await_": await_only,
        "in_greenlet": lambda: True,
        # No code awaits anything while it holds this lock.
        "AsyncAdaptedLock": threading.RLock,
        "_util_async_run": _run_to_completion,
        "_util_async_run_coroutine_function": lambda function, *args, **kwargs: _run_to_completion(
            function(*args, **kwargs)
        ),
    }
    shim = getattr(concurrency, "_concurrency_shim", None)
    if shim is not None:
        # SQLAlchemy 2.1 imports greenlet when it first needs it.
        type(shim)._initialize = lambda self, raise_=True: None
        shim._has_greenlet = True
    import sqlalchemy.util as util

    for name, value in replaced.items():
        setattr(concurrency, name, value)
        for module in (util, attr):
            if hasattr(module, name):
                setattr(module, name, value)


def run_coroutine(coroutine):
    """Run a coroutine from synchronous code: on the event loop if the code runs in a greenlet of one, else directly."""
    from sqlalchemy.util import concurrency

    return concurrency.await_only(coroutine) if _in_greenlet(concurrency) else _run_to_completion(coroutine)


def run_awaitable(awaitable):
    """Wait for anything from synchronous code: on the event loop if the code runs in a greenlet of one, else on a new loop."""
    from sqlalchemy.util import concurrency

    async def wait():
        return await awaitable

    if _in_greenlet(concurrency):
        return concurrency.await_only(wait())
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    # This thread may have a running loop already.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, wait()).result()


def _in_greenlet(concurrency):
    if sys.modules.get("greenlet") is None:
        return False
    if hasattr(concurrency, "in_greenlet"):
        return concurrency.in_greenlet()
    # SQLAlchemy 1.4 has only the class, and only if greenlet is installed.
    inner = sys.modules.get("sqlalchemy.util._concurrency_py3k")
    kind = getattr(inner, "_AsyncIoGreenlet", None)
    if kind is None:
        return False
    import greenlet

    return isinstance(greenlet.getcurrent(), kind)


def _run_to_completion(awaitable):
    return run_to_completion(
        awaitable, "greenlet is not installed, and this code awaits something other than limbeck's connection"
    )
