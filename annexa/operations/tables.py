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

# How far in the ledger was looked: a place and the leaf there, so that another ledger is noticed.
# `step` goes up with everything that is decided: who decided by an older one writes nothing.
alert_cursor: Final = sa.Table(
    "alert_cursor",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("place", sa.BigInteger, nullable=False),
    sa.Column("leaf", sa.Text, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)

# What holds now, and whether somebody was told: a finding that fails, a collector that cannot read.
alert_conditions: Final = sa.Table(
    "alert_conditions",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("grouped", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("good", sa.Integer, nullable=False),
    sa.Column("told_at", sa.BigInteger, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Index("alert_conditions_by_target", "kind", "target"),
    sa.Index("alert_conditions_by_told", "told"),
)

# Never deleted: who silenced what, why, and until when is what an auditor asks.
alert_silences: Final = sa.Table(
    "alert_silences",
    metadata,
    sa.Column("id", ID, primary_key=True),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("made", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("matchers", sa.Text, nullable=False),
    sa.Column("lifted", sa.BigInteger),
    sa.Column("lifted_by", sa.Text),
)

# One row per message and endpoint. `attempts` only goes up and is the claim's token; `tries`
# counts those of the present schedule, which `annexa alerts retry` begins anew.
outbox: Final = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("grouped", sa.Text, nullable=False, server_default=""),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("ended", sa.BigInteger),
    sa.Column("last_error", sa.Text, nullable=False),
    sa.Index("outbox_oldest", "endpoint", "status", "created", "id"),
    sa.Index("outbox_by_group", "endpoint", "grouped", "status"),
)

alert_endpoints: Final = sa.Table(
    "alert_endpoints",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("open_until", sa.BigInteger, nullable=False),
    sa.Column("disabled", sa.BigInteger),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("last_delivered", sa.BigInteger),
)
