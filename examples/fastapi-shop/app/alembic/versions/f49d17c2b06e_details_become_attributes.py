"""details of products become attributes

Revision ID: f49d17c2b06e
Revises: 6a30e8b9c714
Create Date: 2025-02-03 13:12:09

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "f49d17c2b06e"
down_revision = "6a30e8b9c714"
branch_labels = None
depends_on = None

products = sa.table(
    "products",
    sa.column("id", sa.Integer),
    sa.column("details", sa.Text),
    sa.column("attributes", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),
)


def upgrade() -> None:
    with op.batch_alter_table("products") as batch:
        batch.add_column(
            sa.Column(
                "attributes",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                server_default=sa.text("'{}'"),
                nullable=False,
            )
        )
    connection = op.get_bind()
    rows = connection.execute(sa.select(products.c.id, products.c.details).order_by(products.c.id)).all()
    for row in rows:
        # "colour: red; size: M"
        pairs = (part.partition(":") for part in (row.details or "").split(";") if part.strip())
        attributes = {name.strip(): value.strip() for name, _, value in pairs}
        connection.execute(products.update().where(products.c.id == row.id).values(attributes=attributes))
    with op.batch_alter_table("products") as batch:
        batch.drop_column("details")


def downgrade() -> None:
    with op.batch_alter_table("products") as batch:
        batch.add_column(sa.Column("details", sa.Text(), nullable=True))
    connection = op.get_bind()
    rows = connection.execute(sa.select(products.c.id, products.c.attributes).order_by(products.c.id)).all()
    for row in rows:
        details = "; ".join(f"{name}: {value}" for name, value in row.attributes.items()) or None
        connection.execute(products.update().where(products.c.id == row.id).values(details=details))
    with op.batch_alter_table("products") as batch:
        batch.drop_column("attributes")
