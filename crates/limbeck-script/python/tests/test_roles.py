"""Tests of the roles of statements in a run, under each driver."""
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

import sqlalchemy as sa
from alembic.runtime.migration import HeadMaintainer, MigrationContext
from alembic.script import ScriptDirectory
from limbeck_worker import commands, roles

from .host import PreparedHost, SqliteHost, column, refusal, result
from .test_dialects import Registered

POSTGRESQL = ("postgresql+psycopg2", "postgresql+psycopg", "postgresql+asyncpg")
MYSQL = ("mysql+pymysql",)
SQLITE = ("sqlite",)

# The first connection is for the dialect's initialization, the second one for the migration.
ENVIRONMENT = """
import sqlalchemy as sa
from alembic import context

engine = sa.create_engine(%(url)r, poolclass=sa.pool.NullPool, future=True, **%(engine)r)
with engine.connect():
    pass
%(hooks)s
with engine.connect() as connection:
%(before)s
    context.configure(connection=connection, **dict(%(configure)s))
    with context.begin_transaction():
        context.run_migrations()
"""
ASYNCHRONOUS_ENVIRONMENT = """
import asyncio
import sqlalchemy as sa
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(%(url)r, poolclass=sa.pool.NullPool)
    async with engine.connect():
        pass
    async with engine.connect() as connection:
        await connection.execute(sa.text("SELECT 1"))
        await connection.commit()
        await connection.run_sync(migrate)

asyncio.run(main())
"""
SCRIPT = """
revision = %(revision)r
down_revision = %(down_revision)r

import sqlalchemy as sa
from alembic import op

def upgrade():
%(upgrade)s

def downgrade():
%(downgrade)s
"""


class MigrationHost:
    """A host that plans the given steps and records a short form of each statement and notice."""

    is_usable = True

    def __init__(self, database, steps):
        self.database = database
        self.steps = steps
        self.functions = {}
        # The messages before the first connection, those after it, and so on.
        self.connections = [[]]

    def request(self, op, **fields):
        if op == "plan":
            return {"steps": self.steps, "warnings": []}
        if op == "lock":
            return None
        if op == "connect":
            self.connections.append([])
        if op == "execute":
            for text in fields["before"]:
                self._record("before " + first_word(text))
            self._record("%s %s" % (fields["role"], first_word(fields["sql"])))
        return self.database.request(op, **fields)

    def notify(self, op, **fields):
        self._record(" ".join([op] + [fields[name] for name in ("direction", "revision") if fields.get(name)]))

    def _record(self, message):
        # The versions of SQLAlchemy differ in the queries that find a table.
        message = message.replace("DESCRIBE", "SELECT")
        messages = self.connections[-1]
        if message.split()[-1] not in ("SELECT", "PRAGMA", "SHOW") or messages[-1:] != [message]:
            messages.append(message)


class Server(PreparedHost):
    """A server whose version table has the rows `heads`, or doesn't exist yet if they are None."""

    def __init__(self, product, version, heads):
        super().__init__(product, version)
        self.heads = heads
        self.known = {
            "pg_catalog.version()": "PostgreSQL 16.2 on x86_64",
            "current_schema()": "public",
            "standard_conforming_strings": "on",
            "transaction isolation level": "read committed",
            "SHOW TRANSACTION ISOLATION LEVEL": "read committed",
            "@@transaction_isolation": "REPEATABLE-READ",
            "@@sql_mode": "",
            "SESSION.sql_mode": "",
            "SELECT VERSION()": "8.0.36",
            "SELECT DATABASE()": "d",
            "lower_case_table_names": "0",
            "SELECT 1": "1",
        }

    def request(self, op, **fields):
        sql = fields.get("sql", "")
        if sql.lstrip().startswith("CREATE TABLE alembic_version"):
            self.heads = []
        if "pg_class" in sql:
            rows = [] if self.heads is None else [["alembic_version"]]
            self.answers = [[result([column("relname", 25)], rows, len(rows))]]
        elif "information_schema" in sql.lower():
            self.answers = [[result([column("count", 8)], [["0" if self.heads is None else "1"]], 1)]]
        elif sql.startswith("DESCRIBE") and self.heads is None:
            self.answers = [refusal(code="42S02", number=1146)]
        elif sql.startswith("DESCRIBE"):
            self.answers = [[result([column("Field", 253)], [["version_num"]], 1)]]
        elif " RETURNING " in sql:
            self.answers = [[result([column("version_num", 25)], [["a"]], 1)]]
        elif "FROM alembic_version" in sql and sql.startswith("SELECT"):
            self.answers = [[result([column("version_num", 25)], [[head] for head in self.heads], len(self.heads))]]
        else:
            self.answers = [[result(affected=1)]]
        return super().request(op, **fields)


def first_word(text):
    return text.split(None, 1)[0].upper()


def indented(text):
    return textwrap.indent(textwrap.dedent(text).strip() or "pass", "    ")


# The methods of Alembic that a run replaces.
REPLACED = (
    (MigrationContext, "_has_version_table"), (MigrationContext, "_ensure_version_table"),
    (MigrationContext, "get_current_heads"), (MigrationContext, "run_migrations"),
    (HeadMaintainer, "update_to_step"), (ScriptDirectory, "from_config"),
)


class Case(Registered):
    maxDiff = None

    def messages(
        self, url, upgrade="", downgrade="", heads=(), steps=("upgrade a",), before="", hooks="", configure="", engine=(),
        environment=ENVIRONMENT,
    ):
        """Run a project with the revisions `a` and `b`; return the messages from the second connection on."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        os.mkdir(os.path.join(folder.name, "versions"))
        for revision, down_revision in (("a", None), ("b", "a")):
            self.write(
                folder.name, "versions/%s.py" % revision,
                SCRIPT % {
                    "revision": revision, "down_revision": down_revision, "upgrade": indented(upgrade),
                    "downgrade": indented(downgrade),
                },
            )
        parts = {
            "url": url if url == "sqlite" else url + "://u@h/d", "before": indented(before), "hooks": textwrap.dedent(hooks),
            "configure": configure, "engine": dict(engine),
        }
        if url == "sqlite":
            parts["url"] = "sqlite://"
            database = SqliteHost(keep=True)
            database.prepare("CREATE TABLE t (a int)")
            self.addCleanup(database.connection.close)
            if heads is not None:
                inserts = ["INSERT INTO alembic_version VALUES ('%s')" % head for head in heads]
                database.prepare("CREATE TABLE alembic_version (version_num)", *inserts)
        elif url.startswith("mysql"):
            database = Server("mysql", "8.0.36", heads)
        else:
            database = Server("postgresql", "16.2", heads)
        self.write(folder.name, "env.py", environment % parts)
        self.write(folder.name, "alembic.ini", "[alembic]\nscript_location = %s\n" % folder.name)
        planned = []
        for step in steps:
            direction, _, revision = step.partition(" ")
            if direction == "stamp":
                planned.append({"direction": "stamp", "from": [], "to": [revision], "is_upward": True, "branch_move": True})
            else:
                planned.append({"direction": direction, "revision": revision})
        self.host = host = MigrationHost(database, planned)
        originals = [(owner, name, owner.__dict__[name]) for owner, name in REPLACED]
        try:
            self.run_worker(folder.name, host)
        finally:
            for original in originals:
                setattr(*original)
        self.assertEqual(roles.current(), "environment")
        initialization = {message.split()[0] for message in host.connections[1]}
        self.assertLessEqual(initialization, {"environment", "transaction", "before"})
        return sum(host.connections[2:], [])

    def run_worker(self, folder, host):
        for module in ("postgresql", "mysql", "sqlite"):
            __import__("limbeck_worker.dialects." + module, fromlist=["_classes"])._classes.clear()
        commands.run(
            host,
            {
                "task": "environment", "changes_database": True, "scripts": None, "argv": ["alembic"], "script_folders": [],
                "arguments": {}, "options": {"name_of_command": "upgrade", "x": None},
                "config": {"ini": os.path.join(folder, "alembic.ini"), "toml": "", "section": "alembic", "set": {}, "folder": None},
                "application": None,
                "environment": {"url": None, "placeholder": "driver://", "variables": []},
            },
        )

    @staticmethod
    def write(folder, name, text):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)


INSERT = 'op.execute("INSERT INTO t VALUES (1)")'

# What a project does, and the messages from its first step on.
STEPS = {
    "two upgrades": (
        {"upgrade": INSERT, "steps": ("upgrade a", "upgrade b")},
        {
            "postgresql": """
                step upgrade a, script INSERT, version INSERT, step_end, step upgrade b, script INSERT, version UPDATE,
                step_end, transaction COMMIT
            """,
            "mysql": """
                step upgrade a, script INSERT, version INSERT, transaction COMMIT, step_end, step upgrade b,
                script INSERT, version UPDATE, transaction COMMIT, step_end, transaction ROLLBACK
            """,
            "sqlite": """
                step upgrade a, before BEGIN, script INSERT, version INSERT, transaction COMMIT, step_end,
                step upgrade b, before BEGIN, script INSERT, version UPDATE, transaction COMMIT, step_end
            """,
        },
    ),
    "a transaction for each upgrade": (
        {"upgrade": INSERT, "steps": ("upgrade a", "upgrade b"), "configure": "transaction_per_migration=True"},
        {
            "postgresql": """
                step upgrade a, script INSERT, version INSERT, transaction COMMIT, step_end, step upgrade b,
                before BEGIN, script INSERT, version UPDATE, transaction COMMIT, step_end
            """,
            "mysql": """
                step upgrade a, script INSERT, version INSERT, transaction COMMIT, step_end, step upgrade b,
                script INSERT, version UPDATE, transaction COMMIT, step_end, transaction ROLLBACK
            """,
            "sqlite": """
                step upgrade a, before BEGIN, script INSERT, version INSERT, transaction COMMIT, step_end,
                step upgrade b, before BEGIN, script INSERT, version UPDATE, transaction COMMIT, step_end
            """,
        },
    ),
    "two downgrades": (
        {"downgrade": INSERT, "steps": ("downgrade b", "downgrade a"), "heads": ["b"]},
        {
            "postgresql": """
                step downgrade b, script INSERT, version UPDATE, step_end, step downgrade a, script INSERT,
                version DELETE, step_end, transaction COMMIT
            """,
            "mysql": """
                step downgrade b, script INSERT, version UPDATE, transaction COMMIT, step_end, step downgrade a,
                script INSERT, version DELETE, transaction COMMIT, step_end, transaction ROLLBACK
            """,
            "sqlite": """
                step downgrade b, before BEGIN, script INSERT, version UPDATE, transaction COMMIT, step_end,
                step downgrade a, before BEGIN, script INSERT, version DELETE, transaction COMMIT, step_end
            """,
        },
    ),
    "a stamp": (
        {"steps": ("stamp a",)},
        {
            "postgresql": "step stamp, version INSERT, step_end, transaction COMMIT",
            "mysql": "step stamp, version INSERT, transaction COMMIT, step_end, transaction ROLLBACK",
            "sqlite": "step stamp, before BEGIN, version INSERT, transaction COMMIT, step_end",
        },
    ),
    "an autocommit block": (
        {
            "upgrade": """
                op.execute("INSERT INTO t VALUES (1)")
                with op.get_context().autocommit_block():
                    op.execute("UPDATE t SET a = 2")
                op.execute("DELETE FROM t")
            """,
        },
        {
            "postgresql": """
                step upgrade a, script INSERT, transaction COMMIT, before BEGIN, environment SHOW, transaction ROLLBACK,
                script UPDATE, before BEGIN, script DELETE, version INSERT, step_end, transaction COMMIT
            """,
            "mysql": """
                step upgrade a, script INSERT, transaction COMMIT, environment SELECT, transaction SET,
                script UPDATE, transaction COMMIT, transaction SET, transaction SET, transaction COMMIT,
                script DELETE, version INSERT, transaction COMMIT, step_end, transaction ROLLBACK
            """,
            "sqlite": """
                step upgrade a, before BEGIN, script INSERT, transaction COMMIT, environment PRAGMA, script UPDATE,
                transaction PRAGMA, before BEGIN, script DELETE, version INSERT, transaction COMMIT, step_end
            """,
        },
    ),
    "a COMMIT in the text of the script": (
        {"upgrade": INSERT + '\nop.execute("COMMIT")\n' + INSERT},
        {
            "postgresql": """
                step upgrade a, script INSERT, script COMMIT, script INSERT, version INSERT, step_end,
                transaction COMMIT
            """,
            # psycopg asks the server whether a transaction is open.
            "postgresql+psycopg": """
                step upgrade a, script INSERT, script COMMIT, before BEGIN, script INSERT, version INSERT, step_end,
                transaction COMMIT
            """,
            "mysql": """
                step upgrade a, script INSERT, script COMMIT, script INSERT, version INSERT, transaction COMMIT,
                step_end, transaction ROLLBACK
            """,
            "sqlite": """
                step upgrade a, before BEGIN, script INSERT, script COMMIT, before BEGIN, script INSERT,
                version INSERT, transaction COMMIT, step_end
            """,
        },
    ),
    "savepoints": (
        {
            "upgrade": """
                with op.get_bind().begin_nested():
                    op.execute("INSERT INTO t VALUES (1)")
                nested = op.get_bind().begin_nested()
                op.execute("DELETE FROM t")
                nested.rollback()
            """,
        },
        {
            "postgresql": """
                step upgrade a, transaction SAVEPOINT, script INSERT, transaction RELEASE, transaction SAVEPOINT,
                script DELETE, transaction ROLLBACK, version INSERT, step_end, transaction COMMIT
            """,
            "mysql": """
                step upgrade a, transaction SAVEPOINT, script INSERT, transaction RELEASE, transaction SAVEPOINT,
                script DELETE, transaction ROLLBACK, version INSERT, transaction COMMIT, step_end, transaction ROLLBACK
            """,
            "sqlite": """
                step upgrade a, transaction SAVEPOINT, script INSERT, transaction RELEASE, transaction SAVEPOINT,
                script DELETE, transaction ROLLBACK, version INSERT, transaction COMMIT, step_end
            """,
        },
    ),
    # To write a literal with a backslash, the connection reads MySQL's `sql_mode`.
    "a bulk insert": (
        {"upgrade": r"""op.bulk_insert(sa.table("t", sa.column("a", sa.String)), [{"a": "x\\y"}, {"a": "z"}])"""},
        {
            "postgresql": "step upgrade a, script INSERT, version INSERT, step_end, transaction COMMIT",
            "mysql": """
                step upgrade a, environment SELECT, script INSERT, version INSERT, transaction COMMIT, step_end,
                transaction ROLLBACK
            """,
            "sqlite": """
                step upgrade a, before BEGIN, script INSERT, version INSERT, transaction COMMIT, step_end
            """,
        },
    ),
    "a statement in a hook": (
        {
            "upgrade": INSERT,
            "configure": "on_version_apply=hook",
            "hooks": """
                def hook(ctx, **arguments):
                    ctx.connection.execute(sa.text("DELETE FROM t"))
            """,
        },
        {
            "postgresql": """
                step upgrade a, script INSERT, version INSERT, environment DELETE, step_end, transaction COMMIT
            """,
            "mysql": """
                step upgrade a, script INSERT, version INSERT, environment DELETE, transaction COMMIT, step_end,
                transaction ROLLBACK
            """,
            "sqlite": """
                step upgrade a, before BEGIN, script INSERT, version INSERT, environment DELETE, transaction COMMIT,
                step_end
            """,
        },
    ),
    "a script that reads the version table": (
        {"upgrade": "op.get_context().get_current_revision()\n" + INSERT},
        {
            "postgresql": """
                step upgrade a, version SELECT, script INSERT, version INSERT, step_end, transaction COMMIT
            """,
            "mysql": """
                step upgrade a, version SELECT, script INSERT, version INSERT, transaction COMMIT,
                step_end, transaction ROLLBACK
            """,
            "sqlite": """
                step upgrade a, version PRAGMA, version SELECT, before BEGIN, script INSERT, version INSERT,
                transaction COMMIT, step_end
            """,
        },
    ),
}


class Roles(Case):
    def check_steps(self, url):
        for name, (arguments, expected) in STEPS.items():
            with self.subTest(name, url=url):
                messages = self.messages(url, **arguments)
                first = next(place for place, message in enumerate(messages) if message.startswith("step"))
                text = expected.get(url) or expected[url.partition("+")[0]]
                self.assert_messages(messages[first:], text)

    def test_steps_on_postgresql(self):
        for url in POSTGRESQL:
            self.check_steps(url)

    def test_steps_on_mysql(self):
        for url in MYSQL:
            self.check_steps(url)

    def test_steps_on_sqlite(self):
        self.check_steps("sqlite")

    def test_creating_the_version_table_is_version(self):
        create = {"upgrade": 'op.execute("CREATE TABLE u (a int)")', "heads": None}
        for url in POSTGRESQL:
            self.check(
                url, create,
                "before BEGIN, version SELECT, version CREATE, step upgrade a, script CREATE, version INSERT, step_end,"
                " transaction COMMIT",
            )
        self.check(
            "mysql+pymysql", create,
            "transaction SET, version SELECT, transaction ROLLBACK, version SELECT, version CREATE, step upgrade a,"
            " script CREATE, version INSERT, transaction COMMIT, step_end, transaction ROLLBACK",
        )
        self.check(
            "sqlite", create,
            "version PRAGMA, version CREATE, step upgrade a, script CREATE, before BEGIN, version INSERT,"
            " transaction COMMIT, step_end",
        )

    def test_reading_the_version_table_is_version(self):
        upgrade = {"upgrade": INSERT, "heads": ["a"], "steps": ("upgrade b",)}
        for url in POSTGRESQL:
            self.check(
                url, upgrade,
                "before BEGIN, version SELECT, step upgrade b, script INSERT, version UPDATE, step_end, transaction COMMIT",
            )
        self.check(
            "mysql+pymysql", upgrade,
            "transaction SET, version SELECT, transaction ROLLBACK, version SELECT,"
            " step upgrade b, script INSERT, version UPDATE, transaction COMMIT, step_end, transaction ROLLBACK",
        )

    def test_statements_of_env_py_are_environment(self):
        for url in POSTGRESQL:
            self.check(
                url, {"before": "connection.execute(sa.text('SELECT 1'))\nconnection.commit()", "heads": ["a"], "steps": ()},
                "before BEGIN, environment SELECT, transaction COMMIT, before BEGIN, version SELECT, transaction COMMIT",
            )

    def test_initialization_of_an_engine_in_a_script_is_environment(self):
        upgrade = """
            engine = sa.create_engine(op.get_bind().engine.url, poolclass=sa.pool.NullPool, future=True)
            with engine.connect() as connection:
                connection.execute(sa.text("DELETE FROM t"))
                connection.commit()
        """
        messages = self.messages("postgresql+psycopg2", upgrade=upgrade)
        first = messages.index("step upgrade a")
        # The dialect's own queries at its first connection are not the script's.
        self.assertEqual(
            messages[first:],
            [
                "step upgrade a", "before BEGIN", "environment SELECT", "environment SHOW", "transaction ROLLBACK",
                "before BEGIN", "script DELETE", "transaction COMMIT", "version INSERT", "step_end", "transaction COMMIT",
            ],
        )

    def test_batch_mode_is_script(self):
        upgrade = """
            with op.batch_alter_table("t", recreate="always") as batch:
                batch.add_column(sa.Column("b", sa.Integer))
        """
        messages = self.messages("sqlite", upgrade=upgrade)
        first, last = messages.index("step upgrade a"), messages.index("version INSERT")
        own = messages[first + 1 : last]
        # Reading the table is part of the operation.
        self.assertIn("script PRAGMA", own)
        written = [message for message in own if message not in ("script PRAGMA", "script SELECT")]
        self.assertEqual(written, ["script CREATE", "before BEGIN", "script INSERT", "script DROP", "script ALTER"])

    def test_a_step_that_raises_has_no_step_end(self):
        for url in POSTGRESQL + MYSQL + SQLITE:
            with self.subTest(url), self.assertRaises(ZeroDivisionError):
                self.messages(url, upgrade=INSERT + "\n1 / 0")
            self.assertIn("step upgrade a", self.host.connections[-1])
            self.assertNotIn("step_end", self.host.connections[-1])
            self.assertEqual(roles.current(), "environment")

    def test_isolation_levels_are_transaction(self):
        for url, begin in (("postgresql+psycopg2", "before BEGIN"), ("mysql+pymysql", "transaction SET")):
            messages = self.messages(url, upgrade=INSERT, engine={"isolation_level": "SERIALIZABLE"})
            self.assertEqual(messages[0], begin)
            self.assertEqual([message for message in messages if message.startswith("script")], ["script INSERT"])

    def check(self, url, project, expected):
        with self.subTest(url=url):
            self.assert_messages(self.messages(url, **project), expected)

    def assert_messages(self, messages, text):
        expected = [message.strip() for message in text.split(",")]
        self.assertEqual(messages[: len(expected)], expected)
        # The versions of SQLAlchemy differ in how they reset a connection that is closed.
        self.assertLessEqual({message.split()[0] for message in messages[len(expected) :]}, {"transaction"})


# In a separate interpreter, because the asynchronous engine changes SQLAlchemy.
ASYNCHRONOUS_PROGRAM = """
import json
from tests import test_roles

class Case(test_roles.Case):
    def setUp(self):
        pass

    def runTest(self):
        pass

case = Case()
try:
    for driver in ("psycopg", "asyncpg"):
        messages = case.messages(
            "postgresql+" + driver, upgrade=test_roles.INSERT, heads=None, environment=test_roles.ASYNCHRONOUS_ENVIRONMENT
        )
        print(json.dumps(messages))
finally:
    case.doCleanups()
"""


class AsynchronousEnvironment(unittest.TestCase):
    def test_roles_are_the_same_in_an_asynchronous_env_py(self):
        done = subprocess.run(
            [sys.executable, "-c", ASYNCHRONOUS_PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.assertEqual(done.stderr.decode(), "")
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertEqual(
                json.loads(line),
                [
                    "before BEGIN", "environment SELECT", "transaction COMMIT", "before BEGIN", "version SELECT",
                    "version CREATE", "step upgrade a", "script INSERT", "version INSERT", "step_end", "transaction COMMIT",
                ],
            )
