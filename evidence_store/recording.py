"""Recording a unit in one transaction: who may record what, and what stood before."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from evidence_store import entries, parts, state
from evidence_store.answers import Receipt
from evidence_store.canonical import parsed
from evidence_store.database import new_id
from evidence_store.draft import Draft, Last
from evidence_store.errors import RecordError, StaleSweepError
from evidence_store.model import (
    OUTCOMES,
    UnitRecord,
)
from evidence_store.state import State
from evidence_store.tables import (
    KINDS,
    targets,
)
from evidence_store.tables import (
    entries as entries_table,
)

LAST: Final = (
    sa.select(entries_table)
    .where(
        entries_table.c.target_id == sa.bindparam("target_id"),
        entries_table.c.kind == KINDS["unit"],
    )
    .order_by(entries_table.c.sweep.desc(), entries_table.c.attempt.desc())
    .limit(1)
)
BY_ID: Final = sa.select(entries_table).where(entries_table.c.id == sa.bindparam("id"))
TARGET: Final = sa.select(targets.c.id).where(targets.c.name == sa.bindparam("name"))
INSERT_TARGET: Final = sa.insert(targets)


def record(
    connection: sa.Connection, secret: bytes, unit: UnitRecord, recorded: datetime
) -> Receipt:
    """Record a unit inside the transaction of the connection, which holds the target's lock.

    Raises:
        RecordError: If the unit contradicts itself or the plan.
        StaleSweepError: If its sweep is closed or the target is further on.
        CacheError: If the cached state is not that of the target's last entry.
    """
    target_id = _target(connection, unit.target)
    at = entries.Position("unit", target_id, unit.sweep, unit.attempt)
    first = entries.find(connection, at)
    if first is not None:
        return _receipt(connection.execute(BY_ID, {"id": first}).one(), repeated=True)
    _refuse_unplanned(connection, unit)
    last = _last(connection, target_id)
    if (unit.sweep, unit.attempt) < (last.sweep, last.attempt):
        raise StaleSweepError(
            f"target {unit.target}: sweep {unit.sweep}, attempt {unit.attempt} comes after sweep"
            f" {last.sweep}, attempt {last.attempt} was recorded; it would be out of order"
        )
    before: State | None = {}
    if last.sweep:
        before = state.load_sealed(connection, secret, target_id, last.heads)
    if before is None:
        raise state.refused(unit.target, last.sweep)
    draft = Draft(connection, secret, unit, target_id, before, last)
    draft.read_documents()
    draft.settle_parts()
    return draft.commit(at, recorded)


def _target(connection: sa.Connection, name: str) -> int:
    found = connection.scalar(TARGET, {"name": name})
    if found is None:
        return new_id(connection.execute(INSERT_TARGET, {"name": name}))
    return int(found)


def _refuse_unplanned(connection: sa.Connection, unit: UnitRecord) -> None:
    if unit.outcome not in OUTCOMES:
        raise RecordError(f"target {unit.target}: outcome {unit.outcome!r} is none of {OUTCOMES}")
    plan = entries.find(connection, entries.Position("plan", 0, unit.sweep, 0))
    if plan is None:
        raise RecordError(f"sweep {unit.sweep} was never begun: call begin_sweep first")
    planned = entries.body(connection, plan)["targets"]
    if unit.target not in planned:
        raise RecordError(f"target {unit.target} is not in the plan of sweep {unit.sweep}")
    if entries.find(connection, entries.Position("close", 0, unit.sweep, 0)) is not None:
        raise StaleSweepError(f"sweep {unit.sweep} is closed; {unit.target} belongs to the next")


def _last(connection: sa.Connection, target_id: int) -> Last:
    row = connection.execute(LAST, {"target_id": target_id}).one_or_none()
    if row is None:
        return Last()
    known = parts.kept(connection, parsed(row.body))
    return Last(row.sweep, row.attempt, (row.state_root, row.verdict_root), known)


def _receipt(row: sa.Row[Any], *, repeated: bool) -> Receipt:
    unchanged = parsed(row.body)["unchanged"]
    numbers = row.id, row.added, row.changed, row.gone, row.resources
    return Receipt(*numbers, row.state_root, row.verdict_root, unchanged, repeated)
