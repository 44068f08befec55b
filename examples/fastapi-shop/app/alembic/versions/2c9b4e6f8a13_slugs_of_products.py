"""slugs of products

Revision ID: 2c9b4e6f8a13
Revises: e71f5a0c9d46
Create Date: 2025-02-11 14:19:44

"""

import re

import sqlalchemy as sa
from alembic import op

revision = "2c9b4e6f8a13"
down_revision = "e71f5a0c9d46"
branch_labels = None
depends_on = None

products = sa.table(
    "products",
    sa.column("id", sa.Integer),
    sa.column("sku", sa.String),
    sa.column("name", sa.String),
    sa.column("slug", sa.String),
)


def upgrade() -> None:
    op.add_column("products", sa.Column("slug", sa.String(length=250), nullable=True))
    connection = op.get_bind()
    rows = connection.execute(sa.select(products.c.id, products.c.name, products.c.sku)).all()
    for row in rows:
        slug = re.sub(r"[^a-z0-9]+", "-", f"{row.name} {row.sku}".lower()).strip("-")
        connection.execute(products.update().where(products.c.id == row.id).values(slug=slug))
    with op.batch_alter_table("products") as batch:
        batch.alter_column("slug", existing_type=sa.String(length=250), nullable=False)
        batch.create_unique_constraint("uq_products_slug", ["slug"])


def downgrade() -> None:
    with op.batch_alter_table("products") as batch:
        batch.drop_constraint("uq_products_slug", type_="unique")
        batch.drop_column("slug")
