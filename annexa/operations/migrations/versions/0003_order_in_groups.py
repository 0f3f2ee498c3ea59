"""Messages of one group are sent one after the other: the outbox knows the group of each."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the group, as the messages that are there have it."""
    op.add_column("outbox", sa.Column("grouped", sa.Text, nullable=False, server_default=""))
    connection = op.get_bind()
    outbox = sa.table(
        "outbox", *(sa.column(name, sa.Text) for name in ("id", "body", "grouped", "status"))
    )
    waiting = sa.select(outbox.c.id, outbox.c.body).where(outbox.c.status != "delivered")
    for row in connection.execute(waiting).all():
        values = {"grouped": json.loads(row.body)["group"]}
        connection.execute(sa.update(outbox).where(outbox.c.id == row.id).values(values))
    op.create_index("outbox_by_group", "outbox", ["endpoint", "grouped", "status"])


def downgrade() -> None:
    """Take the group away."""
    op.drop_index("outbox_by_group", "outbox")
    op.drop_column("outbox", "grouped")
