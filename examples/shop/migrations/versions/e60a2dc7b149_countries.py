"""countries

Revision ID: e60a2dc7b149
Revises: d5910be8f3a6
Create Date: 2025-03-10 18:44:09

"""

import sqlalchemy as sa
from alembic import op

revision = "e60a2dc7b149"
down_revision = "d5910be8f3a6"
branch_labels = None
depends_on = None


def upgrade():
    countries = op.create_table(
        "countries",
        sa.Column("code", sa.String(length=2), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_countries")),
    )
    op.bulk_insert(
        countries,
        [
            {"code": "AT", "name": "Österreich"},
            {"code": "CI", "name": "Côte d'Ivoire"},
            {"code": "JP", "name": "日本"},
        ],
    )
    with op.batch_alter_table("addresses") as batch:
        batch.add_column(sa.Column("country_code", sa.String(length=2), nullable=True))
        batch.create_foreign_key(
            op.f("fk_addresses_country_code"), "countries", ["country_code"], ["code"]
        )


def downgrade():
    with op.batch_alter_table("addresses") as batch:
        batch.drop_constraint(op.f("fk_addresses_country_code"), type_="foreignkey")
        batch.drop_column("country_code")
    op.drop_table("countries")
