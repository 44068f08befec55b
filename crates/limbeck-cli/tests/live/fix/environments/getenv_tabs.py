"""Everything at the top, indented by tabs."""
import os
from alembic import context
from sqlalchemy import create_engine, pool; import sys

engine = create_engine(os.getenv("DATABASE_URL", "postgresql+asyncpg://app@localhost/app"), poolclass=pool.NullPool)
if context.is_offline_mode():
	context.configure(
		url=engine.url,
		literal_binds=True,
	)
	with context.begin_transaction():
		context.run_migrations()
	sys.stdout.flush()
else:
	with engine.connect() as connection:
		context.configure(connection=connection)
		with context.begin_transaction():
			context.run_migrations()
