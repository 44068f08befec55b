"""Answers questions about a graph with Alembic's own revision map and head maintainer.

Each line of standard input is a graph with questions, in JSON; each line of standard output has the answers.
"""
import json
import sys
import warnings
from unittest import mock

from alembic.runtime import migration
from alembic.runtime.migration import HeadMaintainer
from alembic.script import ScriptDirectory
from alembic.script.revision import Revision, RevisionMap
from alembic.util import CommandError
from sqlalchemy import Column, MetaData, String, Table
from sqlalchemy.util import OrderedSet

warnings.simplefilter("ignore")


def directory(graph):
    script_directory = ScriptDirectory.__new__(ScriptDirectory)

    def load():
        for revision, down, labels, dependencies in graph:
            script = Revision(
                revision,
                tuple(down) if len(down) > 1 else (down[0] if down else None),
                branch_labels=tuple(labels),
                dependencies=tuple(dependencies) or None,
            )
            script.module = type("M", (), {"upgrade": None, "downgrade": None})
            yield script

    script_directory.revision_map = RevisionMap(load)
    return script_directory


class Context:
    """The part of a `MigrationContext` that `HeadMaintainer` uses. Statements go nowhere."""

    as_sql = True
    _version = Table("alembic_version", MetaData(), Column("version_num", String(32)))
    impl = mock.NonCallableMock(_exec=lambda statement: None)


class RecordingHeadMaintainer(HeadMaintainer):
    """The real `HeadMaintainer`, which also keeps a list of the changes it makes."""

    def __init__(self, rows):
        super().__init__(Context, rows)
        self.changes = []

    def _insert_version(self, version):
        super()._insert_version(version)
        self.changes.append(["insert", version])

    def _delete_version(self, version):
        super()._delete_version(version)
        self.changes.append(["delete", version])

    def _update_version(self, from_, to_):
        super()._update_version(from_, to_)
        self.changes.append(["update", from_, to_])


def head_changes(steps, rows):
    """The changes of each step and the heads after it. The list ends at a step that raises an exception."""
    maintainer = RecordingHeadMaintainer(rows)
    found = []
    for step in steps:
        maintainer.changes = []
        try:
            maintainer.update_to_step(step)
        except (AssertionError, KeyError, IndexError):
            break
        found.append([maintainer.changes, sorted(maintainer.heads)])
    return found


def plan(steps, rows):
    steps = list(steps)
    as_installed = head_changes(steps, rows)
    # The same code with sets that keep their order, so that the order of the changes can be compared, too.
    with mock.patch.object(migration, "set", OrderedSet, create=True):
        in_order = head_changes(steps, rows)
    return {"steps": [describe(step) for step in steps], "as_installed": as_installed, "in_order": in_order}


def describe(step):
    if isinstance(step, migration.StampStep):
        return [sorted(step.from_), sorted(step.to_), step.is_upgrade, step.branch_move]
    return step.revision.revision


def ask(script, kind, rows, target):
    rows = tuple(rows)
    if kind == "upgrade":
        return plan(script._upgrade_revs(target, rows), rows)
    if kind == "downgrade":
        return plan(script._downgrade_revs(target, rows), rows)
    if kind == "stamp":
        return plan(script._stamp_revs(tuple(target.split("|")), rows), rows)
    if kind == "resolve":
        return sorted(revision.revision for revision in script.get_revisions(target) if revision is not None)
    if kind == "current":
        return sorted(revision.revision for revision in script.get_all_current(rows))
    if kind == "applied":
        ancestors = script.revision_map._get_ancestor_nodes(script.get_revisions(rows))
        return sorted(revision.revision for revision in ancestors)
    if kind == "history":
        start, separator, end = target.partition(":")
        if not separator:
            start, end = "base", target
        return [revision.revision for revision in script.walk_revisions(start, end)]
    if kind == "heads":
        return [list(script.revision_map.heads), list(script.revision_map._real_heads)]
    raise ValueError(kind)


for line in sys.stdin:
    case = json.loads(line)
    answers = []
    try:
        script = directory(case["graph"])
        script.revision_map._revision_map
    except Exception as error:
        print(json.dumps({"graph": type(error).__name__}), flush=True)
        continue
    for kind, rows, target in case["questions"]:
        try:
            answers.append({"ok": ask(script, kind, rows, target)})
        except CommandError as error:
            answers.append({"refused": str(error)})
        except Exception as error:
            answers.append({"crashed": type(error).__name__})
    print(json.dumps({"answers": answers}), flush=True)
