"""Purging: what has been kept long enough is let go; its digests, and so every proof, stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from evidence_store import holds, reads, retention
from evidence_store.database import batches
from evidence_store.decisions import Author, decide, keep_list
from evidence_store.remnants import BODY, of_attachment
from evidence_store.tables import attachments, contents, observations, remnants, resources, targets
from evidence_store.tables import entries as entries_table

LAST: Final = 2**62
NOTHING: Final[Mapping[str, int]] = {}


class Due(NamedTuple):
    """What a purge lets go, or would.

    Attributes:
        contents: Ids of documents' contents.
        attachments: Entry and name of journals and activity documents.
        held: How many more are due and held, by number of hold.
        size: Bytes of it, as stored.
    """

    contents: list[bytes]
    attachments: list[tuple[int, str]]
    held: dict[int, int]
    size: int


class _Sorted:
    """Sorts what is old enough into held and not held."""

    def __init__(self, connection: sa.Connection) -> None:
        self._holds = holds.lasting(connection)
        self.held: dict[int, int] = {}

    def free(self, target: str, kind: str | None, resource: str | None) -> bool:
        for hold in self._holds:
            if hold.held.covers(target, kind, resource):
                self.held[hold.number] = self.held.get(hold.number, 0) + 1
                return False
        return True


def superseded(until: int = LAST) -> sa.Subquery:
    """Each content with the entry that ended its last run; `LAST` while it stands.

    Args:
        until: Only entries up to this one count.
    """
    runs = (
        sa.select(
            observations.c.resource_id,
            observations.c.content,
            sa.func.lead(observations.c.entry_id)
            .over(partition_by=observations.c.resource_id, order_by=observations.c.entry_id)
            .label("next"),
        )
        .where(observations.c.entry_id <= until)
        .subquery()
    )
    return (
        sa.select(
            runs.c.content,
            sa.func.min(runs.c.resource_id).label("resource_id"),
            sa.func.max(sa.func.coalesce(runs.c.next, LAST)).label("ended"),
        )
        .where(runs.c.content.is_not(None))
        .group_by(runs.c.content)
        .subquery()
    )


def due(connection: sa.Connection, now: datetime, at_least: Mapping[str, int] = NOTHING) -> Due:
    """What has been kept as long as it must be; `at_least` are days by class."""
    ends = {
        evidence: reads.cut(
            connection, now - timedelta(days=max(period.days, at_least.get(evidence, 0)))
        )
        for evidence, period in retention.periods(connection).items()
    }
    sort = _Sorted(connection)
    documents, size = _contents(connection, ends["documents"], sort)
    named, more = _attachments(connection, ends, sort)
    return Due(documents, named, sort.held, size + more)


def _contents(connection: sa.Connection, end: int, sort: _Sorted) -> tuple[list[bytes], int]:
    old = superseded()
    left = (
        sa.select(remnants.c.whose, sa.func.sum(sa.func.length(remnants.c.body)).label("size"))
        .where(remnants.c.body.is_not(None))
        .group_by(remnants.c.whose)
        .subquery()
    )
    rows = connection.execute(
        sa.select(
            old.c.content,
            targets.c.name,
            resources.c.kind,
            resources.c.key_digest,
            sa.func.coalesce(sa.func.length(contents.c.body), 0) + sa.func.coalesce(left.c.size, 0),
        )
        .join(contents, contents.c.digest == old.c.content)
        .join(resources, resources.c.id == old.c.resource_id)
        .join(targets, targets.c.id == resources.c.target_id)
        .outerjoin(left, left.c.whose == old.c.content)
        .where(old.c.ended <= end, contents.c.body.is_not(None) | left.c.size.is_not(None))
        .order_by(old.c.content)
    )
    free = [
        (content, size)
        for content, target, kind, key, size in rows
        if sort.free(target, kind, key.hex())
    ]
    return [content for content, _ in free], sum(size for _, size in free)


def _attachments(
    connection: sa.Connection, ends: dict[str, int], sort: _Sorted
) -> tuple[list[tuple[int, str]], int]:
    table = attachments
    rows = connection.execute(
        sa.select(table.c.entry_id, table.c.name, sa.func.length(table.c.body), targets.c.name)
        .join(entries_table, entries_table.c.id == table.c.entry_id)
        .join(targets, targets.c.id == entries_table.c.target_id)
        .where(table.c.entry_id <= max(ends.values()))
        .order_by(table.c.entry_id, table.c.name)
    )
    left: dict[bytes, int] = dict(
        connection.execute(
            sa.select(remnants.c.whose, sa.func.length(remnants.c.body)).where(
                remnants.c.body.is_not(None)
            )
        ).all()
    )
    found, total = [], 0
    for entry, name, length, target in rows:
        size = length or left.get(of_attachment(entry, name))
        old = entry <= ends[evidence_of(name)]
        if size is not None and old and sort.free(target, None, None):
            found.append((entry, name))
            total += size
    return found, total


def evidence_of(attachment: str) -> str:
    """The class whose period an attachment has."""
    return "journals" if attachment == "journal" else "activities"


def purge(connection: sa.Connection, author: Author, now: datetime) -> Due:
    """Let go of what is due; without anything due, nothing is written."""
    found = due(connection, now)
    if not found.contents and not found.attachments:
        return found
    days = {name: period.days for name, period in retention.periods(connection).items()}
    decide(
        connection,
        "purge",
        author,
        now,
        {
            "days": days,
            "contents": keep_list(connection, [content.hex() for content in found.contents]),
            "attached": keep_list(connection, [list(each) for each in found.attachments]),
        },
    )
    let_go_contents(connection, found.contents)
    let_go_scopes(connection)
    let_go_attachments(connection, found.attachments)
    return found


def let_go_contents(connection: sa.Connection, ids: Sequence[bytes]) -> None:
    """Empty contents and what is left of them."""
    for some in batches(ids):
        connection.execute(
            sa.update(contents)
            .where(contents.c.digest.in_(some), contents.c.body.is_not(None))
            .values(body=None)
        )
        _let_go_remnants(connection, some)


def let_go_scopes(connection: sa.Connection) -> None:
    """Empty what observations say of the scope of contents of which nothing is left.

    Without the document nothing could tell any more whether it is true.
    """
    empty = sa.select(contents.c.digest).where(BODY.is_(None))
    connection.execute(
        sa.update(observations)
        .where(observations.c.scope.is_not(None), observations.c.content.in_(empty))
        .values(scope=None)
    )


def let_go_attachments(connection: sa.Connection, named: Sequence[tuple[int, str]]) -> None:
    """Empty attachments and what is left of them."""
    for entry, name in named:
        connection.execute(
            sa.update(attachments)
            .where(
                attachments.c.entry_id == entry,
                attachments.c.name == name,
                attachments.c.body.is_not(None),
            )
            .values(sha256=None, size=None, body=None)
        )
    for some in batches([of_attachment(*each) for each in named]):
        _let_go_remnants(connection, some)


def _let_go_remnants(connection: sa.Connection, whose: Sequence[bytes]) -> None:
    connection.execute(
        sa.update(remnants)
        .where(remnants.c.whose.in_(whose), remnants.c.body.is_not(None))
        .values(body=None)
    )
