"""Health checks: liveness and readiness."""

import asyncio
import logging

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

router = APIRouter(prefix="/health", tags=["health"])
logger = logging.getLogger(__name__)


@router.get("/live")
async def live() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """Reports whether the database answers. The reason of a failure is logged, and not part of the response."""
    try:
        await asyncio.wait_for(ask(request.app.state.engine), timeout=2)
    except (SQLAlchemyError, OSError, asyncio.TimeoutError) as error:
        logger.warning("the database does not answer: %s", type(error).__name__)
        return JSONResponse({"status": "unready"}, 503)
    return JSONResponse({"status": "ready"})


async def ask(engine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
