"""addresses, and where orders go

Revision ID: c35e82f7190d
Revises: 97a1d4e0f3b5
Create Date: 2025-01-30 08:45:37

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c35e82f7190d"
down_revision = "97a1d4e0f3b5"
branch_labels = None
depends_on = None

address_kind = sa.Enum("billing", "shipping", name="address_kind")


def upgrade() -> None:
    op.create_table(
        "addresses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("kind", address_kind, nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_addresses"),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name="fk_addresses_customer_id_customers", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_addresses_customer_id_kind", "addresses", ["customer_id", "kind"])
    with op.batch_alter_table("orders") as batch:
        batch.add_column(
            sa.Column(
                "shipping_address", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
            )
        )


def downgrade() -> None:
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("shipping_address")
    op.drop_index("ix_addresses_customer_id_kind", table_name="addresses")
    op.drop_table("addresses")
    address_kind.drop(op.get_bind(), checkfirst=True)
