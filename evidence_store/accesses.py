"""Who read, exported or proved which evidence when: rows anyone may add, sealed by entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store import entries
from evidence_store.canonical import canonical
from evidence_store.database import insert
from evidence_store.decisions import made
from evidence_store.errors import NotFoundError, RecordError
from evidence_store.evidence import target_row
from evidence_store.merkle import root_of
from evidence_store.model import ResourceKey
from evidence_store.names import known_as
from evidence_store.tables import access_seals, accesses, resources, targets
from evidence_store.times import instant, microseconds

WAYS: Final = ("listed", "shown", "replayed", "disclosed", "proved", "exported", "verified")
"""What is done with evidence, from seeing what there is to handing it out."""

_TOLD: Final = (
    accesses.c.id,
    accesses.c.at,
    accesses.c.who,
    accesses.c.way,
    accesses.c.target_id,
    accesses.c.resource_id,
    accesses.c.detail,
)
Note = Callable[[str, object, str], None]


class Access(NamedTuple):
    """One access; of the resource only its row is kept, so that its name can be erased.

    Attributes:
        at: When, by this machine's clock.
        who: The principal.
        way: One of `WAYS`.
        target: The target's name; None for all of them.
        kind: The resource's kind; None unless it was one resource.
        resource_id: Its id.
        detail: More about it, such as the options given; never evidence itself.
        entry: The entry that seals it; None until the next is sequenced.
    """

    at: datetime
    who: str
    way: str
    target: str | None
    kind: str | None
    resource_id: str | None
    detail: str
    entry: int | None


def log(
    connection: sa.Connection,
    at: datetime,
    who: str,
    way: str,
    *,
    target: str | None,
    key: ResourceKey | None,
    detail: str,
) -> None:
    """Add a row.

    Raises:
        RecordError: If there is no such way.
        NotFoundError: If there is no such target or resource.
    """
    if way not in WAYS:
        raise RecordError(f"{way!r} is none of {', '.join(WAYS)}")
    target_id = target_row(connection, target) if target is not None else None
    resource_id = None
    if key is not None:
        resource_id = connection.scalar(
            sa.select(resources.c.id).where(
                resources.c.target_id == target_id,
                resources.c.kind == key.kind,
                resources.c.scope == key.scope,
                known_as == key.id,
            )
        )
        if resource_id is None:
            raise NotFoundError(f"{target}: there never was {list(key)}")
    row = (None, microseconds(at), who, way, target_id, resource_id, detail)
    insert(connection, accesses, [row])


def unsealed(connection: sa.Connection) -> list[sa.Row[Any]]:
    """The rows no entry seals yet.

    By their absence among the sealed, not by number: on a server a lower number can be committed
    later.
    """
    sealed = sa.select(access_seals.c.access_id).where(access_seals.c.access_id == accesses.c.id)
    query = sa.select(*_TOLD).where(~sealed.exists()).order_by(accesses.c.id)
    return list(connection.execute(query))


def seal(connection: sa.Connection, now: datetime) -> int:
    """Commit to the rows that wait for it; return how many."""
    rows = unsealed(connection)
    if not rows:
        return 0
    number = len(made(connection, "access")) + 1
    root = root_of(canonical(list(row)) for row in rows)
    body = {"count": len(rows), "root": root.hex()}
    entry = entries.write(connection, entries.Position("access", 0, number, 0), now, body)
    insert(connection, access_seals, [(row.id, entry) for row in rows])
    return len(rows)


def read(connection: sa.Connection, as_of: datetime | None) -> Iterator[Access]:
    """Every access, the newest first."""
    query = (
        sa.select(
            accesses.c.at,
            accesses.c.who,
            accesses.c.way,
            targets.c.name,
            resources.c.kind,
            known_as,
            accesses.c.detail,
            access_seals.c.entry_id,
        )
        .select_from(accesses)
        .outerjoin(targets, targets.c.id == accesses.c.target_id)
        .outerjoin(resources, resources.c.id == accesses.c.resource_id)
        .outerjoin(access_seals, access_seals.c.access_id == accesses.c.id)
        .order_by(accesses.c.at.desc(), accesses.c.id.desc())
    )
    if as_of is not None:
        query = query.where(accesses.c.at <= microseconds(as_of))
    for at, *rest in connection.execute(query):
        yield Access(instant(at), *rest)


def verify(
    connection: sa.Connection,
    bodies: Mapping[int, Mapping[str, Any]],
    note: Note,
    after: int = 0,
) -> int:
    """Recompute what the entries say of the accesses; return how many wait to be sealed.

    With `after`, only what entries with a larger id seal: their bodies at least are there.
    """
    found: dict[int, list[bytes]] = {}
    query = (
        sa.select(access_seals.c.entry_id, access_seals.c.access_id, *_TOLD)
        .outerjoin(accesses, accesses.c.id == access_seals.c.access_id)
        .where(access_seals.c.entry_id > after)
        .order_by(access_seals.c.access_id)
    )
    for entry, number, *row in connection.execute(query):
        if row[0] is None:
            note("accesses", number, f"is missing; entry {entry} seals it")
        found.setdefault(entry, []).append(canonical(row))
    for entry, body in bodies.items():
        if body.get("kind") != "access" or entry <= after:
            continue
        rows = found.pop(entry, [])
        if (len(rows), root_of(rows).hex()) != (body["count"], body["root"]):
            note("accesses", f"entry {entry}", f"its {len(rows)} rows are not those it seals")
    for entry in found:
        note("access_seals", f"entry {entry}", "seals accesses and is no such entry")
    return len(unsealed(connection))
