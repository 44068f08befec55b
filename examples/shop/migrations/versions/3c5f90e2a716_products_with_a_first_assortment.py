"""products, with a first assortment

Revision ID: 3c5f90e2a716
Revises: 2b8e6d1904fa
Create Date: 2025-01-20 15:41:19

"""

from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "3c5f90e2a716"
down_revision = "2b8e6d1904fa"
branch_labels = None
depends_on = None


def upgrade():
    products = op.create_table(
        "products",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("price", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_products_price_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
    )
    op.create_index(op.f("ix_products_sku"), "products", ["sku"], unique=True)
    op.bulk_insert(
        products,
        [
            {"id": 1, "sku": "TEA-001", "name": "Darjeeling, first flush", "price": Decimal("12.50")},
            {"id": 2, "sku": "TEA-002", "name": "Earl Grey 100 %", "price": Decimal("8.90")},
            {"id": 3, "sku": "POT-001", "name": "Teapot: \"O'Hara\"", "price": Decimal("39.00")},
        ],
    )


def downgrade():
    op.drop_index(op.f("ix_products_sku"), table_name="products")
    op.drop_table("products")
