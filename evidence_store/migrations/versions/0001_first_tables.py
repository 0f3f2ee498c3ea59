"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DIGEST = sa.LargeBinary(32)
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "targets",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", TEXT, nullable=False),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "resources",
        sa.Column("id", ID, primary_key=True),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("identity", TEXT, nullable=True),
        sa.Column("key_digest", DIGEST, nullable=False),
        sa.UniqueConstraint("target_id", "key_digest"),
    )
    op.create_table(
        "contents",
        sa.Column("digest", DIGEST, primary_key=True),
        sa.Column("sha256", DIGEST, nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reasons",
        sa.Column("digest", DIGEST, primary_key=True),
        sa.Column("reason", TEXT, nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checks",
        sa.Column("id", ID, primary_key=True),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("severity", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "entries",
        sa.Column("id", ID, primary_key=True),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("sweep", ID, nullable=False),
        sa.Column("attempt", ID, nullable=False),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("recorded_at", ID, nullable=False),
        sa.Column("state_root", DIGEST, nullable=True),
        sa.Column("verdict_root", DIGEST, nullable=True),
        sa.Column("resources", ID, nullable=True),
        sa.Column("added", ID, nullable=True),
        sa.Column("changed", ID, nullable=True),
        sa.Column("gone", ID, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("target_id", "kind", "sweep", "attempt"),
    )
    op.create_table(
        "observations",
        sa.Column("resource_id", ID, primary_key=True, autoincrement=False),
        sa.Column("entry_id", ID, primary_key=True, autoincrement=False),
        sa.Column("content", DIGEST, nullable=True),
        sa.Column("scope", TEXT, nullable=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "verdicts",
        sa.Column("resource_id", ID, primary_key=True, autoincrement=False),
        sa.Column("check_id", ID, primary_key=True, autoincrement=False),
        sa.Column("entry_id", ID, primary_key=True, autoincrement=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("cause", sa.SmallInteger, nullable=True),
        sa.Column("reason", DIGEST, nullable=True),
        sa.Column("since", ID, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "part_documents",
        sa.Column("digest", DIGEST, primary_key=True),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attachments",
        sa.Column("entry_id", ID, primary_key=True, autoincrement=False),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("sha256", DIGEST, nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=True),
    )
    op.create_table(
        "leaves",
        sa.Column("position", ID, primary_key=True, autoincrement=False),
        sa.Column("entry_id", ID, nullable=False),
        sa.Column("hash", DIGEST, nullable=False),
        sa.UniqueConstraint("entry_id"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", ID, primary_key=True, autoincrement=False),
        sa.Column("note", TEXT, nullable=False),
    )
    op.create_table(
        "pending",
        sa.Column("entry_id", ID, primary_key=True, autoincrement=False),
    )
    op.create_table(
        "current_state",
        sa.Column("target_id", ID, primary_key=True, autoincrement=False),
        sa.Column("resource_id", ID, primary_key=True, autoincrement=False),
        sa.Column("content", DIGEST, nullable=True),
        sa.Column("sha256", DIGEST, nullable=True),
        sa.Column("verdict", DIGEST, nullable=False),
        sa.Column("findings", sa.LargeBinary, nullable=False),
        sa.Column("since", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "current_seals",
        sa.Column("target_id", ID, primary_key=True, autoincrement=False),
        sa.Column("seal", DIGEST, nullable=False),
    )


def downgrade() -> None:
    """Drop every table: only an empty store may."""
    for name in (
        "current_seals",
        "current_state",
        "pending",
        "checkpoints",
        "leaves",
        "attachments",
        "part_documents",
        "verdicts",
        "observations",
        "entries",
        "checks",
        "reasons",
        "contents",
        "resources",
        "targets",
    ):
        op.drop_table(name)
