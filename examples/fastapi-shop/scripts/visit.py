#!/usr/bin/env python3
"""Sends requests to the shop from many clients at once, and checks the responses.

    scripts/visit.py URL [NUMBER_OF_CLIENTS]

Needs only Python. The exit status is 1 if a response differs from the expected one.
"""

import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

# A proxy of the environment must not handle requests to this machine.
opener = build_opener(ProxyHandler({}))


class Client:
    def __init__(self, shop: str) -> None:
        self.shop = shop.rstrip("/")

    def ask(self, method: str, path: str, body: Any = None, expected: int = 200) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.shop + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with opener.open(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except HTTPError as error:
            status, text = error.code, error.read()
        if status != expected:
            raise AssertionError(f"{method} {path}: expected {expected}, got {status}: {text.decode()}")
        return json.loads(text) if text else None

    def use(self, number: int) -> list[str]:
        """Creates, reads and updates a customer, a product and an order. Returns their paths."""
        name = uuid.uuid4().hex[:12]
        address = {"kind": "shipping", "street": "Hauptstraße 1", "city": "Köln", "country": "DE"}
        body = {"email": f"{name}@example.com", "full_name": "Ada", "tier": "gold", "addresses": [address]}
        customer = self.ask("POST", "/customers", body, 201)
        body = {"sku": name.upper(), "name": "Tea", "price": "3.50", "stock": 5, "attributes": {"grams": number}}
        product = self.ask("POST", "/products", body, 201)
        body = {"customer_id": customer["id"], "lines": [{"product_id": product["id"], "quantity": 2}]}
        order = self.ask("POST", "/orders", body, 201)
        check_equal("total", order["total"], "7.00")

        paths = [f"/customers/{customer['id']}", f"/products/{product['id']}", f"/orders/{order['id']}"]
        check_equal("customer", self.ask("GET", paths[0]), customer)
        check_equal("product", self.ask("GET", paths[1]), {**product, "stock": 3})
        check_equal("order", self.ask("GET", paths[2]), order)

        changed = self.ask("PATCH", paths[0], {"preferences": {"news": True}})
        check_equal("customer", changed, {**customer, "preferences": {"news": True}})
        check_equal("order", self.ask("PATCH", paths[2], {"status": "cancelled"}), {**order, "status": "cancelled"})
        check_equal("product", self.ask("GET", paths[1]), product)

        self.ask("DELETE", paths[0], expected=409)
        return paths

    def clean_up(self, paths: list[str]) -> None:
        for path in reversed(paths):
            self.ask("DELETE", path, expected=204)

    def check_deleted(self, paths: list[str]) -> None:
        for path in paths:
            self.ask("GET", path, expected=404)


def check_equal(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise AssertionError(f"{what}: expected {expected}, got {found}")


def main() -> None:
    client, count = Client(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 16
    try:
        with ThreadPoolExecutor(count) as pool:
            paths = list(pool.map(client.use, range(count)))
            # After all creations: SQLite reuses the ids of deleted rows.
            list(pool.map(client.clean_up, paths))
            list(pool.map(client.check_deleted, paths))
    except (AssertionError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{count} clients at once: each created, read, updated and deleted")


if __name__ == "__main__":
    main()
