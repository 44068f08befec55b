"""Starts the worker: takes its modules from the host, so that nothing is written to a disk."""
import os
import sys


def boot(socket_fd, lifeline_fd):
    import gc
    import json
    import struct
    from importlib.machinery import ModuleSpec

    # What is imported stays: looking through it for garbage takes a twentieth of the start. `main` switches it on.
    gc.disable()

    def read(count):
        parts = []
        while count:
            part = os.read(socket_fd, min(count, 1 << 20))
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

        def find_spec(self, name, path=None, target=None):
            if name not in sources:
                return None
            return ModuleSpec(name, self, origin="<%s>" % name, is_package=sources[name][0])

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            name = module.__name__
            exec(compile(sources[name][1], "<%s>" % name, "exec"), module.__dict__)

        def get_source(self, name):
            return sources[name][1]

    sys.meta_path.insert(0, Modules())
    # `-c` puts the current folder first; the `alembic` program does not. Where a project wants it,
    # `prepend_sys_path` says so.
    if sys.path and sys.path[0] == "":
        del sys.path[0]
    for fd in (socket_fd, lifeline_fd):
        os.set_inheritable(fd, False)
    from limbeck_worker.main import main

    main(socket_fd, lifeline_fd, start)


boot(int(sys.argv[1]), int(sys.argv[2]))
