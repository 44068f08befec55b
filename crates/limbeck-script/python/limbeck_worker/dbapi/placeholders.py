"""Puts literals in the places of a statement's parameters."""
import re

_PERCENT = re.compile(r"%(?:%|s|\((?P<name>[^)]*)\)s)")

# What is not SQL text to look for parameters in: strings, quoted names, comments, dollar quotes.
_DOLLAR = re.compile(
    r"""
    (?P<skip>
        (?<![A-Za-z0-9_])[eE]'(?:[^'\\]|\\.|'')*'
      | '(?:[^']|'')*'
      | "(?:[^"]|"")*"
      | --[^\n]*
      | /\*.*?\*/
      | \$(?P<tag>(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?)\$.*?\$(?P=tag)\$
    )
    | (?<![A-Za-z0-9_$])\$(?P<number>[0-9]+)
    """,
    re.VERBOSE | re.DOTALL,
)


def fill_percent(sql, parameters, literal, error):
    """`%s` and `%(name)s`, wherever they stand, as psycopg2 and PyMySQL take them."""
    if parameters is None:
        return sql
    if not parameters:
        # A bare percent sign is fine where there is nothing to fill in: a driver that binds on the
        # server would not even look at it.
        return sql.replace("%%", "%")
    named = hasattr(parameters, "keys")
    position = 0

    def fill(match):
        nonlocal position
        text = match.group(0)
        if text == "%%":
            return "%"
        name = match.group("name")
        try:
            if name is not None:
                return literal(parameters[name])
            position += 1
            return literal(parameters[position - 1])
        except (IndexError, KeyError, TypeError) as cause:
            if isinstance(cause, KeyError) and not named:
                raise
            raise error("the statement has a parameter %s that was not given" % text) from cause

    return _PERCENT.sub(fill, sql)


def fill_dollar(sql, parameters, literal, error):
    """`$1`, `$2`, … outside of strings, names and comments."""
    if not parameters:
        return sql

    def fill(match):
        number = match.group("number")
        if number is None:
            return match.group(0)
        index = int(number) - 1
        if not 0 <= index < len(parameters):
            raise error("the statement has a parameter $%s that was not given" % number)
        return literal(parameters[index])

    return _DOLLAR.sub(fill, sql)
