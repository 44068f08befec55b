"""The text of what `psycopg2.sql` and `psycopg.sql` compose."""


def is_composed(value):
    return any(base.__name__ == "Composable" and base.__module__ in ("psycopg2.sql", "psycopg.sql") for base in type(value).__mro__)


def composed_text(value, literal):
    """With `literal` for values: the drivers' own way asks a connection of theirs."""
    name = type(value).__name__
    own = value._wrapped if hasattr(value, "_wrapped") else value._obj
    if name == "SQL":
        return own
    if name == "Composed":
        return "".join(composed_text(item, literal) for item in own)
    if name == "Identifier":
        return ".".join('"%s"' % part.replace('"', '""') for part in own)
    if name == "Literal":
        return literal(own).strip()
    if name == "Placeholder":
        return value.as_string(None)
    raise TypeError("limbeck can't read the text of a %s" % name)
