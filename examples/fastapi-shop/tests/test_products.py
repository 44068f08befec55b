import asyncio

import pytest

pytestmark = pytest.mark.anyio


async def test_products_are_created_changed_and_deleted(shop):
    category = await shop.make("/categories", {"name": shop.unique("Hot drinks")})
    made = await shop.product(
        name="Green Tea, 100 g",
        price="7.90",
        status="draft",
        attributes={"origin": "日本", "grams": 100},
        category_id=category["id"],
        tags=["Tea", "green", "tea"],
    )
    path = f"/products/{made['id']}"
    assert made["slug"] == "green-tea-100-g-" + made["sku"].lower()
    assert (made["price"], made["status"], made["tags"]) == ("7.90", "draft", ["green", "tea"])
    assert made["category"] == category
    assert made["attributes"] == {"origin": "日本", "grams": 100}
    assert await shop.get(path) == made

    change = {"name": "Sencha", "price": "8", "status": "active", "category_id": None, "tags": ["sencha"]}
    changed = (await shop.client.patch(path, json=change)).json()
    assert changed["slug"] == "sencha-" + made["sku"].lower()
    assert (changed["price"], changed["status"], changed["tags"]) == ("8.00", "active", ["sencha"])
    assert changed["category"] is None
    assert changed["attributes"] == made["attributes"]
    assert await shop.get(f"/products?slug={changed['slug']}") == [changed]

    assert (await shop.client.delete(path)).status_code == 204
    assert (await shop.client.get(path)).status_code == 404
    assert await shop.get(f"/products?slug={changed['slug']}") == []


async def test_the_gift_cards_of_the_migrations(shop):
    """They are older than attributes and slugs: two migrations have rewritten them."""
    for value in (10, 25, 50):
        (card,) = await shop.get(f"/products?slug=gift-card-{value}-gift-{value}")
        assert (card["sku"], card["name"]) == (f"GIFT-{value}", f"Gift card, {value} €")
        assert (card["price"], card["status"]) == (f"{value}.00", "active")
        assert card["attributes"] == {"value": str(value), "valid": "3 years"}


async def test_categories_can_be_nested(shop):
    parent = await shop.make("/categories", {"name": shop.unique("Drinks")})
    child = await shop.make("/categories", {"name": shop.unique("Teas"), "parent_id": parent["id"]})
    product = await shop.product(category_id=child["id"])
    assert product["category"]["parent_id"] == parent["id"]
    # Deleting a category removes it from its products and subcategories.
    assert (await shop.client.delete(f"/categories/{parent['id']}")).status_code == 204
    assert (await shop.get(f"/products/{product['id']}"))["category"] == {**child, "parent_id": None}
    assert (await shop.client.delete(f"/categories/{child['id']}")).status_code == 204
    assert (await shop.get(f"/products/{product['id']}"))["category"] is None
    names = {category["name"] for category in await shop.get("/categories")}
    assert not {parent["name"], child["name"]} & names


async def test_conflicts_are_409(shop):
    product = await shop.product()
    again = {"sku": product["sku"], "name": "Other", "price": 1}
    assert (await shop.client.post("/products", json=again)).status_code == 409
    nowhere = {"sku": shop.unique("SKU").upper(), "name": "Other", "price": 1, "category_id": 2**31 - 1}
    assert (await shop.client.post("/products", json=nowhere)).status_code == 409
    category = await shop.make("/categories", {"name": shop.unique("Once")})
    assert (await shop.client.post("/categories", json={"name": category["name"]})).status_code == 409
    # A failed request does not break the session of the next one.
    assert await shop.get(f"/products/{product['id']}") == product


@pytest.mark.parametrize(
    "wrong",
    [{"price": -1}, {"price": "1.005"}, {"stock": -1}, {"status": "gone"}, {"sku": "lower case"}, {"tags": [""]}],
)
async def test_rejects_invalid_products(shop, wrong):
    body = {"sku": shop.unique("SKU").upper(), "name": "X", "price": 1, **wrong}
    answer = await shop.client.post("/products", json=body)
    assert answer.status_code == 422, answer.text


async def test_many_requests_create_one_tag_at_once(shop):
    tag = shop.unique("new")
    made = await asyncio.gather(*(shop.product(tags=[tag, "all"]) for _ in range(10)))
    assert all(product["tags"] == ["all", tag] for product in made)
    found = await shop.get(f"/products?tag={tag}")
    assert {product["id"] for product in found} == {product["id"] for product in made}


async def test_listing_by_status(shop):
    retired = await shop.product(status="retired")
    offset, found = 0, []
    while page := await shop.get(f"/products?status=retired&limit=200&offset={offset}"):
        found += page
        offset += 200
    assert {product["status"] for product in found} == {"retired"}
    assert retired in found
