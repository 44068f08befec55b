"""The URL is built here, as the application builds its own."""
import os
from urllib.parse import quote_plus

from alembic import context
from sqlalchemy import engine_from_config
from sqlalchemy.pool import NullPool

config = context.config


def get_url():
    user = os.getenv("DB_USER", "postgres")
    password = quote_plus(os.getenv("DB_PASSWORD", ""))
    server = f"127.0.0.1:{os.environ['DB_PORT']}"
    return f"postgresql+asyncpg://{user}:{password}@{server}/{os.environ['DB_NAME']}?ssl=require"


def run_migrations_offline():
    context.configure(
        url=get_url(), target_metadata=None, literal_binds=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online():
    connectable = engine_from_config({"sqlalchemy.url": get_url()}, poolclass=NullPool)
    with connectable.connect() as connection:
        context.configure(connection=connection, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
