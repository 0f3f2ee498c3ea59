"""Bodies are packed with preset dictionaries; a document's SHA-256 and size are not kept beside it.

What is there stays packed as it is, and older releases, which could not read what is new, refuse
the store. A document's id and form say all that its SHA-256 did. On SQLite documents lie in the
order they came: a table in the order of random digests is a third empty, and keeps what is left
of a row over a quarter of a page in a page of its own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DIGEST = sa.LargeBinary(32)


def _contents(*columns: sa.Column[object], with_rowid: bool) -> sa.Table:
    return sa.Table(
        "contents",
        sa.MetaData(),
        sa.Column("digest", DIGEST, primary_key=True),
        *columns,
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sqlite_with_rowid=with_rowid,
    )


def _told() -> tuple[sa.Column[object], ...]:
    return sa.Column("sha256", DIGEST, nullable=True), sa.Column("size", ID, nullable=True)


def upgrade() -> None:
    """Drop both columns; SQLite copies the table for it, into the other order."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER IF EXISTS only_emptied ON contents")  # it names them
    before = _contents(*_told(), with_rowid=True)
    with op.batch_alter_table(
        before.name, copy_from=before, table_kwargs=dict(before.dialect_kwargs)
    ) as table:
        for column in _told():
            table.drop_column(column.name)


def downgrade() -> None:
    """Take back; only an empty store can."""
    after = _contents(with_rowid=False)
    with op.batch_alter_table(
        after.name, copy_from=after, table_kwargs=dict(after.dialect_kwargs)
    ) as table:
        for column in _told():
            table.add_column(column)
