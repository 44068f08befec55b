import asyncio

import pytest

pytestmark = pytest.mark.anyio

HOME = {"kind": "shipping", "street": "Hauptstraße 1", "city": "Köln", "country": "de"}
OFFICE = {"kind": "billing", "street": "1 O'Connell St", "city": "Dublin", "country": "IE"}


async def test_customers_are_created_changed_and_deleted(shop):
    made = await shop.customer(full_name=" Ada Lovelace ", tier="gold", preferences={"news": True}, addresses=[HOME])
    path = f"/customers/{made['id']}"
    assert made["full_name"] == "Ada Lovelace"
    assert made["tier"] == "gold"
    assert made["addresses"] == [{**HOME, "country": "DE", "id": made["addresses"][0]["id"]}]
    assert await shop.get(path) == made

    changed = await shop.client.patch(path, json={"tier": "silver", "preferences": {"news": False, "ways": [1, None]}})
    assert changed.status_code == 200
    assert changed.json() == {**made, "tier": "silver", "preferences": {"news": False, "ways": [1, None]}}
    added = await shop.client.post(f"{path}/addresses", json=OFFICE)
    assert added.status_code == 201
    assert [address["city"] for address in added.json()["addresses"]] == ["Köln", "Dublin"]
    assert await shop.get(path) == added.json()

    assert (await shop.client.delete(path)).status_code == 204
    for answer in (await shop.client.get(path), await shop.client.delete(path)):
        assert answer.status_code == 404


async def test_defaults(shop):
    made = await shop.customer()
    assert (made["tier"], made["preferences"], made["addresses"]) == ("standard", {}, [])


@pytest.mark.parametrize(
    "preferences",
    [
        {},
        {"text": "„Grüße“ \\ 'quoted' \"twice\" % :name $1 🫖\n"},
        {"numbers": [0, -1, 1.5, 10**15], "nothing": None, "deep": {"er": [{}, []]}},
    ],
)
async def test_documents_are_returned_unchanged(shop, preferences):
    made = await shop.customer(preferences=preferences)
    assert (await shop.get(f"/customers/{made['id']}"))["preferences"] == preferences


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "nobody"},
        {"tier": "platinum"},
        {"full_name": "  "},
        {"preferences": [1]},
        {"addresses": [{**HOME, "kind": "summer"}]},
        {"addresses": [{**HOME, "country": "Germany"}]},
    ],
)
async def test_rejects_invalid_customers(shop, wrong):
    body = {"email": shop.unique("x") + "@example.com", "full_name": "X", **wrong}
    answer = await shop.client.post("/customers", json=body)
    assert answer.status_code == 422, answer.text


async def test_an_email_address_belongs_to_one_customer(shop):
    """Of many requests for one e-mail address at the same time, one succeeds."""
    email = shop.unique("popular") + "@Example.com"
    body = {"email": email, "full_name": "X"}
    answers = await asyncio.gather(*(shop.client.post("/customers", json=body) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11
    (made,) = (answer.json() for answer in answers if answer.status_code == 201)
    assert made["email"] == email.lower()


async def test_many_customers_at_once(shop):
    async def use(number: int) -> int:
        tier = ("standard", "silver", "gold")[number % 3]
        made = await shop.customer(tier=tier, preferences={"number": number}, addresses=[HOME])
        path = f"/customers/{made['id']}"
        changed = await shop.client.patch(path, json={"full_name": f"Number {number}"})
        assert changed.json()["full_name"] == f"Number {number}"
        read = await shop.get(path)
        assert (read["tier"], read["preferences"]) == (tier, {"number": number})
        if number % 2:
            assert (await shop.client.delete(path)).status_code == 204
        return made["id"]

    ids = await asyncio.gather(*(use(number) for number in range(24)))
    # SQLite reuses the ids of deleted rows.
    stayed = ids[::2]
    assert len(set(stayed)) == 12
    for number, customer in enumerate(stayed):
        assert (await shop.get(f"/customers/{customer}"))["preferences"] == {"number": 2 * number}
    for customer in set(ids[1::2]) - set(stayed):
        assert (await shop.client.get(f"/customers/{customer}")).status_code == 404


async def test_listing_by_tier_in_pages(shop):
    made = [(await shop.customer(tier="silver"))["id"] for _ in range(3)]
    found, offset = [], 0
    while page := await shop.get(f"/customers?tier=silver&limit=2&offset={offset}"):
        assert len(page) <= 2
        found += page
        offset += 2
    assert {customer["tier"] for customer in found} == {"silver"}
    ids = [customer["id"] for customer in found]
    assert ids == sorted(set(ids))
    assert set(made) <= set(ids)
    for query in ("tier=platinum", "limit=0", "offset=-1"):
        assert (await shop.client.get(f"/customers?{query}")).status_code == 422
