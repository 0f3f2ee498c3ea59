"""The seal of what a unit told, beside the seal of the cached state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DIGEST = sa.LargeBinary(32)


def upgrade() -> None:
    """Add the column; what a target told is sealed the next time it tells it."""
    _remake(sa.Column("told", DIGEST, nullable=False), told=bytes(32))


def downgrade() -> None:
    """Leave it out."""
    _remake()


def _remake(*more: sa.Column[bytes], **values: bytes) -> None:
    former = sa.table("current_seals", sa.column("target_id"), sa.column("seal"))
    rows = op.get_bind().execute(sa.select(former)).mappings().all()
    op.drop_table("current_seals")
    seals = op.create_table(
        "current_seals",
        sa.Column("target_id", ID, primary_key=True, autoincrement=False),
        sa.Column("seal", DIGEST, nullable=False),
        *more,
    )
    op.bulk_insert(seals, [{**row, **values} for row in rows])
