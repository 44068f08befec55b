"""The text of the composable objects of `psycopg2.sql` and `psycopg.sql`."""


def is_composable(value):
    """Return whether `value` is one of the drivers' composable objects."""
    return any(base.__name__ == "Composable" and base.__module__ in ("psycopg2.sql", "psycopg.sql") for base in type(value).__mro__)


def composable_text(value, literal):
    """Return the text of a composable object. `literal` writes values: the drivers' own code needs their connection."""
    name = type(value).__name__
    inner = value._wrapped if hasattr(value, "_wrapped") else value._obj
    if name == "SQL":
        return inner
    if name == "Composed":
        return "".join(composable_text(item, literal) for item in inner)
    if name == "Identifier":
        return ".".join('"%s"' % part.replace('"', '""') for part in inner)
    if name == "Literal":
        return literal(inner).strip()
    if name == "Placeholder":
        return value.as_string(None)
    raise TypeError("limbeck can't read the text of a %s" % name)
