"""customers have a tier and preferences

Revision ID: a5f91d3e60b2
Revises: 73d6a1c58e0b
Create Date: 2025-03-06 10:05:27

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a5f91d3e60b2"
down_revision = "73d6a1c58e0b"
branch_labels = None
depends_on = None

customer_tier = sa.Enum("standard", "silver", "gold", name="customer_tier")


def upgrade() -> None:
    customer_tier.create(op.get_bind(), checkfirst=True)
    with op.batch_alter_table("customers") as batch:
        batch.add_column(sa.Column("tier", customer_tier, server_default="standard", nullable=False))
        batch.add_column(
            sa.Column(
                "preferences",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                server_default=sa.text("'{}'"),
                nullable=False,
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("customers") as batch:
        batch.drop_column("preferences")
        batch.drop_column("tier")
    customer_tier.drop(op.get_bind(), checkfirst=True)
