//! Projects for the tests, and the programs `limbeck` and `alembic` that run them.

use std::fs;
use std::path::{Path, PathBuf};

use limbeck_testkit::{CommandOutput, Sandbox, python, reference_python};

/// Returns the path of the program under test.
pub(crate) fn limbeck() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_limbeck"))
}

/// Returns the number of rounds of a test that depends on chance: `LIMBECK_TEST_ROUNDS`, or `usual`.
pub(crate) fn rounds(usual: usize) -> usize {
    std::env::var("LIMBECK_TEST_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// Returns the path of real Alembic in an interpreter's environment.
pub(crate) fn alembic(python: &Path) -> PathBuf {
    python.with_file_name("alembic")
}

/// Copies an example into a new sandbox.
pub(crate) fn example(name: &str) -> Sandbox {
    example_in(name, "")
}

/// Copies an example into a folder of a new sandbox.
pub(crate) fn example_in(name: &str, folder: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let target = sandbox.path().join(folder);
    fs::create_dir_all(&target).expect("a folder");
    copy(&examples.join(name), &target);
    sandbox
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the example") {
        let entry = entry.expect("an entry");
        let (name, target) = (entry.file_name(), to.join(entry.file_name()));
        // Files that a developer's own run leaves are not part of the example.
        let text = name.to_string_lossy();
        if text.starts_with('.') || text == "__pycache__" || text.starts_with("shop.db") {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            fs::create_dir_all(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

/// Returns the schema of a SQLite database, for comparison.
pub(crate) fn sqlite_schema(file: &Path) -> String {
    let connection = rusqlite::Connection::open(file).expect("the database");
    let sql = "select coalesce(group_concat(sql, x'0a'), '') from (select sql from sqlite_master order by name)";
    let text = connection
        .query_row(sql, [], |row| row.get::<_, String>(0))
        .expect("the schema");
    // Alembic's batch mode writes constraints in the order of a Python set, which depends on memory addresses.
    let mut lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_end().trim_end_matches(','))
        .collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Returns a synchronous `env.py` that reads its URL from `DATABASE_URL`. `configure` adds arguments to
/// `context.configure`.
pub(crate) fn sync_env(configure: &str) -> String {
    format!(
        "import os
from logging.config import fileConfig
from alembic import context
from sqlalchemy import create_engine, pool

fileConfig(context.config.config_file_name)
engine = create_engine(os.environ['DATABASE_URL'], poolclass=pool.NullPool)
if context.is_offline_mode():
    context.configure(url=os.environ['DATABASE_URL'], literal_binds=True, dialect_opts={{'paramstyle': 'named'}})
    with context.begin_transaction():
        context.run_migrations()
else:
    with engine.connect() as connection:
        context.configure(connection=connection{configure})
        with context.begin_transaction():
            context.run_migrations()
"
    )
}

/// An ini file with the logging of the stock one.
pub(crate) const INI: &str = "\
[alembic]
script_location = %(here)s/migrations
[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
qualname =
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
level = NOTSET
formatter = generic
[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
";

/// Returns an asynchronous `env.py` that runs `lines` first, and whose engine has further keyword arguments.
pub(crate) fn async_env(lines: &str, arguments: &str) -> String {
    format!(
        "import asyncio, os, ssl
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

{lines}
engine = create_async_engine(os.environ['DATABASE_URL'], poolclass=pool.NullPool, {arguments})


def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    async with engine.connect() as connection:
        await connection.run_sync(migrate)


asyncio.run(main())
"
    )
}

/// Creates a project with a linear history. Each revision is an id and the bodies of `upgrade` and `downgrade`.
pub(crate) fn linear(env: &str, revisions: &[(&str, &str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("alembic.ini", INI);
    sandbox.write("migrations/env.py", env);
    let mut down = "None".to_owned();
    for (id, upgrade, downgrade) in revisions {
        let indent = |body: &str| {
            body.lines()
                .map(|line| format!("    {line}\n"))
                .collect::<String>()
        };
        sandbox.write(
            &format!("migrations/versions/{id}.py"),
            &format!(
                "\"\"\"step {id}\"\"\"\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = '{id}'\n\
                 down_revision = {down}\nbranch_labels = None\ndepends_on = None\n\n\ndef upgrade():\n{}\n\n\
                 def downgrade():\n{}",
                indent(upgrade),
                indent(downgrade)
            ),
        );
        down = format!("'{id}'");
    }
    sandbox
}

/// Runs limbeck with the interpreter that has no drivers.
pub(crate) fn run(sandbox: &Sandbox, url: &str, arguments: &[&str]) -> CommandOutput {
    let python = python();
    let mut command = sandbox.command(&limbeck(), Some(&python));
    let output = command
        .env("DATABASE_URL", url)
        .args(arguments)
        .output()
        .expect("limbeck starts");
    to_command_output(&output)
}

/// Runs real Alembic with the interpreter that has drivers.
pub(crate) fn run_alembic(sandbox: &Sandbox, url: &str, arguments: &[&str]) -> CommandOutput {
    let python = reference_python();
    let mut command = sandbox.command(&alembic(&python), Some(&python));
    let output = command
        .env("DATABASE_URL", url)
        .args(arguments)
        .output()
        .expect("alembic starts");
    to_command_output(&output)
}

/// Converts the output of a finished program.
pub(crate) fn to_command_output(output: &std::process::Output) -> CommandOutput {
    CommandOutput {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
