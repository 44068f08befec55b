"""Objects that pass `isinstance` checks against the driver's own classes of connections, cursors and rows."""
import sys


class DriverClass:
    """An object whose `__class__` is the driver's class, if the project has imported the driver."""

    # The module and the name of the driver's class, or None.
    driver_class = None

    @property
    def __class__(self):
        return imported_class(self.driver_class) or type(self)


def imported_class(name):
    return name and getattr(sys.modules.get(name[0]), name[1], None)
