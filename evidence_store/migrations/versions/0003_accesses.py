"""Who read, exported or proved evidence, and which entry seals it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "accesses",
        sa.Column("id", ID, primary_key=True),
        sa.Column("at", ID, nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("way", TEXT, nullable=False),
        sa.Column("target_id", ID, nullable=True),
        sa.Column("resource_id", ID, nullable=True),
        sa.Column("detail", TEXT, nullable=False),
    )
    op.create_table(
        "access_seals",
        sa.Column("access_id", ID, primary_key=True, autoincrement=False),
        sa.Column("entry_id", ID, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("access_seals")
    op.drop_table("accesses")
