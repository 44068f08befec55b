"""Revision scripts that are known by their headers. A script stays unimported where importing it could not be noticed."""
import os
import sys
import types

from alembic import util
from alembic.script import Script
from alembic.script import revision as graph


class HeaderScript(Script):
    """A script whose header the host has read. Alembic's own `Script` needs the imported module."""

    def __init__(self, revision, down_revisions, branch_labels, depends_on, path):
        self.path = path
        self._module = None
        graph.Revision.__init__(
            self,
            revision,
            _as_declared(down_revisions),
            dependencies=tuple(depends_on),
            branch_labels=tuple(branch_labels),
        )

    @property
    def module(self):
        if self._module is None:
            folder, name = os.path.split(self.path)
            self._module = util.load_python_file(folder, name)
        return self._module

    @module.setter
    def module(self, module):
        self._module = module


def use_headers(script_directory, headers):
    """Build the revision map of a script directory from `headers`; do nothing if the host could not read them all."""
    if headers is None:
        return

    def load():
        loaded = _LoadedImports()
        for *header, imports in headers:
            script = HeaderScript(*header)
            if imports is None or not all(map(loaded.includes, imports)):
                script.module
            yield script

    script_directory.revision_map = graph.RevisionMap(load)


class _LoadedImports:
    """The import statements that would have no effect: their modules are loaded, and have the imported names."""

    def __init__(self):
        self._known = set()

    def includes(self, imported):
        """Return whether an import, `module` or `module:name`, would have no effect."""
        if imported in self._known:
            return True
        module, _, name = imported.partition(":")
        path = ""
        for part in module.split("."):
            path = path + "." + part if path else part
            # A module of another class may compute its attributes.
            if type(sys.modules.get(path)) is not types.ModuleType:
                return False
        # A name from the module's `__getattr__` may have an effect each time.
        if name and name not in vars(sys.modules[module]):
            return False
        self._known.add(imported)
        return True


def _as_declared(down_revisions):
    if not down_revisions:
        return None
    if len(down_revisions) == 1:
        return down_revisions[0]
    return tuple(down_revisions)
