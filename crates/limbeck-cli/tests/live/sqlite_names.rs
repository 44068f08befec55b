//! SQLite URLs open the same file as in real Alembic, with every version of SQLAlchemy.

use std::fs;

use limbeck_testkit::{Sandbox, all_pythons};

use crate::support::{INI, alembic, limbeck, linear, to_command_output};

const URLS: [&str; 14] = [
    "sqlite:///é.db",
    "sqlite:///a@b.db",
    "sqlite:///with space.db",
    "sqlite:///in%20code.db",
    "sqlite:///half%2",
    "sqlite:///a+b.db?timeout=3",
    "sqlite:///:memory:",
    "sqlite:///folder é/x.db",
    "sqlite:///file:t.db?uri=true",
    "sqlite:///file:in%20code.db?uri=true",
    "sqlite:///file:t.db?mode=rwc&uri=true",
    "sqlite:///file:t.db",
    "sqlite:///file:gone.db?mode=rw&uri=true",
    "sqlite:///t.db?unknown=1",
];

/// Returns the files that may be databases.
fn databases(sandbox: &Sandbox) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "folder é"] {
        for entry in fs::read_dir(sandbox.path().join(folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                found.push(format!("{folder}/{name}"));
            }
        }
    }
    found.sort();
    found
}

fn project(env: &str) -> Sandbox {
    let sandbox = linear(env, &[("a1", "op.execute('create table t (x)')", "pass")]);
    sandbox.write("folder é/.keep", "");
    sandbox
}

/// `upgrade` runs in the worker, `current` of this stock `env.py` runs without Python: both must open the same file.
/// In the ini a `%` is doubled.
#[test]
fn opens_the_file_that_sqlalchemy_opens() {
    let pythons = all_pythons();
    // SQLAlchemy 2.1, 2.0 and 1.4.
    let pythons = pythons.iter().step_by(2);
    let stock = "from alembic import context\nfrom sqlalchemy import engine_from_config, pool\n\
        config = context.config\ntarget_metadata = None\n\n\
        def run_migrations_offline():\n    url = config.get_main_option('sqlalchemy.url')\n    \
        context.configure(url=url, target_metadata=target_metadata, literal_binds=True, \
        dialect_opts={'paramstyle': 'named'})\n    with context.begin_transaction():\n        \
        context.run_migrations()\n\n\
        def run_migrations_online():\n    connectable = engine_from_config(\n        \
        config.get_section(config.config_ini_section, {}), prefix='sqlalchemy.', \
        poolclass=pool.NullPool)\n    with connectable.connect() as connection:\n        \
        context.configure(connection=connection, target_metadata=target_metadata)\n        \
        with context.begin_transaction():\n            context.run_migrations()\n\n\
        if context.is_offline_mode():\n    run_migrations_offline()\nelse:\n    run_migrations_online()\n";
    for python in pythons {
        for url in URLS {
            let outcome = |program| {
                let sandbox = project(stock);
                let url = url.replace('%', "%%");
                let head = format!("[alembic]\nsqlalchemy.url = {url}\n");
                sandbox.write("alembic.ini", &INI.replacen("[alembic]\n", &head, 1));
                let run = |words: &[&str]| {
                    let mut command = sandbox.command(program, Some(python));
                    to_command_output(&command.args(words).output().expect("the program starts"))
                };
                let up = run(&["upgrade", "head"]).status;
                let current = run(&["current"]);
                (up, current.status, current.stdout, databases(&sandbox))
            };
            let (theirs, ours) = (outcome(&alembic(python)), outcome(&limbeck()));
            assert_eq!(ours, theirs, "{url} with {}", python.display());
        }
    }
}
