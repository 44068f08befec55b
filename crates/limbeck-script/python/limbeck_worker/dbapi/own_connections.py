"""Connections that a project would open itself: `creator`, `async_creator`, and listeners of `do_connect`.

No Python driver opens a connection for limbeck. While SQLAlchemy's pool asks the project for a connection, the drivers'
`connect` functions therefore open the host's connection if they get the parameters that the dialect gave to `do_connect`,
and refuse otherwise.
"""
import contextlib
import functools
import os
import sys
import threading

from ..import_hooks import when_imported

# The drivers' modules, and their functions that connect.
_FUNCTIONS = {
    "psycopg2": ("connect",), "psycopg2cffi": ("connect",), "psycopg": ("connect",), "asyncpg": ("connect",),
    "pg8000": ("connect",), "pg8000.dbapi": ("connect",), "pymysql": ("connect", "Connect"), "MySQLdb": ("connect", "Connect"),
    "aiomysql": ("connect",), "asyncmy": ("connect",), "mysql.connector": ("connect",), "mariadb": ("connect",),
    "sqlite3": ("connect",), "sqlite3.dbapi2": ("connect",), "aiosqlite": ("connect",),
}


class HostUrl(dict):
    """The parts of a URL, among the parameters of `connect`. They lead back to the dialect."""

    def __init__(self, parts, dialect):
        super().__init__(parts)
        self.dialect = dialect


class _Asking(threading.local):
    # The dialect whose pool asks for a connection, or None.
    dialect = None


_asking = _Asking()


def install():
    """Watch the drivers' functions from now on, or from their import on."""
    for name, functions in _FUNCTIONS.items():
        when_imported(name, functools.partial(_watch, functions))


def _watch(functions, module):
    for name in functions:
        connect = getattr(module, name, None)
        if connect is not None and not hasattr(connect, "limbeck_watches"):
            setattr(module, name, _watched(connect, "%s.%s" % (module.__name__.partition(".dbapi")[0], name)))
    connection = getattr(module, "Connection", None)
    if module.__name__ == "psycopg":
        for kind in (connection, module.AsyncConnection):
            kind.connect = classmethod(_watched(kind.connect.__func__, "psycopg.%s.connect" % kind.__name__))


def _watched(connect, title):
    @functools.wraps(connect)
    def watched(*arguments, **parameters):
        url = parameters.get("url")
        if isinstance(url, HostUrl):
            return url.dialect.connect(**parameters)
        if _asking.dialect is not None:
            frame = sys._getframe(1)
            while frame.f_back is not None and frame.f_code.co_filename == _watched.__code__.co_filename:
                frame = frame.f_back
            raise refusal(_asking.dialect.limbeck_driver, "`%s` at %s" % (title, _place(frame.f_code.co_filename, frame.f_lineno)))
        return connect(*arguments, **parameters)

    watched.limbeck_watches = True
    return watched


def guard(pool, dialect):
    """Make the functions of the project that a pool calls for a connection unable to open one with a driver."""
    invoke = pool._invoke_creator

    # SQLAlchemy looks at the names of the arguments.
    def creator(connection_record=None):
        with _guarded(dialect):
            return invoke(connection_record)

    pool._creator = creator


def unguarded():
    """Return a context in which the drivers' functions work: the host's connection is not the project's code."""
    return _guarded(None)


@contextlib.contextmanager
def _guarded(dialect):
    before, _asking.dialect = _asking.dialect, dialect
    try:
        yield
    finally:
        _asking.dialect = before


def refusal(driver, what):
    """Return the error for a project that would open a connection itself with `what`."""
    return driver.NotSupportedError(
        "limbeck opens the connection itself, and can't use one that the project opens (`creator`, `do_connect`) with %s: pass the"
        " address in the URL (`DATABASE_URL`) and `connect_args`, or change the parameters in a listener of `do_connect`; run a"
        " connector or a tunnel as a local proxy, and use its local port" % what
    )


def described(function):
    """Return the place of a function of the project for `refusal`."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    name = "`%s`" % getattr(function, "__name__", type(function).__name__)
    return name if code is None else "%s at %s" % (name, _place(code.co_filename, code.co_firstlineno))


def _place(file, line):
    here = os.path.join(os.getcwd(), "")
    return "%s:%d" % (file[len(here):] if file.startswith(here) else file, line)
