"""Alembic's commands as coroutines, for code in a running event loop. `limbeck.command` describes the arguments.

Cancelling a coroutine ends the command, which rolls back its open transaction, and waits until the program has ended.
"""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import contextlib
from typing import TYPE_CHECKING, TypeVar

from . import _calls
from ._run import Call, Lines

if TYPE_CHECKING:
    import os
    from typing import Any

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

R = TypeVar("R")


async def upgrade(
    config: ConfigLike,
    revision: str,
    sql: bool = False,
    tag: str | None = None,
) -> UpgradeResult:
    """Upgrades to a later version."""
    return await _run(_calls.upgrade(config, revision, sql, tag))


async def downgrade(
    config: ConfigLike,
    revision: str,
    sql: bool = False,
    tag: str | None = None,
) -> DowngradeResult:
    """Reverts to a previous version."""
    return await _run(_calls.downgrade(config, revision, sql, tag))


async def current(config: ConfigLike, check_heads: bool = False, verbose: bool = False) -> CurrentResult:
    """Returns the database's current revisions. With `check_heads`, raises an error unless all heads are applied."""
    return await _run(_calls.current(config, check_heads, verbose))


async def stamp(
    config: ConfigLike,
    revision: RevisionNames,
    sql: bool = False,
    tag: str | None = None,
    purge: bool = False,
) -> StampResult:
    """Writes the version table without running migrations."""
    return await _run(_calls.stamp(config, revision, sql, tag, purge))


async def ensure_version(config: ConfigLike, sql: bool = False) -> StampResult:
    """Creates the version table if it doesn't exist."""
    return await _run(_calls.ensure_version(config, sql))


async def heads(
    config: ConfigLike,
    verbose: bool = False,
    resolve_dependencies: bool = False,
) -> RevisionsResult:
    """Returns the heads, the revisions without a successor."""
    return await _run(_calls.list_heads(config, verbose, resolve_dependencies))


async def history(
    config: ConfigLike,
    rev_range: str | None = None,
    verbose: bool = False,
    indicate_current: bool = False,
) -> RevisionsResult:
    """Returns the revisions, newest first."""
    return await _run(_calls.history(config, rev_range, verbose, indicate_current))


async def branches(config: ConfigLike, verbose: bool = False) -> RevisionsResult:
    """Returns the revisions with several successors."""
    return await _run(_calls.branches(config, verbose))


async def show(config: ConfigLike, rev: str) -> RevisionsResult:
    """Returns the revisions that a name denotes."""
    return await _run(_calls.show(config, rev))


async def merge(
    config: ConfigLike,
    revisions: RevisionNames,
    message: str | None = None,
    branch_label: RevisionNames | None = None,
    rev_id: str | None = None,
    splice: bool = False,
) -> RevisionsResult:
    """Creates a revision that merges several. The result contains the new revision."""
    return await _run(_calls.merge(config, revisions, message, branch_label, rev_id, splice))


async def revision(
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
    return await _run(call)


async def check(config: ConfigLike) -> Result:
    """Raises an error if `revision(autogenerate=True)` would find changes."""
    return await _run(_calls.check(config))


async def init(config: ConfigLike, directory: str, template: str = "generic", package: bool = False) -> Result:
    """Creates a script directory."""
    return await _run(_calls.init(config, directory, template, package))


async def list_templates(config: ConfigLike) -> Result:
    """Lists the templates for `init` in the result's output."""
    return await _run(_calls.list_templates(config))


async def _run(call: Call[R]) -> R:
    with call.prepared() as (arguments, environment, report_path):
        process = await asyncio.create_subprocess_exec(
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL if call.stdin is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        lines = Lines()
        reading = asyncio.ensure_future(_read(process.stdout))
        logging = asyncio.ensure_future(_log(process.stderr, lines))
        ending = asyncio.ensure_future(_feed(process, call.stdin))
        try:
            stdout, _, status = await asyncio.gather(reading, logging, ending)
        except BaseException:
            await _end(process, [reading, logging, ending])
            raise
        return call.finish(status, stdout, lines.end(), report_path)


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    assert stream is not None
    return await stream.read()


async def _log(stream: asyncio.StreamReader | None, lines: Lines) -> None:
    assert stream is not None
    while chunk := await stream.read(65536):
        lines.add(chunk)


async def _feed(process: asyncio.subprocess.Process, text: bytes | None) -> int:
    if process.stdin is not None and text is not None:
        # A program that ends before it reads its input reports the reason.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(text)
            await process.stdin.drain()
        process.stdin.close()
    return await process.wait()


async def _end(process: asyncio.subprocess.Process, tasks: list[asyncio.Future[Any]]) -> None:
    """Ends the program and waits for it, even if the wait is cancelled again: the program still uses the database."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    for task in tasks:
        task.cancel()
    while process.returncode is None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(tasks)
            # Its remaining output may exceed the capacity of a pipe.
            await process.communicate()
