"""The conversion of PostgreSQL's texts to Python values, by type."""
import datetime
import decimal
import ipaddress
import json
import re
import uuid

from . import errors, ranges
from .patterns import Pattern

_DATE = Pattern(r"(\d{4,})-(\d\d)-(\d\d)$")
_TIME = Pattern(r"(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?)?$")
# A part with a unit, in the styles `postgres` and `postgres_verbose`.
_INTERVAL_PART = Pattern(r"([+-]?\d+) (year|mon|day|hour|min)s?\b|([+-]?\d+(?:\.\d+)?) secs?\b")
_INTERVAL_TIME = Pattern(r"(?:^|(?<= ))([+-]?)(\d+):(\d\d):(\d\d(?:\.\d+)?)$")
_INTERVAL_SQL = Pattern(
    r"(?:(?P<sign>[+-]?)(?P<years>\d+)-(?P<months>\d+))?(?:(?:^| )(?P<days>[+-]?\d+)(?= |$))?(?: ?(?P<time>[+-]?\d+:.*))?$"
)
_INTERVAL_ISO = Pattern(
    r"P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)W)?(?:(-?\d+)D)?"
    r"(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?\d+(?:\.\d+)?)S)?)?$"
)
_DAYS = {"year": 365, "mon": 30, "day": 1}
_SECONDS = {"hour": 3600, "min": 60}

def _bool(text):
    return text == "t"


def _bytes(text):
    if text.startswith("\\x"):
        return bytes.fromhex(text[2:])
    return re.sub(
        rb"\\(\\|[0-7]{3})",
        lambda match: b"\\" if match.group(1) == b"\\" else bytes([int(match.group(1), 8)]),
        text.encode("latin-1"),
    )


def _date(text):
    if text == "infinity":
        return datetime.date.max
    if text == "-infinity":
        return datetime.date.min
    match = _DATE.match(text)
    if match is None:
        raise errors.DataError("the date %r is out of Python's range" % text)
    return _checked(datetime.date, text, *map(int, match.groups()))


def _time(text):
    match = _TIME.match(text)
    if match is None:
        raise errors.DataError("Python can't represent the time %r" % text)
    hour, minute, second, fraction, sign, *offset = match.groups()
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    zone = None
    if sign:
        hours, minutes, seconds = (int(part or 0) for part in offset)
        delta = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)
        zone = datetime.timezone(-delta if sign == "-" else delta)
    # PostgreSQL has the time 24:00, Python doesn't.
    return _checked(datetime.time, text, int(hour) % 24, int(minute), int(second), microsecond, zone)


def _timestamp(text):
    if text == "infinity":
        return datetime.datetime.max
    if text == "-infinity":
        return datetime.datetime.min
    date, _, time = text.partition(" ")
    if time.endswith(" BC"):
        raise errors.DataError("the timestamp %r is out of Python's range" % text)
    return datetime.datetime.combine(_date(date), _time(time))


def _timestamp_with_zone(text):
    """Parse a timestamp with a zone. As in psycopg2, infinity has a zone, too."""
    value = _timestamp(text)
    return value if value.tzinfo is not None else value.replace(tzinfo=datetime.timezone.utc)


def _utc_timestamp(text):
    # asyncpg returns all timestamps in UTC, and infinity without a zone.
    value = _timestamp(text)
    return value if value.tzinfo is None else value.astimezone(datetime.timezone.utc)


def _checked(kind, text, *parts):
    try:
        return kind(*parts)
    except ValueError as error:
        raise errors.DataError("%r is out of Python's range: %s" % (text, error)) from error


def _interval(text):
    """Parse an interval in any of the server's styles. As in psycopg2, a month has 30 days."""
    try:
        if text.startswith("P"):
            return _iso_interval(text)
        if text.startswith("@"):
            body, _, ago = text[1:].strip().partition(" ago")
            delta = _interval_parts(body if body != "0" else "")
            return -delta if ago or text.endswith(" ago") else delta
        if text == "0":
            return datetime.timedelta()
        match = _INTERVAL_SQL.match(text)
        if match is not None:
            return _sql_interval(match)
        return _interval_parts(text)
    except (AttributeError, OverflowError, ValueError) as error:
        raise errors.DataError("Python can't represent the interval %r" % text) from error


def _interval_parts(text):
    delta = datetime.timedelta()
    for number, unit, seconds in _INTERVAL_PART.findall(text):
        if seconds:
            delta += _seconds(seconds)
        else:
            delta += datetime.timedelta(days=int(number) * _DAYS.get(unit, 0), seconds=int(number) * _SECONDS.get(unit, 0))
    rest = _INTERVAL_PART.sub("", text).strip()
    return delta + _clock(rest) if rest else delta


def _sql_interval(match):
    delta = datetime.timedelta(days=int(match.group("days") or 0))
    if match.group("years"):
        months = int(match.group("years")) * 365 + int(match.group("months")) * 30
        delta += datetime.timedelta(days=-months if match.group("sign") == "-" else months)
    return delta + _clock(match.group("time")) if match.group("time") else delta


def _iso_interval(text):
    years, months, weeks, days, hours, minutes, seconds = _INTERVAL_ISO.match(text).groups(default="0")
    return datetime.timedelta(
        days=int(years) * 365 + int(months) * 30 + int(weeks) * 7 + int(days),
        seconds=int(hours) * 3600 + int(minutes) * 60,
    ) + _seconds(seconds)


def _clock(text):
    sign, hours, minutes, seconds = _INTERVAL_TIME.match(text).groups()
    delta = datetime.timedelta(seconds=int(hours) * 3600 + int(minutes) * 60) + _seconds(seconds)
    return -delta if sign == "-" else delta


def _seconds(text):
    # A float would lose microseconds.
    return datetime.timedelta(microseconds=int(decimal.Decimal(text) * 1000000))


def parse_array(text, decode):
    """Parse the text of an array, `{a,"b c",NULL,{…}}`, with or without bounds before it."""
    if text.startswith("["):
        text = text[text.index("=") + 1 :]
    position = 1

    def items():
        nonlocal position
        found = []
        while True:
            character = text[position]
            if character == "}":
                position += 1
                return found
            if character == ",":
                position += 1
            elif character == "{":
                position += 1
                found.append(items())
            elif character == '"':
                position += 1
                parts = []
                while text[position] != '"':
                    if text[position] == "\\":
                        position += 1
                    parts.append(text[position])
                    position += 1
                position += 1
                item = "".join(parts)
                found.append(decode(item) if decode else item)
            else:
                start = position
                while text[position] not in ",}":
                    position += 1
                item = text[start:position]
                found.append(None if item == "NULL" else decode(item) if decode else item)

    return items()


def parse_record(text):
    """Parse the text of a record, `(a,"b c",)`, into texts: the server doesn't send the types of the columns."""
    if text == "()":
        return ()
    body, values, position = text[1:-1], [], 0
    while True:
        value, quoted, position = _item(body, position)
        values.append(value if value or quoted else None)
        if position >= len(body):
            return tuple(values)
        position += 1


def _item(body, position):
    """Return the text up to the next comma, unquoted, whether it was quoted, and the position of its end."""
    parts, quoted = [], False
    while position < len(body) and body[position] != ",":
        if body[position] == '"':
            quoted = True
            position += 1
            while body[position] != '"' or body[position + 1 : position + 2] == '"':
                if body[position] in '\\"':
                    position += 1
                parts.append(body[position])
                position += 1
        else:
            if body[position] == "\\":
                position += 1
            parts.append(body[position])
        position += 1
    return "".join(parts), quoted, position


def _range_parts(text):
    """Return the brackets and the unquoted bounds of a range's text, or None if the range is empty."""
    if text == "empty":
        return None
    body, values, position = text[1:-1], [], 0
    while True:
        value, quoted, position = _item(body, position)
        values.append(value if value or quoted else None)
        if position >= len(body):
            return text[0] + text[-1], values
        position += 1


def _range(decode):
    if ranges.classes() is None:
        return None
    kind = ranges.classes()[0]

    def read(text):
        parts = _range_parts(text)
        if parts is None:
            return kind(empty=True)
        bounds, (lower, upper) = parts
        return kind(None if lower is None else decode(lower), None if upper is None else decode(upper), bounds=bounds)

    return read


def _multirange(decode):
    single = _range(decode)
    if single is None:
        return None
    one = re.compile(r'[\[(](?:"(?:[^"\\]|\\.|"")*"|[^"\])])*[\])]')
    kind = ranges.classes()[1]
    return lambda text: kind(single(item) for item in one.findall(text))


_PLAIN = {
    16: _bool,
    17: _bytes,
    20: int,
    21: int,
    23: int,
    26: int,
    700: float,
    701: float,
    1082: _date,
    1083: _time,
    1114: _timestamp,
    1184: _timestamp_with_zone,
    1186: _interval,
    1266: _time,
    1700: decimal.Decimal,
    2950: uuid.UUID,
}
# The types of arrays and of their items. The arrays of types that stay text are at the end.
_ARRAYS = {
    1000: 16, 1001: 17, 1005: 21, 1007: 23, 1016: 20, 1021: 700, 1022: 701, 1028: 26, 1115: 1114,
    1182: 1082, 1183: 1083, 1185: 1184, 1187: 1186, 1231: 1700, 1270: 1266, 2951: 2950, 199: 114, 3807: 3802,
    1041: 869, 651: 650, 3905: 3904, 3907: 3906, 3909: 3908, 3911: 3910, 3913: 3912, 3927: 3926,
    6150: 4451, 6151: 4532, 6152: 4533, 6153: 4534, 6155: 4535, 6157: 4536,
    **dict.fromkeys((
        1002, 1003, 1009, 1014, 1015,  # "char", name, text, char, varchar
        143, 775, 791, 1040, 1561, 1563, 3643, 3645, 4073,  # xml, macaddr8, money, macaddr, bit, varbit, ts…, jsonpath
    ), 25),
}
# The types of ranges and of their bounds.
_RANGES = {3904: 23, 3926: 20, 3906: 1700, 3908: 1114, 3910: 1184, 3912: 1082}
_MULTIRANGES = {4451: 23, 4536: 20, 4532: 1700, 4533: 1114, 4534: 1184, 4535: 1082}
_JSON = (114, 3802)
_ADDRESSES = (869, 650)


# The first OID of types that are not built in. Lower OIDs are the same on every server.
_FIRST_USER_DEFINED = 16384


def decoder_for(oid, connection):
    """Return the function that converts a text of this type to a value, or None if the text is the value."""
    driver = connection.driver
    if oid in _JSON:
        return lambda text: (connection.json_loads or json.loads)(text)
    if oid == 17 and driver.returns_memoryviews:
        return lambda text: memoryview(_bytes(text))
    if oid == 1184 and driver.returns_utc_timestamps:
        return _utc_timestamp
    if oid in _ADDRESSES and connection.parses_addresses:
        return _address if oid == 869 else ipaddress.ip_network
    if oid == 2249 and driver.parses_records:
        return parse_record
    if oid in _ARRAYS:
        item = _ARRAYS[oid]
        if item in _MULTIRANGES and not driver.parses_multiranges:
            return None
        return _array(decoder_for(item, connection))
    if oid in _RANGES:
        return _range(decoder_for(_RANGES[oid], connection))
    if oid in _MULTIRANGES:
        return _multirange(decoder_for(_MULTIRANGES[oid], connection)) if driver.parses_multiranges else None
    if oid >= _FIRST_USER_DEFINED:
        return _user_defined(oid, connection)
    return _PLAIN.get(oid)


def _array(decode):
    return lambda text: parse_array(text, decode)


def _user_defined(oid, connection):
    """Return the decoder of a type that is not built in; the server is asked for the type's name."""
    if connection.parses_hstore:
        name, item, item_name = connection.look_up_type(oid)
        if name == "hstore":
            return parse_hstore
        return _array(parse_hstore) if item_name == "hstore" else None
    if connection.driver.parses_every_array:
        _, item, _ = connection.look_up_type(oid)
        return _array(connection.decoder(item)) if item else None
    return None


def parse_hstore(text):
    from sqlalchemy.dialects.postgresql.hstore import _parse_hstore

    return _parse_hstore(text)


def _address(text):
    return ipaddress.ip_interface(text) if "/" in text else ipaddress.ip_address(text)
