"""Reads of the record itself as of a time: targets, sweeps, entries, parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from evidence_store import ledger, remnants
from evidence_store import parts as parts_table
from evidence_store.answers import (
    EntryRow,
    PartRow,
    SweepRow,
    TargetRow,
)
from evidence_store.canonical import parsed
from evidence_store.errors import CorruptStoreError, NotFoundError
from evidence_store.model import CAUSES, STATUSES, PartKey
from evidence_store.tables import (
    ID,
    KINDS,
    leaves,
)
from evidence_store.tables import (
    attachments as attachments_table,
)
from evidence_store.tables import (
    entries as entries_table,
)
from evidence_store.tables import (
    targets as targets_table,
)
from evidence_store.times import instant, microseconds, moment

STATUS_OF = {code: status for status, code in STATUSES.items()}
CAUSE_OF = {code: cause for cause, code in CAUSES.items()}
KIND_OF = {code: kind for kind, code in KINDS.items()}


class Unit(NamedTuple):
    """A target's last entry as of a time."""

    target: str
    row: sa.Row[Any]
    parts: dict[tuple[str, str], tuple[PartKey, parts_table.Part]]


def first_entry(connection: sa.Connection) -> dict[str, Any] | None:
    """The body of the key entry; None in a store just created."""
    query = sa.select(entries_table.c.body).where(entries_table.c.kind == KINDS["key"])
    body = connection.scalar(query.order_by(entries_table.c.id).limit(1))
    try:
        return None if body is None else dict(parsed(body))
    except (ValueError, TypeError) as error:
        raise CorruptStoreError(
            f"the ledger's first entry is damaged ({error}): restore a backup"
        ) from error


def cut(connection: sa.Connection, as_of: datetime | None) -> int:
    """The last entry recorded until then.

    The ledger's order decides: should the clock have been set back, an entry before the last one
    counts as recorded, whatever its time says.
    """
    query = sa.select(sa.func.max(entries_table.c.id))
    if as_of is not None:
        query = query.where(entries_table.c.recorded_at <= microseconds(as_of))
    return connection.scalar(query) or 0


def units(connection: sa.Connection, until: int, target: str | None = None) -> list[Unit]:
    """Every target's last entry up to that one, by target."""
    table = entries_table
    last = (
        sa.select(sa.func.max(table.c.id))
        .where(table.c.kind == KINDS["unit"], table.c.id <= until)
        .group_by(table.c.target_id)
    )
    query = (
        sa.select(targets_table.c.name, table)
        .join(targets_table, targets_table.c.id == table.c.target_id)
        .where(table.c.id.in_(last))
        .order_by(targets_table.c.name)
    )
    if target is not None:
        query = query.where(targets_table.c.name == target)
    found = []
    for row in connection.execute(query).all():
        known = parts_table.kept(connection, parsed(row.body))
        by_listing = {(key.kind, key.scope): (key, part) for key, part in known.items()}
        found.append(Unit(row.name, row, by_listing))
    return found


def targets(connection: sa.Connection, as_of: datetime | None) -> list[TargetRow]:
    """Every target ever recorded, by name."""
    until = cut(connection, as_of)
    counted = (
        sa.select(entries_table.c.target_id, sa.func.count())
        .where(entries_table.c.kind == KINDS["unit"], entries_table.c.id <= until)
        .group_by(entries_table.c.target_id)
    )
    numbers: dict[int, int] = dict(connection.execute(counted).all())
    return [
        TargetRow(
            name,
            numbers[row.target_id],
            row.id,
            row.sweep,
            row.outcome,
            instant(row.recorded_at),
            row.resources,
        )
        for name, row, _ in units(connection, until)
    ]


def sweeps(connection: sa.Connection, as_of: datetime | None) -> list[SweepRow]:
    """Every sweep, newest first."""
    table, until = entries_table, cut(connection, as_of)
    numbers = (
        sa.select(
            table.c.sweep,
            sa.func.count(table.c.target_id.distinct()),
            # A server sums whole numbers to what Python reads as decimals.
            *(sa.cast(sa.func.sum(table.c[name]), ID) for name in ("added", "changed", "gone")),
        )
        .where(table.c.kind == KINDS["unit"], table.c.id <= until)
        .group_by(table.c.sweep)
    )
    counts = {row[0]: row[1:] for row in connection.execute(numbers)}
    own = sa.select(table).where(table.c.target_id == 0, table.c.id <= until)
    ends = {row.sweep: row for row in connection.execute(own.where(table.c.kind == KINDS["close"]))}
    plans = connection.execute(
        own.where(table.c.kind == KINDS["plan"]).order_by(table.c.sweep.desc())
    )
    found = []
    for row in plans:
        plan, end = parsed(row.body), ends.get(row.sweep)
        recorded, added, changed, gone = counts.get(row.sweep, (0, 0, 0, 0))
        found.append(
            SweepRow(
                row.sweep,
                instant(row.recorded_at),
                instant(end.recorded_at) if end else None,
                len(plan["targets"]),
                recorded,
                added,
                changed,
                gone,
                plan,
                parsed(end.body)["summary"] if end else None,
            )
        )
    return found


def entries(connection: sa.Connection, target: str | None) -> Iterator[EntryRow]:
    """Entries in order, without proofs; of one target, its units."""
    query = _entries().order_by(entries_table.c.id)
    if target is not None:
        query = query.where(targets_table.c.name == target)
    for row in connection.execute(query):
        yield _entry(row)


def entry(connection: sa.Connection, number: int) -> EntryRow:
    """One entry with its proof under the newest checkpoint."""
    found = plain_entry(connection, number)
    return replace(found, proof=ledger.proof(connection, found.index))


def plain_entry(connection: sa.Connection, number: int) -> EntryRow:
    """One entry without its proof."""
    row = connection.execute(_entries().where(entries_table.c.id == number)).one_or_none()
    if row is None:
        raise NotFoundError(f"the store has no entry {number}")
    return _entry(row)


def _entries() -> sa.Select[Any]:
    return (
        sa.select(entries_table, targets_table.c.name, leaves.c.position)
        .outerjoin(targets_table, targets_table.c.id == entries_table.c.target_id)
        .outerjoin(leaves, leaves.c.entry_id == entries_table.c.id)
    )


def _entry(row: sa.Row[Any]) -> EntryRow:
    return EntryRow(
        row.id,
        KIND_OF[row.kind],
        row.name,
        row.sweep,
        row.attempt,
        instant(row.recorded_at),
        row.body,
        row.position,
        None,
    )


def attachments(connection: sa.Connection, number: int) -> list[str]:
    """Names of an entry's attachments."""
    table = attachments_table
    query = sa.select(table.c.name).where(table.c.entry_id == number).order_by(table.c.name)
    return list(connection.scalars(query))


def attachment(connection: sa.Connection, number: int, name: str) -> bytes:
    """The journal or an activity document of a unit."""
    found = remnants.attachment_lines(connection, number, name)
    if found is None:
        raise NotFoundError(f"entry {number} has no attachment {name!r}, or it was let go")
    return found.body


def parts(connection: sa.Connection, target: str | None, as_of: datetime | None) -> list[PartRow]:
    """How well each listing is known, by target and part."""
    return [
        PartRow(
            unit.target,
            key,
            part.state,
            part.cause,
            part.code,
            part.permission,
            part.since,
            part.collected,
            part.total,
            len(part.carried),
            moment(part.observed) if part.observed else None,
            unit.row.sweep,
        )
        for unit in units(connection, cut(connection, as_of), target)
        for key, part in unit.parts.values()
    ]
