"""Exceptions and warnings of the package."""

from __future__ import annotations


class ConvertError(ValueError):
    """Raised if a URL can't be read, or can't be written for a driver without weakening or redirecting the connection.

    No attribute contains a password or a value that might be one.
    """

    __module__ = "limbeck"

    kind: str
    """The kind of error: `invalid_url`, `inexpressible_parameter`, … (`docs/urls.md` lists them)."""
    parameter: str | None
    """The name of the parameter concerned, as the URL spells it."""
    message: str
    """The description for people."""
    help: str | None
    """The suggested next step."""

    def __init__(self, message: str, kind: str, parameter: str | None = None, help: str | None = None) -> None:
        super().__init__(message, kind, parameter, help)
        self.message = message
        self.kind = kind
        self.parameter = parameter
        self.help = help

    def __str__(self) -> str:
        return f"{self.message} (hint: {self.help})" if self.help else self.message


class ConversionWarning(UserWarning):
    """A notice about a parameter that a conversion dropped or interpreted, without harm to the connection's safety."""

    __module__ = "limbeck"

    message: str
    """The change and its reason."""
    parameter: str | None
    """The name of the parameter concerned, as the URL spells it."""

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message, parameter)
        self.message = message
        self.parameter = parameter

    def __str__(self) -> str:
        return self.message


class CommandError(RuntimeError):
    """Raised if a command of limbeck fails or is refused."""

    __module__ = "limbeck"

    message: str
    """The reason in one sentence: Alembic's own, if Alembic has one."""
    command: str
    """The command's name, such as `upgrade`."""
    exit_status: int
    """The program's exit status: Alembic's numbers, or 128 plus the number of the signal that ended the program."""
    stderr: str
    """The program's standard error: log lines, followed by the report of the failure."""
    kind: str | None
    """`refused`, `failed`, `connection`, `configuration`, `scripts`, `python`, `interrupted`, `system` or `worker`."""
    revision: str | None
    """The revision whose step failed."""
    heads_before: tuple[str, ...] | None
    """The version rows before the command, or `None` if the command didn't read them."""
    heads_after: tuple[str, ...] | None
    """The version rows after the failure, or `None` if they couldn't be read."""

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
