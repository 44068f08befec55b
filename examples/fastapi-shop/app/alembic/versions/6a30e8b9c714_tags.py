"""tags

Revision ID: 6a30e8b9c714
Revises: d2c85f61ae93
Create Date: 2025-01-27 15:55:18

"""

import sqlalchemy as sa
from alembic import op

revision = "6a30e8b9c714"
down_revision = "d2c85f61ae93"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("name", name="uq_tags_name"),
    )
    op.create_table(
        "product_tags",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "tag_id", name="pk_product_tags"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name="fk_product_tags_product_id_products", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name="fk_product_tags_tag_id_tags", ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("product_tags")
    op.drop_table("tags")
