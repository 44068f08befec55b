"""MySQL and MariaDB: PyMySQL's way with transactions, literals and values."""
import base64
import datetime
import decimal
import re

from ..roles import ENVIRONMENT, TRANSACTION
from . import errors
from .base import Connection, Cursor
from .mirrored import Mirrored
from .patterns import Pattern
from .placeholders import fill_percent

# What PyMySQL sends as one statement: the row has placeholders alone.
_PLACE = r"\s*(?:%s|%\([^)]+\)s)\s*"
_NAME = r"(?:`[^`]+`|[0-9A-Za-z_$]+)"
_INSERT = Pattern(
    r"\s*(?P<head>(?:INSERT|REPLACE)\b.+\bVALUES?\s*)"
    r"(?P<row>\(" + _PLACE + r"(?:," + _PLACE + r")*\))"
    r"(?P<tail>\s*(?:AS\s+" + _NAME + r"\s*(?:\([^()]*\)\s*)?)?(?:ON\s+DUPLICATE.*?)?);?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_PLACEHOLDER = Pattern(r"(?<!%)(?:%%)*%(?:s|\()")
_SQL_MODE = Pattern(r"sql_mode", re.IGNORECASE)
# As long as a text of many rows may become, in characters.
_LONGEST = 1024000


# What PyMySQL raises where there is no connection.
_NUMBERS = {"authentication": 1045, "no_such_database": 1049, "too_many_connections": 1040, "unreachable": 2003, "lost": 2013}
# MySQL's names for character sets that Python calls otherwise; the others share theirs, or are UTF-8.
_ENCODINGS = {"latin1": "cp1252", "koi8r": "koi8_r", "koi8u": "koi8_u"}


class MysqlConnection(Mirrored, Connection):
    family = "mysql"

    def __init__(self, driver, arguments):
        self.mirrors = getattr(driver, "mirrors", None)
        self.autocommit_mode = arguments.pop("autocommit", False)
        self.charset = arguments.get("charset") or "utf8mb4"
        self._encoding = _encoding(self.charset)
        self._backslash_escapes = None
        self._last = {}
        super().__init__(driver, arguments)
        if self.autocommit_mode is not None:
            self.autocommit(bool(self.autocommit_mode))

    def cursor(self, cursor=None):
        self.check()
        # The classes are the driver's, whose rows those with this word make.
        return (DictCursor if "DictCursor" in getattr(cursor, "__name__", "") else MysqlCursor)(self)

    def run(self, sql, before=(), **fields):
        if self._encoding is not None:
            # The server would put a question mark where the character set lacks a character.
            sql.encode(self._encoding)
        try:
            results = super().run(sql, before, **fields)
            self._last = results[0] if results else {}
            return results
        finally:
            if _SQL_MODE.search(sql):
                self._backslash_escapes = None

    def closed_error(self):
        return errors.InterfaceError(0, "")

    def request(self, op, **fields):
        try:
            return super().request(op, **fields)
        except errors.Error as error:
            # Projects look for the number, to create a database that is not there for example.
            number = _NUMBERS.get("lost" if error.limbeck_kind == "lost" else error.limbeck_reason)
            if number is not None:
                error.args = (number, *error.args)
            raise

    def __exit__(self, kind, value, traceback):
        # Nothing is committed: that is PyMySQL's way since 1.0.
        self.close()

    def autocommit(self, on):
        self.run("SET AUTOCOMMIT = %d" % bool(on), role=TRANSACTION)
        self.autocommit_mode = bool(on)

    def get_autocommit(self):
        return self.autocommit_mode

    def begin(self):
        self.run("BEGIN", role=TRANSACTION)

    def commit(self):
        self.run("COMMIT", role=TRANSACTION)

    def rollback(self):
        if not self.closed:
            self.run("ROLLBACK", role=TRANSACTION)

    def ping(self, reconnect=False):
        self.run("SELECT 1", role=ENVIRONMENT)

    def query(self, sql):
        return self.run(sql)

    @property
    def open(self):
        return not self.closed

    def select_db(self, name):
        self.run("USE `%s`" % name.replace("`", "``"))

    def insert_id(self):
        return self._last.get("last_id") or 0

    def affected_rows(self):
        return self._last.get("affected") or 0

    def thread_id(self):
        return int(super().run("SELECT CONNECTION_ID()", role=ENVIRONMENT)[0]["rows"][0][0])

    def show_warnings(self):
        rows = super().run("SHOW WARNINGS")[0]["rows"]
        return tuple((_text(level), int(number), _text(message)) for level, number, message in rows)

    def escape(self, value, mapping=None):
        return self.literal(value)

    def run_async(self, function):
        from . import awaited

        return awaited.run(self, function)

    def character_set_name(self):
        return self.charset

    def get_server_info(self):
        return self.server_version_text

    def escape_string(self, text):
        text = text.replace("'", "''")
        if "\\" in text and self.backslash_escapes():
            text = text.replace("\\", "\\\\")
        return text

    def backslash_escapes(self):
        """Whether a backslash means something in a literal, which the session's `sql_mode` says."""
        if self._backslash_escapes is None:
            mode = _text(super().run("SELECT @@SESSION.sql_mode", role=ENVIRONMENT)[0]["rows"][0][0])
            self._backslash_escapes = "NO_BACKSLASH_ESCAPES" not in mode.upper()
        return self._backslash_escapes

    def literal(self, value):
        kind = type(value)
        if value is None:
            return "NULL"
        if kind is bool:
            return "1" if value else "0"
        if kind is int:
            return str(value)
        if isinstance(value, float):
            return _float(value)
        if isinstance(value, str):
            return "'%s'" % self.escape_string(str.__str__(value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            # Without the introducer it would be a number where a number is expected.
            return "_binary x'%s'" % bytes(value).hex()
        if isinstance(value, decimal.Decimal):
            if not value.is_finite():
                raise errors.ProgrammingError("%s can not be used with MySQL" % str(value).lower())
            return format(value, "f")
        if isinstance(value, datetime.datetime):
            clock = _clock("%02d:%02d:%02d" % (value.hour, value.minute, value.second), value.microsecond)
            return "'%04d-%02d-%02d %s'" % (value.year, value.month, value.day, clock)
        if isinstance(value, datetime.date):
            return "'%04d-%02d-%02d'" % (value.year, value.month, value.day)
        if isinstance(value, datetime.time):
            return "'%s'" % _clock("%02d:%02d:%02d" % (value.hour, value.minute, value.second), value.microsecond)
        if isinstance(value, datetime.timedelta):
            size = abs(value)
            minutes, seconds = divmod(size.seconds, 60)
            clock = "%02d:%02d:%02d" % (size.days * 24 + minutes // 60, minutes % 60, seconds)
            return "'%s%s'" % ("-" if value.days < 0 else "", _clock(clock, size.microseconds))
        if isinstance(value, (list, tuple, set, frozenset)):
            return "(%s)" % ",".join(self.literal(item) for item in value)
        if isinstance(value, dict):
            raise TypeError("dict can not be used as parameter")
        if isinstance(value, int):
            return str(int(value))
        return "'%s'" % self.escape_string(str(value))


def _encoding(charset):
    """How Python writes this character set; none where it has every character, or Python does not know it."""
    import codecs

    name = _ENCODINGS.get(charset, charset)
    if name.startswith("utf8"):
        return None
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


for _name in errors.NAMES:
    setattr(MysqlConnection, _name, getattr(errors, _name))


class MysqlCursor(Mirrored, Cursor):
    def __init__(self, connection):
        super().__init__(connection)
        self.mirrors = connection.mirrors and _CURSORS.get(connection.mirrors[0])
        self._executed = False
        self._more = []

    def closed_error(self):
        return errors.ProgrammingError("Cursor closed")

    def check_rows(self):
        # A statement without rows has none to fetch, which is no error.
        self.check()
        if not self._executed:
            raise errors.ProgrammingError("execute() first")

    def execute(self, sql, parameters=None):
        self.start()
        self._take(self.connection.run(self._text(sql, parameters)))
        return self.rowcount

    def executemany(self, sql, rows):
        self.start()
        rows = list(rows or ())
        if not rows:
            return None
        match = _INSERT.match(sql)
        if match is None or _PLACEHOLDER.search(match.group("tail")):
            total = 0
            for parameters in rows:
                self._take(self.connection.run(self._text(sql, parameters)))
                total += max(self.rowcount, 0)
            self.rowcount = total
            return total
        head, tail = match.group("head").replace("%%", "%"), match.group("tail").replace("%%", "%")
        total, texts, length = 0, [], 0
        for index, parameters in enumerate(rows):
            text = self._text(match.group("row"), parameters)
            texts.append(text)
            length += len(text)
            if length > _LONGEST or index + 1 == len(rows):
                self._take(self.connection.run(head + ",".join(texts) + tail))
                total += max(self.rowcount, 0)
                texts, length = [], 0
        self.rowcount = total
        return total

    def callproc(self, name, parameters=()):
        """Arguments go in as the session's variables `@_<name>_<position>`, where those that go out are found."""
        variables = ["@_%s_%d" % (name, index) for index in range(len(parameters))]
        if variables:
            values = map(self.connection.literal, parameters)
            self.connection.run("SET " + ",".join("%s=%s" % pair for pair in zip(variables, values)))
        self.execute("CALL %s(%s)" % (name, ",".join(variables)))
        return parameters

    @property
    def rownumber(self):
        return self._next

    def scroll(self, value, mode="relative"):
        self.check()
        if mode not in ("relative", "absolute"):
            raise errors.ProgrammingError("unknown scroll mode %s" % mode)
        wanted = value + (self._next if mode == "relative" else 0)
        if not 0 <= wanted < len(self._rows):
            raise IndexError("out of range")
        self._next = wanted

    def mogrify(self, sql, parameters=None):
        return self._text(sql, parameters)

    def _text(self, sql, parameters):
        if isinstance(sql, bytes):
            sql = sql.decode("utf-8")
        if parameters is not None and not isinstance(parameters, (tuple, list)) and not hasattr(parameters, "keys"):
            # One alone, be it a text or a set.
            parameters = (parameters,)
        return fill_percent(sql, parameters, self.connection.literal, self.connection.driver.mismatch)

    def nextset(self):
        if not self._more:
            return None
        self._show(self._more.pop(0))
        return True

    def _take(self, results):
        self._executed = True
        self._more = list(results)
        if self._more:
            self._show(self._more.pop(0))
        else:
            self.take(None, [], -1)

    def _show(self, result):
        columns = result["columns"]
        rowcount = -1 if result["affected"] is None else result["affected"]
        if columns is None:
            self.take(None, [], rowcount, result["last_id"] or 0)
            return
        without_zero_dates = self.connection.driver.without_zero_dates
        decoders = [_decoder(column, without_zero_dates) for column in columns]
        rows = [
            tuple(
                value if value is None or decode is None else decode(value)
                for value, decode in zip(row, decoders)
            )
            for row in result["rows"]
        ]
        description = tuple((c[0], c[1], None, c[2], c[2], 0, not c[3] & 1) for c in columns)
        self.take(description, self._named(columns, rows), len(rows))

    def _named(self, columns, rows):
        return rows


class DictCursor(MysqlCursor):
    def _named(self, columns, rows):
        names = [column[0] for column in columns]
        for name in names:
            if names.count(name) > 1:
                # PyMySQL puts the table before the second one, which is not known here.
                raise errors.NotSupportedError(
                    "the result has two columns `%s`, which limbeck's DictCursor can't tell apart: rename one with AS" % name
                )
        return [dict(zip(names, row)) for row in rows]


# Where the cursors of the drivers are that have a connection there.
_CURSORS = {"pymysql.connections": ("pymysql.cursors", "Cursor"), "MySQLdb.connections": ("MySQLdb.cursors", "Cursor")}


def _clock(text, microseconds):
    return "%s.%06d" % (text, microseconds) if microseconds else text


def _float(value):
    text = float.__repr__(value)
    if text in ("inf", "-inf", "nan"):
        raise errors.ProgrammingError("%s can not be used with MySQL" % text)
    return text if "e" in text else text + "e0"


def _raw(value):
    return base64.b64decode(value["b"]) if type(value) is dict else value.encode("utf-8")


def _text(value):
    return _raw(value).decode("utf-8") if type(value) is dict else value


def _datetime(value):
    text = _text(value)
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$", text)
    try:
        *parts, fraction = match.groups()
        return datetime.datetime(*map(int, parts), int((fraction or "0").ljust(6, "0")))
    except (AttributeError, ValueError):
        # What is no date to Python (0000-00-00) stays what the server sent, as PyMySQL has it.
        return text


def _date(value):
    text = _text(value)
    try:
        return datetime.date(*map(int, text.split("-")))
    except (TypeError, ValueError):
        return text


def _timedelta(value):
    text = _text(value)
    match = re.match(r"(-)?(\d{1,3}):(\d\d):(\d\d)(?:\.(\d{1,6}))?$", text)
    if match is None:
        return text
    sign, hours, minutes, seconds, fraction = match.groups()
    delta = datetime.timedelta(
        hours=int(hours), minutes=int(minutes), seconds=int(seconds), microseconds=int((fraction or "0").ljust(6, "0"))
    )
    return -delta if sign else delta


_BY_TYPE = {
    0: lambda value: decimal.Decimal(_text(value)),
    246: lambda value: decimal.Decimal(_text(value)),
    **{code: lambda value: int(_text(value)) for code in (1, 2, 3, 8, 9, 13)},
    4: lambda value: float(_text(value)),
    5: lambda value: float(_text(value)),
    7: _datetime,
    12: _datetime,
    10: _date,
    14: _date,
    11: _timedelta,
    16: _raw,
    255: _raw,
    245: _text,
}


def _without_text(decode):
    def or_none(value):
        decoded = decode(value)
        return None if isinstance(decoded, str) else decoded

    return or_none


def _decoder(column, without_zero_dates=False):
    code, charset = column[1], column[4]
    if without_zero_dates and code in (7, 10, 11, 12, 14):
        # What Python has no value for is none at all.
        return _without_text(_BY_TYPE[code])
    if code in _BY_TYPE:
        return _BY_TYPE[code]
    # Strings and blobs: the binary character set is what tells bytes from text.
    return _raw if charset == 63 else _text
