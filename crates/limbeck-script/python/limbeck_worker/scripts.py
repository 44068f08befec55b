"""Revision scripts that are known by their headers. A script's module is imported when it is used."""
import os

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
        for header in headers:
            yield HeaderScript(*header)

    script_directory.revision_map = graph.RevisionMap(load)


def _as_declared(down_revisions):
    if not down_revisions:
        return None
    if len(down_revisions) == 1:
        return down_revisions[0]
    return tuple(down_revisions)
