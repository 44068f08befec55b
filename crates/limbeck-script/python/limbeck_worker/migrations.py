"""Hooks in Alembic's run: the host plans the steps, takes the migration lock and is notified of each step."""
import functools
import sys

from alembic import util
from alembic.runtime.migration import HeadMaintainer, MigrationContext, RevisionStep, StampStep

from .dbapi.base import unwrapped
from .roles import SCRIPT, VERSION, acting_as, with_role


def install(channel, start):
    """Change Alembic's classes so that a run asks the host; return the `Host`."""
    host = Host(channel, start.get("changes_database", False))
    for owner, name in (
        (MigrationContext, "_has_version_table"),
        (MigrationContext, "_ensure_version_table"),
        (MigrationContext, "get_current_heads"),
        (HeadMaintainer, "update_to_step"),
    ):
        setattr(owner, name, with_role(VERSION)(getattr(owner, name)))
    MigrationContext.run_migrations = _with_lock(MigrationContext.run_migrations, host)
    return host


class Host:
    """The host's part in a run of `env.py`."""

    def __init__(self, channel, changes_database):
        self.channel = channel
        self.changes_database = changes_database
        self.script_directory = None
        self.environment = None

    def is_nested(self, context):
        """Return whether a migration context belongs to a command inside the run, of any project."""
        return self.environment is not None and context.environment_context is not self.environment

    def plan(self, heads, context):
        """Return an iterator of the steps from `heads`; Alembic calls this method once for each run."""
        # Alembic loads the scripts here.
        self.script_directory.revision_map._revision_map
        sys.stdout.flush()
        heads = util.to_tuple(heads, default=())
        at = _version_table(context)
        # Alembic leaves a transaction that was begun before `context.configure` to env.py.
        is_external = at is not None and getattr(context, "_in_external_transaction", False)
        begun_at = unwrapped(context.connection.connection).begun_at if is_external else None
        reply = self.channel.request("plan", heads=list(heads), url=_masked_url(context), at=at, begun_at=begun_at)
        if "command_error" in reply:
            raise util.CommandError(reply["command_error"])
        if reply.get("ensure_version"):
            context._ensure_version_table()
        for text in reply.get("warnings") or ():
            util.warn(text)
        return self._follow([self._step(step) for step in reply["steps"]])

    def _follow(self, steps):
        for step in steps:
            yield step
            # Alembic asks for the next step when it is done with this one: the version rows are written, the hooks
            # have run and, if each step has a transaction, that transaction has ended.
            self.channel.notify("step_end")

    def _step(self, planned):
        revision_map = self.script_directory.revision_map
        direction = planned["direction"]
        if direction == "stamp":
            step = StampStep(
                tuple(planned["from"]), tuple(planned["to"]), planned["is_upward"], planned["branch_move"], revision_map
            )
            revision = path = None
        else:
            script = revision_map.get_revision(planned["revision"])
            step = RevisionStep(revision_map, script, direction == "upgrade")
            revision, path = script.revision, script.path
        function = step.migration_fn

        @functools.wraps(function)
        def migrate(**arguments):
            self.channel.notify(
                "step",
                direction=direction,
                revision=revision,
                path=path,
                **{"from": list(step.from_revisions), "to": list(step.to_revisions)},
            )
            with acting_as(SCRIPT):
                return function(**arguments)

        step.migration_fn = migrate
        return step


def _with_lock(run_migrations, host):
    @functools.wraps(run_migrations)
    def run(self, **arguments):
        if host.changes_database and not self.as_sql:
            _lock(self, host)
        return run_migrations(self, **arguments)

    return run


def _lock(context, host):
    """Ask the host for the migration lock, with what Alembic would read of the version table first."""
    connection = context.connection
    number = _session_number(connection)
    had_begun = connection.in_transaction()
    is_nested = host.is_nested(context)
    # In a repeatable-read transaction, reading the heads now would fix a snapshot that hides what another run commits
    # while this one waits. The project's own transaction can't be restarted, so the lock comes first there.
    would_fix_snapshot = had_begun and _repeats_reads(connection)
    request = {
        "connection": number,
        "table": context.version_table,
        "schema": context.version_table_schema,
        "nested": is_nested,
    }
    if not is_nested and not would_fix_snapshot and not context.purge:
        exists = context._has_version_table()
        heads = context.get_current_heads() if exists else ()
        request.update(exists=exists, heads=list(heads))
    host.channel.request("lock", **request)
    if not had_begun:
        _end_reading(connection)


def _session_number(connection):
    """Return the host's number of the session behind `connection`; refuse a connection that the host did not open."""
    dbapi_connection = unwrapped(connection.connection)
    number = getattr(dbapi_connection, "limbeck_connection", None)
    if number is None:
        raise util.CommandError(
            "limbeck did not open the connection that env.py gives to Alembic, which is one of '%s': make the engine from a "
            "URL of PostgreSQL, MySQL, MariaDB or SQLite, without 'creator' and without a 'do_connect' listener that "
            "connects, or run alembic" % type(dbapi_connection).__module__
        )
    return number


def _repeats_reads(connection):
    """Return whether a transaction keeps seeing what it has read first."""
    dialect = connection.dialect
    if dialect.name in ("mysql", "mariadb"):
        return True
    level = (
        connection.get_execution_options().get("isolation_level")
        or getattr(dialect, "_on_connect_isolation_level", None)
        or dialect.default_isolation_level
        or ""
    )
    return level.upper().replace("_", " ") in ("REPEATABLE READ", "SERIALIZABLE") and dialect.name == "postgresql"


def _end_reading(connection):
    """Leave the connection as the project handed it over: outside a transaction."""
    if connection.in_transaction():
        connection.rollback()
    else:
        unwrapped(connection.connection).rollback()


def _version_table(context):
    """Return the session and name of the version table, or None if the host did not open the connection to it."""
    connection = context.connection
    if connection is None or context.as_sql:
        return None
    number = getattr(unwrapped(connection.connection), "limbeck_connection", None)
    if number is None:
        return None
    return {"connection": number, "table": context.version_table, "schema": context.version_table_schema}


def _masked_url(context):
    connection = context.connection
    engine = getattr(connection, "engine", None)
    url = getattr(engine, "url", None)
    if url is None or context.as_sql:
        return None
    return url.render_as_string(hide_password=True)
