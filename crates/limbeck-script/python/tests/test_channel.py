"""Tests of the framing of messages, and of a connection that breaks."""
import gc
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import unittest

from limbeck_worker.channel import Channel, HostError


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


class Host:
    """The other end of a socket, which replies from a thread."""

    def __init__(self, *replies):
        self.socket, worker = socket.socketpair()
        self.worker = worker
        self.channel = Channel(worker.fileno(), worker.fileno())
        self.received = []
        self.raw = []
        self.thread = threading.Thread(target=self._serve, args=(replies,))
        self.thread.start()

    def _serve(self, replies):
        with self.socket:
            for reply in replies:
                payload = self._read()
                if payload is None:
                    return
                self.raw.append(payload)
                self.received.append(json.loads(payload))
                self.socket.sendall(reply if isinstance(reply, bytes) else frame(json.dumps(reply).encode()))

    def _read(self):
        head = self._read_exactly(4)
        return None if head is None else self._read_exactly(struct.unpack(">I", head)[0])

    def _read_exactly(self, count):
        parts = b""
        while len(parts) < count:
            part = self.socket.recv(count - len(parts))
            if not part:
                return None
            parts += part
        return parts

    def close(self):
        self.worker.close()
        self.thread.join()


class ChannelTest(unittest.TestCase):
    def host(self, *replies):
        host = Host(*replies)
        self.addCleanup(host.close)
        return host

    def test_returns_the_reply_to_a_request(self):
        host = self.host({"ok": {"a": [1, None, "ü"]}}, {"ok": None})
        self.assertEqual(host.channel.request("execute", sql="SELECT 'é\U0001f600\x00\n'"), {"a": [1, None, "ü"]})
        self.assertIsNone(host.channel.request("close", connection=1))
        self.assertEqual(
            host.received, [{"op": "execute", "sql": "SELECT 'é\U0001f600\x00\n'"}, {"op": "close", "connection": 1}]
        )

    def test_sends_text_as_utf_8(self):
        host = self.host({"ok": None})
        host.channel.request("execute", sql="ü")
        self.assertIn("ü".encode("utf-8"), host.raw[0])

    def test_exchanges_huge_messages(self):
        text = "ü" * (3 << 20)
        host = self.host({"ok": text})
        self.assertEqual(host.channel.request("execute", sql=text), text)
        self.assertEqual(host.received[0]["sql"], text)

    def test_raises_an_error_reply(self):
        host = self.host({"error": {"id": 3, "kind": "server", "message": "no"}}, {"ok": 1})
        with self.assertRaises(HostError) as caught:
            host.channel.request("execute", sql="x")
        self.assertEqual((caught.exception.limbeck_error, caught.exception.fields["kind"]), (3, "server"))
        self.assertEqual(host.channel.request("execute", sql="y"), 1)

    def test_rejects_half_a_surrogate_pair_in_a_statement_before_sending(self):
        host = self.host({"ok": 1})
        for sql in ("SELECT '\ud800'", "\udcff"):
            with self.assertRaises(UnicodeEncodeError):
                host.channel.request("execute", sql=sql)
        self.assertEqual(host.channel.request("execute", sql="y"), 1)
        self.assertEqual(len(host.received), 1)

    def test_replaces_half_a_surrogate_pair_in_a_report(self):
        host = self.host({"ok": None})
        host.channel.request("end", outcome="exception", message="file \udcff.py")
        self.assertEqual(host.received[0]["message"], "file ?.py")

    def test_rejects_numbers_that_json_lacks(self):
        host = self.host({"ok": 1})
        with self.assertRaises(ValueError):
            host.channel.request("execute", sql="", parameters=[float("nan")])
        self.assertEqual(host.channel.request("execute", sql="y"), 1)

    def test_refuses_requests_after_an_unreadable_reply(self):
        rows = {
            "not UTF-8": frame(b'{"ok": "\xff\xfe"}'),
            "not JSON": frame(b"{"),
        }
        for name, reply in rows.items():
            with self.subTest(name):
                host = self.host(reply, {"ok": 1})
                with self.assertRaises(ValueError):
                    host.channel.request("execute", sql="x")
                with self.assertRaises(KeyboardInterrupt):
                    host.channel.request("execute", sql="y")

    def test_garbage_collected_during_a_request_may_send_a_request(self):
        host = self.host({"ok": "of the first"}, {"ok": "of the garbage"}, {"ok": "of the last"})
        replies = []

        class Cycle:
            def __init__(self):
                self.itself = self

            def __del__(self):
                replies.append(host.channel.request("close", connection=7))

        gc.collect()
        Cycle()
        # More objects than the channel tolerates, and none that is freed earlier.
        objects = [[] for _ in range(500)]
        self.assertEqual(replies, [])
        self.assertEqual(host.channel.request("execute", connection=1, sql="a"), "of the first")
        self.assertEqual(replies, ["of the garbage"])
        self.assertEqual(host.channel.request("execute", connection=1, sql="b"), "of the last")
        self.assertEqual([each["op"] for each in host.received], ["execute", "close", "execute"])
        self.assertEqual(len(objects), 500)

    def test_a_broken_pipe_raises(self):
        host = self.host()
        host.thread.join()
        self.assertTrue(host.channel.is_usable)
        with self.assertRaises(OSError):
            # The first bytes may still fit into a buffer.
            for _ in range(3):
                host.channel.request("execute", sql="x" * (1 << 20))
        with self.assertRaises(KeyboardInterrupt):
            host.channel.request("execute", sql="x")
        self.assertFalse(host.channel.is_usable)

    def test_the_process_exits_at_the_end_of_the_stream(self):
        program = (
            "import socket, sys\n"
            "from limbeck_worker.channel import Channel\n"
            "ours, theirs = socket.socketpair()\n"
            "theirs.sendall(b'\\0\\0\\0\\x09half')\n"
            "theirs.shutdown(socket.SHUT_WR)\n"
            "try:\n"
            "    Channel(ours.fileno(), ours.fileno()).request('execute', sql='x')\n"
            "finally:\n"
            "    print('still here')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=os.getcwd(), env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, b"", b""))


class Calls(unittest.TestCase):
    def call(self, functions, name, arguments, **fields):
        host = Host({"call": name, "arguments": arguments}, {"ok": "done"})
        self.addCleanup(host.close)
        host.channel.functions.update(functions)
        self.assertEqual(host.channel.request("execute", sql="x", **fields), "done")
        return host.received[1]

    def test_calls_the_function_of_the_connection(self):
        functions = {("f", 0): lambda arguments: "last", (1, "f", 0): lambda arguments: 1, (2, "f", -1): lambda arguments: 2}
        for connection, expected in ((1, 1), (2, 2), (3, "last")):
            self.assertEqual(self.call(functions, "f", [], connection=connection), {"return": expected})

    def test_calls_functions_by_name_and_number_of_arguments(self):
        def one(arguments):
            return "one %s" % arguments

        def many(arguments):
            return "many %s" % arguments

        def fails(arguments):
            raise RuntimeError("no \udcff")

        functions = {("f", 1): one, ("f", -1): many, ("g", 0): fails, ("s", 0): lambda arguments: "\ud800"}
        rows = [
            ("F", [1], {"return": "one [1]"}),
            ("f", [], {"return": "many []"}),
            ("g", [], {"raise": "RuntimeError: no ?"}),
        ]
        for name, arguments, answer in rows:
            with self.subTest(name=name, arguments=arguments):
                self.assertEqual(self.call(functions, name, arguments), answer)
        # A result that can't be sent, or an unknown function, ends the statement but not the worker.
        self.assertIn("UnicodeEncodeError", self.call(functions, "s", [])["raise"])
        self.assertIn("KeyError", self.call(functions, "unknown", [])["raise"])
