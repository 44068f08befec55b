import asyncio
from datetime import datetime, timedelta, timezone

import pytest

pytestmark = pytest.mark.anyio

HOME = {"kind": "shipping", "street": "Hauptstraße 1", "city": "Köln", "country": "DE"}


async def stock(shop, product) -> int:
    return (await shop.get(f"/products/{product['id']}"))["stock"]


async def test_orders_are_created_changed_and_kept(shop):
    customer = await shop.customer(addresses=[HOME])
    tea, cup = await shop.product(price="3.50"), await shop.product(name="Cup", price="12")
    body = {
        "customer_id": customer["id"],
        "shipping_address_id": customer["addresses"][0]["id"],
        "lines": [{"product_id": tea["id"], "quantity": 2}, {"product_id": cup["id"], "quantity": 1}],
    }
    made = await shop.make("/orders", body)
    path = f"/orders/{made['id']}"
    assert (made["status"], made["total"]) == ("pending", "19.00")
    assert made["customer"] == {"id": customer["id"], "email": customer["email"]}
    assert made["shipping_address"] == {"street": "Hauptstraße 1", "city": "Köln", "country": "DE"}
    lines = [(line["product"]["sku"], line["quantity"], line["unit_price"]) for line in made["lines"]]
    assert lines == [(tea["sku"], 2, "3.50"), (cup["sku"], 1, "12.00")]
    placed = datetime.fromisoformat(made["placed_at"].replace("Z", "+00:00"))
    # SQLite stores no time zone.
    placed = placed if placed.tzinfo else placed.replace(tzinfo=timezone.utc)
    assert abs(datetime.now(timezone.utc) - placed) < timedelta(minutes=10)
    assert (await stock(shop, tea), await stock(shop, cup)) == (8, 9)

    # A later change of the price does not change the order.
    await shop.client.patch(f"/products/{tea['id']}", json={"price": "99"})
    assert await shop.get(path) == made
    for status in ("paid", "shipped", "refunded"):
        answer = await shop.client.patch(path, json={"status": status})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        (found,) = await shop.get(f"/orders?customer_id={customer['id']}&status={status}")
        assert found == {**made, "status": status}
    assert (await shop.client.patch(path, json={"status": "paid"})).status_code == 409
    assert (await shop.client.delete(path)).status_code == 409


async def test_a_cancelled_order_gives_back_what_it_took(shop):
    customer, tea = await shop.customer(), await shop.product(stock=5)
    order = await shop.order(customer, (tea, 2), (tea, 2))
    path = f"/orders/{order['id']}"
    assert await stock(shop, tea) == 1
    # Of many requests for it, one succeeds.
    cancel = [shop.client.patch(path, json={"status": "cancelled"}) for _ in range(6)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*cancel))
    assert statuses == [200] + [409] * 5
    assert await stock(shop, tea) == 5
    assert (await shop.client.delete(path)).status_code == 204
    assert (await shop.client.get(path)).status_code == 404
    # No order refers to them any more.
    assert (await shop.client.delete(f"/products/{tea['id']}")).status_code == 204
    assert (await shop.client.delete(f"/customers/{customer['id']}")).status_code == 204


async def test_the_last_ones_are_sold_once(shop):
    customer = await shop.customer()
    tea, cup = await shop.product(stock=5), await shop.product(stock=100)
    # In both orders of the lines: a request that waits for one product must not block another one that waits for it.
    lines = [{"product_id": product["id"], "quantity": 1} for product in (tea, cup)]
    bodies = [
        {"customer_id": customer["id"], "lines": lines if number % 2 else lines[::-1]} for number in range(20)
    ]
    answers = await asyncio.gather(*(shop.client.post("/orders", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 15
    # The failed requests took nothing from the stock.
    assert (await stock(shop, tea), await stock(shop, cup)) == (0, 95)
    assert len(await shop.get(f"/orders?customer_id={customer['id']}")) == 5


async def test_customers_and_products_of_orders_cannot_be_deleted(shop):
    customer, tea = await shop.customer(), await shop.product()
    order = await shop.order(customer, (tea, 1))
    assert (await shop.client.delete(f"/customers/{customer['id']}")).status_code == 409
    assert (await shop.client.delete(f"/products/{tea['id']}")).status_code == 409
    assert (await shop.get(f"/orders/{order['id']}")) == order


async def test_rejects_unknown_ids(shop):
    customer, other, tea = await shop.customer(), await shop.customer(addresses=[HOME]), await shop.product()
    line = {"product_id": tea["id"], "quantity": 1}
    for wrong in (
        {"customer_id": 2**31 - 1},
        {"lines": [line, {"product_id": 2**31 - 1, "quantity": 1}]},
        {"shipping_address_id": other["addresses"][0]["id"]},
    ):
        body = {"customer_id": customer["id"], "lines": [line], **wrong}
        answer = await shop.client.post("/orders", json=body)
        assert answer.status_code == 404, answer.text
    assert await stock(shop, tea) == 10
    assert (await shop.client.get(f"/orders/{2**31 - 1}")).status_code == 404


async def test_rejects_invalid_orders(shop):
    customer, tea = await shop.customer(), await shop.product(stock=1)
    retired = await shop.product(status="retired")
    for lines, status in (
        ([], 422),
        ([{"product_id": tea["id"], "quantity": 0}], 422),
        ([{"product_id": tea["id"], "quantity": 2}], 409),
        ([{"product_id": retired["id"], "quantity": 1}], 409),
    ):
        answer = await shop.client.post("/orders", json={"customer_id": customer["id"], "lines": lines})
        assert answer.status_code == status, answer.text
    order = await shop.order(customer, (tea, 1))
    path = f"/orders/{order['id']}"
    for status, expected in (("lost", 422), ("shipped", 409), ("pending", 409)):
        assert (await shop.client.patch(path, json={"status": status})).status_code == expected


async def test_many_customers_order_at_once(shop):
    async def trade(number: int) -> None:
        customer = await shop.customer(addresses=[HOME])
        tea = await shop.product(price=f"{number}.25", stock=3, tags=["traded"])
        order = await shop.order(customer, (tea, 3))
        path = f"/orders/{order['id']}"
        assert order["total"] == f"{number * 3}.75"
        ways = (["paid", "shipped"], ["cancelled"], ["paid", "refunded"])[number % 3]
        for status in ways:
            assert (await shop.client.patch(path, json={"status": status})).status_code == 200
        assert (await shop.get(path))["status"] == ways[-1]
        deleted = await shop.client.delete(path)
        assert deleted.status_code == (204 if ways == ["cancelled"] else 409)

    await asyncio.gather(*(trade(number) for number in range(15)))
