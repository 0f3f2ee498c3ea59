"""The history of a resource: when it was read, what it was, what a check said, what was missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import sqlalchemy as sa

from evidence_store import entries as entry_bodies
from evidence_store.canonical import parsed
from evidence_store.errors import NotFoundError
from evidence_store.evidence import target_row
from evidence_store.model import PartKey, ResourceKey
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
    verdicts,
)
from evidence_store.times import instant, microseconds, moment

READ, CARRIED, NOT_ASKED, GONE, ABSENT = "read", "carried", "not asked", "gone", "not there"


class Reading(NamedTuple):
    """How a listing went in one entry.

    Attributes:
        entry: The entry's id.
        sweep: Its sweep.
        recorded_at: When it was recorded.
        observed_at: When the listing was asked; None unless it was asked in this entry.
        state: "complete", "incomplete" or "carried" (not asked), as in the table of parts.
        cause: Why incomplete.
    """

    entry: int
    sweep: int
    recorded_at: datetime
    observed_at: datetime | None
    state: str
    cause: str | None


class Sighting(NamedTuple):
    """A resource in one entry of its target.

    Attributes:
        entry: The entry's id.
        sweep: Its sweep.
        recorded_at: When it was recorded.
        observed_at: When its listing was asked; None unless it was asked in this entry.
        state: "read"; "carried": its listing was asked and did not name it, and was incomplete;
            "not asked"; "gone": a complete listing did not name it; "not there": nor before.
        content: The content that stands; None if there is none.
    """

    entry: int
    sweep: int
    recorded_at: datetime
    observed_at: datetime | None
    state: str
    content: bytes | None


class Confirmed(NamedTuple):
    """A stretch in which a resource had one content; `content` None: it was gone.

    Attributes:
        content: The content's id.
        entry: The entry that first said so.
        first: When it was first observed.
        last: When it was last observed unchanged.
        times: How often it was observed, the first time included.
    """

    content: bytes | None
    entry: int
    first: datetime
    last: datetime
    times: int


class FindingRun(NamedTuple):
    """What a check said from one entry on; `status` None: it said no more.

    Attributes:
        entry: The entry that says so.
        sweep: Its sweep.
        recorded_at: When it was recorded.
        since: When this status was first observed in its unbroken run.
        status: One of `STATUSES`.
        cause: Of `unknown`, one of `CAUSES`.
        reason: The check's words; "" where they were erased.
        check_version: The version that said so.
    """

    entry: int
    sweep: int
    recorded_at: datetime
    since: datetime
    status: str | None
    cause: str | None
    reason: str
    check_version: str


class Gap(NamedTuple):
    """A stretch in which a listing was not read completely: from the last time to the next."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """From start to end."""
        return self.end - self.start


class _Tables:
    """Tables of parts, each read once however many entries name it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._kept: dict[str, Any] = {}

    def document(self, digest: str) -> Any:  # noqa: ANN401 - JSON
        if digest not in self._kept:
            kept = entry_bodies.kept_document(self._connection, bytes.fromhex(digest))
            self._kept[digest] = kept
        return self._kept[digest]

    def row(
        self, body: Mapping[str, Any], kind: str, scope: str
    ) -> tuple[Mapping[str, Any], str | None] | None:
        """The row of a listing and the time it was asked; None if it is not in the table."""
        for number, row in enumerate(self.document(body["parts"])):
            if (row["kind"], row["scope"]) == (kind, scope):
                times = body["observed"].items()
                return row, next((time for time, rows in times if number in rows), None)
        return None

    def carried(self, row: Mapping[str, Any]) -> set[str]:
        """The key digests of what an incomplete listing did not name."""
        return {digest for digest, _ in self.document(row["carried"])} if row["carried"] else set()


def _units(
    connection: sa.Connection, target: str, as_of: datetime | None
) -> Iterator[tuple[int, int, int, bytes]]:
    query = (
        sa.select(entries.c.id, entries.c.sweep, entries.c.recorded_at, entries.c.body)
        .where(
            entries.c.target_id == target_row(connection, target),
            entries.c.kind == KINDS["unit"],
        )
        .order_by(entries.c.id)
    )
    if as_of is not None:
        query = query.where(entries.c.recorded_at <= microseconds(as_of))
    yield from connection.execute(query)


def readings(
    connection: sa.Connection, target: str, part: PartKey, as_of: datetime | None
) -> list[Reading]:
    """How a listing went in each entry of its target, oldest first."""
    tables, found = _Tables(connection), []
    for entry, sweep, recorded, body in _units(connection, target, as_of):
        named = tables.row(parsed(body), part.kind, part.scope)
        if named is None:
            continue
        row, time = named
        asked = row["state"] != CARRIED and time is not None
        found.append(
            Reading(
                entry,
                sweep,
                instant(recorded),
                moment(time) if asked and time else None,
                row["state"],
                row["cause"],
            )
        )
    return found


def _resource(connection: sa.Connection, target: str, key: ResourceKey) -> tuple[int, bytes]:
    row = connection.execute(
        sa.select(resources.c.id, resources.c.key_digest).where(
            resources.c.target_id == target_row(connection, target),
            resources.c.kind == key.kind,
            resources.c.scope == key.scope,
            known_as == key.id,
        )
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"{target}: there never was {list(key)}")
    return row.id, row.key_digest


def sightings(
    connection: sa.Connection, target: str, key: ResourceKey, as_of: datetime | None
) -> list[Sighting]:
    """A resource in each entry of its target, from the first that saw it, oldest first."""
    number, digest = _resource(connection, target, key)
    changes: dict[int, bytes | None] = dict(
        connection.execute(
            sa.select(observations.c.entry_id, observations.c.content).where(
                observations.c.resource_id == number
            )
        ).all()
    )
    tables = _Tables(connection)
    found: list[Sighting] = []
    content: bytes | None = None
    for entry, sweep, recorded, body in _units(connection, target, as_of):
        before, content = content, changes.get(entry, content)
        named = tables.row(parsed(body), key.kind, key.scope)
        if named is None or (content is None and before is None and not found):
            continue
        row, time = named
        state = _state(row, before, content, carried=digest.hex() in tables.carried(row))
        asked = moment(time) if time and state != NOT_ASKED else None
        found.append(Sighting(entry, sweep, instant(recorded), asked, state, content))
    return found


def _state(
    row: Mapping[str, Any], before: bytes | None, content: bytes | None, *, carried: bool
) -> str:
    if row["state"] == CARRIED:
        return NOT_ASKED
    if content is None:
        return GONE if before is not None else ABSENT
    return CARRIED if carried else READ


def confirmations(seen: Iterable[Sighting]) -> list[Confirmed]:
    """How often each content was observed, first to last."""
    found: list[Confirmed] = []
    for each in seen:
        if each.observed_at is None or each.state == CARRIED:
            continue
        at, last = each.observed_at, found[-1] if found else None
        if last is not None and last.content == each.content:
            found[-1] = last._replace(last=at, times=last.times + 1)
        else:
            found.append(Confirmed(each.content, each.entry, at, at, 1))
    return found


def finding_runs(
    connection: sa.Connection,
    target: str,
    key: ResourceKey,
    check_id: str,
    as_of: datetime | None,
) -> list[FindingRun]:
    """Every change of what a check said of a resource, or of a listing, oldest first."""
    number, _ = _resource(connection, target, key)
    query = (
        sa.select(
            entries.c.id,
            entries.c.sweep,
            entries.c.recorded_at,
            verdicts.c.since,
            verdicts.c.status,
            verdicts.c.cause,
            reasons.c.reason,
            checks.c.version,
        )
        .join(entries, entries.c.id == verdicts.c.entry_id)
        .join(checks, checks.c.id == verdicts.c.check_id)
        .outerjoin(reasons, reasons.c.digest == verdicts.c.reason)
        .where(verdicts.c.resource_id == number, checks.c.code == check_id)
        # The end of one version comes before the beginning of the next in the same entry.
        .order_by(entries.c.id, verdicts.c.status)
    )
    if as_of is not None:
        query = query.where(entries.c.recorded_at <= microseconds(as_of))
    found: dict[int, FindingRun] = {}
    for entry, sweep, recorded, since, status, cause, reason, version in connection.execute(query):
        found[entry] = FindingRun(
            entry,
            sweep,
            instant(recorded),
            instant(since),
            None if status == ENDED else STATUS_OF[status],
            CAUSE_OF[cause] if cause else None,
            reason or "",
            version,
        )
    return list(found.values())


def gaps(read: Iterable[Reading], start: datetime, end: datetime, longest: timedelta) -> list[Gap]:
    """The stretches of a window in which a listing was not read completely for too long.

    Its ends count as readings where none lies beyond them: what came before is not known.
    """
    times = {r.observed_at for r in read if r.state == "complete" and r.observed_at is not None}
    if not any(time <= start for time in times):
        times.add(start)
    if not any(time >= end for time in times):
        times.add(end)
    return [
        Gap(max(first, start), min(second, end))
        for first, second in pairwise(sorted(times))
        if second - first > longest and second > start and first < end
    ]
