"""The pipes to the host and back: one request, one reply."""
import gc
import json
import os
import struct
import threading

_EXACT = ("connect", "execute", "function")


class HostError(Exception):
    """An error that the host replied with; its fields are in `fields`."""

    def __init__(self, fields):
        super().__init__(fields.get("message"))
        self.fields = fields
        self.limbeck_error = fields.get("id")


class Channel:
    def __init__(self, from_host, to_host):
        self._from_host = from_host
        self._to_host = to_host
        self._whole = _Whole()
        self._received = b""
        # The connection of a request whose reply nobody reads yet, in a tuple; and that reply, read ahead.
        self._owed = self._ahead = None
        # What SQL may call, by its name in lower case and its number of arguments (-1 for any), and by the
        # number of the connection before them: takes and gives values of the protocol.
        self.functions = {}

    def request(self, op, **fields):
        fields["op"] = op
        # In a statement, text that is no Unicode is the caller's error; in a report a question mark does.
        payload = _frame(fields, "strict" if op in _EXACT else "replace")
        with self._whole:
            if self._owed:
                self._ahead = self._owed_reply()
            self._write(payload)
            self._owed = (fields.get("connection"),)
            # What is collected may ask for something itself: a connection that nobody has closed.
            _tidy()
            if self._owed:
                reply = self._owed_reply()
            else:
                reply, self._ahead = self._ahead, None
        if "error" in reply:
            raise HostError(reply["error"])
        return reply.get("ok")

    def _owed_reply(self):
        (connection,), self._owed = self._owed, None
        reply = self._receive()
        while "call" in reply:
            # SQL calls a Python function while its statement runs.
            self._write(self._called(reply, connection))
            reply = self._receive()
        return reply

    def notify(self, op, **fields):
        """Send a message that the host does not answer."""
        fields["op"] = op
        payload = _frame(fields, "replace")
        with self._whole:
            self._write(payload)

    def _called(self, message, connection):
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


class _Whole:
    """A request and its reply, which nobody else's come between."""

    def __init__(self):
        self._lock = threading.RLock()
        self._broken = False

    def __enter__(self):
        self._lock.acquire()
        if self._broken:
            self._lock.release()
            raise KeyboardInterrupt

    def __exit__(self, kind, *_):
        if kind is not None:
            # What is left of a message would be taken for the next one.
            self._broken = True
        self._lock.release()


# Half of what Python itself begins to collect at, and a little less than it takes for the next generation.
_YOUNG, _MIDDLE = 350, 8
_LENGTH = struct.Struct(">I")
# Not escaped as ASCII: half of a surrogate pair would then pass here and break the host's reader.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
# `json.loads` looks for the encoding and for white space first.
_decode = json.JSONDecoder().raw_decode


def _tidy():
    """Looks for garbage while the host works: else it would be done when the host waits."""
    young, middle, _ = gc.get_count()
    if young > _YOUNG and gc.isenabled():
        gc.collect(1 if middle > _MIDDLE else 0)


def _frame(message, errors):
    fields = ",".join(['"%s":%s' % (name, _value(value)) for name, value in message.items()])
    payload = ("{%s}" % fields).encode("utf-8", errors)
    return _LENGTH.pack(len(payload)) + payload


def _value(value):
    # Texts have a short way; for all but them `encode` makes an encoder each time, which takes longer than its work.
    kind = value.__class__
    if kind is str:
        return _encode(value)
    if kind is int:
        return int.__repr__(value)
    if kind is list and not value:
        return "[]"
    return _encode(value)
