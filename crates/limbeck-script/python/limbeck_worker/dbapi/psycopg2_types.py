"""psycopg2's typecasters that a project registers on one connection or cursor.

psycopg2's own code reads the memory of its cursors, so limbeck never calls a typecaster. It keeps the Python function of
each typecaster that the project makes, and calls that.
"""
import functools
import sys

from .postgresql_values import decoder_for, parse_array

# What typecasters were made of: by identity, because they can't be hashed, (typecaster, function, typecaster of the items).
_made = {}


class Typecasters:
    """The typecasters of a connection or a cursor, by OID, like psycopg2's `string_types`."""

    def __init__(self):
        self.string_types = {}

    def register(self, typecaster):
        self.string_types.update(dict.fromkeys(typecaster.values, typecaster))

    def decoder(self, oid, cursor):
        """Return the decoder of a type for a cursor, or None if the type has no typecaster here."""
        typecaster = self.string_types.get(oid)
        return None if typecaster is None else decoder_of(typecaster, cursor)


def decoder_of(typecaster, cursor):
    """Return the function that converts a text, or None for NULL, as a typecaster does."""
    _, function, items = _made.get(id(typecaster), (None, None, None))
    if items is not None:
        decode_item = decoder_of(items, cursor)
        return lambda text: None if text is None else parse_array(text, decode_item)
    if function is None:
        return _built_in(typecaster, cursor.connection)
    if id(function) in _made or type(function) is type(typecaster):
        # One typecaster in the form of another.
        return decoder_of(function, cursor)
    decode = functools.partial(_call, function, cursor)
    # psycopg2 passes NULL, too.
    decode.reads_null = True
    return decode


def _call(function, cursor, text):
    return function(text, cursor)


def _built_in(typecaster, connection):
    """Return the decoder of one of psycopg2's own typecasters."""
    if typecaster.name.startswith("BYTES"):
        encode = lambda text: text.encode("utf-8")
        return encode if typecaster.name == "BYTES" else lambda text: parse_array(text, encode)
    return decoder_for(typecaster.values[0], connection) or str


def watch(module):
    """Keep what typecasters are made of, and register them on limbeck's connections and cursors."""
    new_type, new_array_type, register_type = module.new_type, module.new_array_type, module.register_type

    @functools.wraps(new_type)
    def keep_function(values, name, castobj):
        typecaster = new_type(values, name, castobj)
        _made[id(typecaster)] = typecaster, castobj, None
        return typecaster

    @functools.wraps(new_array_type)
    def keep_items(values, name, baseobj):
        typecaster = new_array_type(values, name, baseobj)
        _made[id(typecaster)] = typecaster, None, baseobj
        return typecaster

    @functools.wraps(register_type)
    def register(obj, conn_or_curs=None):
        own = getattr(conn_or_curs, "typecasters", None)
        if own is None:
            register_type(obj, conn_or_curs)
        elif not isinstance(obj, type(module.STRING)):
            raise TypeError("argument 1 must be psycopg2._psycopg.type, not %s" % type(obj).__name__)
        else:
            own.register(obj)

    replaced = {"new_type": keep_function, "new_array_type": keep_items, "register_type": register}
    originals = {"new_type": new_type, "new_array_type": new_array_type, "register_type": register_type}
    for name, other in list(sys.modules.items()):
        for function in replaced if name.partition(".")[0] == "psycopg2" else ():
            if getattr(other, function, None) is originals[function]:
                setattr(other, function, replaced[function])


def adapted(value, literal):
    """Return the literal of a value for which psycopg2's `HstoreAdapter` is registered, or None. Itself it needs libpq."""
    extras, extensions = sys.modules.get("psycopg2.extras"), sys.modules.get("psycopg2.extensions")
    if not isinstance(value, dict) or extras is None:
        return None
    if extensions.adapters.get((type(value), extensions.ISQLQuote)) is not extras.HstoreAdapter:
        return None
    return "hstore(%s, %s)" % (literal(list(value)), literal(list(value.values()))) if value else "''::hstore"
