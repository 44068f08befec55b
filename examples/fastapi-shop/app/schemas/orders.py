from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.models import OrderStatus


class LineIn(BaseModel):
    product_id: int
    quantity: int = Field(gt=0)


class OrderIn(BaseModel):
    customer_id: int
    lines: list[LineIn] = Field(min_length=1)
    shipping_address_id: int | None = None


class OrderChange(BaseModel):
    status: OrderStatus


class LineProduct(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    sku: str
    name: str


class LineOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    product: LineProduct
    quantity: int
    unit_price: Decimal


class OrderCustomer(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    status: OrderStatus
    total: Decimal
    shipping_address: dict[str, Any] | None
    placed_at: datetime
    customer: OrderCustomer
    lines: list[LineOut]
