"""Without a connection the configuration's URL is taken, with one the environment's."""
import os

import sqlalchemy as sa
from alembic import context


def offline(url):
    context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"})
    with context.begin_transaction():
        context.run_migrations()


def online(url):
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    offline(context.get_x_argument(as_dictionary=True).get("url", "postgresql+asyncpg://"))
else:
    online(url=os.environ["DATABASE_URL"])
