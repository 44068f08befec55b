"""Results of the functions in `limbeck.command` and `limbeck.aio`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A revision that was applied or reverted."""

    revision: str
    """The revision's identifier."""
    kind: str
    """`upgrade` or `downgrade`."""
    path: str
    """The path of the revision's script."""


@dataclass(frozen=True)
class Revision:
    """A revision of the project."""

    revision: str
    """The revision's identifier."""
    down_revisions: tuple[str, ...]
    depends_on: tuple[str, ...]
    branch_labels: tuple[str, ...]
    is_head: bool
    doc: str
    """The first line of the script's docstring."""
    path: str
    """The path of the revision's script."""


@dataclass(frozen=True)
class Result:
    """The result of any command."""

    output: str
    """The command's standard output. In offline mode, the SQL."""
    log: str
    """The command's standard error: Alembic's log lines and limbeck's warnings."""


@dataclass(frozen=True)
class MigrationResult(Result):
    """The result of a command on a database. If `env.py` uses several databases, the heads are those of the last one."""

    heads_before: tuple[str, ...] | None
    """The version rows before the command. `None` in offline mode."""
    heads_after: tuple[str, ...] | None
    """The version rows after the command, read again. `None` in offline mode."""


@dataclass(frozen=True)
class UpgradeResult(MigrationResult):
    """The result of `upgrade`."""

    steps: tuple[Step, ...]
    """The revisions that were applied, in order."""


@dataclass(frozen=True)
class DowngradeResult(MigrationResult):
    """The result of `downgrade`."""

    steps: tuple[Step, ...]
    """The revisions that were reverted, in order."""


@dataclass(frozen=True)
class StampResult(MigrationResult):
    """The result of `stamp` or `ensure_version`."""


@dataclass(frozen=True)
class RevisionsResult(Result):
    """The result of a command that lists or creates revisions."""

    revisions: tuple[Revision, ...]
    """The revisions, in the command's order."""


@dataclass(frozen=True)
class CurrentResult(RevisionsResult):
    """The result of `current`."""

    heads: tuple[str, ...]
    """The version rows."""
