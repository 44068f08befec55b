"""What `isinstance` and `except` find where a project names the driver's own classes."""
import sys

_made = {}


class Mirrored:
    """An object that passes for one of the driver's class, when the project has that class at hand."""

    # Module and name of the class.
    mirrors = None

    @property
    def __class__(self):
        return _class(self.mirrors) or type(self)


def _class(name):
    return name and getattr(sys.modules.get(name[0]), name[1], None)


def exception(error, modules):
    """The error, as one of the same name in these modules, too: `except sqlite3.OperationalError` finds it."""
    kind = type(error)
    theirs = tuple(filter(None, (_class((module, kind.__name__)) for module in modules)))
    if theirs and not isinstance(error, theirs):
        key = (kind, theirs)
        if key not in _made:
            # The module is what SQLAlchemy shows before the name.
            _made[key] = type(kind.__name__, (kind, *theirs), {"__module__": theirs[0].__module__})
        error.__class__ = _made[key]
    return error
