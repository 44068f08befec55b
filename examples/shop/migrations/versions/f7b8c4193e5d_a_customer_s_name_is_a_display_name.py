"""a customer's name is a display name

Revision ID: f7b8c4193e5d
Revises: e60a2dc7b149
Create Date: 2025-03-12 07:58:31

"""

import sqlalchemy as sa
from alembic import op

revision = "f7b8c4193e5d"
down_revision = "e60a2dc7b149"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("customers") as batch:
        batch.alter_column(
            "name",
            new_column_name="display_name",
            existing_type=sa.String(length=120),
            existing_nullable=False,
        )


def downgrade():
    with op.batch_alter_table("customers") as batch:
        batch.alter_column(
            "display_name",
            new_column_name="name",
            existing_type=sa.String(length=120),
            existing_nullable=False,
        )
