"""All tables. Importing this package fills the metadata."""

from .base import Base
from .customers import Address, AddressKind, Customer, CustomerTier
from .orders import Order, OrderLine, OrderStatus
from .products import Category, Product, ProductStatus, Tag, product_tags

__all__ = [
    "Address",
    "AddressKind",
    "Base",
    "Category",
    "Customer",
    "CustomerTier",
    "Order",
    "OrderLine",
    "OrderStatus",
    "Product",
    "ProductStatus",
    "Tag",
    "product_tags",
]
