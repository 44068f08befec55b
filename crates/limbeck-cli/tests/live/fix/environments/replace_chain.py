"""The driver is taken out of the URL by hand, and its parameters are forgotten."""
import os

from alembic import context
from sqlalchemy import create_engine, pool

DATABASE_URL = os.environ["DATABASE_URL"]
SYNC_URL = DATABASE_URL.replace("postgres://", "postgresql://").replace("+asyncpg", "")

if context.is_offline_mode():
    context.configure(url=SYNC_URL, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(SYNC_URL, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
