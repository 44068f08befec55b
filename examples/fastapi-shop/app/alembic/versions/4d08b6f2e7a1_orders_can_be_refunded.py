"""orders can be refunded

Revision ID: 4d08b6f2e7a1
Revises: a5f91d3e60b2
Create Date: 2025-03-19 11:42:40

"""

import sqlalchemy as sa
from alembic import op

revision = "4d08b6f2e7a1"
down_revision = "a5f91d3e60b2"
branch_labels = None
depends_on = None

before = sa.Enum("pending", "paid", "shipped", "cancelled", name="order_status")


def upgrade() -> None:
    # On SQLite the enum is a text column, which accepts the new value already.
    if op.get_context().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE order_status ADD VALUE IF NOT EXISTS 'refunded'")


def downgrade() -> None:
    op.execute("UPDATE orders SET status = 'cancelled' WHERE status = 'refunded'")
    if op.get_context().dialect.name == "postgresql":
        # PostgreSQL can't remove a value from an enum, so a new type replaces it.
        op.drop_index("ix_orders_status_placed_at", table_name="orders")
        op.execute("ALTER TYPE order_status RENAME TO order_status_before")
        before.create(op.get_bind())
        op.execute("ALTER TABLE orders ALTER COLUMN status DROP DEFAULT")
        op.execute("ALTER TABLE orders ALTER COLUMN status TYPE order_status USING status::text::order_status")
        op.execute("ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'pending'")
        op.execute("DROP TYPE order_status_before")
        op.create_index("ix_orders_status_placed_at", "orders", ["status", "placed_at"])
