"""Fixtures with a client of the shop: of the server at BASE_URL, or of the application in this process.

The application in this process uses DATABASE_URL, which must be at head, or else a new SQLite file, which a fixture
migrates to head.
"""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command
from alembic.config import Config

from app.core.configuration import get_database_settings
from app.main import create_app

HERE = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if "BASE_URL" in os.environ or "DATABASE_URL" in os.environ:
        yield
        return
    file = tmp_path_factory.mktemp("shop") / "shop.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{file}")
        get_database_settings.cache_clear()
        command.upgrade(Config(HERE / "alembic.ini"), "head")
        yield
    get_database_settings.cache_clear()


@pytest.fixture
async def client(database: None, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    if base_url := os.environ.get("BASE_URL"):
        async with httpx.AsyncClient(base_url=base_url, timeout=60) as client:
            yield client
        return
    app = create_app()
    # ASGITransport does not run the lifespan of the application.
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop", timeout=60) as client:
            yield client


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Returns a function that makes names which no other test, and no earlier run, has used."""

    def make(prefix: str) -> str:
        return f"{prefix}-{uuid.uuid4().hex[:12]}"

    return make


@pytest.fixture
def shop(client: httpx.AsyncClient, unique: Callable[[str], str]) -> "Shop":
    return Shop(client, unique)


class Shop:
    """Requests that many tests begin with."""

    def __init__(self, client: httpx.AsyncClient, unique: Callable[[str], str]) -> None:
        self.client = client
        self.unique = unique

    async def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def customer(self, **values: Any) -> dict[str, Any]:
        email = self.unique("someone") + "@example.com"
        return await self.make("/customers", {"email": email, "full_name": "Some One", **values})

    async def product(self, **values: Any) -> dict[str, Any]:
        sku = self.unique("SKU").upper()
        return await self.make("/products", {"sku": sku, "name": "Tea", "price": "3.50", "stock": 10, **values})

    async def order(self, customer: dict[str, Any], *lines: tuple[dict[str, Any], int]) -> dict[str, Any]:
        body = [{"product_id": product["id"], "quantity": quantity} for product, quantity in lines]
        return await self.make("/orders", {"customer_id": customer["id"], "lines": body})

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()
