"""The engine is made of the section, and its URL given beside."""
import os

from alembic import context
from sqlalchemy.engine import engine_from_config
from sqlalchemy.pool import NullPool

config = context.config


def run_migrations_offline():
    context.configure(
        url=(
            os.environ.get("MIGRATION_DATABASE_URL")
            or os.environ["DATABASE_URL"]
        ),
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online():
    connectable = engine_from_config(
        config.get_section(config.config_ini_section),
        url=os.environ.get("MIGRATION_DATABASE_URL") or os.environ["DATABASE_URL"],
        poolclass=NullPool,
    )
    with connectable.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
