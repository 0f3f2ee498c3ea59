"""What differs between the ends of two sweeps."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from evidence_store.answers import Changes, FindingChange, ResourceChange
from evidence_store.model import ResourceKey
from evidence_store.names import known_as
from evidence_store.reads import CAUSE_OF, STATUS_OF
from evidence_store.tables import (
    ENDED,
    KINDS,
    checks,
    entries,
    observations,
    reasons,
    resources,
    targets,
    verdicts,
)


class Run(NamedTuple):
    """A finding at one end."""

    status: str
    cause: str | None
    reason: str


def between(connection: sa.Connection, sweep_a: int, sweep_b: int) -> Changes:
    """Compare what touched rows say at both ends; what no entry in between touched is equal."""
    first, second = sorted((sweep_a, sweep_b))
    return Changes(_resources(connection, first, second), _findings(connection, first, second))


def _last(
    table: sa.Table, first: int, second: int, until: int, *keys: sa.Column[Any]
) -> sa.Subquery:
    """The last row until a sweep, of every key touched after the first and by the second."""
    touched = (
        sa.select(table.c.resource_id)
        .join(entries, entries.c.id == table.c.entry_id)
        .where(entries.c.sweep > first, entries.c.sweep <= second)
    )
    return (
        sa.select(*keys, sa.func.max(table.c.entry_id).label("last"))
        .join(entries, entries.c.id == table.c.entry_id)
        .where(
            entries.c.kind == KINDS["unit"],
            entries.c.sweep <= until,
            table.c.resource_id.in_(touched),
        )
        .group_by(*keys)
        .subquery()
    )


def _contents(
    connection: sa.Connection, first: int, second: int, until: int
) -> dict[tuple[str, ResourceKey], bytes]:
    last = _last(observations, first, second, until, observations.c.resource_id)
    rows = connection.execute(
        sa.select(
            targets.c.name,
            resources.c.kind,
            resources.c.scope,
            known_as,
            observations.c.content,
        )
        .join(
            last,
            (observations.c.resource_id == last.c.resource_id)
            & (observations.c.entry_id == last.c.last),
        )
        .join(resources, resources.c.id == observations.c.resource_id)
        .join(targets, targets.c.id == resources.c.target_id)
        .where(observations.c.content.is_not(None))
    )
    return {(target, ResourceKey(*key)): content for target, *key, content in rows}


def _resources(connection: sa.Connection, first: int, second: int) -> tuple[ResourceChange, ...]:
    before = _contents(connection, first, second, first)
    after = _contents(connection, first, second, second)
    found = []
    for target, key in sorted(before.keys() | after.keys()):
        old, new = before.get((target, key)), after.get((target, key))
        if old != new:
            what = "added" if old is None else "gone" if new is None else "changed"
            found.append(ResourceChange(target, key, what))
    return tuple(found)


def _runs(
    connection: sa.Connection, first: int, second: int, until: int
) -> dict[tuple[str, str, ResourceKey], Run]:
    last = _last(verdicts, first, second, until, verdicts.c.resource_id, verdicts.c.check_id)
    rows = connection.execute(
        sa.select(
            targets.c.name,
            checks.c.code,
            resources.c.kind,
            resources.c.scope,
            known_as,
            verdicts.c.status,
            verdicts.c.cause,
            reasons.c.reason,
        )
        .join(
            last,
            (verdicts.c.resource_id == last.c.resource_id)
            & (verdicts.c.check_id == last.c.check_id)
            & (verdicts.c.entry_id == last.c.last),
        )
        .join(resources, resources.c.id == verdicts.c.resource_id)
        .join(targets, targets.c.id == resources.c.target_id)
        .join(checks, checks.c.id == verdicts.c.check_id)
        .outerjoin(reasons, reasons.c.digest == verdicts.c.reason)
        .where(verdicts.c.status != ENDED)
    )
    return {
        (target, code, ResourceKey(kind, scope, identity)): Run(
            STATUS_OF[status], CAUSE_OF[cause] if cause else None, reason or ""
        )
        for target, code, kind, scope, identity, status, cause, reason in rows
    }


def _findings(connection: sa.Connection, first: int, second: int) -> tuple[FindingChange, ...]:
    before = _runs(connection, first, second, first)
    after = _runs(connection, first, second, second)
    found = []
    both = before.keys() | after.keys()
    for place in sorted(both, key=lambda at: (*at[:2], *at[2][:2], at[2].id or "")):
        old, new = before.get(place), after.get(place)
        was, now = old.status if old else None, new.status if new else None
        if was != now:
            target, code, key = place
            cause, reason = (new.cause, new.reason) if new else (None, "")
            found.append(FindingChange(target, key, code, was, now, cause, reason))
    return tuple(found)
