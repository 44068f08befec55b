"""The stream to the host: one request, one reply."""
import json
import os
import struct
import threading


class HostError(Exception):
    """An error that the host replied with; its fields are in `fields`."""

    def __init__(self, fields):
        super().__init__(fields.get("message"))
        self.fields = fields
        self.limbeck_error = fields.get("id")


class Channel:
    def __init__(self, fd):
        self._fd = fd
        self._lock = threading.RLock()
        self._broken = False
        # What SQL may call, by its name in lower case: takes and gives values of the protocol.
        self.functions = {}

    def request(self, op, **fields):
        fields["op"] = op
        payload = _frame(fields)
        with self._lock:
            if self._broken:
                raise KeyboardInterrupt
            try:
                self._write(payload)
                reply = self._receive()
                while "call" in reply:
                    # SQL calls a Python function while its statement runs.
                    self._send(self._called(reply))
                    reply = self._receive()
            except BaseException:
                # A reply that was not read would be taken for the next one's.
                self._broken = True
                raise
        if "error" in reply:
            raise HostError(reply["error"])
        return reply.get("ok")

    def _called(self, message):
        try:
            return {"return": self.functions[message["call"].lower()](message["arguments"])}
        except Exception as error:
            return {"raise": "%s: %s" % (type(error).__name__, error)}

    def _send(self, message):
        self._write(_frame(message))

    def _receive(self):
        (length,) = struct.unpack(">I", self._read(4))
        return json.loads(self._read(length))

    def _write(self, data):
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def _read(self, count):
        parts = []
        while count:
            part = os.read(self._fd, min(count, 1 << 20))
            if not part:
                os._exit(1)
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _frame(message):
    payload = json.dumps(message).encode("utf-8")
    return struct.pack(">I", len(payload)) + payload
