"""catalog and sales meet

Revision ID: e71f5a0c9d46
Revises: f49d17c2b06e, c35e82f7190d
Create Date: 2025-02-05 12:00:00

"""

revision = "e71f5a0c9d46"
down_revision = ("f49d17c2b06e", "c35e82f7190d")
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
