"""Values of every kind that a script may bind, for comparisons of what the drivers store and what they refuse."""
import array
import collections
import datetime
import decimal
import enum
import ipaddress
import uuid

import sqlalchemy as sa

UTC = datetime.timezone.utc


class Colour(enum.Enum):
    red = 1


class Text(str, enum.Enum):
    red = "rot"


class Number(enum.IntEnum):
    one = 1


class SubText(str):
    pass


Pair = collections.namedtuple("Pair", "a b")

VALUES = {
    "None": None, "True": True, "int": 5, "big int": 2 ** 40, "huge int": 2 ** 70, "float": 1.5, "nan": float("nan"),
    "inf": float("inf"), "decimal": decimal.Decimal("1.50"), "complex": 1j,
    "str": "abc", "empty": "", "digits": "7", "fraction": "1.25", "quotes": "it's \\ \" %s", "nul": "a\x00b", "surrogate": "\ud800",
    "long": "x" * 30, "json": '{"a": [1]}', "braces": "{a,b}", "true": "true", "label": "red", "moment": "2020-01-02 03:04:05",
    "uuid text": "00000000-0000-0000-0000-000000000007", "sub str": SubText("abc"), "quoted": sa.sql.quoted_name("abc", True),
    "bytes": b"\x00\xff", "ascii": b"abc", "bytearray": bytearray(b"xy"), "memoryview": memoryview(b"ab"), "array": array.array("b", b"ab"),
    "date": datetime.date(2020, 1, 2), "datetime": datetime.datetime(2020, 1, 2, 3, 4, 5, 678),
    "aware": datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), "time": datetime.time(1, 2, 3), "span": datetime.timedelta(days=1, seconds=3),
    "uuid": uuid.UUID(int=7), "address": ipaddress.ip_address("10.0.0.1"), "network": ipaddress.ip_network("10.0.0.0/30"),
    "dict": {"a": 1, "ü": None}, "empty dict": {}, "ordered": collections.OrderedDict(a=1), "set": {1}, "frozenset": frozenset({1}),
    "list": [1, 2], "texts": ["a", "b'c"], "no items": [], "nested": [["a"], ["b"]], "with None": [None, "x"], "dicts": [{"a": 1}],
    "sets": [{1}], "tuple": (1, 2), "pair": Pair(1, 2), "deque": collections.deque([1]), "range of Python": range(2),
    "enum": Colour.red, "text enum": Text.red, "int enum": Number.one,
    "class": object, "object": object(), "function": len,
}
# A generator can be read once, so each use needs a new value.
VALUES = {name: lambda value=value: value for name, value in VALUES.items()}
VALUES["generator"] = lambda: (number for number in (1,))


def outcomes(connection, columns, values):
    """Return what happens to each value in each column: the text that is stored or the class of the exception.

    `columns` are the declared type and the type of SQLAlchemy, or None, by name. A value is bound to `text()`, which has no
    type, to an INSERT and to a comparison of SQLAlchemy.
    """
    found = {}
    for name, (declared, kind) in columns.items():
        table = "kinds_" + name
        connection.exec_driver_sql("CREATE TEMPORARY TABLE %s (id INTEGER, %s %s)" % (table, name, declared))
        typed = sa.table(table, sa.column("id"), sa.column(name, kind))
        insert = sa.text("INSERT INTO %s (id, %s) VALUES (1, :p)" % (table, name))
        for label, make in values.items():
            found["text", name, label] = outcome(connection, lambda value: (insert, {"p": value}), make, table, name)
            # SQLAlchemy itself fails for a text in an array: it takes the text for a list of texts, without end.
            if kind is not None and not (isinstance(kind, sa.ARRAY) and isinstance(make(), str)):
                found["insert", name, label] = outcome(
                    connection, lambda value: (typed.insert().values({"id": 1, name: value}), None), make, table, name
                )
                found["where", name, label] = outcome(
                    connection, lambda value: (sa.select(typed.c.id).where(typed.c[name] == value), None), make, table, name
                )
    return found


def outcome(connection, statement, make, table, column):
    savepoint = connection.begin_nested()
    try:
        result = connection.execute(*statement(make()))
        if result.returns_rows:
            return "rows", len(result.all())
        expression = STORED[connection.dialect.name].replace("?", column)
        stored = connection.exec_driver_sql("SELECT %s FROM %s" % (expression, table)).all()
        return "stored", [tuple(row) for row in stored]
    except Exception as error:
        return "error", type(error).__name__, getattr(error, "orig", None) and sqlstate(error.orig), str(error).splitlines()[0]
    finally:
        savepoint.rollback()


# The expressions that show what a column contains.
STORED = {"postgresql": "?::text", "mysql": "HEX(?)", "sqlite": "typeof(?), quote(?)"}


def sqlstate(error):
    """Return MySQL's number or PostgreSQL's SQLSTATE of an error of the server, or None."""
    if error.args and isinstance(error.args[0], int):
        return error.args[0]
    return getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)


def without_message(result):
    return result[:3] if result[0] == "error" else result
