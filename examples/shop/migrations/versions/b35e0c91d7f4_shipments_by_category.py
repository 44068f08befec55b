"""shipments by category

Revision ID: b35e0c91d7f4
Revises: a2d46f8b17e0
Create Date: 2025-02-24 12:00:55

"""

import sqlalchemy as sa
from alembic import op

revision = "b35e0c91d7f4"
down_revision = "a2d46f8b17e0"
branch_labels = None
depends_on = "6a04d8b5e7c1"


def upgrade():
    with op.batch_alter_table("shipments") as batch:
        batch.add_column(sa.Column("category_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            op.f("fk_shipments_category_id"), "categories", ["category_id"], ["id"]
        )


def downgrade():
    with op.batch_alter_table("shipments") as batch:
        batch.drop_constraint(op.f("fk_shipments_category_id"), type_="foreignkey")
        batch.drop_column("category_id")
