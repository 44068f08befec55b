"""products, with gift cards

Revision ID: 8e4b72c6d150
Revises: 5c1e0a9d3f27
Create Date: 2025-01-09 16:40:55

"""

import sqlalchemy as sa
from alembic import op

revision = "8e4b72c6d150"
down_revision = "5c1e0a9d3f27"
branch_labels = None
depends_on = None


def upgrade() -> None:
    products = op.create_table(
        "products",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("stock", sa.Integer(), server_default="0", nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_products"),
        sa.UniqueConstraint("sku", name="uq_products_sku"),
    )
    op.bulk_insert(
        products,
        [
            {
                "sku": f"GIFT-{value}",
                "name": f"Gift card, {value} €",
                "price": value,
                "stock": 1000,
                "details": f"value: {value}; valid: 3 years",
            }
            for value in (10, 25, 50)
        ],
    )


def downgrade() -> None:
    op.drop_table("products")
