"""every product has its own slug

Revision ID: 8c2fd5071e9b
Revises: 7b61e93a2f0d
Create Date: 2025-02-20 09:47:03

"""

import sqlalchemy as sa
from alembic import op

revision = "8c2fd5071e9b"
down_revision = "7b61e93a2f0d"
branch_labels = None
depends_on = None


def upgrade():
    with op.batch_alter_table("products") as batch:
        batch.alter_column("slug", existing_type=sa.String(length=220), nullable=False)
        batch.create_unique_constraint(op.f("uq_products_slug"), ["slug"])


def downgrade():
    with op.batch_alter_table("products") as batch:
        batch.drop_constraint(op.f("uq_products_slug"), type_="unique")
        batch.alter_column("slug", existing_type=sa.String(length=220), nullable=True)
