"""PostgreSQL's two-phase commit, with the methods of PEP 249 and the behaviour of psycopg2 and psycopg."""
import base64
import re

from ..roles import TRANSACTION, with_role
from . import errors


class Xid:
    """The identifier of a prepared transaction; `str` returns the server's name for it."""

    def __init__(self, format_id, gtrid, bqual):
        self.format_id, self.gtrid, self.bqual = format_id, gtrid, bqual
        self.prepared = self.owner = self.database = None

    @classmethod
    def from_string(cls, text):
        """Return the identifier of a server's name: split if it was built from parts, whole otherwise."""
        match = re.match(r"(\d+)_([^_]*)_([^_]*)$", text)
        try:
            format_id, *parts = match.groups()
            return cls(int(format_id), *[base64.b64decode(part, validate=True).decode("utf-8") for part in parts])
        except (AttributeError, ValueError):
            return cls(None, text, None)

    def __str__(self):
        if self.format_id is None:
            return self.gtrid
        parts = [base64.b64encode(part.encode("utf-8")).decode("ascii") for part in (self.gtrid, self.bqual)]
        return "%d_%s_%s" % (self.format_id, *parts)

    def __repr__(self):
        return "<Xid: (%r, %r, %r)>" % tuple(self)

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return (self.format_id, self.gtrid, self.bqual)[index]


class TwoPhase:
    """A mixin for connections: the methods for two-phase transactions."""

    # The transaction that is open or prepared.
    _xid = None
    _prepared = False

    @property
    def prepared(self):
        return self._prepared

    def xid(self, format_id, gtrid, bqual):
        return Xid(format_id, gtrid, bqual)

    def tpc_begin(self, xid):
        self.check()
        if self.has_begun or self._xid is not None:
            raise errors.ProgrammingError("tpc_begin cannot be used inside a transaction")
        if self.autocommit:
            raise errors.ProgrammingError("tpc_begin can't be called in autocommit mode")
        self.begin()
        self._xid = _xid(xid)

    def tpc_prepare(self):
        if self._xid is None or self._prepared:
            raise errors.ProgrammingError("prepare must be called inside a two-phase transaction")
        self.run("PREPARE TRANSACTION " + self.literal(str(self._xid)), role=TRANSACTION)
        # The server detached the transaction from the session.
        self._prepared, self._has_begun = True, False

    def tpc_commit(self, xid=None):
        self._finish("COMMIT", xid)

    def tpc_rollback(self, xid=None):
        self._finish("ROLLBACK", xid)

    @with_role(TRANSACTION)
    def tpc_recover(self):
        """Return the identifiers of the transactions that are prepared on the server."""
        self.check_not_prepared("tpc_recover")
        idle = not self.has_begun
        cursor = self.cursor()
        cursor.execute("SELECT gid, prepared, owner, database FROM pg_prepared_xacts")
        found = []
        for gid, *about in cursor.fetchall():
            xid = Xid.from_string(gid)
            xid.prepared, xid.owner, xid.database = about
            found.append(xid)
        if idle and self.has_begun:
            self.rollback()
        return found

    def check_not_prepared(self, name):
        if self._prepared:
            raise errors.ProgrammingError("%s cannot be used with a prepared two-phase transaction" % name)

    def check_no_two_phase(self, name):
        if self._xid is not None:
            raise errors.ProgrammingError("%s cannot be used during a two-phase transaction" % name)

    def _finish(self, word, xid):
        self.check()
        if xid is not None:
            if self.has_begun or self._xid is not None:
                raise errors.ProgrammingError(
                    "tpc_commit/tpc_rollback with a xid must be called outside a transaction"
                )
            self.run("%s PREPARED %s" % (word, self.literal(str(_xid(xid)))), role=TRANSACTION)
            return
        if self._xid is None:
            raise errors.ProgrammingError(
                "tpc_commit/tpc_rollback with no parameter must be called in a two-phase transaction"
            )
        text = "%s PREPARED %s" % (word, self.literal(str(self._xid))) if self._prepared else word
        self._xid, self._prepared, self._has_begun = None, False, False
        self.run(text, role=TRANSACTION)


def _xid(value):
    if isinstance(value, str):
        return Xid.from_string(value)
    # A tuple, or an identifier of the driver's own class.
    return Xid(*(value[index] for index in range(3)))
