"""What is kept of erased documents, what is not recorded again, and nullable traces of both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DIGEST = sa.LargeBinary(32)
TEXT = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _contents(*, null: bool) -> sa.Table:
    return sa.Table(
        "contents",
        sa.MetaData(),
        sa.Column("digest", DIGEST, primary_key=True),
        sa.Column("sha256", DIGEST, nullable=null),
        sa.Column("size", ID, nullable=null),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sqlite_with_rowid=False,
    )


def _attachments(*, null: bool) -> sa.Table:
    return sa.Table(
        "attachments",
        sa.MetaData(),
        sa.Column("entry_id", ID, primary_key=True, autoincrement=False),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("sha256", DIGEST, nullable=null),
        sa.Column("size", ID, nullable=null),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=True),
    )


def _set_nullable(*, null: bool) -> None:
    """SQLite copies the tables for it: their definitions are given, not guessed."""
    for before in (_contents(null=not null), _attachments(null=not null)):
        with op.batch_alter_table(
            before.name, copy_from=before, table_kwargs=dict(before.dialect_kwargs)
        ) as table:
            table.alter_column("sha256", existing_type=DIGEST, nullable=null)
            table.alter_column("size", existing_type=ID, nullable=null)


def upgrade() -> None:
    """Let bodies go with what would help to guess them."""
    _set_nullable(null=True)
    op.create_table(
        "remnants",
        sa.Column("id", ID, primary_key=True),
        sa.Column("whose", DIGEST, nullable=False, index=True),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=True),
    )
    op.create_table(
        "erasures",
        sa.Column("resource_id", ID, primary_key=True, autoincrement=False),
        sa.Column("member", TEXT, primary_key=True),
        sa.Column("entry_id", ID, nullable=False),
    )


def downgrade() -> None:
    """Take back; only a store from which nothing was let go can."""
    op.drop_table("erasures")
    op.drop_table("remnants")
    _set_nullable(null=False)
