"""The ledger followed: what each entry says anew, in the order in which it got its place.

By place and not by id: on a server a lower id may be committed later, a place is never given
before one that is lower.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store import parts as parts_table
from evidence_store.canonical import parsed
from evidence_store.evidence import latest
from evidence_store.model import STATUSES, PartKey
from evidence_store.names import known_as
from evidence_store.reads import CAUSE_OF, KIND_OF, STATUS_OF, cut, units
from evidence_store.tables import (
    ENDED,
    KINDS,
    access_seals,
    accesses,
    checks,
    entries,
    leaves,
    reasons,
    resources,
    targets,
    verdicts,
)
from evidence_store.times import instant

FOLLOWED: Final = ("unit", "close", "access")
"""Kinds of entry that say something new; the others are the ledger's own affairs."""

EXPORTED: Final = "exported"


class Said(NamedTuple):
    """A finding as an entry says it anew.

    Attributes:
        key: The resource's key digest: its name, whatever was erased.
        check_id: The check.
        severity: The check's.
        kind: The resource's kind.
        scope: The listing's.
        resource_id: None for the listing itself.
        status: None: it says no more, for the resource is gone or the check is.
        cause: Of `unknown`.
        reason: The check's words.
    """

    key: bytes
    check_id: str
    severity: str
    kind: str
    scope: str
    resource_id: str | None
    status: str | None
    cause: str | None
    reason: str


class Listed(NamedTuple):
    """A listing in an entry: whether it was asked and came completely, and how many came."""

    complete: bool
    ever: bool
    collected: int


class Step(NamedTuple):
    """An entry in its place.

    Attributes:
        place: Its place in the ledger.
        entry: Its id.
        kind: "unit", "close" or "access".
        target: Of a unit.
        sweep: Its sweep.
        recorded_at: When it was recorded.
        leaf: The hash in the tree.
        said: Of a unit: the findings it says anew.
        listed: Of a unit: its listings.
        exported: Of an access entry: who exported and what, in short.
    """

    place: int
    entry: int
    kind: str
    target: str | None
    sweep: int
    recorded_at: datetime
    leaf: bytes
    said: tuple[Said, ...] = ()
    listed: dict[PartKey, Listed] = {}  # noqa: RUF012 - a named tuple's default, never changed
    exported: tuple[tuple[str, str], ...] = ()


def end(connection: sa.Connection) -> tuple[int, bytes]:
    """The last place and its leaf; -1 where there is none."""
    query = sa.select(leaves.c.position, leaves.c.hash).order_by(leaves.c.position.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return (-1, b"") if row is None else (row.position, row.hash)


def leaf(connection: sa.Connection, place: int) -> bytes | None:
    """The leaf at a place."""
    return connection.scalar(sa.select(leaves.c.hash).where(leaves.c.position == place))


def steps(connection: sa.Connection, after: int) -> list[Step]:
    """What follows a place, up to and with the next end of a sweep.

    Before there is one, only what was exported since, up to the first unit.

    Units of other sweeps that got their place before that end come with it: a sweep that was
    killed never ends, and what it recorded shall not wait for ever.
    """
    query = (
        sa.select(leaves.c.position, leaves.c.hash, entries, targets.c.name.label("target"))
        .join(entries, entries.c.id == leaves.c.entry_id)
        .outerjoin(targets, targets.c.id == entries.c.target_id)
        .where(leaves.c.position > after)
        .order_by(leaves.c.position)
    )
    first = (
        sa.select(sa.func.min(leaves.c.position))
        .join(entries, entries.c.id == leaves.c.entry_id)
        .where(leaves.c.position > after)
    )
    until = connection.scalar(first.where(entries.c.kind == KINDS["close"]))
    wanted = query.where(entries.c.kind.in_([KINDS[kind] for kind in FOLLOWED]))
    if until is None:  # no sweep has ended; what was exported need not wait for one
        unit = connection.scalar(first.where(entries.c.kind == KINDS["unit"]))
        wanted = wanted.where(entries.c.kind == KINDS["access"])
        until = unit
    if until is not None:
        wanted = wanted.where(leaves.c.position <= until)
    return [_step(connection, row) for row in connection.execute(wanted).all()]


def _step(connection: sa.Connection, row: sa.Row[Any]) -> Step:
    kind = KIND_OF[row.kind]
    step = Step(
        row.position, row.id, kind, row.target, row.sweep, instant(row.recorded_at), row.hash
    )
    if kind == "unit":
        return step._replace(said=_said(connection, row.id), listed=_listed(connection, row.body))
    if kind == "access":
        return step._replace(exported=_exported(connection, row.id))
    return step


def standing(connection: sa.Connection) -> list[Step]:
    """What stands at the end of the ledger, as if one entry for each target said all of it.

    Only findings that fail or are unknown are named: the others are good. A listing that was ever
    read completely counts as complete.
    """
    place, leaf_hash = end(connection)
    until = cut(connection, None)
    last = latest(verdicts, until, None, verdicts.c.resource_id, verdicts.c.check_id)
    query = (
        _verdicts(resources.c.target_id)
        .join(
            last,
            (verdicts.c.resource_id == last.c.resource_id)
            & (verdicts.c.check_id == last.c.check_id)
            & (verdicts.c.entry_id == last.c.last),
        )
        .where(verdicts.c.status.in_([STATUSES["fail"], STATUSES["unknown"]]))
    )
    said: dict[int, list[Said]] = {}
    for target, *row in connection.execute(query):
        said.setdefault(target, []).append(_one(*row))
    return [
        Step(
            place,
            unit.row.id,
            "unit",
            unit.target,
            unit.row.sweep,
            instant(unit.row.recorded_at),
            leaf_hash,
            tuple(said.get(unit.row.target_id, ())),
            {
                key: Listed(
                    part.state == "complete" or part.since is not None,
                    part.observed is not None,
                    part.collected,
                )
                for key, part in unit.parts.values()
            },
        )
        for unit in units(connection, until)
    ]


def _verdicts(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return (
        sa.select(
            *more,
            resources.c.key_digest,
            checks.c.code,
            checks.c.severity,
            resources.c.kind,
            resources.c.scope,
            known_as,
            verdicts.c.status,
            verdicts.c.cause,
            reasons.c.reason,
        )
        .select_from(verdicts)
        .join(resources, resources.c.id == verdicts.c.resource_id)
        .join(checks, checks.c.id == verdicts.c.check_id)
        .outerjoin(reasons, reasons.c.digest == verdicts.c.reason)
    )


def _said(connection: sa.Connection, entry: int) -> tuple[Said, ...]:
    # The end of one version of a check comes before the beginning of the next.
    query = _verdicts().where(verdicts.c.entry_id == entry)
    rows = connection.execute(
        query.order_by(resources.c.key_digest, checks.c.code, verdicts.c.status)
    )
    said = (_one(*row) for row in rows)
    return tuple({(each.key, each.check_id): each for each in said}.values())


def _one(  # noqa: PLR0913, PLR0917 - a row's columns
    digest: bytes,
    code: str,
    severity: str,
    kind: str,
    scope: str,
    name: str | None,
    status: int,
    cause: int | None,
    reason: str | None,
) -> Said:
    known = None if status == ENDED else STATUS_OF[status]
    word = CAUSE_OF[cause] if cause else None
    return Said(digest, code, severity, kind, scope, name, known, word, reason or "")


def _listed(connection: sa.Connection, body: bytes) -> dict[PartKey, Listed]:
    return {
        key: Listed(part.state == "complete", part.observed is not None, part.collected)
        for key, part in parts_table.kept(connection, parsed(body)).items()
    }


def _exported(connection: sa.Connection, entry: int) -> tuple[tuple[str, str], ...]:
    rows = connection.execute(
        sa.select(accesses.c.who, accesses.c.detail)
        .join(access_seals, access_seals.c.access_id == accesses.c.id)
        .where(access_seals.c.entry_id == entry, accesses.c.way == EXPORTED)
        .order_by(accesses.c.id)
    )
    return tuple((row.who, row.detail) for row in rows)
