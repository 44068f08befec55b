"""PostgreSQL's two-phase commit, as PEP 249 has it and psycopg2 and psycopg do it."""
import base64
import re

from ..roles import TRANSACTION, with_role
from . import errors


class Xid:
    """What a transaction is prepared under; `str` gives the server's name of it."""

    def __init__(self, format_id, gtrid, bqual):
        self.format_id, self.gtrid, self.bqual = format_id, gtrid, bqual
        self.prepared = self.owner = self.database = None

    @classmethod
    def from_string(cls, text):
        """The parts of a name that was made of them; another name is the whole of it."""
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
    """The part of a connection that has two-phase transactions."""

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
        if self.began or self._xid is not None:
            raise errors.ProgrammingError("tpc_begin cannot be used inside a transaction")
        if self.autocommit:
            raise errors.ProgrammingError("tpc_begin can't be called in autocommit mode")
        self.begin()
        self._xid = _xid(xid)

    def tpc_prepare(self):
        if self._xid is None or self._prepared:
            raise errors.ProgrammingError("prepare must be called inside a two-phase transaction")
        self.run("PREPARE TRANSACTION " + self.literal(str(self._xid)), role=TRANSACTION)
        # The server has put the transaction aside: there is none in the session.
        self._prepared, self._began = True, False

    def tpc_commit(self, xid=None):
        self._finish("COMMIT", xid)

    def tpc_rollback(self, xid=None):
        self._finish("ROLLBACK", xid)

    @with_role(TRANSACTION)
    def tpc_recover(self):
        """The transactions that are prepared on this server."""
        self.check_not_prepared("tpc_recover")
        idle = not self.began
        cursor = self.cursor()
        cursor.execute("SELECT gid, prepared, owner, database FROM pg_prepared_xacts")
        found = []
        for gid, *about in cursor.fetchall():
            xid = Xid.from_string(gid)
            xid.prepared, xid.owner, xid.database = about
            found.append(xid)
        if idle and self.began:
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
            if self.began or self._xid is not None:
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
        self._xid, self._prepared, self._began = None, False, False
        self.run(text, role=TRANSACTION)


def _xid(value):
    if isinstance(value, str):
        return Xid.from_string(value)
    # Also a tuple, and the class of a driver.
    return Xid(*(value[index] for index in range(3)))
