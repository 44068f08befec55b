"""What the functions of `limbeck.command` and `limbeck.aio` return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A revision that was applied or reverted."""

    revision: str
    kind: str
    """`upgrade` or `downgrade`."""
    path: str
    """Its script."""


@dataclass(frozen=True)
class Revision:
    """A revision of the project."""

    revision: str
    down_revisions: tuple[str, ...]
    depends_on: tuple[str, ...]
    branch_labels: tuple[str, ...]
    is_head: bool
    doc: str
    """The first line of its documentation."""
    path: str
    """Its script."""


@dataclass(frozen=True)
class Result:
    """What every command gives."""

    output: str
    """What it wrote to standard output; for offline mode the SQL."""
    log: str
    """What it wrote to standard error: Alembic's log lines and limbeck's warnings."""


@dataclass(frozen=True)
class MigrationResult(Result):
    """What a command gives that goes to a database. `env.py` with several databases: the heads are the last one's."""

    heads_before: tuple[str, ...] | None
    """The version rows before; none in offline mode."""
    heads_after: tuple[str, ...] | None
    """The version rows after it, read once more; none in offline mode."""


@dataclass(frozen=True)
class UpgradeResult(MigrationResult):
    """What `upgrade` did."""

    steps: tuple[Step, ...]
    """The revisions that were applied, in order."""


@dataclass(frozen=True)
class DowngradeResult(MigrationResult):
    """What `downgrade` did."""

    steps: tuple[Step, ...]
    """The revisions that were reverted, in order."""


@dataclass(frozen=True)
class StampResult(MigrationResult):
    """What `stamp` or `ensure_version` did."""


@dataclass(frozen=True)
class RevisionsResult(Result):
    """The revisions that a command lists, in its order, or has made."""

    revisions: tuple[Revision, ...]


@dataclass(frozen=True)
class CurrentResult(RevisionsResult):
    """Where a database stands."""

    heads: tuple[str, ...]
    """The rows of its version table."""
