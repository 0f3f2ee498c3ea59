"""Bodies are packed with preset dictionaries; documents lie in the order they came.

What is there stays as it is, and older releases, which could not read what is new, refuse the
store. On SQLite a table in the order of random digests is a third empty, and keeps what is left
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


def _made_anew(*, with_rowid: bool) -> None:
    """Only SQLite has the choice, and copies the table for it."""
    if op.get_bind().dialect.name != "sqlite":
        return
    contents = sa.Table(
        "contents",
        sa.MetaData(),
        sa.Column("digest", DIGEST, primary_key=True),
        sa.Column("sha256", DIGEST, nullable=True),
        sa.Column("size", ID, nullable=True),
        sa.Column("codec", sa.SmallInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sqlite_with_rowid=with_rowid,
    )
    with op.batch_alter_table(
        contents.name,
        copy_from=contents,
        table_kwargs=dict(contents.dialect_kwargs),
        recreate="always",
    ):
        pass


def upgrade() -> None:
    """Keep documents in the order they came."""
    _made_anew(with_rowid=True)


def downgrade() -> None:
    """Take back; only a store without documents of newer releases can be read then."""
    _made_anew(with_rowid=False)
