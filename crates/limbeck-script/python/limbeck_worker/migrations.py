"""Joins Alembic's run to the host: the plan comes from there, the lock is taken there, each step is told."""
import functools
import sys

from alembic import util
from alembic.runtime.migration import MigrationContext, RevisionStep, StampStep


def install(channel, start):
    host = Host(channel, start.get("changes_database", False))
    MigrationContext.run_migrations = _with_lock(MigrationContext.run_migrations, host)
    return host


class Host:
    """The host's part in a run of `env.py`."""

    def __init__(self, channel, changes_database):
        self.channel = channel
        self.changes_database = changes_database
        self.script_directory = None

    def plan(self, heads, context):
        """What Alembic calls to learn the steps from `heads`."""
        sys.stdout.flush()
        heads = util.to_tuple(heads, default=())
        reply = self.channel.request("plan", heads=list(heads), url=_masked_url(context), at=_version_table(context))
        if "command_error" in reply:
            raise util.CommandError(reply["command_error"])
        if reply.get("ensure_version"):
            context._ensure_version_table()
        for text in reply.get("warnings") or ():
            util.warn(text)
        return [self._step(step, context) for step in reply["steps"]]

    def _step(self, step, context):
        revision_map = self.script_directory.revision_map
        if step["kind"] == "stamp":
            return StampStep(
                tuple(step["from"]), tuple(step["to"]), step["upgrade"], step["branch_move"], revision_map
            )
        script = revision_map.get_revision(step["revision"])
        made = RevisionStep(revision_map, script, step["kind"] == "upgrade")
        function = made.migration_fn

        @functools.wraps(function)
        def told(**arguments):
            self.channel.tell("step", revision=script.revision, kind=step["kind"], path=script.path)
            return function(**arguments)

        made.migration_fn = told
        return made


def _with_lock(run_migrations, host):
    @functools.wraps(run_migrations)
    def run(self, **arguments):
        if host.changes_database and not self.as_sql:
            _lock(self, host)
        return run_migrations(self, **arguments)

    return run


def _lock(context, host):
    connection = context.connection
    number = _number(connection)
    began = connection.in_transaction()
    # A repeatable-read snapshot, taken by reading the heads now, would hide what another run commits
    # while we wait. Where such a transaction was begun by the project, it can't be restarted: lock first.
    snapshot = began and _repeats_reads(connection)
    facts = {
        "connection": number,
        "table": context.version_table,
        "schema": context.version_table_schema,
    }
    if not snapshot and not context.purge:
        exists = context._has_version_table()
        heads = context.get_current_heads() if exists else ()
        facts.update(exists=exists, heads=list(heads))
    host.channel.request("lock", **facts)
    if not began:
        _end_reading(connection)


def _number(connection):
    """The host's number of the connection, which must be the host's."""
    made = _dbapi_connection(connection)
    number = getattr(made, "limbeck_connection", None)
    if number is None:
        raise util.CommandError(
            "limbeck did not open the connection that env.py gives to Alembic, which is one of '%s': make the engine from a "
            "URL of PostgreSQL, MySQL, MariaDB or SQLite, without 'creator' and without a 'do_connect' listener that "
            "connects, or run alembic" % type(made).__module__
        )
    return number


def _repeats_reads(connection):
    """Whether what a transaction has read first is what it goes on to see."""
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
    """Leaves the connection as the project handed it over, outside a transaction."""
    if connection.in_transaction():
        connection.rollback()
    else:
        _dbapi_connection(connection).rollback()


def _dbapi_connection(connection):
    fairy = connection.connection
    return getattr(fairy, "dbapi_connection", None) or fairy.connection


def _version_table(context):
    """Where the heads were read, for who wants to read them again; none where that was not over a host's connection."""
    connection = context.connection
    if connection is None or context.as_sql:
        return None
    number = getattr(_dbapi_connection(connection), "limbeck_connection", None)
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
