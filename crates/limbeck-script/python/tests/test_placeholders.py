"""Tests of the replacement of a statement's parameters, and of parameters that do not fit."""
import unittest

from limbeck_worker.dbapi import errors
from limbeck_worker.dbapi.placeholders import INTERFACE, PROGRAMMING, PSYCOPG2, PYMYSQL, fill_dollar, fill_percent


def literal(value):
    return " %d" % value if isinstance(value, int) and value < 0 else "<%s>" % (value,)


PERCENT = [
    # The statement, the parameters, the filled text.
    ("SELECT %s", ("a",), "SELECT <a>"),
    ("SELECT %s, %s", ["a", "b"], "SELECT <a>, <b>"),
    ("SELECT %(a)s, %(b)s, %(a)s", {"a": 1, "b": 2}, "SELECT <1>, <2>, <1>"),
    ("SELECT %(a b.c-1)s", {"a b.c-1": 1}, "SELECT <1>"),
    ("SELECT %(a)s", {"a": None, "surplus": 2}, "SELECT <None>"),
    # The drivers replace parameters everywhere, so a literal percent sign has to be doubled.
    ("SELECT '%s', \"%s\", `%s`", (1, 2, 3), "SELECT '<1>', \"<2>\", `<3>`"),
    ("-- %s\n/* %s */ # %s", (1, 2, 3), "-- <1>\n/* <2> */ # <3>"),
    ("SELECT '%%' || %s", (1,), "SELECT '%' || <1>"),
    ("SELECT '%%s' || %s", (1,), "SELECT '%s' || <1>"),
    ("SELECT '%%%s'", (1,), "SELECT '%<1>'"),
    ("SELECT '%%%%' || %s", (1,), "SELECT '%%' || <1>"),
    ("SELECT '%%(a)s' || %(a)s", {"a": 1}, "SELECT '%(a)s' || <1>"),
    # Inserted values are not parsed again.
    ("SELECT %s, %s", ("%s", "%%"), "SELECT <%s>, <%%>"),
    ("SELECT %(a)s, %(b)s", {"a": "%(b)s", "b": "\\1\\g<0>"}, "SELECT <%(b)s>, <\\1\\g<0>>"),
    # No parameters.
    ("SELECT 'a%' LIKE '%s'", None, "SELECT 'a%' LIKE '%s'"),
    ("SELECT 'a%%'", None, "SELECT 'a%%'"),
    ("SELECT 'a%%'", (), "SELECT 'a%'"),
    ("SELECT 'a%%'", {}, "SELECT 'a%'"),
    ("SELECT 'a%'", (), "SELECT 'a%'"),
    ("SELECT 'a%'", {}, "SELECT 'a%'"),
    ("SELECT '%s'", (), IndexError),
    # The placeholders of other styles stay unchanged.
    ("SELECT a->>'?', b::int, :c, $1, ?, @d WHERE e @> %s", (1,), "SELECT a->>'?', b::int, :c, $1, ?, @d WHERE e @> <1>"),
    ("SELECT a LIKE 'x%' AND b = %s", (1,), ValueError),
    ("SELECT a LIKE 'x%' AND b = %(a)s", {"a": 1}, TypeError),
    ("SELECT b = %s AND a LIKE 'x%'", (1,), IndexError),
    # A cast binds tighter than the sign: -(32768::smallint) is out of range.
    ("SELECT %s::smallint", (-32768,), "SELECT (-32768)::smallint"),
    ("SELECT 1-%s", (-1,), "SELECT 1- -1"),
    ("SELECT %s::text", ("a",), "SELECT <a>::text"),
    ("%s", ("ü\U0001f600",), "<ü\U0001f600>"),
    # psycopg2 ignores the parameters of a text without placeholders.
    ("", ("a",), ""),
    ("SELECT 1", ("a",), "SELECT 1"),
    ("SELECT %s", ("a", "b"), TypeError),
    ("SELECT %s, %s", ("a",), IndexError),
    ("SELECT %(b)s", {"a": 1}, KeyError),
    ("SELECT %(a)s", ("a",), TypeError),
    ("SELECT %s", {"a": 1}, TypeError),
]

DOLLAR = [
    ("SELECT $1", ("a",), "SELECT <a>"),
    ("SELECT $2, $1, $2", ("a", "b"), "SELECT <b>, <a>, <b>"),
    ("SELECT $1::VARCHAR, $2::INTEGER[]", ("a", "b"), "SELECT <a>::VARCHAR, <b>::INTEGER[]"),
    ("SELECT $1::INTEGER", (-2147483648,), "SELECT (-2147483648)::INTEGER"),
    ("SELECT 1-$1", (-1,), "SELECT 1- -1"),
    ("SELECT $10", tuple("abcdefghij"), "SELECT <j>"),
    ("SELECT '$1', $1", ("a",), "SELECT '$1', <a>"),
    ("SELECT 'it''s $1', $1", ("a",), "SELECT 'it''s $1', <a>"),
    # A backslash escapes in an E'' string, not in a plain one.
    ("SELECT '\\', $1", ("a",), "SELECT '\\', <a>"),
    ("SELECT E'\\'$1', $1", ("a",), "SELECT E'\\'$1', <a>"),
    ("SELECT e'\\\\', $1", ("a",), "SELECT e'\\\\', <a>"),
    ("SELECT e'''\\'$1', $1", ("a",), "SELECT e'''\\'$1', <a>"),
    ("SELECT U&'\\0041$1', X'$1', $1", ("a",), "SELECT U&'\\0041$1', X'$1', <a>"),
    # The `e` of `note'…'` does not make the string an E'' string.
    ("SELECT note'\\', $1", ("a",), "SELECT note'\\', <a>"),
    ('SELECT "$1", "a""$1", $1', ("a",), 'SELECT "$1", "a""$1", <a>'),
    ("SELECT $1 -- $2 it's\n, $2", ("a", "b"), "SELECT <a> -- $2 it's\n, <b>"),
    ("SELECT /* $1 ' */ $1", ("a",), "SELECT /* $1 ' */ <a>"),
    ("SELECT /* a /* b */ $1 ' */ $1", ("a",), "SELECT /* a /* b */ $1 ' */ <a>"),
    ("SELECT /* a /* b /* c */ $1 */ $2 */ $1", ("a",), "SELECT /* a /* b /* c */ $1 */ $2 */ <a>"),
    ("SELECT $$ $1 ' $$, $1", ("a",), "SELECT $$ $1 ' $$, <a>"),
    ("DO $body$ $1 $$ $2 $$ $body$; SELECT $1", ("a",), "DO $body$ $1 $$ $2 $$ $body$; SELECT <a>"),
    ("SELECT $é$ $1 $é$, $1", ("a",), "SELECT $é$ $1 $é$, <a>"),
    # A `$` within a name starts neither a quote nor a parameter.
    ("SELECT a$b$c, $1, d$b$e", ("a",), "SELECT a$b$c, <a>, d$b$e"),
    ("SELECT foo$1, $1", ("a",), "SELECT foo$1, <a>"),
    ("SELECT a->>'?', b ? '$1', c @> $1", ("a",), "SELECT a->>'?', b ? '$1', c @> <a>"),
    ("SELECT a %% b, '%s', $1", ("a",), "SELECT a %% b, '%s', <a>"),
    ("SELECT $1, $2", ("$2", "$1"), "SELECT <$2>, <$1>"),
    # The server rejects unterminated strings and comments.
    ("SELECT '$1", ("a",), errors.InterfaceError),
    ("SELECT $1, '$1", ("a",), "SELECT <a>, '$1"),
    ("SELECT $1, E'$1\\'", ("a",), "SELECT <a>, E'$1\\'"),
    ("SELECT $1, \"$1", ("a",), "SELECT <a>, \"$1"),
    ("SELECT $1, $a$ $1 $b$", ("a",), "SELECT <a>, $a$ $1 $b$"),
    ("SELECT $1 /* $1 /* */", ("a",), "SELECT <a> /* $1 /* */"),
    ("SELECT '$1'", (), "SELECT '$1'"),
    ("SELECT $1", None, "SELECT $1"),
    ("SELECT $2", ("a",), errors.InterfaceError),
    ("SELECT $0", ("a",), errors.InterfaceError),
    ("SELECT $1", ("a", "b"), errors.InterfaceError),
    ("SELECT 1", ("a",), errors.InterfaceError),
]


class Placeholders(unittest.TestCase):
    def check(self, fill, statement, parameters, expected, mismatch):
        with self.subTest(statement=statement, parameters=parameters):
            if isinstance(expected, str):
                self.assertEqual(fill(statement, parameters, literal, mismatch), expected)
            else:
                with self.assertRaises(expected) as caught:
                    fill(statement, parameters, literal, mismatch)
                self.assertIs(type(caught.exception), expected)
                self.assertIn("parameter", str(caught.exception))

    def test_replaces_percent_placeholders(self):
        for statement, parameters, expected in PERCENT:
            self.check(fill_percent, statement, parameters, expected, PSYCOPG2)

    def test_replaces_dollar_placeholders(self):
        for statement, parameters, expected in DOLLAR:
            self.check(fill_dollar, statement, parameters, expected, INTERFACE)

    def test_raises_the_exceptions_of_each_driver(self):
        rows = [
            (PSYCOPG2, IndexError, KeyError, TypeError),
            (PYMYSQL, errors.ProgrammingError, KeyError, errors.ProgrammingError),
            (PROGRAMMING, errors.ProgrammingError, errors.ProgrammingError, errors.ProgrammingError),
        ]
        for mismatch, position, name, form in rows:
            self.check(fill_percent, "%s%s", (1,), position, mismatch)
            self.check(fill_percent, "%(b)s", {"a": 1}, name, mismatch)
            self.check(fill_percent, "%s", (1, 2), form, mismatch)
            self.check(fill_percent, "%(a)s", (1,), form, mismatch)

    def test_other_drivers_accept_a_single_percent_sign(self):
        for mismatch in (PYMYSQL, PROGRAMMING):
            for statement, parameters, expected in (
                ("SELECT 'a%'", (), "SELECT 'a%'"), ("SELECT 'a%', %s", (1,), "SELECT 'a%', <1>"), ("SELECT 1", ("a",), mismatch.form),
            ):
                self.check(fill_percent, statement, parameters, expected, mismatch)

    def test_passes_errors_of_the_literal_through(self):
        for kind in (KeyError, IndexError, TypeError, ValueError):

            def broken(value):
                raise kind("of the value")

            for fill, statement in ((fill_percent, "%s"), (fill_dollar, "$1")):
                with self.subTest(kind=kind, fill=fill):
                    with self.assertRaisesRegex(kind, "of the value"):
                        fill(statement, (1,), broken)

    def test_ignores_parameters_in_nested_comments(self):
        filled = fill_dollar("/* /* */ $1 */ SELECT $1", ("*/ DROP TABLE t; --",), literal)
        self.assertEqual(filled, "/* /* */ $1 */ SELECT <*/ DROP TABLE t; -->")
