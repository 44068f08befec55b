from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.models import AddressKind, CustomerTier

Email = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=320)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Country = Annotated[str, StringConstraints(to_upper=True, min_length=2, max_length=2)]


class AddressIn(BaseModel):
    kind: AddressKind
    street: str = Field(max_length=200)
    city: str = Field(max_length=100)
    country: Country


class AddressOut(AddressIn):
    model_config = ConfigDict(from_attributes=True)

    id: int


class CustomerIn(BaseModel):
    email: Email
    full_name: Name
    tier: CustomerTier = CustomerTier.STANDARD
    preferences: dict[str, Any] = {}
    addresses: list[AddressIn] = []


class CustomerChange(BaseModel):
    email: Email | None = None
    full_name: Name | None = None
    tier: CustomerTier | None = None
    preferences: dict[str, Any] | None = None


class CustomerOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    full_name: str
    tier: CustomerTier
    preferences: dict[str, Any]
    created_at: datetime
    addresses: list[AddressOut]
