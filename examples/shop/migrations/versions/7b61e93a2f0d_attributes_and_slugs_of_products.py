"""attributes and slugs of products

Revision ID: 7b61e93a2f0d
Revises: 6a04d8b5e7c1
Create Date: 2025-02-19 16:05:48

"""

import re

import sqlalchemy as sa
from alembic import op

revision = "7b61e93a2f0d"
down_revision = "6a04d8b5e7c1"
branch_labels = None
depends_on = None

products = sa.table(
    "products",
    sa.column("id", sa.Integer),
    sa.column("name", sa.String),
    sa.column("slug", sa.String),
    sa.column("attributes", sa.JSON),
)


def slug_of(name):
    words = re.findall(r"[a-z0-9]+", name.lower())
    return "-".join(words)


def upgrade():
    op.add_column("products", sa.Column("attributes", sa.JSON(), nullable=True))
    op.add_column("products", sa.Column("slug", sa.String(length=220), nullable=True))

    connection = op.get_bind()
    rows = connection.execute(sa.select(products.c.id, products.c.name).order_by(products.c.id))
    for product_id, name in rows.fetchall():
        connection.execute(
            products.update()
            .where(products.c.id == product_id)
            .values(slug=slug_of(name), attributes={"title": name, "tags": []})
        )


def downgrade():
    with op.batch_alter_table("products") as batch:
        batch.drop_column("slug")
        batch.drop_column("attributes")
