"""What `isinstance` finds where a project names the driver's own class of a connection, a cursor or a row."""
import sys


class Mirrored:
    """An object that passes for one of the driver's class, when the project has that class at hand."""

    # Module and name of the class.
    mirrors = None

    @property
    def __class__(self):
        return _class(self.mirrors) or type(self)


def _class(name):
    return name and getattr(sys.modules.get(name[0]), name[1], None)
