"""Starts the worker: takes its modules from the host, or compiled from the folder where a run before has kept them."""
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

    # What is imported stays: looking through it for garbage takes a twentieth of the start. `main` switches it on.
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

    class Modules:
        """Finds and loads the worker's modules among the sources that the host sent."""

        # What another interpreter or another limbeck has compiled begins in another way.
        head = b"%s %08x %d\n" % (MAGIC_NUMBER, start["digest"], sys.flags.optimize)

        def __init__(self, file):
            self.file = file
            self.codes = self._kept() if file else {}
            self.compiled = False

        def _kept(self):
            try:
                with open(self.file, "rb") as file:
                    head, checksum, codes = file.read(len(self.head)), file.read(4), file.read()
            except OSError:
                return {}
            if head != self.head or checksum != struct.pack(">I", crc32(codes)):
                return {}
            return marshal.loads(codes)

        def keep(self):
            """Writes what had to be compiled, for the next run."""
            if not self.compiled or not self.file or sys.dont_write_bytecode:
                return
            codes = marshal.dumps(self.codes)
            written = "%s.%d" % (self.file, os.getpid())
            try:
                with open(written, "xb") as file:
                    file.write(self.head + struct.pack(">I", crc32(codes)) + codes)
                os.replace(written, self.file)
            except OSError:
                # A folder that isn't there or can't be written to: the next run compiles, too.
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
                self.compiled = True
            exec(self.codes[name], module.__dict__)

        def get_source(self, name):
            return sources[name][1]

    folder = start["cache_folder"]
    modules = Modules(folder and "%s/limbeck.%s" % (folder, sys.implementation.cache_tag))
    sys.meta_path.insert(0, modules)
    # `-c` puts the current folder first; the `alembic` program does not. Where a project wants it,
    # `prepend_sys_path` says so.
    if sys.path and sys.path[0] == "":
        del sys.path[0]
    for fd in (from_host, to_host, lifeline):
        os.set_inheritable(fd, False)
    from limbeck_worker.main import main

    main((from_host, to_host), lifeline, start, modules.keep)


boot(*map(int, sys.argv[1:]))
