#!/usr/bin/env python3
"""Uses the shop as many clients at once do, and looks whether each of them got what it should.

    scripts/visit.py URL OF THE SHOP [HOW MANY]

Needs nothing but Python. The exit status is 1 when something is not as it should be.
"""

import json
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

# A shop on this machine is behind no proxy.
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
            raise AssertionError(f"{method} {path} gave {status} and not {expected}: {text.decode()}")
        return json.loads(text) if text else None

    def live(self, number: int) -> list[str]:
        """Creates, reads and updates a customer, a product and an order of the one for the other."""
        name = uuid.uuid4().hex[:12]
        address = {"kind": "shipping", "street": "Hauptstraße 1", "city": "Köln", "country": "DE"}
        body = {"email": f"{name}@example.com", "full_name": "Ada", "tier": "gold", "addresses": [address]}
        customer = self.ask("POST", "/customers", body, 201)
        body = {"sku": name.upper(), "name": "Tea", "price": "3.50", "stock": 5, "attributes": {"grams": number}}
        product = self.ask("POST", "/products", body, 201)
        body = {"customer_id": customer["id"], "lines": [{"product_id": product["id"], "quantity": 2}]}
        order = self.ask("POST", "/orders", body, 201)
        same("total", order["total"], "7.00")

        paths = [f"/customers/{customer['id']}", f"/products/{product['id']}", f"/orders/{order['id']}"]
        same("customer", self.ask("GET", paths[0]), customer)
        same("product", self.ask("GET", paths[1]), {**product, "stock": 3})
        same("order", self.ask("GET", paths[2]), order)

        changed = self.ask("PATCH", paths[0], {"preferences": {"news": True}})
        same("customer", changed, {**customer, "preferences": {"news": True}})
        same("order", self.ask("PATCH", paths[2], {"status": "cancelled"}), {**order, "status": "cancelled"})
        same("product", self.ask("GET", paths[1]), product)

        self.ask("DELETE", paths[0], expected=409)
        return paths

    def leave(self, paths: list[str]) -> None:
        for path in reversed(paths):
            self.ask("DELETE", path, expected=204)

    def is_gone(self, paths: list[str]) -> None:
        for path in paths:
            self.ask("GET", path, expected=404)


def same(what: str, found: Any, expected: Any) -> None:
    if found != expected:
        raise AssertionError(f"the {what} is {found} and not {expected}")


def main() -> None:
    client, count = Client(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 16
    try:
        with ThreadPoolExecutor(count) as pool:
            made = list(pool.map(client.live, range(count)))
            # Only when nobody creates any more: SQLite gives the number of one that is gone to another.
            list(pool.map(client.leave, made))
            list(pool.map(client.is_gone, made))
    except (AssertionError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"{count} clients at once: each has created, read, updated and deleted")


if __name__ == "__main__":
    main()
