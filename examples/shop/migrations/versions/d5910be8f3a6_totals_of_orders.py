"""totals of orders

Revision ID: d5910be8f3a6
Revises: c48f7a25e6b3
Create Date: 2025-03-06 13:25:40

"""

import sqlalchemy as sa
from alembic import op

revision = "d5910be8f3a6"
down_revision = "c48f7a25e6b3"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column(
        "orders",
        sa.Column("total", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
    )
    op.execute(
        """
        UPDATE orders
        SET total = (
            SELECT COALESCE(SUM(order_lines.quantity * order_lines.unit_price), 0)
            FROM order_lines
            WHERE order_lines.order_id = orders.id
        )
        """
    )


def downgrade():
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("total")
