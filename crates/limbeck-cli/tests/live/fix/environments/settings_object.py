"""Settings whose URL is an object, and percent signs that are doubled already."""
from alembic import context
from app.config import settings
from sqlalchemy import engine_from_config, pool

config = context.config
database_url = str(settings.dsn).replace("%", "%%")
config.set_main_option("sqlalchemy.url", database_url)


def configure(**options):
    context.configure(target_metadata=None, **options)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True)
else:
    section = config.get_section(config.config_ini_section) or {}
    engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
    with engine.connect() as connection:
        configure(connection=connection)
