"""find orders by status without blocking writers

Revision ID: 2af40718e9bc
Revises: 19e3f60718da
Create Date: 2025-03-27 21:02:36

"""

from alembic import op

revision = "2af40718e9bc"
down_revision = "19e3f60718da"
branch_labels = None
depends_on = None


def upgrade():
    # PostgreSQL refuses CONCURRENTLY inside a transaction. Other databases ignore the option.
    with op.get_context().autocommit_block():
        op.create_index(
            op.f("ix_orders_status_placed_at"),
            "orders",
            ["status", "placed_at"],
            postgresql_concurrently=True,
        )


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index(
            op.f("ix_orders_status_placed_at"),
            table_name="orders",
            postgresql_concurrently=True,
        )
