"""What a project registers for all connections of psycopg2, and psycopg2's functions that take a connection."""
import functools
import sys

from . import errors
from .composable import composable_text

# psycopg2's own typecasters and adapters.
_typecasters, _adapters = {}, {}


def keep_defaults(psycopg2):
    """Keep psycopg2's own typecasters and adapters, to recognize the project's."""
    extensions = psycopg2.extensions
    _typecasters.update(extensions.string_types)
    _adapters.update(extensions.adapters)


def typecaster(oid):
    """Return the typecaster that the project registered for a type and all connections, or None."""
    extensions = sys.modules.get("psycopg2.extensions")
    found = extensions.string_types.get(oid) if extensions and _typecasters else None
    return None if found is _typecasters.get(oid) else found


def adapted(value, connection):
    """Return the literal of a value for whose type the project registered an adapter, or None."""
    extensions = sys.modules.get("psycopg2.extensions")
    if extensions is None or not _adapters:
        return None
    for kind in type(value).__mro__:
        key = kind, extensions.ISQLQuote
        adapter = extensions.adapters.get(key)
        if adapter is not None:
            return None if adapter is _adapters.get(key) else _literal(adapter(value), connection)
    return None


def _literal(wrapper, connection):
    kind = type(wrapper)
    module = sys.modules.get("psycopg2._range")
    if isinstance(wrapper, getattr(module, "RangeAdapter", ())):
        # limbeck writes ranges itself.
        return None
    if kind.__module__.partition(".")[0] == "psycopg2":
        return connection.literal(wrapper)
    if hasattr(wrapper, "prepare"):
        try:
            wrapper.prepare(connection)
        except TypeError as error:
            # psycopg2's own QuotedString, Binary and others read the memory of its connections.
            raise errors.NotSupportedError(
                "limbeck's connection can't be used by the adapter `%s`, which a script registered with"
                " `register_adapter`: let it use `AsIs`, `Json` or text with a cast (%s)" % (kind.__qualname__, error)
            ) from error
    quoted = wrapper.getquoted()
    return quoted if isinstance(quoted, str) else bytes(quoted).decode("utf-8")


def quote_with(extensions):
    """Let `quote_ident` take limbeck's connections and cursors."""
    own = extensions.quote_ident

    @functools.wraps(own)
    def quote_ident(value, scope):
        if _connection(scope) is None:
            return own(value, scope)
        if not isinstance(value, (str, bytes)):
            raise TypeError("argument 1 must be str, not %s" % type(value).__name__)
        text = value.decode("utf-8") if isinstance(value, bytes) else value
        return '"%s"' % text.replace('"', '""')

    for name in ("psycopg2._psycopg", "psycopg2.extensions"):
        sys.modules[name].quote_ident = quote_ident


def write_with(sql):
    """Let `Literal.as_string` take limbeck's connections and cursors."""
    own = sql.Literal.as_string

    @functools.wraps(own)
    def as_string(self, context):
        connection = _connection(context)
        return own(self, context) if connection is None else composable_text(self, connection.literal)

    sql.Literal.as_string = as_string


def _connection(scope):
    """Return limbeck's connection of a connection or a cursor, or None if it is psycopg2's own."""
    if hasattr(scope, "limbeck_connection"):
        return scope
    connection = getattr(scope, "connection", None)
    return connection if hasattr(connection, "limbeck_connection") else None
