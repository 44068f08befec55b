"""orders

Revision ID: 4d7a12b8c3e5
Revises: 3c5f90e2a716
Create Date: 2025-02-03 08:30:00

"""

import sqlalchemy as sa
from alembic import op

revision = "4d7a12b8c3e5"
down_revision = "3c5f90e2a716"
branch_labels = None
depends_on = None

order_status = sa.Enum("open", "paid", "shipped", "cancelled", name="order_status")


def upgrade():
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("status", order_status, server_default="open", nullable=False),
        sa.Column(
            "placed_at",
            sa.DateTime(),
            server_default=sa.func.current_timestamp(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_orders_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_customer_id"), "orders", ["customer_id"])


def downgrade():
    op.drop_index(op.f("ix_orders_customer_id"), table_name="orders")
    op.drop_table("orders")
    order_status.drop(op.get_bind(), checkfirst=True)
