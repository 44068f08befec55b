"""MySQL and MariaDB: PyMySQL's way with transactions, literals and values."""
import base64
import datetime
import decimal
import enum
import re

from . import errors
from .base import Connection, Cursor
from .placeholders import fill_percent

_INSERT = re.compile(
    r"\s*((?:INSERT|REPLACE)\b.+\bVALUES?\s*)(\(\s*(?:%s|%\(.+?\)s).*?\))(\s*(?:ON DUPLICATE.*)?);?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPES = {
    ord("\0"): "\\0", ord("\n"): "\\n", ord("\r"): "\\r", ord("\032"): "\\Z",
    ord('"'): '\\"', ord("'"): "\\'", ord("\\"): "\\\\",
}
# As long as a text of many rows may become, in characters.
_LONGEST = 1024000


class MysqlConnection(Connection):
    family = "mysql"

    def __init__(self, driver, arguments):
        self.autocommit_mode = arguments.pop("autocommit", False)
        self.charset = arguments.get("charset") or "utf8mb4"
        self.no_backslash_escapes = False
        super().__init__(driver, arguments)
        if self.autocommit_mode is not None:
            self.autocommit(bool(self.autocommit_mode))

    def cursor(self, *args, **kwargs):
        return MysqlCursor(self)

    def autocommit(self, on):
        self.run("SET AUTOCOMMIT = %d" % bool(on))
        self.autocommit_mode = bool(on)

    def get_autocommit(self):
        return self.autocommit_mode

    def begin(self):
        self.run("BEGIN")

    def commit(self):
        self.run("COMMIT")

    def rollback(self):
        if not self.closed:
            self.run("ROLLBACK")

    def ping(self, reconnect=False):
        self.run("SELECT 1")

    def query(self, sql):
        return self.run(sql)

    def character_set_name(self):
        return self.charset

    def get_server_info(self):
        return self.server_version_text

    def escape_string(self, text):
        if self.no_backslash_escapes:
            return text.replace("'", "''")
        return text.translate(_ESCAPES)

    def literal(self, value):
        kind = type(value)
        if value is None:
            return "NULL"
        if kind is bool:
            return "1" if value else "0"
        if kind is int:
            return str(value)
        if kind is float:
            return _float(value)
        if isinstance(value, str) and not isinstance(value, enum.Enum) or kind is str:
            return "'%s'" % self.escape_string(str.__str__(value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return "x'%s'" % bytes(value).hex() if value else "''"
        if isinstance(value, decimal.Decimal):
            return str(value)
        if isinstance(value, datetime.datetime):
            return "'%s'" % _clock(value.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0"), value.microsecond)
        if isinstance(value, datetime.date):
            return "'%04d-%02d-%02d'" % (value.year, value.month, value.day)
        if isinstance(value, datetime.time):
            return "'%s'" % _clock(value.strftime("%H:%M:%S"), value.microsecond)
        if isinstance(value, datetime.timedelta):
            seconds = int(value.total_seconds() // 1)
            hours, rest = divmod(abs(seconds), 3600)
            text = "%s%02d:%02d:%02d" % ("-" if seconds < 0 else "", hours, rest // 60, rest % 60)
            return "'%s'" % _clock(text, value.microseconds)
        if isinstance(value, (list, tuple, set, frozenset)):
            return "(%s)" % ",".join(self.literal(item) for item in value)
        if isinstance(value, int):
            return str(int(value))
        return "'%s'" % self.escape_string(str(value))


class MysqlCursor(Cursor):
    def execute(self, sql, parameters=None):
        self.check()
        self._take(self.connection.run(self._text(sql, parameters)))
        return self.rowcount

    def executemany(self, sql, rows):
        self.check()
        rows = list(rows)
        if not rows:
            return None
        match = _INSERT.match(sql)
        if match is None:
            total = 0
            for parameters in rows:
                self._take(self.connection.run(self._text(sql, parameters)))
                total += max(self.rowcount, 0)
            self.rowcount = total
            return total
        head, values, tail = match.group(1), match.group(2).rstrip(), match.group(3)
        head, tail = head.replace("%%", "%"), tail.replace("%%", "%")
        total, texts, length = 0, [], 0
        for index, parameters in enumerate(rows):
            text = fill_percent(values, parameters, self.connection.literal, errors.ProgrammingError)
            texts.append(text)
            length += len(text)
            if length > _LONGEST or index + 1 == len(rows):
                self._take(self.connection.run(head + ",".join(texts) + tail))
                total += max(self.rowcount, 0)
                texts, length = [], 0
        self.rowcount = total
        return total

    def mogrify(self, sql, parameters=None):
        return self._text(sql, parameters)

    def _text(self, sql, parameters):
        if isinstance(sql, bytes):
            sql = sql.decode("utf-8")
        return fill_percent(sql, parameters, self.connection.literal, errors.ProgrammingError)

    def nextset(self):
        if not self._more:
            return None
        self._show(self._more.pop(0))
        return True

    def _take(self, results):
        self._more = list(results)
        if self._more:
            self._show(self._more.pop(0))
        else:
            self.take(None, [], -1)

    def _show(self, result):
        columns = result["columns"]
        rowcount = -1 if result["affected"] is None else result["affected"]
        if columns is None:
            self.take(None, [], rowcount, result["last_id"])
            return
        decoders = [_decoder(column) for column in columns]
        rows = [
            tuple(
                value if value is None or decode is None else decode(value)
                for value, decode in zip(row, decoders)
            )
            for row in result["rows"]
        ]
        description = [(c[0], c[1], None, c[2], c[2], 0, not c[3] & 1) for c in columns]
        self.take(description, rows, len(rows), result["last_id"])


def _clock(text, microseconds):
    return "%s.%06d" % (text, microseconds) if microseconds else text


def _float(value):
    text = repr(value)
    if text in ("inf", "-inf", "nan"):
        raise errors.ProgrammingError("%s can not be used with MySQL" % text)
    return text if "e" in text else text + "e0"


def _raw(value):
    return base64.b64decode(value["b"]) if type(value) is dict else value.encode("utf-8")


def _text(value):
    return _raw(value).decode("utf-8", "replace") if type(value) is dict else value


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


def _decoder(column):
    code, charset = column[1], column[4]
    if code in _BY_TYPE:
        return _BY_TYPE[code]
    # Strings and blobs: the binary character set is what tells bytes from text.
    return _raw if charset == 63 else _text
