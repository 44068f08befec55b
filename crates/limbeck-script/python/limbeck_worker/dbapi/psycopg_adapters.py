"""psycopg's adapters: a project's own dumpers and loaders, which psycopg keeps in each connection's `adapters`.

limbeck's own conversions equal those of psycopg. Only what the project has changed runs psycopg's code.
"""
import functools
import sys

from . import errors
from .composable import composable_text, is_composable


class Adapters:
    """The adapters of a connection."""

    # Dumpers and loaders get this object as their context. Without a connection they read no setting of libpq.
    connection = None

    def __init__(self, connection):
        self._connection = connection
        self._map = None
        self._decoders = {}

    @property
    def adapters(self):
        """psycopg's map of adapters, or None if the project has not imported psycopg."""
        if self._map is None and _original is not None:
            psycopg = sys.modules["psycopg"]
            self._map = psycopg.adapt.AdaptersMap(psycopg.adapters)
        return self._map

    def decoder(self, oid):
        """Return the decoder of the project's own loader for a type, or None."""
        adapters = self.adapters
        if adapters is None:
            return None
        if not self._is_changed(oid):
            return None
        loader = adapters.get_loader(oid, sys.modules["psycopg"].pq.Format.TEXT)
        known = self._decoders.get(oid)
        if known is None or known[0] is not loader:
            load = loader(oid, self).load
            self._decoders[oid] = known = loader, lambda text: load(text.encode("utf-8"))
        return known[1]

    def _is_changed(self, oid):
        """Return whether the project has registered a loader for a type, or for the items of an array or a range."""
        text = sys.modules["psycopg"].pq.Format.TEXT
        loader = self._map.get_loader(oid, text)
        if loader is None or loader is not _original.get_loader(oid, text):
            return loader is not None
        info = self._map.types.get(oid)
        if info is None:
            return False
        item = info.oid if info.array_oid == oid else getattr(info, "subtype_oid", 0)
        return bool(item) and item != oid and self._is_changed(item)

    def literal(self, value):
        """Return the literal of a value for which the project has its own dumper, or None."""
        adapters = self.adapters
        if adapters is None:
            return None
        kind = type(value)
        own = _dumper(adapters, kind)
        if own is None or own is _dumper(_original, kind):
            return None
        transformer = sys.modules["psycopg"].adapt.Transformer(self)
        return bytes(transformer.as_literal(value)).decode("utf-8")


def keep_original(psycopg):
    """Keep psycopg's adapters as they are before the project changes them."""
    global _original
    _original = psycopg.adapt.AdaptersMap(psycopg.adapters)


_original = None


def _dumper(adapters, kind):
    psycopg = sys.modules["psycopg"]
    for form in (psycopg.adapt.PyFormat.TEXT, psycopg.adapt.PyFormat.BINARY):
        try:
            return adapters.get_dumper(kind, form)
        except psycopg.ProgrammingError:
            pass
    return None


def write_with(sql):
    """Let the methods of composable objects take limbeck's connections and cursors; psycopg's own code needs libpq."""
    for kind in (sql.Composable, *sql.Composable.__subclasses__()):
        for name in ("as_string", "as_bytes"):
            if name in vars(kind):
                setattr(kind, name, _with_adapters(vars(kind)[name]))


def _with_adapters(method):
    @functools.wraps(method)
    def with_adapters(self, context=None):
        connection = context if hasattr(context, "limbeck_adapted") else getattr(context, "connection", None)
        connection = getattr(connection, "limbeck_adapted", None)
        return method(self, context if connection is None else connection.adaptation)

    return with_adapters


def fetch_over_host(module):
    """Make `TypeInfo.fetch` run its query over limbeck's connection; psycopg's own cursors need libpq."""
    fetch = module.TypeInfo.fetch.__func__

    @functools.wraps(fetch)
    def fetch_over_host(cls, conn, name):
        own = getattr(conn, "limbeck_adapted", None)
        if own is None:
            return fetch(cls, conn, name)
        found = _fetch(cls, own, name)
        return found if own is conn else _awaited(found)

    module.TypeInfo.fetch = classmethod(fetch_over_host)


async def _awaited(value):
    return value


def _fetch(cls, connection, name):
    if is_composable(name):
        name = composable_text(name, connection.literal)
    cursor = connection.cursor()
    try:
        with connection.transaction():
            cursor.execute(cls._get_info_query(connection), {"name": name})
            names = [column.name for column in cursor.description]
            records = [dict(zip(names, row)) for row in cursor.fetchall()]
    except errors.ProgrammingError as error:
        if getattr(error, "sqlstate", None) == "42704":
            return None
        raise
    return cls._from_records(name, records)
