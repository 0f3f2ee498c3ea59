"""Reads of evidence as of a time: findings, documents, and a resource's history."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from hashlib import sha256
from sys import intern
from typing import Any

import sqlalchemy as sa

from evidence_store import remnants
from evidence_store.answers import (
    DocumentRow,
    FindingRow,
    HistoryRow,
)
from evidence_store.canonical import parsed
from evidence_store.codecs import unpacked
from evidence_store.database import BATCH
from evidence_store.errors import NotFoundError
from evidence_store.model import ResourceKey
from evidence_store.names import known_as
from evidence_store.reads import CAUSE_OF, STATUS_OF, cut, units
from evidence_store.tables import (
    ENDED,
    ERASED,
    checks,
    contents,
    observations,
    reasons,
    resources,
    verdicts,
)
from evidence_store.tables import (
    entries as entries_table,
)
from evidence_store.tables import (
    targets as targets_table,
)
from evidence_store.times import instant, moment


def latest(
    table: sa.Table, until: int, target_id: int | None, *keys: sa.Column[Any]
) -> sa.Subquery:
    """The last row of a table of changes per key, up to an entry: one walk over its own order."""
    query = sa.select(*keys, sa.func.max(table.c.entry_id).label("last")).where(
        table.c.entry_id <= until
    )
    if target_id is not None:
        own = sa.select(resources.c.id).where(resources.c.target_id == target_id)
        query = query.where(table.c.resource_id.in_(own))
    return query.group_by(*keys).subquery()


def standing_rows(until: int, target_id: int | None) -> sa.Subquery:
    """Each resource's last row of `observations` up to an entry: `last`, `content`, `scope`.

    A seek for each of the three, and none for what lies before: however long its history, only the
    end of a resource's own stretch of the key is looked at. Joined by the key instead, PostgreSQL
    would read the whole table. A resource without a row by then has nulls here.
    """
    rows = observations.alias("rows")

    def last(column: sa.Column[Any]) -> sa.ScalarSelect[Any]:
        return (
            sa.select(column)
            .where(rows.c.resource_id == resources.c.id, rows.c.entry_id <= until)
            .order_by(rows.c.entry_id.desc())
            .limit(1)
            .correlate(resources)
            .scalar_subquery()
        )

    query = sa.select(
        resources.c.id.label("resource_id"),
        last(rows.c.entry_id).label("last"),
        last(rows.c.content).label("content"),
        last(rows.c.scope).label("scope"),
    )
    if target_id is not None:
        query = query.where(resources.c.target_id == target_id)
    return query.subquery()


def findings(
    connection: sa.Connection,
    as_of: datetime | None,
    target: str | None,
    collector: str | None,
    *,
    in_order: bool = True,
) -> Iterator[FindingRow]:
    """Findings in force, sorted by target, check, kind, resource and listing scope; or unsorted.

    They are fetched, and their own scopes looked up, in pieces: a store holds millions.
    """
    until = cut(connection, as_of)
    known = {unit.row.target_id: unit for unit in units(connection, until, target)}
    one = next(iter(known)) if target is not None and known else None
    if not known:
        return
    last = latest(verdicts, until, one, verdicts.c.resource_id, verdicts.c.check_id)
    query = (
        sa.select(
            resources.c.target_id,
            resources.c.id,
            resources.c.kind,
            resources.c.scope,
            known_as,
            resources.c.key_digest,
            checks.c.code,
            checks.c.version,
            checks.c.severity,
            checks.c.body,
            verdicts.c.status,
            verdicts.c.cause,
            reasons.c.reason,
            verdicts.c.since,
        )
        .join(
            last,
            (verdicts.c.resource_id == last.c.resource_id)
            & (verdicts.c.check_id == last.c.check_id)
            & (verdicts.c.entry_id == last.c.last),
        )
        .join(resources, resources.c.id == verdicts.c.resource_id)
        .join(targets_table, targets_table.c.id == resources.c.target_id)
        .join(checks, checks.c.id == verdicts.c.check_id)
        .outerjoin(reasons, reasons.c.digest == verdicts.c.reason)
        .where(verdicts.c.status != ENDED)
    )
    if in_order:
        query = query.order_by(
            targets_table.c.name,
            checks.c.code,
            resources.c.kind,
            sa.func.coalesce(known_as, ""),
            resources.c.scope,
        )
    at, read, criteria = cache(instant), cache(moment), cache(_criteria)
    for row, said in _with_own_scopes(connection, until, query):
        target_id, _, kind, scope, name, digest, code, version, severity, body, *rest = row
        unit = known[target_id]
        part_key, part = unit.parts[kind, scope]
        own_scope = said if name is not None else scope
        if collector is not None and part_key.collector != collector:
            continue
        status, cause, reason, since = rest
        observed = part.observed_of(digest)
        yield FindingRow(
            unit.target,
            intern(code),
            intern(version),
            intern(severity),
            criteria(body),
            name,
            intern(kind),
            intern(own_scope if own_scope is not None else scope),
            intern(scope),
            STATUS_OF[status],
            CAUSE_OF[cause] if cause else None,
            intern(reason or ""),
            at(since),
            read(observed) if observed else None,
            at(unit.row.recorded_at),
            unit.row.sweep,
            unit.row.id,
        )


def _with_own_scopes(
    connection: sa.Connection, until: int, query: sa.Select[Any]
) -> Iterator[tuple[Sequence[Any], str | None]]:
    """Each row, and what its resource (the second column) said of its own place."""
    with connection.execute(query.execution_options(yield_per=BATCH)) as found:
        for rows in found.partitions():
            scopes = _own_scopes(connection, until, {row[1] for row in rows})
            yield from ((row, scopes[row[1]]) for row in rows)


def _own_scopes(
    connection: sa.Connection, until: int, numbers: Collection[int]
) -> dict[int, str | None]:
    """What each of these resources said of its own place."""
    seen = standing_rows(until, None)
    query = sa.select(seen.c.resource_id, seen.c.scope).where(seen.c.resource_id.in_(numbers))
    found: dict[int, str | None] = dict(connection.execute(query).all())
    return found


def _criteria(body: bytes) -> Mapping[str, Any]:
    criteria: Mapping[str, Any] = parsed(body)["criteria"]
    return criteria


def target_row(connection: sa.Connection, target: str) -> int:
    """The target's row."""
    query = sa.select(targets_table.c.id).where(targets_table.c.name == target)
    found = connection.scalar(query)
    if found is None:
        raise NotFoundError(f"the store knows no target {target}")
    return int(found)


def documents(
    connection: sa.Connection,
    target: str,
    as_of: datetime | None,
    kind: str | None,
    resource_id: str | None = None,
) -> Iterator[DocumentRow]:
    """Live documents of a target, by kind, scope and id."""
    number, until = target_row(connection, target), cut(connection, as_of)
    seen = standing_rows(until, number)
    query = (
        sa.select(
            resources.c.kind,
            resources.c.scope,
            known_as,
            remnants.CODEC,
            remnants.BODY,
            contents.c.digest,
            seen.c.last,
        )
        .select_from(seen)
        .join(resources, resources.c.id == seen.c.resource_id)
        .join(contents, contents.c.digest == seen.c.content)
        .where(remnants.BODY.is_not(None))
        .order_by(resources.c.kind, resources.c.scope, known_as)
    )
    if kind is not None:
        query = query.where(resources.c.kind == kind)
    if resource_id is not None:
        query = query.where(known_as == resource_id)
    for *key, codec, body, digest, entry_id in connection.execute(query):
        if codec != ERASED:
            text = unpacked(codec, body)
            own = sha256(text).digest()
            yield DocumentRow(target, ResourceKey(*key), text, digest, own, entry_id)
            continue
        kept = remnants.kept(codec, body)
        names = tuple(sorted(kept.erased))
        yield DocumentRow(target, ResourceKey(*key), kept.body, digest, b"", entry_id, names)


def history(connection: sa.Connection, target: str, key: ResourceKey) -> list[HistoryRow]:
    """Every content the resource ever had, oldest first."""
    number = target_row(connection, target)
    table = entries_table
    rows = connection.execute(
        sa.select(
            table.c.id,
            table.c.sweep,
            table.c.recorded_at,
            observations.c.content,
            remnants.CODEC,
            remnants.BODY,
        )
        .join(observations, observations.c.entry_id == table.c.id)
        .join(resources, resources.c.id == observations.c.resource_id)
        .outerjoin(contents, contents.c.digest == observations.c.content)
        .where(
            resources.c.target_id == number,
            resources.c.kind == key.kind,
            resources.c.scope == key.scope,
            known_as == key.id,
        )
        .order_by(table.c.id)
    )
    return [
        HistoryRow(
            entry_id,
            sweep,
            instant(at),
            content,
            remnants.kept(codec, body).body if body else None,
        )
        for entry_id, sweep, at, content, codec, body in rows
    ]


def resources_named(
    connection: sa.Connection, target: str, resource_id: str, kind: str | None
) -> list[tuple[ResourceKey, bytes]]:
    """Every resource a target ever had by this id, else by an id that ends so."""
    query = sa.select(resources.c.kind, resources.c.scope, known_as, resources.c.key_digest).where(
        resources.c.target_id == target_row(connection, target), known_as.is_not(None)
    )
    if kind is not None:
        query = query.where(resources.c.kind == kind)
    query = query.order_by(resources.c.kind, resources.c.scope, known_as)
    rows = connection.execute(query.where(known_as == resource_id)).all()
    if not rows:
        ends = known_as.endswith(resource_id, autoescape=True)
        rows = connection.execute(query.where(ends)).all()
    if not rows:
        raise NotFoundError(
            f"{target} never had a resource {resource_id!r}; list those there are:"
            f" annexa evidence show {target}"
        )
    return [(ResourceKey(*key), digest) for *key, digest in rows]
