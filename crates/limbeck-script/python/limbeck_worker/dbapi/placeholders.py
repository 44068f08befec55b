"""The replacement of a statement's parameters by literals."""
import re
from collections import namedtuple

from . import errors
from .patterns import Pattern

# The exceptions of a driver for parameters that don't fit the statement: too few, a missing name, any other mismatch (names in
# place of positions, or too many), and a percent sign that begins no parameter, or None if it stays.
Mismatch = namedtuple("Mismatch", "position name form percent", defaults=[None])

PROGRAMMING = Mismatch(errors.ProgrammingError, errors.ProgrammingError, errors.ProgrammingError)
INTERFACE = Mismatch(errors.InterfaceError, errors.InterfaceError, errors.InterfaceError)
# These drivers use Python's `%` operator, so some of the exceptions are Python's.
PSYCOPG2 = Mismatch(IndexError, KeyError, TypeError, ValueError)
PYMYSQL = Mismatch(errors.ProgrammingError, KeyError, errors.ProgrammingError)

_PERCENT = Pattern(r"%(?:%|s|\((?P<name>[^)]*)\)s|(?P<single>))")

# `skip` and `comment` match text that has no parameters: strings, names (which may contain a `$`), comments and dollar
# quotes. An unterminated one extends to the end of the text.
_DOLLAR = Pattern(
    r"""
    (?P<skip>
        [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
      | '(?:[^']|'')*(?:'|\Z)
      | "(?:[^"]|"")*(?:"|\Z)
      | --[^\r\n]*
      | \$(?P<tag>(?:[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)?)\$.*?(?:\$(?P=tag)\$|\Z)
      | [A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*
    )
    | (?P<comment>/\*)
    | \$(?P<number>[0-9]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = Pattern(r"/\*|\*/")


def fill_percent(sql, parameters, literal, mismatch=PROGRAMMING):
    """Replace `%s` and `%(name)s`, also inside of strings and comments, as psycopg2 and PyMySQL do."""
    if parameters is None:
        return sql
    if not parameters and mismatch.percent is None:
        # A driver that binds on the server would not parse a single percent sign.
        return sql.replace("%%", "%")
    named = hasattr(parameters, "keys")
    used = 0

    def fill(match):
        nonlocal used
        text, name = match.group(0), match.group("name")
        if text == "%%":
            return "%"
        if match.group("single") is not None:
            return _single_percent(parameters, named, used, mismatch)
        if named != (name is not None):
            raise mismatch.form(
                "the statement has a parameter %s, but the parameters were given %s names"
                % (text, "with" if named else "without")
            )
        if named:
            if name not in parameters:
                raise mismatch.name("the statement has a parameter %s that was not given" % text)
            value = parameters[name]
        else:
            if used >= len(parameters):
                raise mismatch.position(
                    "the statement has more parameters than the %d that were given" % len(parameters)
                )
            value = parameters[used]
            used += 1
        return _parenthesized(literal(value), match)

    filled = _PERCENT.sub(fill, sql)
    # psycopg2 formats the text only if it has parameters.
    if not named and used < len(parameters) and (used or mismatch.percent is None):
        raise mismatch.form("the statement has %d parameters, but %d were given" % (used, len(parameters)))
    return filled


def _single_percent(parameters, named, used, mismatch):
    """Return a percent sign that begins no parameter, or raise what the driver raises."""
    # Scripts that were written for asyncpg have single percent signs in texts without parameters.
    if mismatch.percent is None or not parameters:
        return "%"
    kind = mismatch.form if named else mismatch.position if used >= len(parameters) else mismatch.percent
    raise kind("the statement has a percent sign that begins no parameter: write `%%`")


def fill_dollar(sql, parameters, literal, mismatch=INTERFACE):
    """Replace `$1`, `$2`, … outside of strings, names and comments."""
    if not parameters:
        return sql
    parts, start, position, highest = [], 0, 0, 0
    while True:
        match = _DOLLAR.search(sql, position)
        if match is None:
            break
        position = match.end()
        if match.group("comment"):
            position = _comment_end(sql, position)
        elif match.group("number"):
            index = int(match.group("number")) - 1
            if not 0 <= index < len(parameters):
                raise mismatch.position("the statement has a parameter %s that was not given" % match.group(0))
            highest = max(highest, index + 1)
            parts.append(sql[start : match.start()])
            parts.append(_parenthesized(literal(parameters[index]), match))
            start = position
    if highest < len(parameters):
        raise mismatch.form("the statement has %d parameters, but %d were given" % (highest, len(parameters)))
    parts.append(sql[start:])
    return "".join(parts)


def _parenthesized(text, match):
    # A cast binds tighter than a minus sign: `-32768::smallint` is out of range.
    if text.startswith(" -") and match.string.startswith("::", match.end()):
        return "(%s)" % text[1:]
    return text


def _comment_end(sql, position):
    """Return the end of the block comment that contains `position`; PostgreSQL's comments nest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(sql, position):
        depth += 1 if edge.group(0) == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
