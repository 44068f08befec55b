"""catalog and shipping meet

Revision ID: c48f7a25e6b3
Revises: 8c2fd5071e9b, b35e0c91d7f4
Create Date: 2025-03-03 09:00:00

"""

revision = "c48f7a25e6b3"
down_revision = ("8c2fd5071e9b", "b35e0c91d7f4")
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
