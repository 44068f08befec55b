"""psycopg2's connection and cursor beyond PEP 249."""
import sys

from ..roles import TRANSACTION
from . import errors, psycopg2_registered
from .driver_literals import Psycopg2Literals
from .postgresql import PostgresConnection, PostgresCursor
from .postgresql_copy import CopiesFiles
from .postgresql_server_cursors import ServerCursor, new_name
from .psycopg2_types import Typecasters, adapted, decoder_of

# psycopg2's constants for isolation levels.
_LEVELS = {
    0: "AUTOCOMMIT", 1: "READ COMMITTED", 2: "REPEATABLE READ", 3: "SERIALIZABLE", 4: "READ UNCOMMITTED", 5: None,
}
_NUMBERS = {level: number for number, level in _LEVELS.items() if level}

READY, BEGIN, PREPARED = 1, 2, 5


class Psycopg2Connection(PostgresConnection):
    driver_class = ("psycopg2.extensions", "connection")
    literals_class = Psycopg2Literals
    protocol_version = 3
    async_ = 0

    def __init__(self, driver, arguments):
        # The default of `cursor`.
        self.cursor_factory = arguments.pop("cursor_factory", None)
        _row_maker(self.cursor_factory)
        factory = arguments.pop("connection_factory", None)
        if factory is not None and factory is not getattr(sys.modules.get("psycopg2.extensions"), "connection", None):
            raise _unsupported("connect argument `connection_factory`", "leave it out")
        self.typecasters = Typecasters()
        super().__init__(driver, arguments)
        self.literals.adapt = lambda value: adapted(value, self.literal) or psycopg2_registered.adapted(value, self)

    @property
    def string_types(self):
        return self.typecasters.string_types

    def cursor(self, name=None, cursor_factory=None, scrollable=None, withhold=False):
        self.check()
        cursor = Psycopg2Cursor(self) if name is None else Psycopg2ServerCursor(self)
        cursor.name, cursor.scrollable, cursor.withhold = name, scrollable, bool(withhold)
        factory = cursor_factory or self.cursor_factory
        cursor.set_row_maker(_row_maker(factory))
        if factory is not None:
            cursor.driver_class = factory.__module__, factory.__name__
        return cursor

    def server_cursor(self):
        return self.cursor(new_name(self))

    # The number of transactions that the connection has ended.
    ended = 0

    def _end(self, word):
        self.ended += self.has_begun
        super()._end(word)

    @property
    def isolation_level(self):
        return _NUMBERS.get(self.level)

    @isolation_level.setter
    def isolation_level(self, level):
        if isinstance(level, int) and not 1 <= level <= 4:
            raise ValueError("isolation_level must be between 1 and 4")
        self.set_session(isolation_level="DEFAULT" if level is None else level)

    @property
    def autocommit(self):
        return self.is_autocommit

    @autocommit.setter
    def autocommit(self, on):
        self.set_session(autocommit=on)

    @property
    def readonly(self):
        return self.read_only

    @readonly.setter
    def readonly(self, value):
        self.set_session(readonly="DEFAULT" if value is None else value)

    @property
    def deferrable(self):
        return self.is_deferrable

    @deferrable.setter
    def deferrable(self, value):
        self.set_session(deferrable="DEFAULT" if value is None else value)

    def set_isolation_level(self, level):
        """Roll back like psycopg2, then use a level given by its name, its number in psycopg2, or `AUTOCOMMIT`."""
        self.set_level(_level(level))

    def set_session(self, isolation_level=None, readonly=None, deferrable=None, autocommit=None):
        """Set the modes of the next transactions. A mode that is not given stays unchanged."""
        self.check()
        if self.has_begun:
            raise errors.ProgrammingError("set_session cannot be used inside a transaction")
        if isolation_level is not None:
            self.level = None if isolation_level == "DEFAULT" else _level(isolation_level)
        if readonly is not None:
            self.read_only = None if readonly == "DEFAULT" else bool(readonly)
        if deferrable is not None:
            self.is_deferrable = None if deferrable == "DEFAULT" else bool(deferrable)
        if autocommit is not None:
            self.is_autocommit = bool(autocommit)

    def reset(self):
        self.check()
        if self.session_status != "I":
            self.run("ROLLBACK", role=TRANSACTION)
        self.forget_transaction()
        self.level = self.read_only = self.is_deferrable = None
        self.run("RESET ALL", role=TRANSACTION)
        self.run("SET SESSION AUTHORIZATION DEFAULT", role=TRANSACTION)

    def cancel(self):
        """Do nothing: no statement runs while this method is called."""

    def notice(self, severity, message, detail, hint):
        super().notice(severity, message, detail, hint)
        # psycopg2 keeps the last fifty.
        del self.notices[:-50]

    def get_dsn_parameters(self):
        """Return libpq's main parameters of the connection; like libpq, not the password."""
        self.check()
        return dict(self.libpq_parameters)

    def poll(self):
        """Return psycopg2's `POLL_OK`: a statement is complete when its call returns."""
        self.check()
        return 0

    def isexecuting(self):
        return False

    def get_transaction_status(self):
        return self.transaction_status

    @property
    def status(self):
        return PREPARED if self.prepared else BEGIN if self.has_begun else READY

    @status.setter
    def status(self, letter):
        self.session_status = letter

    session_status = "I"

    def lobject(self, *args, **kwargs):
        from .psycopg2_lobject import open_lobject

        self.check()
        return open_lobject(self, *args, **kwargs)


class Psycopg2Cursor(CopiesFiles, PostgresCursor):
    driver_class = ("psycopg2.extensions", "cursor")
    name = None
    scrollable = None
    withhold = False
    itersize = 2000

    def __init__(self, connection):
        super().__init__(connection)
        self.typecasters = Typecasters()

    @property
    def string_types(self):
        return self.typecasters.string_types

    def decoder(self, oid):
        for typecasters in (self.typecasters, self.connection.typecasters):
            decode = typecasters.decoder(oid, self)
            if decode is not None:
                return decode
        typecaster = psycopg2_registered.typecaster(oid)
        return super().decoder(oid) if typecaster is None else decoder_of(typecaster, self)

    def execute(self, query, vars=None):
        if not isinstance(self.without_composables(query), (str, bytes)) and query is not None:
            raise TypeError("argument 1 must be a string or unicode object: got %s instead" % type(query).__name__)
        if not query:
            self.start()
            raise errors.ProgrammingError("can't execute an empty query")
        super().execute(query, vars)
        if self.results and not self.results[-1]["tag"] and self.results[-1]["columns"] is None:
            raise errors.ProgrammingError("can't execute an empty query")

    def callproc(self, procname, vars=None):
        vars = [] if vars is None else vars
        if hasattr(vars, "keys"):
            names = ", ".join('"%s" := %%(%s)s' % (name.replace('"', '""'), name) for name in vars)
        else:
            names = ", ".join(["%s"] * len(vars))
        self.execute("SELECT * FROM %s(%s)" % (procname, names), vars)
        return None if hasattr(vars, "keys") else vars

    def scroll(self, value, mode="relative"):
        if mode not in ("relative", "absolute"):
            raise errors.ProgrammingError("scroll mode must be 'relative' or 'absolute'")
        self.check_rows()
        position = value + (self.rownumber if mode == "relative" else 0)
        if not 0 <= position < max(self.rowcount, 1):
            raise errors.ProgrammingError("scroll destination out of bounds")
        self.move_to(position)

    def cast(self, oid, text):
        decode = self.decoder(oid)
        is_text = decode is None or text is None and not getattr(decode, "reads_null", False)
        return text if is_text else decode(text)


class Psycopg2ServerCursor(ServerCursor, Psycopg2Cursor):
    """A cursor with a name."""

    _ended = None

    def execute(self, query, vars=None):
        if self.is_declared:
            raise errors.ProgrammingError("can't call .execute() on named cursors more than once")
        if self.connection.is_autocommit and not self.withhold:
            raise errors.ProgrammingError("can't use a named cursor outside of transactions")
        self._ended = self.connection.ended
        super().execute(query, vars)

    def send(self, text):
        self.query = ("%s FOR %s" % (self.declaration(), text)).encode("utf-8")
        return super().send(text)

    def executemany(self, sql, rows):
        raise errors.ProgrammingError("can't call .executemany() on named cursors")

    def callproc(self, procname, vars=None):
        raise errors.ProgrammingError("can't call .callproc() on named cursors")

    def fetch(self, count):
        self._check_transaction()
        super().fetch(count)

    def scroll(self, value, mode="relative"):
        self._check_transaction()
        self.show_result(self.move(value, mode))
        self.rowcount = -1

    def _check_transaction(self):
        if self.is_declared and not self.withhold and self._ended != self.connection.ended:
            raise errors.ProgrammingError("named cursor isn't valid anymore")


def _level(level):
    if isinstance(level, int):
        if level not in _LEVELS:
            raise ValueError("isolation_level must be between 0 and 5")
        return _LEVELS[level]
    return level and level.upper()


def _unsupported(feature, alternative):
    return errors.NotSupportedError("limbeck's connection has no %s: %s" % (feature, alternative))


def _row_maker(factory):
    """Return the row maker (see `set_row_maker`) for one of psycopg2's own cursor classes; None for plain tuples."""
    extensions, extras = sys.modules.get("psycopg2.extensions"), sys.modules.get("psycopg2.extras")
    if factory is None or factory is getattr(extensions, "cursor", None):
        return None
    if factory is getattr(extras, "RealDictCursor", None):
        return lambda names: lambda row: extras.RealDictRow(zip(names, row))
    if factory is getattr(extras, "DictCursor", None):
        return lambda names: _dict_rows(names, extras.DictRow)
    if factory is getattr(extras, "NamedTupleCursor", None):
        return lambda names: extras.NamedTupleCursor._do_make_nt(tuple(names))._make
    raise errors.NotSupportedError(
        "limbeck's connection can't make a cursor of the class `%s`: use RealDictCursor, DictCursor or NamedTupleCursor, or"
        " no `cursor_factory`"
        % getattr(factory, "__qualname__", factory)
    )


def _dict_rows(names, kind):
    class Shape:
        index = {name: position for position, name in enumerate(names)}
        description = names

    def make(row):
        dict_row = kind(Shape)
        dict_row[:] = row
        return dict_row

    return make
