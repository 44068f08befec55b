//! Stock `env.py` files, and files that differ from them in one place.

use super::{EnvironmentAnalysis, StockEnvironment, analyze};

const HEAD: &str = "\
from logging.config import fileConfig
from sqlalchemy import engine_from_config
from sqlalchemy import pool
from alembic import context
config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name)
target_metadata = None
def run_migrations_offline():
    context.configure(url=config.get_main_option('sqlalchemy.url'))
";

const SYNC: &str = "
def run_migrations_online() -> None:
    '''A docstring.'''
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),  # a comment
        prefix='sqlalchemy.',
        poolclass=pool.NullPool,
    )
    with connectable.connect() as connection:
        context.configure(connection=connection, target_metadata=target_metadata)
        with context.begin_transaction():
            context.run_migrations()
";

const END: &str = "
if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
";

fn plain() -> StockEnvironment {
    StockEnvironment {
        configures_logging: true,
        version_table: None,
        version_table_schema: None,
        is_async: false,
    }
}

#[test]
fn recognises_the_synchronous_template() {
    assert_eq!(
        analyze(&format!("{HEAD}{SYNC}{END}")),
        EnvironmentAnalysis::Stock(plain())
    );
}

#[test]
fn reads_the_version_table() {
    let text = format!("{HEAD}{SYNC}{END}").replace(
        "target_metadata=target_metadata)",
        "target_metadata=target_metadata, version_table='v', version_table_schema='s', compare_type=True)",
    );
    let expected = StockEnvironment {
        version_table: Some("v".into()),
        version_table_schema: Some("s".into()),
        ..plain()
    };
    assert_eq!(analyze(&text), EnvironmentAnalysis::Stock(expected));
}

#[test]
fn recognises_the_asynchronous_templates() {
    let head = format!(
        "import asyncio\nfrom sqlalchemy.ext.asyncio import AsyncEngine, async_engine_from_config\n{HEAD}"
    );
    let run = "
def do_run_migrations(connection):
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()
";
    let with = "
    async with connectable.connect() as connection:
        await connection.run_sync(do_run_migrations)
    await connectable.dispose()
";
    let section = "config.get_section(config.config_ini_section), prefix='sqlalchemy.', poolclass=pool.NullPool";
    let new = format!(
        "{head}{run}\nasync def run_async_migrations():\n    connectable = async_engine_from_config({section}){with}
def run_migrations_online():\n    asyncio.run(run_async_migrations())\n{END}"
    );
    let old = format!(
        "{head}{run}\nasync def run_migrations_online():\n    connectable = AsyncEngine(engine_from_config({section}, future=True)){with}{}",
        END.replace(
            "    run_migrations_online()",
            "    asyncio.run(run_migrations_online())"
        )
    );
    let expected = EnvironmentAnalysis::Stock(StockEnvironment {
        is_async: true,
        ..plain()
    });
    assert_eq!(analyze(&new), expected);
    assert_eq!(analyze(&old), expected);
}

#[test]
fn other_code_needs_python() {
    let whole = format!("{HEAD}{SYNC}{END}");
    let check = |from: &str, to: &str, line: usize| {
        let text = whole.replace(from, to);
        assert_ne!(text, whole, "`{from}` occurs");
        match analyze(&text) {
            EnvironmentAnalysis::NeedsPython { line: found, .. } => assert_eq!(found, line, "{to}"),
            known @ EnvironmentAnalysis::Stock(_) => panic!("{to}: {known:?}"),
        }
    };
    check(
        "target_metadata = None",
        "from app import Base\ntarget_metadata = Base.metadata",
        8,
    );
    check(
        "config = context.config",
        "config = context.config\nconfig.set_main_option('sqlalchemy.url', URL)",
        6,
    );
    check(
        "connection=connection, ",
        "connection=connection, on_version_apply=hook, ",
        20,
    );
    check(
        "        with context.begin",
        "        connection.execute(SET)\n        with context.begin",
        12,
    );
    check("pool.NullPool", "pool.QueuePool", 12);
    check("import pool\n", "import pool as pools\n", 3);
    check(END, "\nrun_migrations_online()\n", 24);
    check(END, "", 22);
    check(
        "def run_migrations_online() -> None:",
        "@hooked\ndef run_migrations_online() -> None:",
        12,
    );
}

#[test]
fn any_character_can_begin_the_other_code() {
    let analysis = analyze("import asyncio\né()\n");
    let EnvironmentAnalysis::NeedsPython { line, .. } = analysis else {
        panic!("{analysis:?}");
    };
    assert_eq!(line, 2);
}

#[test]
fn a_quote_in_a_string_does_not_hide_other_code() {
    let text = format!("{HEAD}{SYNC}{END}").replace(
        "config.get_section(config.config_ini_section, {}),",
        "config.get_section(\"x', config.config_ini_section\"),",
    );
    assert!(matches!(
        analyze(&text),
        EnvironmentAnalysis::NeedsPython { .. }
    ));
}
