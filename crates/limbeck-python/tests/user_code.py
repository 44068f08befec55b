"""Uses of the package in an application. `test_installed` checks the types with `mypy --strict`."""

import limbeck
from alembic.config import Config
from limbeck import aio, command
from limbeck.alembic import async_engine_from_config, engine_from_config, use_async_url, use_sync_url
from sqlalchemy import create_engine, make_url
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncEngine


def urls() -> str:
    given = make_url("postgresql+asyncpg://u@h/d")
    provider = limbeck.DatabaseConfigProvider.from_env(policy=limbeck.Policy.PRODUCTION)
    names: str = str(provider.migration_source) + provider.application_source.kind
    return names + limbeck.ensure_sync_database_url(given) + provider.get_async_database_url(driver="asyncpg")


def engines(config: Config) -> tuple[Engine, Engine, AsyncEngine]:
    converted = limbeck.convert("postgresql://h/d", "sync")
    warnings = [warning.parameter for warning in converted.warnings]
    print(warnings, use_sync_url(config).url_for_ini, use_async_url(config, "engine1", driver="psycopg"))
    section = config.get_section(config.config_ini_section, {})
    return (
        create_engine(converted.url, connect_args=converted.connect_args),
        engine_from_config(section, prefix="sqlalchemy."),
        async_engine_from_config(section, policy=limbeck.Policy(tls="require")),
    )


async def migrate(config: Config) -> tuple[str, ...]:
    current = command.current(None).heads
    up = await aio.upgrade(config, "head")
    names = [step.revision for step in up.steps] + [revision.doc for revision in command.history("alembic.ini").revisions]
    try:
        command.stamp(config, names, purge=True)
    except limbeck.CommandError as error:
        print(error.exit_status, error.stderr, error.kind)
    return current + (up.heads_after or ())


def kind() -> str:
    try:
        return limbeck.ensure_async_database_url("nothing")
    except limbeck.ConvertError as error:
        return error.kind + (error.parameter or "") + (error.help or "")
