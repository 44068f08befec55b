"""Answers questions to Alembic's own revision map: a graph and questions a line, answers a line, in JSON."""
import json
import sys
import warnings

from alembic.script import ScriptDirectory
from alembic.script.revision import Revision, RevisionMap
from alembic.util import CommandError

warnings.simplefilter("ignore")


def directory(graph):
    made = ScriptDirectory.__new__(ScriptDirectory)

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

    made.revision_map = RevisionMap(load)
    return made


def ask(script, kind, rows, target):
    rows = tuple(rows)
    if kind == "upgrade":
        return [step.revision.revision for step in script._upgrade_revs(target, rows)]
    if kind == "downgrade":
        return [step.revision.revision for step in script._downgrade_revs(target, rows)]
    if kind == "stamp":
        return [
            [sorted(step.from_), sorted(step.to_), step.is_upgrade, step.branch_move]
            for step in script._stamp_revs((target,), rows)
        ]
    if kind == "resolve":
        return sorted(revision.revision for revision in script.get_revisions(target) if revision is not None)
    if kind == "current":
        return sorted(revision.revision for revision in script.get_all_current(rows))
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
