"""asyncpg's codecs: a project's own functions between Python's values and a type's text or binary form.

asyncpg asks the server for the types of a statement's parameters, and sends each value in its type's form. limbeck asks,
too, but only on a connection that has codecs, and writes the values of their types as literals.
"""
import base64
import itertools
import struct
import sys

from ..roles import ENVIRONMENT, TRANSACTION
from . import errors
from .driver_literals import InvalidInput, invalid_input
from .postgresql_values import parse_hstore, parse_record

_HSTORE = "pg_contrib.hstore"
_JSON_TYPES = (114, 3802)
# asyncpg's other names for built-in types.
_ALIASES = {
    "bigint": "int8", "bit varying": "varbit", "boolean": "bool", "char": "bpchar", "character": "bpchar",
    "character varying": "varchar", "decimal": "numeric", "double precision": "float8", "int": "int4", "integer": "int4",
    "real": "float4", "smallint": "int2", "timestamp with timezone": "timestamptz", "time with timezone": "timetz",
}
# The binary forms of dates and times, whose parts are the `tuple` form.
_TUPLES = {1082: ">i", 1083: ">q", 1114: ">q", 1184: ">q", 1186: ">qii", 1266: ">qi"}
_INTERVAL = 1186
_SAVEPOINT = "limbeck_parameter_types"
SETS = (set, frozenset)
# The number of binary forms after which a decoder forgets them.
_KEPT_FORMS = 10000


class Codecs:
    """The codecs of a connection, by the OID of their type."""

    def __init__(self, connection):
        self._connection = connection
        self._codecs = {}
        self._arrays = {}

    def __bool__(self):
        return bool(self._codecs)

    def set(self, name, schema, encoder, decoder, form):
        if form not in ("text", "binary", "tuple"):
            raise asyncpg_error("InterfaceError", "invalid `format` argument, expected 'text', 'binary' or 'tuple', got %r" % (form,))
        oid, kind, item = self._type(name, schema)
        if kind == "c":
            if form != "tuple":
                raise asyncpg_error(
                    "UnsupportedClientFeatureError", "only tuple-format codecs can be used on composite types"
                )
            codec = _CompositeCodec(self._connection, oid, encoder, decoder)
        elif kind not in "bde" or item:
            raise asyncpg_error(
                "InterfaceError",
                "cannot use custom codec on type %s.%s: it is neither a scalar type nor a composite type" % (schema, name),
            )
        elif kind == "d":
            raise asyncpg_error(
                "UnsupportedClientFeatureError", "custom codecs on domain types are not supported"
            )
        elif form == "text":
            codec = _TextCodec(self._connection, oid, encoder, decoder)
        elif form == "binary":
            codec = _BinaryCodec(self._connection, oid, encoder, decoder)
        elif oid in _TUPLES:
            codec = _TupleCodec(self._connection, oid, encoder, decoder)
        else:
            raise asyncpg_error("InterfaceError", "%s type does not support the 'tuple' exchange format" % name)
        self._put(oid, codec)

    def set_built_in(self, name, schema, codec_name):
        oid, kind, item = self._type(name, schema)
        if kind not in "bde" or item:
            raise asyncpg_error("InterfaceError", "cannot alias non-scalar type %s.%s" % (schema, name))
        if codec_name == _HSTORE:
            self._put(oid, _HstoreCodec(self._connection, oid))
            return
        target = codec_name
        if not isinstance(codec_name, int):
            try:
                target = self._type(_ALIASES.get(codec_name, codec_name), "pg_catalog")[0]
            except ValueError:
                raise asyncpg_error(
                    "InterfaceError", "cannot alias type %r to %r: unknown codec" % (name, codec_name)
                ) from None
        self._put(oid, _AliasCodec(self._connection, oid, target))

    def reset(self, name, schema):
        oid = self._type(name, schema)[0]
        # SQLAlchemy's dialect parses JSON with codecs, too.
        self._put(oid, _TextCodec(self._connection, oid, None, None) if oid in _JSON_TYPES else None)

    def _put(self, oid, codec):
        self._codecs.pop(oid, None)
        if codec is not None:
            self._codecs[oid] = codec
        # Decoders of arrays depend on those of their items.
        self._connection.forget_decoders()

    def refuse(self, method, types):
        """Raise an error if one of the types has a codec with an encoder: `method` sends values without them."""
        for oid in types:
            codec = self._codecs.get(oid) or self._item_codec(oid)
            if codec is not None and codec.encoder is not None:
                raise errors.NotSupportedError(
                    "limbeck's `%s` doesn't call the codec of the type %s: use `executemany`" % (method, self._type_name(oid))
                )

    def decoder(self, oid):
        """Return the decoder of a type, or None if the type has no codec."""
        codec = self._codecs.get(oid)
        return codec and codec.decoder

    def _type(self, name, schema):
        """Return OID, kind and item type of a type."""
        if schema == "pg_catalog":
            name = _ALIASES.get(name.lower(), name)
        literal = self._connection.literal
        rows = self._connection.run(
            "SELECT t.oid, t.typtype, t.typelem FROM pg_catalog.pg_type t"
            " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = %s AND n.nspname = %s"
            % (literal(name), literal(schema)),
            role=ENVIRONMENT,
        )[-1]["rows"]
        if not rows:
            raise ValueError("unknown type: %s.%s" % (schema, name))
        oid, kind, item = rows[0]
        return int(oid), kind, int(item)

    def encode(self, sql, values):
        """Return the values of a statement's parameters, with literals in place of those whose types have codecs.

        `sql` has the parameters as `$1`, `$2`, …
        """
        return self.encode_rows(sql, [values], one_of_many=False)[0]

    def encode_rows(self, sql, rows, one_of_many=True):
        """Return the rows of an `executemany` as `encode` returns the values of one."""
        if not rows or not rows[0] or not any(codec.encoder for codec in self._codecs.values()):
            return rows
        types = self._parameter_types(sql)
        if not any(oid in self._codecs or self._item_codec(oid) for oid in types):
            return rows
        names = {oid: self._type_name(oid) for oid in types}
        encoded = []
        for number, values in enumerate(rows):
            values = list(values)
            for index, oid in enumerate(types[: len(values)]):
                place = "$%d" % (index + 1)
                if one_of_many:
                    place += " in element #%d of executemany() sequence" % number
                values[index] = self._encode_one(oid, values[index], names[oid], place)
            encoded.append(values)
        return encoded

    def lists(self, sql, values):
        """Return the values of a statement's parameters, with lists in place of the sets for arrays, as asyncpg takes both."""
        types = self._parameter_types(sql)
        return [
            list(value) if isinstance(value, SETS) and oid and self._connection.look_up_type(oid)[1] else value
            for value, oid in itertools.zip_longest(values, types[: len(values)])
        ]

    def _parameter_types(self, sql):
        """Return the types of the parameters; none if the server can't infer them.

        asyncpg refuses such a statement. limbeck runs it (see docs/differences.md), so no value in it is known to be of a
        type with a codec.
        """
        connection = self._connection
        if connection.session_status == "E":
            return []
        in_transaction = connection.session_status == "T"
        if in_transaction:
            connection.run("SAVEPOINT " + _SAVEPOINT, role=TRANSACTION)
        types = []
        try:
            types = connection.run(sql, role=ENVIRONMENT, extended="parameter_types")[0]["rows"][0]
        except errors.DatabaseError as error:
            if getattr(error, "limbeck_kind", None) == "lost":
                raise
            if in_transaction:
                connection.run("ROLLBACK TO SAVEPOINT " + _SAVEPOINT, role=TRANSACTION)
        if in_transaction:
            connection.run("RELEASE SAVEPOINT " + _SAVEPOINT, role=TRANSACTION)
        return types

    def _encode_one(self, oid, value, type_name, place):
        codec = self._codecs.get(oid)
        item = None if codec else self._item_codec(oid)
        if value is None or (codec is None or codec.encoder is None) and item is None:
            return value
        try:
            literal = codec.literal(value) if item is None else _array_literal(value, item)
        except errors.Error:
            # The server refused the binary form.
            raise
        except Exception as error:
            raise InvalidInput(invalid_input(place, value, error)) from error
        return Written("%s::%s" % (literal, type_name))

    def _item_codec(self, oid):
        """Return the codec of the items of an array type, or None."""
        if oid not in self._arrays:
            self._arrays[oid] = self._connection.look_up_type(oid)[1]
        codec = self._codecs.get(self._arrays[oid])
        return codec if codec and codec.encoder else None

    def _type_name(self, oid):
        return self._connection.run("SELECT %d::pg_catalog.regtype" % oid, role=ENVIRONMENT)[-1]["rows"][0][0]


class Written:
    """A value that is a literal already."""

    def __init__(self, text):
        self._text = text

    def getquoted(self):
        return self._text


class _TextCodec:
    def __init__(self, connection, oid, encoder, decoder):
        self.connection, self.oid = connection, oid
        self.encoder, self.decode = encoder, decoder

    @property
    def decoder(self):
        return self.decode or str

    def literal(self, value):
        """Return the literal of a value, without a cast."""
        text = self.encoder(value)
        if not isinstance(text, str):
            raise TypeError("expected str, got %s" % type(text).__name__)
        return self.connection.literal(text)


class _AliasCodec(_TextCodec):
    """The codec of a built-in type for another type."""

    def __init__(self, connection, oid, target):
        super().__init__(connection, oid, None, None)
        self._target = target

    @property
    def decoder(self):
        return self.connection.decoder(self._target) or str


class _HstoreCodec(_TextCodec):
    def __init__(self, connection, oid):
        super().__init__(connection, oid, _hstore_text, parse_hstore)


class _BinaryCodec(_TextCodec):
    @property
    def decoder(self):
        return _BinaryDecoder(self.connection, self.oid, self.decode)

    def literal(self, value):
        encoded = self.encoder(value)
        # As in asyncpg, anything with a buffer is accepted.
        value = {"b": base64.b64encode(memoryview(encoded)).decode("ascii")}
        results = self.connection.run(
            "SELECT $1", role=ENVIRONMENT, extended={"binary_parameters": [self.oid]}, parameters=[value]
        )
        return self.connection.literal(results[-1]["rows"][0][0])


class _TupleCodec(_BinaryCodec):
    """A codec of a date or time, whose functions take and return the numbers in the binary form."""

    def __init__(self, connection, oid, encoder, decoder):
        form = _TUPLES[oid]

        # The binary form of an interval begins with the microseconds, the tuple with the months.
        def order(parts):
            return parts[::-1] if oid == _INTERVAL else parts

        super().__init__(
            connection, oid, lambda value: struct.pack(form, *order(tuple(encoder(value)))),
            lambda data: decoder(order(struct.unpack(form, data))),
        )


class _CompositeCodec(_TextCodec):
    """A codec of a composite type, whose functions take and return tuples."""

    def __init__(self, connection, oid, encoder, decoder):
        super().__init__(connection, oid, encoder, decoder)
        self._fields = [
            (int(field), name)
            for field, name in connection.run(
                "SELECT a.atttypid, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a"
                " JOIN pg_catalog.pg_type t ON t.typrelid = a.attrelid WHERE t.oid = %d AND a.attnum > 0"
                " AND NOT a.attisdropped ORDER BY a.attnum" % oid,
                role=ENVIRONMENT,
            )[-1]["rows"]
        ]

    @property
    def decoder(self):
        decoders = [self.connection.decoder(oid) for oid, _ in self._fields]

        def decode(text):
            return self.decode(tuple(
                item if item is None or decode_item is None else decode_item(item)
                for item, decode_item in zip(parse_record(text), decoders)
            ))

        return decode

    def literal(self, value):
        values = tuple(self.encoder(value))
        if len(values) != len(self._fields):
            raise ValueError("expected a tuple of %d items, got %d" % (len(self._fields), len(values)))
        items = ["%s::%s" % (self.connection.literal(item), name) for item, (_, name) in zip(values, self._fields)]
        return "ROW(%s)" % ", ".join(items)


class _BinaryDecoder:
    """A decoder of a type's binary form, which the server makes of the texts."""

    def __init__(self, connection, oid, decode):
        self._connection, self._oid, self._decode = connection, oid, decode
        self._forms = {}

    def prepare(self, texts):
        """Ask for the binary forms of all these texts at once."""
        if len(self._forms) > _KEPT_FORMS:
            self._forms.clear()
        texts = list({text for text in texts if text not in self._forms})
        if not texts:
            return
        connection = self._connection
        function, name = connection.run(
            "SELECT typsend::pg_catalog.regproc, oid::pg_catalog.regtype FROM pg_catalog.pg_type WHERE oid = %d" % self._oid,
            role=ENVIRONMENT,
        )[-1]["rows"][0]
        if function == "-":
            raise errors.ProgrammingError("no binary output function available for type %s" % name)
        rows = connection.run(
            "SELECT pg_catalog.encode(%s(u::%s), 'hex') FROM pg_catalog.unnest(%s::text[]) WITH ORDINALITY AS x (u, n) ORDER BY n"
            % (function, name, connection.literal(texts)),
            role=ENVIRONMENT,
        )[-1]["rows"]
        self._forms.update((text, bytes.fromhex(row[0])) for text, row in zip(texts, rows))

    def __call__(self, text):
        if text not in self._forms:
            self.prepare([text])
        return self._decode(self._forms[text])


def _array_literal(values, codec):
    if isinstance(values, (str, bytes, bytearray, memoryview)) or not hasattr(values, "__len__"):
        raise TypeError("a sized iterable container expected (got type %r)" % type(values).__name__)
    if not len(values):
        return "'{}'"
    # As in asyncpg, a list in a list is a dimension, and a tuple is a value.
    return "ARRAY[%s]" % ", ".join(
        "NULL" if item is None else _array_literal(item, codec) if isinstance(item, list) else codec.literal(item)
        for item in values
    )


def _hstore_text(value):
    pairs = value.items() if hasattr(value, "items") else value
    return ",".join("%s=>%s" % (_hstore_part(key), "NULL" if item is None else _hstore_part(item)) for key, item in pairs)


def _hstore_part(text):
    if text is None:
        raise ValueError("null value not allowed in hstore key")
    if not isinstance(text, str):
        raise TypeError("expected str, got %s" % type(text).__name__)
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def asyncpg_error(name, message):
    """Return an exception of asyncpg, or of its nearest kind if the project has not imported asyncpg."""
    kind = getattr(sys.modules.get("asyncpg.exceptions"), name, None)
    nearest = {"DataError": errors.DataError, "UnsupportedClientFeatureError": errors.NotSupportedError}
    return (kind or nearest.get(name, errors.InterfaceError))(message)
