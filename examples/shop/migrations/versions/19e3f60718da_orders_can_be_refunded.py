"""orders can be refunded

Revision ID: 19e3f60718da
Revises: 08d2e5f6a7c9
Create Date: 2025-03-25 11:11:11

"""

import sqlalchemy as sa
from alembic import op

revision = "19e3f60718da"
down_revision = "08d2e5f6a7c9"
branch_labels = None
depends_on = None

before = sa.Enum("open", "paid", "shipped", "cancelled", name="order_status")
after = sa.Enum("open", "paid", "shipped", "cancelled", "refunded", name="order_status")


def upgrade():
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TYPE order_status ADD VALUE 'refunded'")
    else:
        with op.batch_alter_table("orders") as batch:
            batch.alter_column("status", existing_type=before, type_=after, existing_nullable=False)


def downgrade():
    if op.get_context().dialect.name == "postgresql":
        # PostgreSQL can't remove a value from an enum, so a new type replaces it.
        op.execute("ALTER TYPE order_status RENAME TO order_status_old")
        before.create(op.get_bind())
        op.execute("ALTER TABLE orders ALTER COLUMN status DROP DEFAULT")
        op.execute(
            "ALTER TABLE orders ALTER COLUMN status TYPE order_status"
            " USING status::text::order_status"
        )
        op.execute("ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'open'")
        op.execute("DROP TYPE order_status_old")
    else:
        with op.batch_alter_table("orders") as batch:
            batch.alter_column("status", existing_type=after, type_=before, existing_nullable=False)
