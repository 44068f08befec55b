"""The commands with their arguments and results, shared by `limbeck.command` and `limbeck.aio`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ._run import Call, version_rows
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
    arguments = [*_flags(sql=sql, tag=tag, purge=purge), "--", *_as_list(revision)]
    return Call("stamp", config, arguments, _stamp, offline=sql)


def ensure_version(config: ConfigLike, sql: bool) -> Call[StampResult]:
    return Call("ensure_version", config, _flags(sql=sql), _stamp, offline=sql)


def current(config: ConfigLike, check_heads: bool, verbose: bool) -> Call[CurrentResult]:
    return Call("current", config, _flags(check_heads=check_heads, verbose=verbose), _current)


def list_heads(config: ConfigLike, verbose: bool, resolve_dependencies: bool) -> Call[RevisionsResult]:
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
            "`process_revision_directives` is a function and can't be passed to another process: "
            "pass it to `context.configure` in env.py"
        )
    flags = _flags(
        message=message,
        autogenerate=autogenerate,
        sql=sql,
        head=head,
        splice=splice,
        branch_label=_single("branch_label", branch_label),
        version_path=None if version_path is None else os.fspath(version_path),
        rev_id=rev_id,
    )
    flags += ["--depends-on=" + name for name in _as_list(depends_on or ())]
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
        message=message, branch_label=_single("branch_label", branch_label), rev_id=rev_id, splice=splice
    )
    return Call("merge", config, [*flags, "--", *_as_list(revisions)], _revisions)


def check(config: ConfigLike) -> Call[Result]:
    return Call("check", config, [], _output_only)


def init(config: ConfigLike, directory: str, template: str, package: bool) -> Call[Result]:
    return Call("init", config, [*_flags(template=template, package=package), "--", directory], _output_only)


def list_templates(config: ConfigLike) -> Call[Result]:
    return Call("list_templates", config, [], _output_only)


def _flags(**options: str | bool | None) -> list[str]:
    """Returns options for the command line. `--option=value` allows values that start with a hyphen."""
    flags = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            flags.append(option)
        elif isinstance(value, str):
            flags.append(f"{option}={value}")
    return flags


def _as_list(names: RevisionNames) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _single(option: str, names: RevisionNames | None) -> str | None:
    if names is None:
        return None
    if len(_as_list(names)) != 1:
        raise ValueError(f"`{option}` accepts one name, and {len(_as_list(names))} were given")
    return _as_list(names)[0]


def _output_only(report: dict[str, Any], output: str, log: str) -> Result:
    return Result(output, log)


def _migration(result_type: Any) -> Any:
    def make_result(report: dict[str, Any], output: str, log: str) -> Any:
        steps = tuple(Step(step["revision"], step["kind"], step["path"]) for step in report["steps"])
        return result_type(output, log, version_rows(report, "heads_before"), version_rows(report, "heads_after"), steps)

    return make_result


def _stamp(report: dict[str, Any], output: str, log: str) -> StampResult:
    return StampResult(output, log, version_rows(report, "heads_before"), version_rows(report, "heads_after"))


def _revisions(report: dict[str, Any], output: str, log: str) -> RevisionsResult:
    return RevisionsResult(output, log, _listed_revisions(report))


def _current(report: dict[str, Any], output: str, log: str) -> CurrentResult:
    return CurrentResult(output, log, _listed_revisions(report), version_rows(report, "heads_before") or ())


def _listed_revisions(report: dict[str, Any]) -> tuple[Revision, ...]:
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
        for row in report["revisions"]
    )
