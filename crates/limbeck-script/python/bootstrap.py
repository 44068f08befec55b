"""Start the worker: import its modules from the sources that the host sends, or from the cache of an earlier run."""
import os
import sys


def boot(from_host, to_host, lifeline):
    import gc
    import json
    import marshal
    import struct
    from _frozen_importlib_external import MAGIC_NUMBER
    from binascii import crc32
    from importlib.machinery import ModuleSpec

    # Imported modules are never garbage, and searching them takes a twentieth of the start. `main` enables the collector.
    gc.disable()

    def read(count):
        parts = []
        while count:
            part = os.read(from_host, min(count, 1 << 20))
            if not part:
                os._exit(1)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    (length,) = struct.unpack(">I", read(4))
    start = json.loads(read(length))
    sources = start.pop("sources")

    class Importer:
        """Finds and loads the worker's modules."""

        # Another interpreter or another limbeck writes another header.
        header = b"%s %08x %d\n" % (MAGIC_NUMBER, start["digest"], sys.flags.optimize)

        def __init__(self, cache_file):
            self.cache_file = cache_file
            self.codes = self._read_cache() if cache_file else {}
            self.has_compiled = False

        def _read_cache(self):
            try:
                with open(self.cache_file, "rb") as file:
                    header, checksum, codes = file.read(len(self.header)), file.read(4), file.read()
            except OSError:
                return {}
            if header != self.header or checksum != struct.pack(">I", crc32(codes)):
                return {}
            return marshal.loads(codes)

        def write_cache(self):
            """Write the compiled modules for the next run, if this run had to compile any."""
            if not self.has_compiled or not self.cache_file or sys.dont_write_bytecode:
                return
            codes = marshal.dumps(self.codes)
            temporary = "%s.%d" % (self.cache_file, os.getpid())
            try:
                with open(temporary, "xb") as file:
                    file.write(self.header + struct.pack(">I", crc32(codes)) + codes)
                os.replace(temporary, self.cache_file)
            except OSError:
                # The folder doesn't exist or isn't writable: the next run compiles again.
                pass

        def find_spec(self, name, path=None, target=None):
            if name not in sources:
                return None
            return ModuleSpec(name, self, origin="<%s>" % name, is_package=sources[name][0])

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            name = module.__name__
            if name not in self.codes:
                self.codes[name] = compile(sources[name][1], "<%s>" % name, "exec")
                self.has_compiled = True
            exec(self.codes[name], module.__dict__)

        def get_source(self, name):
            return sources[name][1]

    folder = start["cache_folder"]
    importer = Importer(folder and "%s/limbeck.%s" % (folder, sys.implementation.cache_tag))
    sys.meta_path.insert(0, importer)
    # `-c` puts the current folder first in `sys.path`, the `alembic` program does not. A project that wants it there
    # sets `prepend_sys_path`.
    if sys.path and sys.path[0] == "":
        del sys.path[0]
    for fd in (from_host, to_host, lifeline):
        os.set_inheritable(fd, False)
    from limbeck_worker.main import main

    main((from_host, to_host), lifeline, start, importer.write_cache)


boot(*map(int, sys.argv[1:]))
