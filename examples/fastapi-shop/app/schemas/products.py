from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from app.models import ProductStatus

Sku = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9-]+$", max_length=40)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
TagName = Annotated[str, StringConstraints(to_lower=True, min_length=1, max_length=50)]
Price = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]


class CategoryIn(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    parent_id: int | None = None


class CategoryOut(CategoryIn):
    model_config = ConfigDict(from_attributes=True)

    id: int


class ProductIn(BaseModel):
    sku: Sku
    name: Name
    price: Price
    stock: int = Field(default=0, ge=0)
    status: ProductStatus = ProductStatus.ACTIVE
    attributes: dict[str, Any] = {}
    category_id: int | None = None
    tags: list[TagName] = []


class ProductChange(BaseModel):
    name: Name | None = None
    price: Price | None = None
    stock: int | None = Field(default=None, ge=0)
    status: ProductStatus | None = None
    attributes: dict[str, Any] | None = None
    category_id: int | None = None
    tags: list[TagName] | None = None


class ProductOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    sku: str
    name: str
    slug: str
    price: Decimal
    stock: int
    status: ProductStatus
    attributes: dict[str, Any]
    category: CategoryOut | None
    tags: list[str]

    @field_validator("tags", mode="before")
    @classmethod
    def names(cls, tags: list[Any]) -> list[str]:
        return [tag if isinstance(tag, str) else tag.name for tag in tags]
