"""Sweeps: the plan before, the end after, and what a crash left open in between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evidence_store import entries, ledger, receipts
from evidence_store.answers import OpenSweep
from evidence_store.canonical import parsed
from evidence_store.errors import RecordError
from evidence_store.model import Plan
from evidence_store.tables import KINDS, targets
from evidence_store.tables import entries as entries_table
from evidence_store.times import moment


def begin(connection: sa.Connection, plan: Plan, recorded: datetime) -> int:
    """Write a plan and give its sweep the next number."""
    planned = {target.target: target.parts for target in plan.targets}
    if len(planned) != len(plan.targets):
        raise RecordError("a target is planned twice in one sweep")
    moment(plan.started)
    last = connection.scalar(
        sa.select(sa.func.max(entries_table.c.sweep)).where(
            entries_table.c.target_id == 0, entries_table.c.kind == KINDS["plan"]
        )
    )
    sweep = (last or 0) + 1
    entries.write(
        connection,
        entries.Position("plan", 0, sweep, 0),
        recorded,
        {
            "targets": planned,
            "scope": {"name": plan.scope_name, "version": plan.scope_version},
            "mapping": plan.mapping_edition,
            "code": plan.code_version,
            "started": plan.started,
            "details": dict(plan.details),
            "after": receipts.after(connection, ledger.last_head(connection)),
        },
    )
    return sweep


def close(
    connection: sa.Connection, sweep: int, summary: Mapping[str, Any], recorded: datetime
) -> int:
    """Write a sweep's end; the first one stands."""
    at = entries.Position("close", 0, sweep, 0)
    first = entries.find(connection, at)
    if first is not None:
        return first
    if entries.find(connection, entries.Position("plan", 0, sweep, 0)) is None:
        raise RecordError(f"sweep {sweep} was never begun")
    return entries.write(connection, at, recorded, {"summary": dict(summary)})


def still_open(connection: sa.Connection) -> OpenSweep | None:
    """The last sweep, if it was not closed."""
    table = entries_table
    plan = connection.execute(
        sa.select(table.c.sweep, table.c.body)
        .where(table.c.target_id == 0, table.c.kind == KINDS["plan"])
        .order_by(table.c.sweep.desc())
        .limit(1)
    ).one_or_none()
    if plan is None:
        return None
    if entries.find(connection, entries.Position("close", 0, plan.sweep, 0)) is not None:
        return None
    units = connection.execute(
        sa.select(targets.c.name, table.c.attempt, table.c.outcome)
        .join(targets, targets.c.id == table.c.target_id)
        .where(table.c.kind == KINDS["unit"], table.c.sweep == plan.sweep)
        .order_by(table.c.attempt)
    )
    last = {name: (attempt, outcome) for name, attempt, outcome in units}
    body = parsed(plan.body)
    interrupted = {name: at for name, (at, outcome) in last.items() if outcome == "interrupted"}
    missing = tuple(sorted(set(body["targets"]) - set(last)))
    return OpenSweep(plan.sweep, body, missing, dict(sorted(interrupted.items())))
