"""What the package raises and warns of."""

from __future__ import annotations


class ConvertError(ValueError):
    """A URL can't be read, or can't be written for a driver without losing something that matters.

    No attribute holds a password, nor a value that might be one.
    """

    __module__ = "limbeck"

    kind: str
    """What is wrong, in one word: `invalid_url`, `inexpressible_parameter`, … (`docs/urls.md` lists them)."""
    parameter: str | None
    """The parameter that it is about, as the URL calls it."""
    message: str
    """The same for people."""
    help: str | None
    """The way out."""

    def __init__(self, message: str, kind: str, parameter: str | None = None, help: str | None = None) -> None:
        super().__init__(message, kind, parameter, help)
        self.message = message
        self.kind = kind
        self.parameter = parameter
        self.help = help

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.help})" if self.help else self.message


class ConversionWarning(UserWarning):
    """What a conversion left out without harm, or how it read what could be read in two ways."""

    __module__ = "limbeck"

    message: str
    """What was done, and why."""
    parameter: str | None
    """The parameter that it is about, as the URL calls it."""

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message, parameter)
        self.message = message
        self.parameter = parameter

    def __str__(self) -> str:
        return self.message


class CommandError(RuntimeError):
    """A command of limbeck's failed, or was refused."""

    __module__ = "limbeck"

    message: str
    """Why, in one sentence; Alembic's own where it has one."""
    command: str
    """The command's name, as `upgrade`."""
    exit_status: int
    """What the program ended with: Alembic's numbers, and 128 and the signal's number after a signal."""
    stderr: str
    """Everything that it wrote to standard error: log lines, then the whole account of the failure."""
    kind: str | None
    """`refused`, `failed`, `connection`, `configuration`, `scripts`, `python`, `interrupted`, `system` or `worker`."""
    revision: str | None
    """The revision whose step failed."""
    heads_before: tuple[str, ...] | None
    """The version rows before the command, where it came to read them."""
    heads_after: tuple[str, ...] | None
    """The version rows after the failure, where they could be read."""

    def __init__(
        self,
        message: str,
        command: str,
        exit_status: int,
        stderr: str,
        kind: str | None = None,
        revision: str | None = None,
        heads_before: tuple[str, ...] | None = None,
        heads_after: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(message, command, exit_status, stderr, kind, revision, heads_before, heads_after)
        self.message = message
        self.command = command
        self.exit_status = exit_status
        self.stderr = stderr
        self.kind = kind
        self.revision = revision
        self.heads_before = heads_before
        self.heads_after = heads_after

    def __str__(self) -> str:
        return self.message
