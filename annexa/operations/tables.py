"""The tables of the operations database; times are UTC microseconds since 1970."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

SCHEMA: Final = "annexa_operations"
"""On a server, the schema beside the evidence's that these tables are in."""

metadata: Final = sa.MetaData()

ID: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# Who leads. The epoch goes up with every change of leadership and never down: it is the fence.
leases: Final = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),
)

# The same where the evidence's connection sees it, on a server: a transaction of the evidence's
# begins with the fence.
leases_from_evidence: Final = leases.to_metadata(sa.MetaData(), schema=SCHEMA)

# When each duty comes due next. The configuration says what there is to do; this only remembers.
schedules: Final = sa.Table(
    "schedules",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("slot", sa.BigInteger, nullable=False),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("last_started", sa.BigInteger),
    sa.Column("last_complete", sa.BigInteger),
)

# Every try of every due time; no due time is tried twice under one number.
runs: Final = sa.Table(
    "runs",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("slot", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("sweep", sa.BigInteger),
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger),
    sa.Column("detail", sa.Text, nullable=False),
    sa.UniqueConstraint("name", "slot", "attempt", name="runs_once"),
    sa.Index("runs_by_state", "state"),
    sa.Index("runs_by_end", "ended"),
)
