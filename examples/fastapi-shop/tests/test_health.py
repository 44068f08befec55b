import httpx
import pytest

from app.core.configuration import DatabaseSettings
from app.main import create_app

pytestmark = pytest.mark.anyio


async def test_is_alive_and_ready(client):
    for path, status in (("live", "alive"), ("ready", "ready")):
        answer = await client.get(f"/health/{path}")
        assert (answer.status_code, answer.json()) == (200, {"status": status})


async def test_without_a_database_is_alive_and_unready():
    # Nothing listens on this port.
    settings = DatabaseSettings(database_url="postgresql+asyncpg://nobody:secret@127.0.0.1:9/nothing")
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
            assert (await client.get("/health/live")).status_code == 200
            answer = await client.get("/health/ready")
            assert (answer.status_code, answer.json()) == (503, {"status": "unready"})
