"""The pipes to the host and back: one request, one reply."""
import contextlib
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
        self._lock = threading.RLock()
        self._broken = False
        # What SQL may call, by its name in lower case and its number of arguments (-1 for any), and by the
        # number of the connection before them: takes and gives values of the protocol.
        self.functions = {}

    def request(self, op, **fields):
        fields["op"] = op
        # In a statement, text that is no Unicode is the caller's error; in a report a question mark does.
        payload = _frame(fields, "strict" if op in _EXACT else "replace")
        with self._whole():
            self._write(payload)
            reply = self._receive()
            while "call" in reply:
                # SQL calls a Python function while its statement runs.
                self._write(self._called(reply, fields.get("connection")))
                reply = self._receive()
        if "error" in reply:
            raise HostError(reply["error"])
        return reply.get("ok")

    def tell(self, op, **fields):
        """Says what the host does not answer, so that nobody waits."""
        fields["op"] = op
        payload = _frame(fields, "replace")
        with self._whole():
            self._write(payload)

    @contextlib.contextmanager
    def _whole(self):
        with self._lock:
            if self._broken:
                raise KeyboardInterrupt
            try:
                yield
            except BaseException:
                # What is left of a message would be taken for the next one.
                self._broken = True
                raise

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
        (length,) = struct.unpack(">I", self._read(4))
        return json.loads(self._read(length))

    def _write(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self._to_host, view) :]

    def _read(self, count):
        parts = []
        while count:
            part = os.read(self._from_host, min(count, 1 << 20))
            if not part:
                os._exit(1)
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _frame(message, errors):
    # Not escaped as ASCII: half of a surrogate pair would then pass here and break the host's reader.
    payload = json.dumps(message, ensure_ascii=False, allow_nan=False).encode("utf-8", errors)
    return struct.pack(">I", len(payload)) + payload
