"""Start the worker: import its modules from the file that the host has made, or from the cache of an earlier run."""
import os
import sys


def boot(from_host, to_host, lifeline, code_file):
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

    class Importer:
        """Finds and loads the worker's modules. Reads their sources only if they are not all in the cache."""

        # Another interpreter or another limbeck writes another header.
        header = b"%s %08x %d\n" % (MAGIC_NUMBER, start["digest"], sys.flags.optimize)

        def __init__(self, cache_file):
            self.cache_file = cache_file
            self.codes = self._read_cache() if cache_file else {}
            self.has_compiled = False
            self.sources = None

        def source(self, name):
            """Return whether a module is a package, and its text. Return `None` for a module that isn't the worker's."""
            if self.sources is None:
                text = os.pread(code_file, os.fstat(code_file).st_size, 0)
                self.sources = json.loads(text[text.index(b"\0") + 1 :])
            return self.sources.get(name)

        def code(self, name):
            """Return whether a module is a package, and its compiled code. Return `None` as `source` does."""
            if name not in self.codes and name.startswith("limbeck_worker"):
                source = self.source(name)
                if source is not None:
                    is_package, text = source
                    self.codes[name] = is_package, compile(text, "<%s>" % name, "exec")
                    self.has_compiled = True
            return self.codes.get(name)

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
            code = self.code(name)
            return code and ModuleSpec(name, self, origin="<%s>" % name, is_package=code[0])

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            exec(self.code(module.__name__)[1], module.__dict__)

        def get_source(self, name):
            return self.source(name)[1]

    folder = start["cache_folder"]
    importer = Importer(folder and "%s/limbeck.%s" % (folder, sys.implementation.cache_tag))
    sys.meta_path.insert(0, importer)
    # `-c` puts the current folder first in `sys.path`, the `alembic` program does not. A project that wants it there
    # sets `prepend_sys_path`.
    if sys.path and sys.path[0] == "":
        del sys.path[0]
    for fd in (from_host, to_host, lifeline, code_file):
        os.set_inheritable(fd, False)
    from limbeck_worker.main import main

    main((from_host, to_host), lifeline, start, importer.write_cache)


boot(*map(int, sys.argv[1:]))
