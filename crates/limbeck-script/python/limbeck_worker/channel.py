"""The connection to the host: a pipe in each direction."""
import gc
import json
import os
import struct
import threading

# The requests whose text must be valid Unicode. In the others a question mark replaces what is not.
_STRICT_REQUESTS = ("connect", "execute", "function")


class HostError(Exception):
    """An error reply of the host, with the reply's fields in `fields`."""

    def __init__(self, fields):
        super().__init__(fields.get("message"))
        self.fields = fields
        self.limbeck_error = fields.get("id")

    def __reduce__(self):
        return HostError, (self.fields,)


_FORKED = (
    "a forked process can't use limbeck's connection, which belongs to the process that runs env.py: use threads, or start "
    "the process with multiprocessing's `spawn` method, where it connects with the installed driver"
)


_PROCESS = os.getpid()


def is_forked():
    """Return whether this process is a fork of the one that the host serves."""
    return os.getpid() != _PROCESS


def _refuse_in_fork():
    # This must precede the lock, which another thread may have held at the time of the fork.
    if is_forked():
        raise HostError({"kind": "forked", "message": _FORKED})


class Channel:
    """Sends requests and notices to the host and reads the replies."""

    def __init__(self, from_host, to_host):
        self._from_host = from_host
        self._to_host = to_host
        self._lock = _ExchangeLock()
        self._received = b""
        # The session of the request whose reply is not read yet, as a tuple of one item, or None.
        self._unanswered = None
        # The reply of an outer request, if an inner one had to read it.
        self._early_reply = None
        # The functions that SQL may call, by (session, name, arguments) and (name, arguments): the name is in lower
        # case, and -1 means any number of arguments. They take and return values of the protocol.
        self.functions = {}

    def request(self, op, **fields):
        """Send a request and return the reply; raise `HostError` for an error."""
        fields["op"] = op
        payload = _frame(fields, "strict" if op in _STRICT_REQUESTS else "replace")
        _refuse_in_fork()
        with self._lock:
            if self._unanswered:
                self._early_reply = self._read_reply()
            self._write(payload)
            self._unanswered = (fields.get("connection"),)
            # Collecting an object may send another request: the pool closes a lost connection.
            _collect_garbage()
            if self._unanswered:
                reply = self._read_reply()
            else:
                reply, self._early_reply = self._early_reply, None
        if "error" in reply:
            raise HostError(reply["error"])
        return reply.get("ok")

    def notify(self, op, **fields):
        """Send a message that the host does not answer."""
        fields["op"] = op
        payload = _frame(fields, "replace")
        _refuse_in_fork()
        with self._lock:
            self._write(payload)

    @property
    def is_usable(self):
        """Return whether the host can be asked: not in a forked process, nor after an interrupt cut an exchange short."""
        return not (is_forked() or self._lock.is_broken)

    def leave(self):
        """Close the pipes of a forked process, which would mix its messages with those of the first process."""
        os.close(self._from_host)
        os.close(self._to_host)

    def _read_reply(self):
        (connection,), self._unanswered = self._unanswered, None
        reply = self._receive()
        while "call" in reply:
            # SQL calls a Python function while its statement runs.
            self._write(self._call_function(reply, connection))
            reply = self._receive()
        return reply

    def _call_function(self, message, connection):
        name, arguments = message["call"].lower(), message["arguments"]
        try:
            keys = [(name, len(arguments)), (name, -1)]
            known = [key for key in [(connection, *key) for key in keys] + keys if key in self.functions]
            if not known:
                raise KeyError(name)
            function = self.functions[known[0]]
            return _frame({"return": function(arguments)}, "strict")
        except Exception as error:
            return _frame({"raise": "%s: %s" % (type(error).__name__, error)}, "replace")

    def _receive(self):
        received = self._received or self._read()
        while len(received) < 4:
            received += self._read()
        (length,) = _LENGTH.unpack_from(received)
        missing = 4 + length - len(received)
        if missing > 0:
            parts = [received]
            while missing > 0:
                part = self._read()
                parts.append(part)
                missing -= len(part)
            received = b"".join(parts)
        self._received = received[4 + length :]
        return _decode(received[4 : 4 + length].decode())[0]

    def _write(self, data):
        written = os.write(self._to_host, data)
        if written < len(data):
            rest = memoryview(data)[written:]
            while rest:
                rest = rest[os.write(self._to_host, rest) :]

    def _read(self):
        part = os.read(self._from_host, 1 << 16)
        if not part:
            os._exit(1)
        return part


class _ExchangeLock:
    """A lock for a request and its reply. An exception within an exchange makes the channel unusable."""

    def __init__(self):
        self._lock = threading.RLock()
        self.is_broken = False

    def __enter__(self):
        self._lock.acquire()
        if self.is_broken:
            self._lock.release()
            raise KeyboardInterrupt

    def __exit__(self, kind, *_):
        if kind is not None:
            # The rest of an unfinished message would be read as the next one.
            self.is_broken = True
        self._lock.release()


# The numbers of objects from which a collection is due: half of Python's own threshold, and a little less than the one
# of the next generation.
_YOUNG, _MIDDLE = 350, 8
_LENGTH = struct.Struct(">I")
# Not escaped as ASCII: half of a surrogate pair would pass here and break the host's reader.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
# `json.loads` would first detect the encoding and skip white space.
_decode = json.JSONDecoder().raw_decode


def _collect_garbage():
    """Collect garbage while the host works. Otherwise Python would do it while the host waits."""
    young, middle, _ = gc.get_count()
    if young > _YOUNG and gc.isenabled():
        gc.collect(1 if middle > _MIDDLE else 0)


def _frame(message, errors):
    fields = ",".join(['"%s":%s' % (name, _value(value)) for name, value in message.items()])
    payload = ("{%s}" % fields).encode("utf-8", errors)
    return _LENGTH.pack(len(payload)) + payload


def _value(value):
    # A fast path for texts. For all other types `encode` makes a new encoder, which takes longer than the encoding.
    kind = value.__class__
    if kind is str:
        return _encode(value)
    if kind is int:
        return int.__repr__(value)
    if kind is list and not value:
        return "[]"
    return _encode(value)
