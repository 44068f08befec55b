"""PostgreSQL's ranges: SQLAlchemy's `Range`, and the subclass that stands for the range of the mirrored driver.

A driver adapts its own ranges, not SQLAlchemy's: the types of SQLAlchemy's dialect convert between the two.
"""
import functools

from .patterns import Pattern

# A bound that has to be quoted in the text of a range.
_NEEDS_QUOTES = Pattern(r'[\s,"\\()\[\]]|^$')


@functools.lru_cache(maxsize=None)
def classes():
    """Return the classes that stand for the driver's range and multirange, or None before SQLAlchemy 2.0."""
    try:
        from sqlalchemy.dialects.postgresql import ranges
    except ImportError:
        return None
    if not hasattr(ranges, "Range"):
        return None
    multirange = getattr(ranges, "MultiRange", list)
    attributes = {"is_of_driver": True, "__module__": ranges.__name__}
    single = type("Range", (ranges.Range,), {**attributes, "__hash__": ranges.Range.__hash__})
    return single, type(multirange.__name__, (multirange,), {**attributes, "__module__": multirange.__module__})


def to_driver(value):
    """Return the driver's range for SQLAlchemy's; any other value unchanged."""
    if not hasattr(value, "bounds") or not is_range(value):
        return value
    return classes()[0](value.lower, value.upper, bounds=value.bounds, empty=value.isempty)


def to_driver_multirange(values):
    """Return the driver's multirange for a sequence of SQLAlchemy's ranges; any other value unchanged."""
    if values is None or isinstance(values, str):
        return values
    return classes()[1](map(to_driver, values))


def from_driver(value):
    """Return SQLAlchemy's range for the driver's; any other value unchanged."""
    if not getattr(value, "is_of_driver", False):
        return value
    from sqlalchemy.dialects.postgresql import Range

    return Range(value.lower, value.upper, bounds=value.bounds, empty=value.isempty)


def from_driver_multirange(values):
    """Return SQLAlchemy's multirange for the driver's; any other value unchanged."""
    if not getattr(values, "is_of_driver", False):
        return values
    return type(values).__mro__[1](map(from_driver, values))


def is_range(value):
    """Return whether `value` is a range of SQLAlchemy or of a driver."""
    return hasattr(value, "lower_inc") and hasattr(value, "upper_inc") and hasattr(value, "isempty")


def range_text(value):
    """Return the text of a range."""
    if value.isempty:
        return "empty"
    return "%s%s,%s%s" % (
        "[" if value.lower_inc else "(", _bound(value.lower), _bound(value.upper), "]" if value.upper_inc else ")"
    )


def multirange_text(values):
    """Return the text of a multirange."""
    return "{%s}" % ",".join(map(range_text, values))


def _bound(value):
    if value is None:
        return ""
    text = str(value)
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '""') if _NEEDS_QUOTES.search(text) else text
