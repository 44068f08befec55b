"""PostgreSQL: psycopg2's way with literals, and each driver's own with transactions."""
import base64
import re
from collections import namedtuple

from ..roles import ENVIRONMENT, TRANSACTION
from .base import Connection, Cursor
from .composed import composed_text, is_composed
from .placeholders import fill_dollar, fill_percent
from .postgresql_literals import Literals
from .postgresql_values import decoder_for
from .two_phase import TwoPhase

# How many rows of an `executemany` go in one text.
_BATCH = 100

Column = namedtuple("Column", "name type_code display_size internal_size precision scale null_ok")


class PostgresConnection(TwoPhase, Connection):
    family = "postgresql"
    # How the drivers call these is their own: see the subclasses.
    autocommits = False
    level = None
    read_only = None
    deferring = None

    def __init__(self, driver, arguments):
        self.json_loads = None
        # What an engine can switch off.
        self.parses_addresses = driver.parses_addresses
        self.parses_hstore = driver.parses_hstore
        # Whether the driver believes that it has begun a transaction.
        self._began = False
        super().__init__(driver, arguments)
        self.literal = Literals(driver.infinite_numerics).literal
        self._decoders = {}

    def cursor(self, *args, **kwargs):
        self.check()
        return PostgresCursor(self)

    @property
    def session_status(self):
        """Where the session stands, by the server's letter."""
        return self.status

    @property
    def readonly(self):
        return self.read_only

    @readonly.setter
    def readonly(self, value):
        self.read_only = value

    @property
    def deferrable(self):
        return self.deferring

    @deferrable.setter
    def deferrable(self, value):
        self.deferring = value

    @property
    def autocommit(self):
        return self.autocommits

    @autocommit.setter
    def autocommit(self, on):
        self.autocommits = bool(on)

    def use_level(self, level):
        """The name of a level, or `AUTOCOMMIT`; what is open is rolled back."""
        self.rollback()
        self.autocommits = level == "AUTOCOMMIT"
        self.level = None if self.autocommits else level

    @property
    def began(self):
        """Whether a transaction is open, as the driver sees it.

        Some remember that they have sent a BEGIN until they send its end themselves: after a COMMIT of
        the project's own they run what follows outside of a transaction, which is how
        `op.execute("COMMIT")` before a CREATE INDEX CONCURRENTLY works there.
        """
        return self._began if self.driver.remembers_begin else self.session_status != "I"

    def send(self, sql):
        self.check()
        self.check_not_prepared("execute")
        if self.autocommits or self.began:
            return self.run(sql)
        self._began = True
        return self.run(sql, (self._begin_text(),))

    def begin(self):
        """Begins a transaction now and not with the next statement."""
        self._began = True
        self.run(self._begin_text(), role=TRANSACTION)

    def commit(self):
        self.check()
        self.check_no_two_phase("commit")
        self._end("COMMIT")

    def rollback(self):
        if not self.closed:
            self.check_no_two_phase("rollback")
            self._end("ROLLBACK")

    def _end(self, word):
        if self.began:
            # Whatever comes of it, the transaction is over.
            self._began = False
            self.run(word, role=TRANSACTION)

    def _begin_text(self):
        text = "BEGIN"
        if self.level:
            text += " ISOLATION LEVEL " + self.level
        if self.read_only is not None:
            text += " READ ONLY" if self.read_only else " READ WRITE"
        if self.deferring is not None:
            text += " DEFERRABLE" if self.deferring else " NOT DEFERRABLE"
        return text

    def forget_transaction(self):
        """When the session has been put into its first state by other ways."""
        self._began = False

    @property
    def transaction_status(self):
        """libpq's number."""
        return {"I": 0, "T": 2, "E": 3}[self.session_status]

    @property
    def info(self):
        return _Info(self)

    def decoder(self, oid):
        if oid not in self._decoders:
            self._decoders[oid] = decoder_for(oid, self)
        return self._decoders[oid]

    def look_up_type(self, oid):
        """The name of a type, the number of its items' type and that one's name, where it is an array."""
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
        """As libpq counts: 9.6.24 is 90624, 15.8 is 150008, 17beta1 is 170000."""
        match = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", self.server_version_text)
        if match is None:
            return 0
        major, minor, patch = (int(number or 0) for number in match.groups())
        return major * 10000 + (minor if major >= 10 else minor * 100 + patch)

    # Whatever the server is told: the host speaks it.
    encoding = "UTF8"

    def set_client_encoding(self, name):
        """Texts are Unicode here and there: nothing depends on the encoding between."""

    def get_backend_pid(self):
        return int(self.run("SELECT pg_backend_pid()", role=ENVIRONMENT)[-1]["rows"][0][0])


class _Info:
    """What psycopg2 and psycopg call `info`."""

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
        return self._asked("current_database()")

    @property
    def user(self):
        return self._asked("session_user")

    def _asked(self, expression):
        return self._connection.run("SELECT " + expression, role=ENVIRONMENT)[-1]["rows"][0][0]


class PostgresCursor(Cursor):
    statusmessage = None
    query = None

    def __init__(self, connection):
        # The results of the last text, and which of them is shown.
        self.results, self.shown = (), 0
        self._make_rows = None
        super().__init__(connection)

    def execute(self, sql, parameters=None):
        self.start()
        self.show(self.connection.send(self.text(sql, parameters)))
        return self

    def start(self):
        super().start()
        self.results, self.shown = (), 0

    def executemany(self, sql, rows):
        self.start()
        # Without a transaction around it one text would be one transaction.
        batch = 1 if self.connection.autocommits and self.connection.session_status == "I" else _BATCH
        total, texts = 0, []
        for parameters in rows:
            texts.append(self.text(sql, parameters))
            if len(texts) == batch:
                total += self._send_all(texts)
                texts = []
        if texts:
            total += self._send_all(texts)
        # The rows of a RETURNING are nobody's.
        self.take(None, [], total)

    def _send_all(self, texts):
        # A line of its own: the text before may end with a comment.
        results = self.connection.send("\n;\n".join(texts))
        self.statusmessage = results[-1]["tag"] if results else None
        return sum(result["affected"] or 0 for result in results)

    def mogrify(self, sql, parameters=None):
        return self.text(sql, parameters, keep=False).encode("utf-8")

    def text(self, sql, parameters, keep=True):
        sql = self.plain(sql)
        if isinstance(sql, bytes):
            sql = sql.decode("utf-8")
        driver = self.connection.driver
        fill = fill_dollar if driver.paramstyle == "numeric_dollar" else fill_percent
        text = fill(sql, parameters, self.connection.literal, driver.mismatch)
        if keep:
            self.query = text.encode("utf-8")
        return text

    def plain(self, sql):
        return composed_text(sql, self.connection.literal) if is_composed(sql) else sql

    def which(self, results):
        """As psycopg2: of several statements the last one's result."""
        return len(results) - 1

    def show(self, results, place=None):
        self.results = results
        if not results:
            self.take(None, [], -1)
            return
        self.shown = self.which(results) if place is None else place
        result = results[self.shown]
        self.statusmessage = result["tag"] or None
        rowcount = -1 if result["affected"] is None else result["affected"]
        columns = result["columns"]
        if columns is None:
            self.take(None, [], rowcount)
            return
        if result["affected"] is None:
            # The rows of a SHOW are counted, too.
            rowcount = len(result["rows"])
        rows = result["rows"]
        for row in rows:
            for value in row:
                if type(value) is dict:
                    # No text in UTF-8, which a database without an encoding may hold: as psycopg2.
                    base64.b64decode(value["b"]).decode("utf-8")
        decoders = [self.connection.decoder(column[1]) for column in columns] if rows else ()
        used = [(index, decode) for index, decode in enumerate(decoders) if decode is not None]
        if used:
            for row in rows:
                for index, decode in used:
                    if row[index] is not None:
                        row[index] = decode(row[index])
        description = [Column(column[0], column[1], None, None, None, None, None) for column in columns]
        rows = [tuple(row) for row in rows]
        self.take(description, rows, rowcount)
        if self._make_rows is not None:
            make = self._make_rows([column.name for column in description])
            self._rows = [make(row) for row in rows]

    def rows_as(self, make):
        """What makes, of the names of columns, a function that makes a row of its values."""
        self._make_rows = make

    @property
    def rownumber(self):
        return self._next

    def go_to(self, place):
        self._next = place
