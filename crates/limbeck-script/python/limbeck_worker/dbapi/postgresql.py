"""PostgreSQL: literals as psycopg2 writes them, and transactions as each driver begins and ends them."""
import base64
import re
from collections import namedtuple

from ..roles import ENVIRONMENT, TRANSACTION
from . import postgresql_copy
from .base import Connection, Cursor
from .composable import composable_text, is_composable
from .driver_classes import DriverClass
from .placeholders import fill_dollar, fill_percent
from .postgresql_literals import Literals
from .postgresql_server_cursors import Streaming
from .postgresql_values import decoder_for
from .two_phase import TwoPhase

# The number of rows of an `executemany` that go in one text.
_BATCH = 100

Column = namedtuple("Column", "name type_code display_size internal_size precision scale null_ok")


class PostgresConnection(DriverClass, TwoPhase, Connection):
    family = "postgresql"
    literals_class = Literals
    # The subclasses expose these under each driver's names.
    is_autocommit = False
    level = None
    read_only = None
    is_deferrable = None

    def __init__(self, driver, arguments):
        self.json_loads = None
        # An engine can switch these off.
        self.parses_addresses = driver.parses_addresses
        self.parses_hstore = driver.parses_hstore
        # Whether the driver would consider a transaction open.
        self._has_begun = False
        super().__init__(driver, arguments)
        self.literals = self.literals_class(driver.has_infinite_numerics)
        self.literal = self.literals.literal
        self._decoders = {}

    def cursor(self, *args, **kwargs):
        self.check()
        return PostgresCursor(self)

    def server_cursor(self):
        """Return a cursor on the server, for SQLAlchemy's `stream_results`."""
        self.check()
        return StreamingCursor(self)

    @property
    def session_status(self):
        """The server's letter for the transaction status: `I`, `T` or `E`."""
        return self.status

    @property
    def readonly(self):
        return self.read_only

    @readonly.setter
    def readonly(self, value):
        self.read_only = value

    @property
    def deferrable(self):
        return self.is_deferrable

    @deferrable.setter
    def deferrable(self, value):
        self.is_deferrable = value

    @property
    def autocommit(self):
        return self.is_autocommit

    @autocommit.setter
    def autocommit(self, on):
        self.is_autocommit = bool(on)

    def set_level(self, level):
        """Roll back, then use the isolation level with this name, or `AUTOCOMMIT`."""
        self.rollback()
        self.is_autocommit = level == "AUTOCOMMIT"
        self.level = None if self.is_autocommit else level

    @property
    def has_begun(self):
        """Whether the driver would consider a transaction open.

        Some drivers don't ask the server: after their BEGIN a transaction is open until they end it themselves. A COMMIT in
        the project's text doesn't change that, so the next statements run outside a transaction. This is why
        `op.execute("COMMIT")` before a CREATE INDEX CONCURRENTLY works with these drivers.
        """
        return self._has_begun if self.driver.tracks_begin else self.session_status != "I"

    def send(self, sql):
        """Run a text, in a new transaction if none is open, and return its results."""
        return self.run(sql, self._before())

    def start_copy(self, sql):
        """Run a text that may start a COPY. Return the `Copy`, or None and the text's results."""
        return postgresql_copy.start(self, sql, self._before())

    def start_plain_copy(self, sql):
        """Do the same without a transaction that the driver begins."""
        return postgresql_copy.start(self, sql, ())

    def _before(self):
        """Return the statements ahead of the next one: the begin of a transaction if none is open."""
        self.check()
        self.check_not_prepared("execute")
        if self.is_autocommit or self.has_begun:
            return ()
        self._has_begun = True
        return (self._begin_text(),)

    def begin(self):
        """Begin a transaction now instead of with the next statement."""
        self._has_begun = True
        self.run(self._begin_text(), role=TRANSACTION)

    def commit(self):
        self.check()
        self.check_no_two_phase("commit")
        self._end("COMMIT")

    def rollback(self):
        if self.has_session:
            self.check_no_two_phase("rollback")
            self._end("ROLLBACK")

    def _end(self, word):
        if self.has_begun:
            # The transaction is over even if this fails.
            self._has_begun = False
            self.run(word, role=TRANSACTION)

    def _begin_text(self):
        text = "BEGIN"
        if self.level:
            text += " ISOLATION LEVEL " + self.level
        if self.read_only is not None:
            text += " READ ONLY" if self.read_only else " READ WRITE"
        if self.is_deferrable is not None:
            text += " DEFERRABLE" if self.is_deferrable else " NOT DEFERRABLE"
        return text

    def forget_transaction(self):
        """Forget the open transaction after the session was reset."""
        self._has_begun = False

    @property
    def transaction_status(self):
        """libpq's number for the transaction status."""
        return {"I": 0, "T": 2, "E": 3}[self.session_status]

    @property
    def info(self):
        return _Info(self)

    def decoder(self, oid):
        if oid not in self._decoders:
            self._decoders[oid] = decoder_for(oid, self)
        return self._decoders[oid]

    def forget_decoders(self):
        """Forget which decoders the types have, because the project has registered others."""
        self._decoders.clear()

    def look_up_type(self, oid):
        """Return the name of a type, and for an array the OID and the name of its items' type."""
        row = self.run(
            "SELECT t.typname, t.typelem, i.typname FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type i"
            " ON i.oid = t.typelem AND t.typcategory = 'A' WHERE t.oid = %d" % oid,
            role=ENVIRONMENT,
        )[-1]["rows"]
        name, item, item_name = row[0] if row else (None, None, None)
        return name, int(item) if item_name else None, item_name

    def get_parameter_status(self, name):
        return self.parameters.get(name)

    @property
    def server_version(self):
        """The server's version as libpq's number: 9.6.24 is 90624, 15.8 is 150008, 17beta1 is 170000."""
        match = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", self.server_version_text)
        if match is None:
            return 0
        major, minor, patch = (int(number or 0) for number in match.groups())
        return major * 10000 + (minor if major >= 10 else minor * 100 + patch)

    # The host uses UTF-8, whatever the project sets.
    encoding = "UTF8"

    def set_client_encoding(self, name):
        """Do nothing: texts are Unicode on both sides, so no encoding is visible."""

    def get_backend_pid(self):
        return int(self.run("SELECT pg_backend_pid()", role=ENVIRONMENT)[-1]["rows"][0][0])


class _Info:
    """The attribute `info` of psycopg2's and psycopg's connections."""

    status = 0
    encoding = "utf-8"
    vendor = "PostgreSQL"

    def __init__(self, connection):
        self._connection = connection
        self.transaction_status = connection.transaction_status
        self.server_version = connection.server_version
        self.parameter_status = connection.get_parameter_status

    @property
    def backend_pid(self):
        return self._connection.get_backend_pid()

    @property
    def dbname(self):
        return self._select("current_database()")

    @property
    def user(self):
        return self._select("session_user")

    def _select(self, expression):
        return self._connection.run("SELECT " + expression, role=ENVIRONMENT)[-1]["rows"][0][0]


class PostgresCursor(DriverClass, Cursor):
    statusmessage = None
    query = None

    def __init__(self, connection):
        # The results of the last text, and the index of the current one.
        self.results, self.shown = (), 0
        self._make_rows = None
        super().__init__(connection)

    def execute(self, sql, parameters=None):
        self.start()
        self.show_result(self.send(self.text(sql, parameters)))
        return self

    def send(self, text):
        return self.connection.send(text)

    def start(self):
        super().start()
        self.results, self.shown = (), 0

    def executemany(self, sql, rows):
        self.start()
        # Outside a transaction each row needs its own text, as each text is a transaction.
        batch = 1 if self.connection.is_autocommit and self.connection.session_status == "I" else _BATCH
        total, texts = 0, []
        for parameters in rows:
            texts.append(self.text(sql, parameters))
            if len(texts) == batch:
                total += self._send_all(texts)
                texts = []
        if texts:
            total += self._send_all(texts)
        # As in the drivers, the rows of a RETURNING are dropped.
        self.set_result(None, [], total)

    def _send_all(self, texts):
        # The semicolon is on its own line because the previous text may end with a comment.
        results = self.connection.send("\n;\n".join(texts))
        self.statusmessage = results[-1]["tag"] if results else None
        return sum(result["affected"] or 0 for result in results)

    def mogrify(self, sql, parameters=None):
        return self.text(sql, parameters, keep=False).encode("utf-8")

    def text(self, sql, parameters, keep=True):
        sql = self.without_composables(sql)
        if isinstance(sql, bytes):
            sql = sql.decode("utf-8")
        driver = self.connection.driver
        fill = fill_dollar if driver.paramstyle == "numeric_dollar" else fill_percent
        text = fill(sql, parameters, self.connection.literal, driver.mismatch)
        if keep:
            self.query = text.encode("utf-8")
        return text

    def without_composables(self, sql):
        return composable_text(sql, self.connection.literal) if is_composable(sql) else sql

    def shown_index(self, results):
        """Return the index of the result to show: like psycopg2, the last one."""
        return len(results) - 1

    def show_result(self, results, index=None):
        self.results = results
        if not results:
            self.set_result(None, [], -1)
            return
        self.shown = self.shown_index(results) if index is None else index
        result = results[self.shown]
        self.statusmessage = result["tag"] or None
        rowcount = -1 if result["affected"] is None else result["affected"]
        columns = result["columns"]
        if columns is None:
            self.set_result(None, [], rowcount)
            return
        if result["affected"] is None:
            # The drivers also count the rows of a SHOW.
            rowcount = len(result["rows"])
        rows = result["rows"]
        for row in rows:
            for value in row:
                if type(value) is dict:
                    # A database without an encoding may hold text that is not UTF-8: fail like psycopg2.
                    base64.b64decode(value["b"]).decode("utf-8")
        decoders = [self.decoder(column[1]) for column in columns] if rows else ()
        used = [(index, decode) for index, decode in enumerate(decoders) if decode is not None]
        for index, decode in used:
            if hasattr(decode, "prepare"):
                decode.prepare([row[index] for row in rows if row[index] is not None])
            reads_null = hasattr(decode, "reads_null")
            for row in rows:
                if row[index] is not None or reads_null:
                    row[index] = decode(row[index])
        description = [Column(column[0], column[1], None, None, None, None, None) for column in columns]
        rows = [tuple(row) for row in rows]
        self.set_result(description, rows, rowcount)
        if self._make_rows is not None:
            make = self._make_rows([column.name for column in description])
            self._rows = [make(row) for row in rows]

    def decoder(self, oid):
        """Return the function that converts a text of a type for this cursor, or None if the text is the value."""
        return self.connection.decoder(oid)

    def set_row_maker(self, make):
        """Set the function that returns, for the columns' names, the function that builds a row from values."""
        self._make_rows = make

    @property
    def rownumber(self):
        return self._next

    def move_to(self, position):
        self._next = position


class StreamingCursor(Streaming, PostgresCursor):
    pass
