"""The oldest message of an endpoint is found without sorting all that wait."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Replace the index by time of the next try."""
    op.drop_index("outbox_due", "outbox")
    op.create_index("outbox_oldest", "outbox", ["endpoint", "status", "created", "id"])


def downgrade() -> None:
    """Go back to it."""
    op.drop_index("outbox_oldest", "outbox")
    op.create_index("outbox_due", "outbox", ["status", "next_at"])
