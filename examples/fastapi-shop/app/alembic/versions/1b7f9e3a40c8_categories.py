"""categories

Revision ID: 1b7f9e3a40c8
Revises: 8e4b72c6d150
Create Date: 2025-01-20 09:03:31

"""

import sqlalchemy as sa
from alembic import op

revision = "1b7f9e3a40c8"
down_revision = "8e4b72c6d150"
branch_labels = "catalog"
depends_on = None


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_categories"),
        sa.UniqueConstraint("name", name="uq_categories_name"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["categories.id"], name="fk_categories_parent_id_categories", ondelete="SET NULL"
        ),
    )
    with op.batch_alter_table("products") as batch:
        batch.add_column(sa.Column("category_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            "fk_products_category_id_categories", "categories", ["category_id"], ["id"], ondelete="SET NULL"
        )


def downgrade() -> None:
    with op.batch_alter_table("products") as batch:
        batch.drop_constraint("fk_products_category_id_categories", type_="foreignkey")
        batch.drop_column("category_id")
    op.drop_table("categories")
