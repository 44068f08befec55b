"""PostgreSQL: psycopg2's way with literals, and each driver's own with transactions."""
import re
from collections import namedtuple

from . import errors
from .base import Connection, Cursor
from .placeholders import fill_dollar, fill_percent
from .postgresql_literals import Literals
from .postgresql_values import decoder_for
from .two_phase import TwoPhase

# How many rows of an `executemany` go in one text.
_BATCH = 100

Column = namedtuple("Column", "name type_code display_size internal_size precision scale null_ok")

# psycopg2's constants for isolation levels.
_LEVELS = {
    0: "AUTOCOMMIT", 1: "READ COMMITTED", 2: "REPEATABLE READ", 3: "SERIALIZABLE", 4: "READ UNCOMMITTED", 5: None,
}


class PostgresConnection(TwoPhase, Connection):
    family = "postgresql"

    def __init__(self, driver, arguments):
        self.isolation_level = None
        self.readonly = None
        self.deferrable = None
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

    def set_isolation_level(self, level):
        """A level's name, `AUTOCOMMIT` or psycopg2's number; what is open is rolled back first, as there."""
        if isinstance(level, int):
            if level not in _LEVELS:
                raise ValueError("isolation_level must be between 0 and 5")
            level = _LEVELS[level]
        self.rollback()
        self.autocommit = level == "AUTOCOMMIT"
        self.isolation_level = None if self.autocommit else level

    def set_session(self, isolation_level=None, readonly=None, deferrable=None, autocommit=None):
        """psycopg2's way to say the same; what is not given stays as it is."""
        self.check()
        if self.began:
            raise errors.ProgrammingError("set_session cannot be used inside a transaction")
        if isolation_level is not None:
            level = _LEVELS.get(isolation_level, isolation_level)
            self.isolation_level = None if level == "DEFAULT" else level and level.upper()
        if readonly is not None:
            self.readonly = None if readonly == "DEFAULT" else readonly
        if deferrable is not None:
            self.deferrable = None if deferrable == "DEFAULT" else deferrable
        if autocommit is not None:
            self.autocommit = bool(autocommit)

    @property
    def began(self):
        """Whether a transaction is open, as the driver sees it.

        Some remember that they have sent a BEGIN until they send its end themselves: after a COMMIT of
        the project's own they run what follows outside of a transaction, which is how
        `op.execute("COMMIT")` before a CREATE INDEX CONCURRENTLY works there.
        """
        return self._began if self.driver.remembers_begin else self.status != "I"

    def send(self, sql):
        self.check()
        self.check_not_prepared("execute")
        if self.autocommit or self.began:
            return self.run(sql)
        self._began = True
        return self.run(sql, (self._begin_text(),))

    def begin(self):
        """Begins a transaction now and not with the next statement."""
        self._began = True
        self.run(self._begin_text())

    def commit(self):
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
            self.run(word)

    def _begin_text(self):
        text = "BEGIN"
        if self.isolation_level:
            text += " ISOLATION LEVEL " + self.isolation_level
        if self.readonly is not None:
            text += " READ ONLY" if self.readonly else " READ WRITE"
        if self.deferrable is not None:
            text += " DEFERRABLE" if self.deferrable else " NOT DEFERRABLE"
        return text

    def decoder(self, oid):
        if oid not in self._decoders:
            self._decoders[oid] = decoder_for(oid, self)
        return self._decoders[oid]

    def look_up_type(self, oid):
        """The name of a type, the number of its items' type and that one's name, where it is an array."""
        row = self.run(
            "SELECT t.typname, t.typelem, i.typname FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type i"
            " ON i.oid = t.typelem AND t.typcategory = 'A' WHERE t.oid = %d" % oid
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

    @property
    def encoding(self):
        return "UTF8"


class PostgresCursor(Cursor):
    def execute(self, sql, parameters=None):
        self.start()
        self._take(self.connection.send(self._text(sql, parameters)))
        return self

    def executemany(self, sql, rows):
        self.start()
        # Without a transaction around it one text would be one transaction.
        batch = 1 if self.connection.autocommit and self.connection.status == "I" else _BATCH
        total, results, texts = 0, [], []
        for parameters in rows:
            texts.append(self._text(sql, parameters))
            if len(texts) == batch:
                results = self._send_all(texts)
                total += sum(result["affected"] or 0 for result in results)
                texts = []
        if texts:
            results = self._send_all(texts)
            total += sum(result["affected"] or 0 for result in results)
        self._take(results)
        self.rowcount = total

    def _send_all(self, texts):
        # A line of its own: the text before may end with a comment.
        return self.connection.send("\n;\n".join(texts))

    def mogrify(self, sql, parameters=None):
        return self._text(sql, parameters).encode("utf-8")

    def _text(self, sql, parameters):
        if isinstance(sql, bytes):
            sql = sql.decode("utf-8")
        driver = self.connection.driver
        fill = fill_dollar if driver.paramstyle == "numeric_dollar" else fill_percent
        return fill(sql, parameters, self.connection.literal, driver.mismatch)

    def _take(self, results):
        if not results:
            self.take(None, [], -1)
            return
        # As psycopg2: of several statements the last one's result.
        result = results[-1]
        rowcount = -1 if result["affected"] is None else result["affected"]
        columns = result["columns"]
        if columns is None:
            self.take(None, [], rowcount)
            return
        if result["affected"] is None:
            # The rows of a SHOW are counted, too.
            rowcount = len(result["rows"])
        rows = result["rows"]
        decoders = [self.connection.decoder(column[1]) for column in columns] if rows else ()
        used = [(index, decode) for index, decode in enumerate(decoders) if decode is not None]
        if used:
            for row in rows:
                for index, decode in used:
                    if row[index] is not None:
                        row[index] = decode(row[index])
        description = [Column(column[0], column[1], None, None, None, None, None) for column in columns]
        self.take(description, [tuple(row) for row in rows], rowcount)
