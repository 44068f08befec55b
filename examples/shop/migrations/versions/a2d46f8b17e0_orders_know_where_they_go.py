"""orders know where they go

Revision ID: a2d46f8b17e0
Revises: 91e7b3d04c5a
Create Date: 2025-02-21 17:33:27

"""

import sqlalchemy as sa
from alembic import op

revision = "a2d46f8b17e0"
down_revision = "91e7b3d04c5a"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("orders") as batch:
        batch.add_column(sa.Column("shipping_address_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_orders_shipping_address_id"), "addresses", ["shipping_address_id"], ["id"]
        )


def downgrade():
    with op.batch_alter_table("orders") as batch:
        batch.drop_constraint(op.f("fk_orders_shipping_address_id"), type_="foreignkey")
        batch.drop_column("shipping_address_id")
