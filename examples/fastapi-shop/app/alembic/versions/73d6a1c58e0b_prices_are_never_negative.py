"""prices are never negative, and orders are found by status

Revision ID: 73d6a1c58e0b
Revises: b8e0f2739c5d
Create Date: 2025-02-24 16:33:58

"""

from alembic import op

revision = "73d6a1c58e0b"
down_revision = "b8e0f2739c5d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("products") as batch:
        batch.create_check_constraint(op.f("ck_products_price_not_negative"), "price >= 0")
        batch.create_check_constraint(op.f("ck_products_stock_not_negative"), "stock >= 0")
    op.create_index("ix_orders_status_placed_at", "orders", ["status", "placed_at"])


def downgrade() -> None:
    op.drop_index("ix_orders_status_placed_at", table_name="orders")
    with op.batch_alter_table("products") as batch:
        batch.drop_constraint(op.f("ck_products_stock_not_negative"), type_="check")
        batch.drop_constraint(op.f("ck_products_price_not_negative"), type_="check")
