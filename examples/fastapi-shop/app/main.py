"""The shop's application: `uvicorn app.main:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError

from app.core.configuration import DatabaseSettings, get_database_settings
from app.core.database import make_engine, make_sessions
from app.routers import customers, health, orders, products


def create_app(settings: DatabaseSettings | None = None) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = make_engine(settings or get_database_settings())
        app.state.engine = engine
        app.state.sessions = make_sessions(engine)
        yield
        await engine.dispose()

    app = FastAPI(title="Shop", lifespan=lifespan)
    app.add_exception_handler(IntegrityError, conflict)
    for router in (health.router, customers.router, products.router, orders.router):
        app.include_router(router)
    return app


async def conflict(_request: Request, _error: Exception) -> JSONResponse:
    """Answers 409 for a violated constraint: a duplicate value, a missing related row, a row that others refer to."""
    return JSONResponse({"detail": "the database refuses it: it conflicts with other data"}, 409)


app = create_app()
