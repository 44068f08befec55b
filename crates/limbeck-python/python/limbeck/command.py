"""Alembic's commands for calls from code, under the names and with the arguments of `alembic.command`.

Each runs the command `limbeck` in a process of its own, so that neither the URL's driver nor an event loop that
may be running matters, and blocks until it has ended (`limbeck.aio` has the same as coroutines). `config` is Alembic's
`Config`, the path of an ini or a `pyproject.toml`, or `None` for the files of the current folder. With a `Config`, what
Alembic prints goes where its `stdout` and `output_buffer` say; without one it is in the result only. Log lines go
to the logger `limbeck`. A failure raises `limbeck.CommandError`; what a `Config` holds and another process can't be
given (`attributes`) raises `ValueError` before anything runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _calls
from ._run import run

if TYPE_CHECKING:
    import os

    from ._calls import RevisionNames
    from ._configuration import ConfigLike
    from .results import (
        CurrentResult,
        DowngradeResult,
        Result,
        RevisionsResult,
        StampResult,
        UpgradeResult,
    )

__all__ = [
    "branches",
    "check",
    "current",
    "downgrade",
    "ensure_version",
    "heads",
    "history",
    "init",
    "list_templates",
    "merge",
    "revision",
    "show",
    "stamp",
    "upgrade",
]


def upgrade(config: ConfigLike, revision: str, sql: bool = False, tag: str | None = None) -> UpgradeResult:
    """Upgrades to a later version."""
    return run(_calls.upgrade(config, revision, sql, tag))


def downgrade(config: ConfigLike, revision: str, sql: bool = False, tag: str | None = None) -> DowngradeResult:
    """Reverts to a previous version."""
    return run(_calls.downgrade(config, revision, sql, tag))


def current(config: ConfigLike, check_heads: bool = False, verbose: bool = False) -> CurrentResult:
    """Where the database stands; with `check_heads` an error unless it is at all heads."""
    return run(_calls.current(config, check_heads, verbose))


def stamp(
    config: ConfigLike,
    revision: RevisionNames,
    sql: bool = False,
    tag: str | None = None,
    purge: bool = False,
) -> StampResult:
    """Writes the version table, and runs no migrations."""
    return run(_calls.stamp(config, revision, sql, tag, purge))


def ensure_version(config: ConfigLike, sql: bool = False) -> StampResult:
    """Creates the version table where it doesn't exist."""
    return run(_calls.ensure_version(config, sql))


def heads(config: ConfigLike, verbose: bool = False, resolve_dependencies: bool = False) -> RevisionsResult:
    """The revisions that nothing follows."""
    return run(_calls.heads_(config, verbose, resolve_dependencies))


def history(
    config: ConfigLike,
    rev_range: str | None = None,
    verbose: bool = False,
    indicate_current: bool = False,
) -> RevisionsResult:
    """The revisions, newest first."""
    return run(_calls.history(config, rev_range, verbose, indicate_current))


def branches(config: ConfigLike, verbose: bool = False) -> RevisionsResult:
    """The revisions that several follow."""
    return run(_calls.branches(config, verbose))


def show(config: ConfigLike, rev: str) -> RevisionsResult:
    """The revisions that a name denotes."""
    return run(_calls.show(config, rev))


def merge(
    config: ConfigLike,
    revisions: RevisionNames,
    message: str | None = None,
    branch_label: RevisionNames | None = None,
    rev_id: str | None = None,
    splice: bool = False,
) -> RevisionsResult:
    """Makes a revision that joins several; it is what the result lists."""
    return run(_calls.merge(config, revisions, message, branch_label, rev_id, splice))


def revision(
    config: ConfigLike,
    message: str | None = None,
    autogenerate: bool = False,
    sql: bool = False,
    head: str = "head",
    splice: bool = False,
    branch_label: RevisionNames | None = None,
    version_path: str | os.PathLike[str] | None = None,
    rev_id: str | None = None,
    depends_on: RevisionNames | None = None,
    process_revision_directives: None = None,
) -> RevisionsResult:
    """Makes a revision; it is what the result lists."""
    call = _calls.revision(
        config,
        message,
        autogenerate,
        sql,
        head,
        splice,
        branch_label,
        version_path,
        rev_id,
        depends_on,
        process_revision_directives,
    )
    return run(call)


def check(config: ConfigLike) -> Result:
    """An error where `revision(autogenerate=True)` would find something."""
    return run(_calls.check(config))


def init(config: ConfigLike, directory: str, template: str = "generic", package: bool = False) -> Result:
    """Makes a script directory."""
    return run(_calls.init(config, directory, template, package))


def list_templates(config: ConfigLike) -> Result:
    """The templates for `init`, as its output."""
    return run(_calls.list_templates(config))
