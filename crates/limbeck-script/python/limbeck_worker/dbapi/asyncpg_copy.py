"""asyncpg's methods for COPY."""
import collections.abc
import contextlib
import os

from . import errors
from .placeholders import fill_dollar
from .postgresql_copy import quoted
from .postgresql_text import Texts

# The size that asyncpg reads from a file at once, in bytes.
_READ = 524288


class CopiesTables:
    """The methods of asyncpg's connection that copy tables."""

    async def copy_from_table(
        self, table_name, *, output, columns=None, schema_name=None, timeout=None, format=None, oids=None,
        delimiter=None, null=None, header=None, quote=None, escape=None, force_quote=None, encoding=None,
    ):
        options = self._copy_options(
            format=format, oids=oids, delimiter=delimiter, null=null, header=header, quote=quote, escape=escape,
            force_quote=force_quote, encoding=encoding,
        )
        return await self._copy_out("%s TO STDOUT %s" % (_table(table_name, schema_name, columns), options), output)

    async def copy_from_query(
        self, query, *args, output, timeout=None, format=None, oids=None, delimiter=None, null=None, header=None,
        quote=None, escape=None, force_quote=None, encoding=None,
    ):
        options = self._copy_options(
            format=format, oids=oids, delimiter=delimiter, null=null, header=header, quote=quote, escape=escape,
            force_quote=force_quote, encoding=encoding,
        )
        if args:
            query = fill_dollar(query, args, self._adapted.literal)
        return await self._copy_out("(%s) TO STDOUT %s" % (query, options), output)

    async def copy_to_table(
        self, table_name, *, source, columns=None, schema_name=None, timeout=None, format=None, oids=None, freeze=None,
        delimiter=None, null=None, header=None, quote=None, escape=None, force_quote=None, force_not_null=None,
        force_null=None, encoding=None, where=None,
    ):
        options = self._copy_options(
            format=format, oids=oids, freeze=freeze, delimiter=delimiter, null=null, header=header, quote=quote,
            escape=escape, force_not_null=force_not_null, force_null=force_null, encoding=encoding,
        )
        target = "%s FROM STDIN %s%s" % (_table(table_name, schema_name, columns), options, _where(where))
        return await self._copy_in(target, _parts(source))

    async def copy_records_to_table(
        self, table_name, *, records, columns=None, schema_name=None, timeout=None, where=None
    ):
        table = _table(table_name, schema_name, None)
        names = ", ".join(map(quoted, columns)) if columns else "*"
        described = self._send("SELECT %s FROM %s LIMIT 0" % (names, table), ())
        types = [column.type_code for column in described.description]
        self._adapted.codecs.refuse("copy_records_to_table", types)
        texts = Texts(self._adapted, types)
        target = "%s FROM STDIN %s" % (_table(table_name, schema_name, columns), _where(where))
        return await self._copy_in(target, _rows(records, texts))

    async def _copy_in(self, target, parts):
        with own_errors():
            copy = self._start_copy("COPY " + target)
            try:
                async for part in parts:
                    copy.write(part)
            except Exception as error:
                if copy.results is None:
                    _fail(copy, str(error))
                raise
            copy.finish()
            return copy.results[-1]["tag"]

    async def _copy_out(self, source, output):
        path = _path(output)
        if path is None and not hasattr(output, "write") and not callable(output):
            raise TypeError(
                "output is expected to be a file-like object, a path-like object or a coroutine function, not %s"
                % type(output).__name__
            )
        file = open(path, "wb") if path is not None else output if hasattr(output, "write") else None
        try:
            with own_errors():
                copy = self._start_copy("COPY " + source)
                try:
                    while True:
                        data = copy.read()
                        if not data:
                            return copy.results[-1]["tag"]
                        if file is not None:
                            file.write(data)
                        else:
                            await output(data)
                finally:
                    copy.cancel()
        finally:
            if path is not None:
                file.close()

    def _start_copy(self, sql):
        # Statements that bypass the adapter begin no transaction.
        self._adapted.check()
        copy, _ = self._adapted.start_plain_copy(sql)
        return copy

    def _copy_options(self, **options):
        force_quote = options.pop("force_quote", None)
        texts = []
        if force_quote is True:
            texts.append("FORCE_QUOTE *")
        elif force_quote:
            options["force_quote"] = force_quote
        for name, value in options.items():
            if value is None:
                continue
            if name in ("force_not_null", "force_null", "force_quote"):
                value = "(%s)" % ", ".join(map(quoted, value))
            elif name in ("oids", "freeze", "header"):
                value = str(value)
            else:
                value = self._adapted.literal(value)
            texts.append("%s %s" % (name.upper(), value))
        return "(%s)" % ", ".join(texts) if texts else ""


@contextlib.contextmanager
def own_errors():
    """Raise asyncpg's own exceptions in place of those of SQLAlchemy's adapter, if the project has imported asyncpg."""
    try:
        yield
    except errors.Error as error:
        own = error.__cause__
        if own is None:
            raise
        own.limbeck_error = error.limbeck_error
        raise own from None


def _table(name, schema, columns):
    table = "%s.%s" % (quoted(schema), quoted(name)) if schema else quoted(name)
    return table + ("(%s)" % ", ".join(map(quoted, columns)) if columns else "")


def _where(condition):
    return " WHERE " + condition if condition else ""


def _path(given):
    try:
        return os.fspath(given)
    except TypeError:
        return None


async def _parts(source):
    """Yield the data of a source: a path, a file, an asynchronous iterable or bytes."""
    path = _path(source)
    if path is not None:
        with open(path, "rb") as file:
            async for part in _parts(file):
                yield part
    elif hasattr(source, "read"):
        while True:
            part = source.read(_READ)
            if len(part) == 0:
                return
            yield part
    elif isinstance(source, collections.abc.AsyncIterable):
        async for part in source:
            yield part
    else:
        yield source


async def _rows(records, texts):
    if isinstance(records, collections.abc.AsyncIterable):
        async for record in records:
            yield texts.row(record)
    else:
        for record in records:
            yield texts.row(record)


def _fail(copy, reason):
    try:
        copy.fail(reason)
    except errors.Error:
        # The caller raises the reason itself.
        pass
