"""totals of orders

Revision ID: b8e0f2739c5d
Revises: 2c9b4e6f8a13
Create Date: 2025-02-18 09:51:12

"""

import sqlalchemy as sa
from alembic import op

revision = "b8e0f2739c5d"
down_revision = "2c9b4e6f8a13"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "orders",
        sa.Column("total", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
    )
    op.execute(
        """
        UPDATE orders SET total = (
            SELECT COALESCE(SUM(order_lines.quantity * order_lines.unit_price), 0)
            FROM order_lines WHERE order_lines.order_id = orders.id
        )
        """
    )


def downgrade() -> None:
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("total")
