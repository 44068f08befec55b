"""The lines of the project's code among the calls that led somewhere."""
import functools
import os
import sys


def calling_line():
    """Return the file and line of the project's code that led here, or None.

    The caller of a greenlet, which SQLAlchemy's asyncio extension runs synchronous code in, counts as its caller.
    """
    frame = sys._getframe(1)
    greenlet = sys.modules.get("greenlet")
    current = greenlet and greenlet.getcurrent()
    while True:
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith("<") and not is_library(file):
                return {"file": file, "line": frame.f_lineno}
            frame = frame.f_back
        current = current and current.parent
        if not current:
            return None
        frame = current.gr_frame


@functools.lru_cache(maxsize=None)
def is_library(file):
    """Return whether a file belongs to an installed package or to Python."""
    path = os.path.abspath(file)
    parts = path.split(os.sep)
    if "site-packages" in parts or "dist-packages" in parts:
        return True
    return path.startswith(os.path.dirname(os.path.abspath(os.__file__)) + os.sep)
