"""The commands with their arguments, as `limbeck.command` and `limbeck.aio` both run them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ._run import Call, heads
from .results import (
    CurrentResult,
    DowngradeResult,
    Result,
    Revision,
    RevisionsResult,
    StampResult,
    Step,
    UpgradeResult,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Union

    from ._configuration import ConfigLike

    RevisionNames = Union[str, Sequence[str]]


def upgrade(config: ConfigLike, revision: str, sql: bool, tag: str | None) -> Call[UpgradeResult]:
    flags = _flags(sql=sql, tag=tag)
    return Call("upgrade", config, [*flags, "--", revision], _migration(UpgradeResult), offline=sql)


def downgrade(config: ConfigLike, revision: str, sql: bool, tag: str | None) -> Call[DowngradeResult]:
    flags = _flags(sql=sql, tag=tag)
    return Call("downgrade", config, [*flags, "--", revision], _migration(DowngradeResult), offline=sql)


def stamp(
    config: ConfigLike, revision: RevisionNames, sql: bool, tag: str | None, purge: bool
) -> Call[StampResult]:
    arguments = [*_flags(sql=sql, tag=tag, purge=purge), "--", *_several(revision)]
    return Call("stamp", config, arguments, _stamp, offline=sql)


def ensure_version(config: ConfigLike, sql: bool) -> Call[StampResult]:
    return Call("ensure_version", config, _flags(sql=sql), _stamp, offline=sql)


def current(config: ConfigLike, check_heads: bool, verbose: bool) -> Call[CurrentResult]:
    return Call("current", config, _flags(check_heads=check_heads, verbose=verbose), _current)


def heads_(config: ConfigLike, verbose: bool, resolve_dependencies: bool) -> Call[RevisionsResult]:
    flags = _flags(verbose=verbose, resolve_dependencies=resolve_dependencies)
    return Call("heads", config, flags, _revisions)


def history(
    config: ConfigLike, rev_range: str | None, verbose: bool, indicate_current: bool
) -> Call[RevisionsResult]:
    flags = _flags(rev_range=rev_range, verbose=verbose, indicate_current=indicate_current)
    return Call("history", config, flags, _revisions)


def branches(config: ConfigLike, verbose: bool) -> Call[RevisionsResult]:
    return Call("branches", config, _flags(verbose=verbose), _revisions)


def show(config: ConfigLike, rev: str) -> Call[RevisionsResult]:
    return Call("show", config, ["--", rev], _revisions)


def revision(
    config: ConfigLike,
    message: str | None,
    autogenerate: bool,
    sql: bool,
    head: str,
    splice: bool,
    branch_label: RevisionNames | None,
    version_path: str | os.PathLike[str] | None,
    rev_id: str | None,
    depends_on: RevisionNames | None,
    process_revision_directives: None,
) -> Call[RevisionsResult]:
    if process_revision_directives is not None:
        raise ValueError(
            "`process_revision_directives` is a function and can't be given to another process: "
            "give it to `context.configure` in env.py"
        )
    flags = _flags(
        message=message,
        autogenerate=autogenerate,
        sql=sql,
        head=head,
        splice=splice,
        branch_label=_one("branch_label", branch_label),
        version_path=None if version_path is None else os.fspath(version_path),
        rev_id=rev_id,
    )
    flags += ["--depends-on=" + each for each in _several(depends_on or ())]
    return Call("revision", config, flags, _revisions, offline=sql)


def merge(
    config: ConfigLike,
    revisions: RevisionNames,
    message: str | None,
    branch_label: RevisionNames | None,
    rev_id: str | None,
    splice: bool,
) -> Call[RevisionsResult]:
    flags = _flags(
        message=message, branch_label=_one("branch_label", branch_label), rev_id=rev_id, splice=splice
    )
    return Call("merge", config, [*flags, "--", *_several(revisions)], _revisions)


def check(config: ConfigLike) -> Call[Result]:
    return Call("check", config, [], _plain)


def init(config: ConfigLike, directory: str, template: str, package: bool) -> Call[Result]:
    return Call("init", config, [*_flags(template=template, package=package), "--", directory], _plain)


def list_templates(config: ConfigLike) -> Call[Result]:
    return Call("list_templates", config, [], _plain)


def _flags(**given: str | bool | None) -> list[str]:
    """Options as the command line has them; a value is bound to its option, whatever it begins with."""
    flags = []
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            flags.append(option)
        elif isinstance(value, str):
            flags.append(f"{option}={value}")
    return flags


def _several(names: RevisionNames) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _one(option: str, names: RevisionNames | None) -> str | None:
    if names is None:
        return None
    if len(_several(names)) != 1:
        raise ValueError(f"`{option}` takes one name here, and {len(_several(names))} were given")
    return _several(names)[0]


def _plain(told: dict[str, Any], output: str, log: str) -> Result:
    return Result(output, log)


def _migration(kind: Any) -> Any:
    def made(told: dict[str, Any], output: str, log: str) -> Any:
        steps = tuple(Step(step["revision"], step["kind"], step["path"]) for step in told["steps"])
        return kind(output, log, heads(told, "heads_before"), heads(told, "heads_after"), steps)

    return made


def _stamp(told: dict[str, Any], output: str, log: str) -> StampResult:
    return StampResult(output, log, heads(told, "heads_before"), heads(told, "heads_after"))


def _revisions(told: dict[str, Any], output: str, log: str) -> RevisionsResult:
    return RevisionsResult(output, log, _listed(told))


def _current(told: dict[str, Any], output: str, log: str) -> CurrentResult:
    return CurrentResult(output, log, _listed(told), heads(told, "heads_before") or ())


def _listed(told: dict[str, Any]) -> tuple[Revision, ...]:
    return tuple(
        Revision(
            row["revision"],
            tuple(row["down_revisions"]),
            tuple(row["depends_on"]),
            tuple(row["branch_labels"]),
            row["is_head"],
            row["doc"],
            row["path"],
        )
        for row in told["revisions"]
    )
