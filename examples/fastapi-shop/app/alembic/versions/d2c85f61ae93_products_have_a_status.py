"""products have a status

Revision ID: d2c85f61ae93
Revises: 1b7f9e3a40c8
Create Date: 2025-01-22 11:27:46

"""

import sqlalchemy as sa
from alembic import op

revision = "d2c85f61ae93"
down_revision = "1b7f9e3a40c8"
branch_labels = None
depends_on = None

product_status = sa.Enum("draft", "active", "retired", name="product_status")


def upgrade() -> None:
    # On PostgreSQL, adding a column does not create its type.
    product_status.create(op.get_bind(), checkfirst=True)
    with op.batch_alter_table("products") as batch:
        batch.add_column(sa.Column("status", product_status, server_default="active", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("products") as batch:
        batch.drop_column("status")
    product_status.drop(op.get_bind(), checkfirst=True)
