"""MySQL and MariaDB: transactions, literals and values as in PyMySQL."""
import base64
import datetime
import decimal
import re

from ..roles import ENVIRONMENT, TRANSACTION
from . import errors
from .base import Connection, Cursor
from .driver_classes import DriverClass
from .patterns import Pattern
from .placeholders import fill_percent

# An INSERT that PyMySQL sends as one statement for many rows: the row consists of placeholders.
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
# The maximum length of a text of many rows, in characters.
_MAX_TEXT_LENGTH = 1024000

# PyMySQL's error numbers for a connection that can't be opened or is lost.
_NUMBERS = {"authentication": 1045, "no_such_database": 1049, "too_many_connections": 1040, "unreachable": 2003, "lost": 2013}
# The number of rows of a result that is not read yet.
_UNKNOWN_ROWCOUNT = 2**64 - 1
# Python's names for MySQL's character sets, if they differ. The others have the same name or are UTF-8.
_ENCODINGS = {"latin1": "cp1252", "koi8r": "koi8_r", "koi8u": "koi8_u"}


class MysqlConnection(DriverClass, Connection):
    family = "mysql"
    async_driver_class = None

    def __init__(self, driver, arguments):
        self.driver_class = getattr(driver, "driver_class", None)
        self.async_driver_class = getattr(driver, "async_driver_class", None)
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
        # The project names one of the driver's classes: those with these words in the name return dicts, or read the rows
        # when they are needed.
        name = getattr(cursor, "__name__", "")
        created = (DictCursor if "DictCursor" in name else MysqlCursor)(self)
        created.server_side = name.startswith("SS")
        if cursor is not None:
            created.driver_class = cursor.__module__, name
        return created

    def server_cursor(self):
        """Return a cursor for SQLAlchemy's `stream_results`."""
        created = self.cursor()
        created.server_side = True
        created.driver_class = self.driver_class and _SERVER_CURSORS.get(self.driver_class[0])
        return created

    def run(self, sql, before=(), **fields):
        if self._encoding is not None:
            # Fail here: the server would replace characters that the character set lacks by question marks.
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
            # Projects check the number, for example to create a database that doesn't exist.
            number = _NUMBERS.get("lost" if error.limbeck_kind == "lost" else error.limbeck_reason)
            if number is not None:
                error.args = (number, *error.args)
            raise

    def __exit__(self, kind, value, traceback):
        # Like PyMySQL since 1.0, this doesn't commit.
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
        if self.has_session:
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
        from . import async_adapter

        return async_adapter.run_async(self, function)

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
        """Return whether the session's `sql_mode` makes a backslash special in a literal."""
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
            # Without the introducer, the server would read it as a number in a numeric context.
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
        if kind in (list, tuple, set, frozenset):
            return "(%s)" % ",".join(self.literal(item) for item in value)
        if kind is dict:
            raise TypeError("dict can not be used as parameter")
        if isinstance(value, int):
            return str(int(value))
        # As in PyMySQL, anything else is its text, also a subclass of a list or a dict.
        return "'%s'" % self.escape_string(str(value))


def _encoding(charset):
    """Return Python's codec for a character set, or None if it has every character or Python has no codec."""
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


class MysqlCursor(DriverClass, Cursor):
    # Whether the driver would read the rows when they are needed. limbeck reads all at once.
    server_side = False

    def __init__(self, connection):
        super().__init__(connection)
        self.driver_class = connection.driver_class and _CURSORS.get(connection.driver_class[0])
        self._executed = False
        self._more = []

    def closed_error(self):
        return errors.ProgrammingError("Cursor closed")

    def check_rows(self):
        # Fetching from a statement without rows is not an error.
        self.check()
        if not self._executed:
            raise errors.ProgrammingError("execute() first")

    def execute(self, sql, parameters=None):
        self.start()
        self._show_results(self.connection.run(self._text(sql, parameters)))
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
                self._show_results(self.connection.run(self._text(sql, parameters)))
                total += max(self.rowcount, 0)
            self.rowcount = total
            return total
        head, tail = match.group("head").replace("%%", "%"), match.group("tail").replace("%%", "%")
        total, texts, length = 0, [], 0
        for index, parameters in enumerate(rows):
            text = self._text(match.group("row"), parameters)
            texts.append(text)
            length += len(text)
            if length > _MAX_TEXT_LENGTH or index + 1 == len(rows):
                self._show_results(self.connection.run(head + ",".join(texts) + tail))
                total += max(self.rowcount, 0)
                texts, length = [], 0
        self.rowcount = total
        return total

    def callproc(self, name, parameters=()):
        """Call a procedure with its arguments in the session's variables `@_<name>_<position>`, which OUT arguments change."""
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
            # A single value, which may be a text or a set.
            parameters = (parameters,)
        return fill_percent(sql, parameters, self.connection.literal, self.connection.driver.mismatch)

    def nextset(self):
        if not self._more:
            return None
        self._show_result(self._more.pop(0))
        return True

    def _show_results(self, results):
        self._executed = True
        self._more = list(results)
        if self._more:
            self._show_result(self._more.pop(0))
        else:
            self.set_result(None, [], -1)

    def _show_result(self, result):
        columns = result["columns"]
        rowcount = -1 if result["affected"] is None else result["affected"]
        if columns is None:
            self.set_result(None, [], rowcount, result["last_id"] or 0)
            return
        reads_zero_dates_as_none = self.connection.driver.reads_zero_dates_as_none
        decoders = [_decoder(column, reads_zero_dates_as_none) for column in columns]
        rows = [
            tuple(
                value if value is None or decode is None else decode(value)
                for value, decode in zip(row, decoders)
            )
            for row in result["rows"]
        ]
        description = tuple((c[0], c[1], None, c[2], c[2], 0, not c[3] & 1) for c in columns)
        rowcount = _UNKNOWN_ROWCOUNT if self.server_side else len(rows)
        self.set_result(description, self._make_rows(columns, rows), rowcount)

    def _make_rows(self, columns, rows):
        return rows


class DictCursor(MysqlCursor):
    def _make_rows(self, columns, rows):
        names = [column[0] for column in columns]
        for name in names:
            if names.count(name) > 1:
                # PyMySQL prefixes the second name with the table's, which the host doesn't send.
                raise errors.NotSupportedError(
                    "the result has two columns `%s`, which limbeck's DictCursor can't distinguish: rename one with AS" % name
                )
        return [dict(zip(names, row)) for row in rows]


# The drivers' cursor classes, by the module of their connection class.
_CURSORS = {"pymysql.connections": ("pymysql.cursors", "Cursor"), "MySQLdb.connections": ("MySQLdb.cursors", "Cursor")}

_SERVER_CURSORS = {
    "pymysql.connections": ("pymysql.cursors", "SSCursor"),
    "MySQLdb.connections": ("MySQLdb.cursors", "SSCursor"),
    "sqlalchemy.dialects.mysql.aiomysql": ("sqlalchemy.dialects.mysql.aiomysql", "AsyncAdapt_aiomysql_ss_cursor"),
    "sqlalchemy.dialects.mysql.asyncmy": ("sqlalchemy.dialects.mysql.asyncmy", "AsyncAdapt_asyncmy_ss_cursor"),
}


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
        # Like PyMySQL, keep the server's text of a date that Python lacks (0000-00-00).
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


def _texts_as_none(decode):
    def or_none(value):
        decoded = decode(value)
        return None if isinstance(decoded, str) else decoded

    return or_none


def _decoder(column, reads_zero_dates_as_none=False):
    code, charset = column[1], column[4]
    if reads_zero_dates_as_none and code in (7, 10, 11, 12, 14):
        # Values that Python lacks become None.
        return _texts_as_none(_BY_TYPE[code])
    if code in _BY_TYPE:
        return _BY_TYPE[code]
    # Strings and blobs share their types: the binary character set (63) marks bytes.
    return _raw if charset == 63 else _text
