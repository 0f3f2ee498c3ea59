"""Recording a unit in one transaction: who may record what, and what stood before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store import entries, parts, state, told, unit_entries
from evidence_store.answers import Receipt
from evidence_store.attaching import all_attached
from evidence_store.canonical import parsed
from evidence_store.database import new_id
from evidence_store.digests import Digests
from evidence_store.draft import Draft, Last
from evidence_store.errors import RecordError, StaleSweepError
from evidence_store.model import OUTCOMES, Document, UnitRecord
from evidence_store.prepared import Prepared
from evidence_store.state import State
from evidence_store.tables import KINDS, current_seals, erasures, resources, targets
from evidence_store.tables import entries as entries_table
from evidence_store.times import moment
from evidence_store.unit_entries import Outcome, Recording

HELD: Final = 2_000
"""Documents out of a generator that are held until it is known whether any tells something new."""


class Stands(NamedTuple):
    """What there is before a unit: ids of entries, and the last entry of its target.

    Attributes:
        target: The target's row.
        plan: Of its sweep.
        close: Of its sweep.
        first: The entry of the same unit.
        erased: Whether anything of the target ever was.
        told: The seal of what was told last.
        sweep: Like all that follows, of the last entry; None without one.
        attempt: The unit's.
        state_root: The root over its contents.
        verdict_root: The root over its findings.
        body: The leaf.
    """

    target: int | None
    plan: int | None
    close: int | None
    first: int | None
    erased: int
    told: bytes | None
    sweep: int | None
    attempt: int
    state_root: bytes
    verdict_root: bytes
    body: bytes


def _placed(target: Any, kind: str, attempt: Any) -> sa.ScalarSelect[int]:  # noqa: ANN401 - columns and values
    """The id of the entry of this kind in the unit's sweep."""
    row = entries_table.alias()
    return (
        sa.select(row.c.id)
        .where(
            row.c.target_id == target,
            row.c.kind == KINDS[kind],
            row.c.sweep == sa.bindparam("sweep"),
            row.c.attempt == attempt,
        )
        .scalar_subquery()
    )


def _standing() -> sa.Select[Any]:
    """All that decides what becomes of a unit, asked at once: one row, whatever there is."""
    row, last = entries_table.alias(), entries_table.alias("last")
    newest = (
        sa.select(row.c.id)
        .where(row.c.target_id == targets.c.id, row.c.kind == KINDS["unit"])
        .order_by(row.c.sweep.desc(), row.c.attempt.desc())
        .limit(1)
        .scalar_subquery()
    )
    erased = (
        sa.select(erasures.c.resource_id)
        .join(resources, resources.c.id == erasures.c.resource_id)
        .where(resources.c.target_id == targets.c.id)
    )
    one = sa.select(sa.literal(1).label("one")).subquery()
    return sa.select(
        targets.c.id.label("target_id"),
        _placed(0, "plan", 0).label("plan"),
        _placed(0, "close", 0).label("close"),
        _placed(targets.c.id, "unit", sa.bindparam("attempt")).label("first"),
        sa.exists(erased).label("erased"),
        current_seals.c.told,
        last.c.sweep,
        last.c.attempt,
        last.c.state_root,
        last.c.verdict_root,
        last.c.body,
    ).select_from(
        one.outerjoin(targets, targets.c.name == sa.bindparam("name"))
        .outerjoin(last, last.c.id == newest)
        .outerjoin(current_seals, current_seals.c.target_id == targets.c.id)
    )


STANDING: Final = Prepared(_standing())
BY_ID: Final = sa.select(entries_table).where(entries_table.c.id == sa.bindparam("id"))
INSERT_TARGET: Final = sa.insert(targets)


class Plans:
    """Which targets a plan names; the last one is kept, since a sweep has many units."""

    def __init__(self) -> None:
        self._last: tuple[int, frozenset[str]] = 0, frozenset()

    def targets(self, connection: sa.Connection, entry: int) -> frozenset[str]:
        """The targets of the plan in this entry."""
        known, names = self._last
        if known != entry:
            names = frozenset(entries.body(connection, entry)["targets"])
            self._last = entry, names
        return names


def record(
    connection: sa.Connection, secret: bytes, unit: UnitRecord, recorded: datetime, plans: Plans
) -> Receipt:
    """Record a unit inside the transaction of the connection, which holds the target's lock.

    Raises:
        RecordError: If the unit contradicts itself or the plan.
        StaleSweepError: If its sweep is closed or the target is further on.
        CacheError: If the cached state is not that of the target's last entry.
    """
    (row,) = STANDING.run(connection, name=unit.target, sweep=unit.sweep, attempt=unit.attempt)
    stands = Stands._make(row)
    if stands.first is not None:
        return _receipt(connection.execute(BY_ID, {"id": stands.first}).one())
    _refuse_unplanned(connection, unit, stands, plans)
    if (unit.sweep, unit.attempt) < (stands.sweep or 0, stands.attempt or 0):
        raise StaleSweepError(
            f"target {unit.target}: sweep {unit.sweep}, attempt {unit.attempt} comes after sweep"
            f" {stands.sweep}, attempt {stands.attempt} was recorded; it would be out of order"
        )
    target_id = stands.target
    if target_id is None:
        target_id = new_id(connection.execute(INSERT_TARGET, {"name": unit.target}))
    at = entries.Position("unit", target_id, unit.sweep, unit.attempt)
    found = Recording(connection, secret, unit, at, recorded)
    documents, all_held = _held(unit.documents)
    if all_held and stands.told is not None and not stands.erased:
        again = _told_again(found, stands, documents)
        if again is not None:
            return again
    last = _last(connection, stands)
    before: State | None = {}
    if last.sweep:
        before = state.load_sealed(connection, secret, target_id, last.heads)
    if before is None:
        raise state.refused(unit.target, last.sweep)
    draft = Draft(found, last, before, stands.told)
    draft.read_documents(documents)
    draft.settle_parts()
    return draft.commit()


def _held(documents: Iterable[Document]) -> tuple[Iterable[Document], bool]:
    """The documents, and whether they can be gone through twice."""
    rest = iter(documents)
    if rest is not documents:
        return documents, True
    held = list(islice(rest, HELD))
    return (held, True) if len(held) < HELD else (chain(held, rest), False)


def _told_again(found: Recording, stands: Stands, documents: Iterable[Document]) -> Receipt | None:
    """The receipt of a unit that tells exactly what gave the last entry's roots; else None."""
    unit, heads = found.unit, (stands.state_root, stands.verdict_root)
    records = parts.check(unit.parts).values()
    read = parts.all_read(records)
    if read is None:
        return None
    table = parts.table_of(read)
    if table[0].hex() != parsed(stands.body)["parts"]:
        return None
    now = told.of_unit(documents, records)
    if now is None or told.seal(found.secret, heads, now.digest) != stands.told:
        return None
    moment(unit.started)
    moment(unit.finished)
    attached = all_attached(Digests(found.secret, unit.target), unit)
    outcome = Outcome(heads, now.resources, unchanged=True)
    return unit_entries.write(found, table, attached, outcome)


def _refuse_unplanned(
    connection: sa.Connection, unit: UnitRecord, stands: Stands, plans: Plans
) -> None:
    if unit.outcome not in OUTCOMES:
        raise RecordError(f"target {unit.target}: outcome {unit.outcome!r} is none of {OUTCOMES}")
    if stands.plan is None:
        raise RecordError(f"sweep {unit.sweep} was never begun: call begin_sweep first")
    if unit.target not in plans.targets(connection, stands.plan):
        raise RecordError(f"target {unit.target} is not in the plan of sweep {unit.sweep}")
    if stands.close is not None:
        raise StaleSweepError(f"sweep {unit.sweep} is closed; {unit.target} belongs to the next")


def _last(connection: sa.Connection, stands: Stands) -> Last:
    if stands.sweep is None:
        return Last()
    heads = stands.state_root, stands.verdict_root
    known = parts.kept(connection, parsed(stands.body))
    return Last(stands.sweep, stands.attempt, heads, known)


def _receipt(row: sa.Row[Any]) -> Receipt:
    unchanged = parsed(row.body)["unchanged"]
    numbers = row.id, row.added, row.changed, row.gone, row.resources
    return Receipt(*numbers, row.state_root, row.verdict_root, unchanged, repeated=True)
