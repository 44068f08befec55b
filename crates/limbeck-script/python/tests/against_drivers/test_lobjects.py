"""Comparisons of large objects with psycopg2's."""
import os
import tempfile
import unittest

from . import both, servers, test_postgresql
from .test_raw_connections import Seen

try:
    import psycopg2
    import psycopg2.extensions
except ImportError as error:
    raise servers.without_drivers(error)

setUpModule = test_postgresql.setUpModule

_MODES = (None, "", "r", "w", "rw", "n", "rt", "rb", "wb", "wt", "rwb", "nb", "b", "t", "x", "rx", "rwtb", 5)


class Lobjects(both.Case):
    def compare(self, act):
        def run(connection):
            seen, raw = Seen(), connection.connection.dbapi_connection
            raw.rollback()
            act(raw, seen)
            raw.rollback()
            return seen

        self.both("psycopg2", run)

    def test_opens_in_each_mode(self):
        def act(raw, seen):
            oid = raw.lobject(0, "w", 4242).oid
            seen.append(oid)
            raw.commit()
            try:
                for mode in _MODES:
                    for number in (0, oid, 99):
                        seen.see(lambda: (lambda made: (made.mode, made.closed, number and made.oid))(raw.lobject(number, mode)))
                        seen.append(raw.get_transaction_status())
                        raw.rollback()
                for arguments in ({"oid": "5"}, {"oid": -1}, {"oid": 0, "new_oid": oid}, {"other": 1}):
                    seen.see(lambda: raw.lobject(**arguments) is None)
                    raw.rollback()
            finally:
                raw.lobject(oid).unlink()
                raw.commit()

        self.both_without_keyword_errors(act)

    def both_without_keyword_errors(self, act):
        """Compare apart from the texts of a `TypeError`, which depend on the version of Python."""

        def run(raw, seen):
            act(raw, seen)
            seen[:] = ["TypeError" if isinstance(item, tuple) and item and item[0] == "TypeError" else item for item in seen]

        self.compare(run)

    def test_reads_and_writes(self):
        def act(raw, seen):
            made = raw.lobject()
            for call in (
                lambda: made.write("hé"), lambda: made.write(b"abc"), lambda: made.write(5), made.tell, lambda: made.seek(0), made.read,
                made.read, lambda: made.seek(-2, 2), lambda: made.read(1), lambda: made.read(0), lambda: made.seek(1),
                lambda: made.seek(1, 1), lambda: made.truncate(4), lambda: made.seek(0), made.read, lambda: made.read(1),
                lambda: made.seek(2), made.read, lambda: made.seek(2**33), made.tell, lambda: made.truncate(2**33), made.truncate,
                lambda: made.seek(0, 2), lambda: made.seek(-20, 1), made.tell,
            ):
                seen.see(call)
            raw.rollback()
            for mode in ("r", "rb", "w", "wb", "rw", "n"):
                first = raw.lobject(0, "w")
                oid = first.oid
                first.close()
                made = raw.lobject(oid, mode)
                for call in (made.read, lambda: made.write(b"\xff\x00"), lambda: made.seek(0), made.read, lambda: made.truncate(-1)):
                    seen.see(call)
                raw.rollback()

        self.compare(act)

    def test_reads_and_writes_in_parts(self):
        data = bytes(range(256)) * 10000

        def act(raw, seen):
            made = raw.lobject(0, "wb")
            seen.append(made.write(data))
            made.seek(0)
            seen.append(made.read() == data)
            made.seek(5)
            seen.append(made.read(1 << 20) == data[5 : 5 + (1 << 20)])
            seen.append(made.read((1 << 20) + 1) == data[5 + (1 << 20) : 6 + (2 << 20)])
            seen.append(len(made.read(1 << 25)))

        self.compare(act)

    def test_closes(self):
        def act(raw, seen):
            made = raw.lobject(0, "w", 777)
            calls = (made.read, made.tell, lambda: made.write(b""), lambda: made.seek(0), made.truncate)
            seen.see(made.close)
            seen.append(made.closed)
            for call in calls:
                seen.see(call)
            seen.see(made.close)
            seen.see(made.unlink)
            seen.see(made.unlink)
            raw.rollback()
            made = raw.lobject(0, "w", 777)
            raw.commit()
            for call in (made.read, made.tell, lambda: made.closed, made.unlink, lambda: made.export("/no/where"), made.close, lambda: made.closed):
                seen.see(call)
            raw.rollback()
            raw.autocommit = True
            for call in (
                raw.lobject, made.read, lambda: made.export("/no/where"), made.close, made.unlink, made.unlink, made.close,
            ):
                seen.see(call)
            raw.autocommit = False

        self.compare(act)

    def test_imports_and_exports_files(self):
        with tempfile.TemporaryDirectory() as folder:
            name, out = os.path.join(folder, "in"), os.path.join(folder, "out")
            data = b"\x00\xff" * 600000 + b"x"
            with open(name, "wb") as file:
                file.write(data)

            def act(raw, seen):
                made = raw.lobject(0, "rb", 0, name)
                seen.see(lambda: (made.mode, made.closed, made.read() == data))
                made.seek(0)
                seen.see(lambda: (made.write(b"zz"), made.tell()))
                seen.see(lambda: made.export(out))
                with open(out, "rb") as file:
                    seen.append(file.read() == b"zz" + data[2:])
                seen.see(lambda: made.export(os.path.join(folder, "no", "out")))
                closed = raw.lobject(made.oid, "n")
                seen.see(lambda: (closed.export(out), os.path.getsize(out)))
                seen.see(lambda: raw.lobject(0, "r", 0, os.path.join(folder, "missing")))
                seen.append(raw.get_transaction_status())

            self.compare(act)

    def test_is_an_instance_of_psycopg2s_class(self):
        class Own(psycopg2.extensions.lobject):
            pass

        def act(connection):
            raw = connection.connection.dbapi_connection
            raw.rollback()
            self.assertIsInstance(raw.lobject(), psycopg2.extensions.lobject)
            with self.assertRaisesRegex(psycopg2.NotSupportedError, "large object of the class `.*Own`: use no `lobject_factory`"):
                raw.lobject(lobject_factory=Own)
            raw.rollback()

        self.ours_of("psycopg2", act)


if __name__ == "__main__":
    unittest.main()
