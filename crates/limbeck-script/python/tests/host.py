"""Hosts for the tests: one with prepared answers, and one over Python's own SQLite."""
import base64
import math
import sqlite3
import sys

from limbeck_worker.channel import HostError


def result(columns=None, rows=(), affected=None, last_id=None, tag="DONE"):
    """Return one result of `execute` in the protocol's form."""
    return {"columns": columns, "rows": [list(row) for row in rows], "affected": affected, "tag": tag, "last_id": last_id}


def column(name, type_code, charset=0, flags=0):
    return [name, type_code, -1, flags, charset]


class PreparedHost:
    """A host that records the requests and replies with `answers` in order, then with empty results."""

    is_usable = True

    def __init__(self, product="postgresql", version="16.2"):
        self.product = product
        self.version = version
        self.requests = []
        self.answers = []
        # The answers to SQLAlchemy's queries at its first connection, by a part of the statement.
        self.known = {}
        self.status = "I"
        self.notices = []
        self.functions = {}

    def request(self, op, **fields):
        self.requests.append((op, fields))
        if op == "connect":
            return {"connection": 7, "product": self.product, "version": self.version, "parameters": {"TimeZone": "UTC"}}
        if op == "library":
            return "3.45.1"
        if op != "execute":
            return None
        known = [answer for part, answer in self.known.items() if part in fields["sql"]]
        if known:
            answer = [result([column("c", 25)], [[known[0]]], 1)]
        else:
            answer = self.answers.pop(0) if self.answers else [result()]
        if isinstance(answer, Exception):
            raise answer
        self._follow(list(fields.get("before") or ()) + [fields["sql"]])
        return {"results": answer, "notices": self.notices, "status": self.status}

    def _follow(self, texts):
        for text in texts:
            word = text.split(" ")[0].upper()
            if word == "BEGIN":
                self.status = "T"
            elif word in ("COMMIT", "ROLLBACK") and not text.startswith("ROLLBACK TO"):
                self.status = "I"

    @property
    def texts(self):
        """The statements, including those of `before`."""
        found = []
        for op, fields in self.requests:
            if op == "execute":
                found.extend(list(fields.get("before") or ()) + [fields["sql"]])
        return found


def refusal(**fields):
    """Return the exception that the channel raises for an error of the server."""
    return HostError({"id": 1, "kind": "server", "message": "no", **fields})


class SqliteHost:
    """A host for SQLite. It begins no transactions by itself."""

    is_usable = True

    def __init__(self, keep=False):
        self.functions = {}
        self.connection = None
        # Whether the next session opens the same database.
        self.keep = keep
        self.texts = []
        # The declared types of columns, by name: `sqlite3` does not return them.
        self.declared = {}

    def request(self, op, **fields):
        if op == "connect":
            self._open()
            return {"connection": 1, "product": "sqlite", "version": sqlite3.sqlite_version, "parameters": {}}
        if op == "library":
            return sqlite3.sqlite_version
        if op == "execute":
            return self._execute(fields)
        if op == "close" and not self.keep:
            self.connection.close()
        return None

    def prepare(self, *texts):
        """Run statements before the first session is opened."""
        self._open()
        for text in texts:
            self.connection.execute(text)

    def _open(self):
        if self.keep and self.connection is not None:
            return
        # With the newer attribute, a script is not preceded by a COMMIT.
        newer = {"autocommit": True} if sys.version_info >= (3, 12) else {}
        self.connection = sqlite3.connect(":memory:", isolation_level=None, **newer)
        self.connection.text_factory = read_text

    def _execute(self, fields):
        try:
            for text in fields.get("before") or ():
                self.texts.append(text)
                self.connection.execute(text)
            self.texts.append(fields["sql"])
            answer = self._run(fields)
        except (sqlite3.Error, sqlite3.Warning) as error:
            if "one statement at a time" in str(error):
                raise HostError({"id": 1, "kind": "unsupported", "message": str(error)}) from error
            name = {"IntegrityError": "SQLITE_CONSTRAINT"}.get(type(error).__name__, "SQLITE_ERROR")
            raise HostError(
                {"id": 1, "kind": "server", "code": name, "message": str(error), "status": self._status()}
            ) from error
        return {"results": [answer], "notices": [], "status": self._status()}

    def _run(self, fields):
        if fields.get("script"):
            self.connection.executescript(fields["sql"])
            return result()
        before = self.connection.total_changes
        if fields.get("many") is not None:
            for row in fields["many"]:
                cursor = self.connection.execute(fields["sql"], [from_wire(value) for value in row])
        else:
            cursor = self.connection.execute(fields["sql"], [from_wire(value) for value in fields.get("parameters") or ()])
        rows = [[to_wire(value) for value in row] for row in cursor]
        columns = [self._column(item[0]) for item in cursor.description] if cursor.description else None
        (last_id,) = self.connection.execute("SELECT last_insert_rowid()").fetchone()
        return result(columns, rows, self.connection.total_changes - before, last_id)

    def _column(self, name):
        declared = self.declared.get(name)
        return column(name, 0) + ([] if declared is None else [declared])

    def _status(self):
        return "T" if self.connection.in_transaction else "I"


def from_wire(value):
    if type(value) is dict:
        return base64.b64decode(value["b"]) if "b" in value else float(value["f"])
    return value


class BrokenText(bytes):
    pass


def read_text(text):
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return BrokenText(text)


def to_wire(value):
    if isinstance(value, BrokenText):
        return {"t": base64.b64encode(value).decode("ascii")}
    if isinstance(value, bytes):
        return {"b": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float) and not math.isfinite(value):
        return {"f": repr(value)}
    return value
