"""The application's settings class makes the URL, as an object of SQLAlchemy's."""
from alembic import context
from app.config import settings
from sqlalchemy import create_engine, pool

if context.is_offline_mode():
    context.configure(
        url=settings.url_object.render_as_string(hide_password=False),
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(settings.url_object, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
