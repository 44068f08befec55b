#!/usr/bin/env python3
# -*- coding: utf-8 -*-
from alembic import context
from sqlalchemy import create_engine


def get_url():
    import os

    return os.environ.get("DATABASE_URL")


def run(**options):
    context.configure(**options)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    context.configure(url=get_url(), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    # Größer als nötig: a comment that is not ASCII.
    engine = create_engine(
        get_url(),  # the application's
    )
    with engine.begin() as connection:
        run(connection=connection)
