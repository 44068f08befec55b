"""Alembic's commands as functions, with the names and arguments of `alembic.command`.

Each function runs the program `limbeck` in another process and blocks until it ends (`limbeck.aio` has coroutines). So
the URL may name any driver, and the caller may run an event loop. `config` is Alembic's `Config`, the path of an ini or a
`pyproject.toml`, or `None` for the files of the current folder. With a `Config`, Alembic's output goes to its `stdout` and
`output_buffer`, too; otherwise it is only in the result. Log lines go to the logger `limbeck`. A failure raises
`limbeck.CommandError`. A `Config` with values that can't be passed to another process (`attributes`) raises `ValueError`
before anything runs.
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
    """Returns the database's current revisions. With `check_heads`, raises an error unless all heads are applied."""
    return run(_calls.current(config, check_heads, verbose))


def stamp(
    config: ConfigLike,
    revision: RevisionNames,
    sql: bool = False,
    tag: str | None = None,
    purge: bool = False,
) -> StampResult:
    """Writes the version table without running migrations."""
    return run(_calls.stamp(config, revision, sql, tag, purge))


def ensure_version(config: ConfigLike, sql: bool = False) -> StampResult:
    """Creates the version table if it doesn't exist."""
    return run(_calls.ensure_version(config, sql))


def heads(config: ConfigLike, verbose: bool = False, resolve_dependencies: bool = False) -> RevisionsResult:
    """Returns the heads, the revisions without a successor."""
    return run(_calls.list_heads(config, verbose, resolve_dependencies))


def history(
    config: ConfigLike,
    rev_range: str | None = None,
    verbose: bool = False,
    indicate_current: bool = False,
) -> RevisionsResult:
    """Returns the revisions, newest first."""
    return run(_calls.history(config, rev_range, verbose, indicate_current))


def branches(config: ConfigLike, verbose: bool = False) -> RevisionsResult:
    """Returns the revisions with several successors."""
    return run(_calls.branches(config, verbose))


def show(config: ConfigLike, rev: str) -> RevisionsResult:
    """Returns the revisions that a name denotes."""
    return run(_calls.show(config, rev))


def merge(
    config: ConfigLike,
    revisions: RevisionNames,
    message: str | None = None,
    branch_label: RevisionNames | None = None,
    rev_id: str | None = None,
    splice: bool = False,
) -> RevisionsResult:
    """Creates a revision that merges several. The result contains the new revision."""
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
    """Creates a revision. The result contains the new revision."""
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
    """Raises an error if `revision(autogenerate=True)` would find changes."""
    return run(_calls.check(config))


def init(config: ConfigLike, directory: str, template: str = "generic", package: bool = False) -> Result:
    """Creates a script directory."""
    return run(_calls.init(config, directory, template, package))


def list_templates(config: ConfigLike) -> Result:
    """Lists the templates for `init` in the result's output."""
    return run(_calls.list_templates(config))
