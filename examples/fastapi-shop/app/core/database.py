"""The engine, and the session of each request."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.core.configuration import DatabaseSettings


def make_engine(settings: DatabaseSettings) -> AsyncEngine:
    options: dict[str, Any] = {"echo": settings.database_echo}
    if settings.is_sqlite:
        # Seconds that a writer waits for another one.
        options["connect_args"] = {"timeout": 30}
    else:
        options.update(pool_size=settings.database_pool_size, pool_pre_ping=True)
    engine = create_async_engine(settings.url, **options)
    if settings.is_sqlite:
        event.listen(engine.sync_engine, "connect", enable_foreign_keys)
    return engine


def enable_foreign_keys(connection: Any, _record: Any) -> None:
    """Turns on foreign keys, which SQLite checks only if each connection asks for it."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def make_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with request.app.state.sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
