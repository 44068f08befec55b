"""The exceptions of PEP 249, and their choice for an error of the host."""
# The names of the driver whose connection was used last, an `ErrorNames`.
_names = None


def use_driver_names(names):
    """Set the driver whose names the next exceptions have."""
    global _names
    _names = names


class Warning(Exception):
    pass


class Error(Exception):
    """An error of the database; `limbeck_error` is the host's number for it."""

    limbeck_error = None
    limbeck_kind = None
    # The names of the driver that the class belongs to, an `ErrorNames`.
    driver_names = None

    def __new__(cls, *args, **kwargs):
        if _names is not None and cls.__module__ == __name__:
            cls = _names.class_for(cls)
        return super().__new__(cls, *args, **kwargs)

    def __reduce__(self):
        # The class can't be imported: limbeck makes it when it is first raised.
        return _restore, (_pep249_name(type(self)), self.driver_names, self.args, self.__dict__)


class InterfaceError(Error):
    pass


class DatabaseError(Error):
    pass


class DataError(DatabaseError):
    pass


class OperationalError(DatabaseError):
    pass


class IntegrityError(DatabaseError):
    pass


class InternalError(DatabaseError):
    pass


class ProgrammingError(DatabaseError):
    pass


class NotSupportedError(DatabaseError):
    pass


NAMES = (
    "Warning",
    "Error",
    "InterfaceError",
    "DatabaseError",
    "DataError",
    "OperationalError",
    "IntegrityError",
    "InternalError",
    "ProgrammingError",
    "NotSupportedError",
)

# psycopg2's exception for each class of SQLSTATE.
_BY_SQLSTATE = {
    "0A": NotSupportedError,
    "08": OperationalError,
    "20": ProgrammingError,
    "21": ProgrammingError,
    "22": DataError,
    "23": IntegrityError,
    "24": InternalError,
    "25": InternalError,
    "26": OperationalError,
    "27": OperationalError,
    "28": OperationalError,
    "2B": InternalError,
    "2D": InternalError,
    "2F": InternalError,
    "34": OperationalError,
    "38": InternalError,
    "39": InternalError,
    "3B": InternalError,
    "3D": ProgrammingError,
    "3F": ProgrammingError,
    "40": OperationalError,
    "42": ProgrammingError,
    "44": ProgrammingError,
    "53": OperationalError,
    "54": OperationalError,
    "55": OperationalError,
    "57": OperationalError,
    "58": OperationalError,
    "F0": InternalError,
    "HV": OperationalError,
    "P0": InternalError,
    "XX": InternalError,
}

# PyMySQL's exception for MySQL's numbers. All others are operational errors, also a duplicate column (1060) or table (1050).
_BY_ERRNO = {}
for _kind, _numbers in (
    (ProgrammingError, (1007, 1064, 1102, 1103, 1110, 1111, 1112, 1113, 1146, 1149, 1166, 1179)),
    (DataError, (1171, 1230, 1263, 1264, 1265, 1366, 1367, 1406, 1441)),
    (IntegrityError, (1048, 1062, 1215, 1216, 1217, 1451, 1452)),
    (NotSupportedError, (1196, 1235, 1286, 1289)),
):
    for _number in _numbers:
        _BY_ERRNO[_number] = _kind

# The exception of `sqlite3` for SQLite's codes.
_BY_SQLITE_NAME = {
    "SQLITE_INTERNAL": InternalError,
    "SQLITE_NOTFOUND": InternalError,
    "SQLITE_TOOBIG": DataError,
    "SQLITE_CONSTRAINT": IntegrityError,
    "SQLITE_MISMATCH": IntegrityError,
    "SQLITE_MISUSE": InterfaceError,
    "SQLITE_RANGE": InterfaceError,
    **{
        "SQLITE_" + name: OperationalError
        for name in (
            "ERROR", "PERM", "ABORT", "BUSY", "LOCKED", "NOMEM", "READONLY", "INTERRUPT", "IOERR", "FULL",
            "CANTOPEN", "PROTOCOL", "EMPTY", "SCHEMA",
        )
    },
}


def _pep249_name(kind):
    return next(base.__name__ for base in kind.__mro__ if base.__module__ == __name__)


def _restore(name, names, arguments, state):
    kind = globals()[name]
    error = (names.class_for(kind) if names else kind)(*arguments)
    error.__dict__.update(state)
    return error


def from_host_error(fields, family, names=None, sql=None):
    """Return the exception for an error reply of the host."""
    use_driver_names(names)
    kind = fields.get("kind")
    message = fields.get("message") or ""
    if kind == "server" and family == "postgresql":
        error = _postgresql(fields, message, names, sql)
    elif kind == "server":
        error = _SERVER_ERRORS[family](fields, message)
    elif kind == "unsupported":
        # For SQLite, the host refuses several statements in one text, which is a `ProgrammingError` in `sqlite3`.
        error = ProgrammingError(message) if family == "sqlite" else NotSupportedError(message)
    elif kind in ("connect", "lost", "forked"):
        error = OperationalError(message)
    else:
        error = InterfaceError(message)
    error.limbeck_error = fields.get("id")
    error.limbeck_kind = kind
    return error


def _postgresql(fields, message, names, sql):
    code = fields.get("code") or ""
    text = message + "\n" + _marked_line(sql, fields.get("position"))
    for word, key in (("DETAIL", "detail"), ("HINT", "hint"), ("CONTEXT", "context")):
        if fields.get(key):
            text += "%s:  %s\n" % (word, fields[key])
    kind = _BY_SQLSTATE.get(code[:2], DatabaseError)
    if names is None:
        error = kind(text)
    else:
        name = names.pep249_name(code)
        kind = globals()[name] if name else kind
        error = names.class_for(kind, code)(names.message(text, fields))
        error.__cause__ = names.cause(fields)
        if hasattr(error, "orig"):
            # SQLAlchemy's emulation of asyncpg has the cause there, too.
            error.orig = error.__cause__
    error.pgcode = error.sqlstate = code
    error.pgerror = "%s:  %s" % (fields.get("severity") or "ERROR", text)
    error.detail = fields.get("detail")
    error.diag = Diagnostics(fields)
    return error


# The width of a line that libpq shows, and the minimum of characters after the position.
_WIDTH, _AFTER = 60, 10


def _marked_line(sql, position):
    """Return the line of the statement that the error is in and a mark below it, in libpq's format."""
    if not sql or not position or position > len(sql) + 1:
        return ""
    place = position - 1
    before = sql[:place]
    number = before.count("\n") + 1
    start = before.rfind("\n") + 1
    end = sql.find("\n", place)
    # A tab would shift the mark.
    line = sql[start : len(sql) if end < 0 else end].rstrip("\r").replace("\t", " ")
    column, cut_before, cut_after = place - start, "", ""
    if len(line) > _WIDTH:
        if column + _AFTER < _WIDTH:
            line, cut_after = line[:_WIDTH], "..."
        else:
            stop = min(column + _AFTER, len(line))
            cut_after = "..." if stop < len(line) else ""
            first = stop - _WIDTH
            line, column, cut_before = line[first:stop], column - first, "..."
    head = "LINE %d: %s" % (number, cut_before)
    return "%s%s%s\n%s^\n" % (head, line, cut_after, " " * (len(head) + column))


def _mysql(fields, message):
    number = fields.get("number") or 0
    kind = _BY_ERRNO.get(number)
    if kind is None:
        kind = InternalError if number < 1000 else OperationalError
    error = kind(number, message)
    error.errno = number
    error.sqlstate = fields.get("code")
    return error


def _sqlite(fields, message):
    name = fields.get("code") or ""
    # An extended name starts with the primary one: SQLITE_CONSTRAINT_UNIQUE.
    kind = _BY_SQLITE_NAME.get("_".join(name.split("_")[:2]), DatabaseError)
    if message.startswith("Incorrect number of bindings"):
        # `sqlite3` itself detects this error.
        kind = ProgrammingError
    error = kind(message)
    error.sqlite_errorcode = fields.get("number")
    error.sqlite_errorname = name
    return error


_SERVER_ERRORS = {"mysql": _mysql, "sqlite": _sqlite}


class Diagnostics:
    """The attribute `diag` of psycopg's exceptions."""

    def __init__(self, fields):
        self.severity = fields.get("severity")
        self.sqlstate = fields.get("code")
        self.message_primary = fields.get("message")
        self.message_detail = fields.get("detail")
        self.message_hint = fields.get("hint")
        self.context = fields.get("context")
        self.schema_name = fields.get("schema")
        self.table_name = fields.get("table")
        self.column_name = fields.get("column")
        self.constraint_name = fields.get("constraint")
