"""Which name and which key a signed head must carry, by its size: rotations and restores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from evidence_store import note
from evidence_store.answers import Checkpoint
from evidence_store.canonical import parsed
from evidence_store.errors import CorruptStoreError
from evidence_store.outside.names import epoch
from evidence_store.tables import KINDS, entries, leaves


@dataclass(frozen=True, slots=True)
class Span:
    """Heads larger than `above`, until the next span begins, carry this name and this key."""

    above: int
    origin: str
    public: bytes


@dataclass(frozen=True, slots=True)
class Restored:
    """An epoch that a restore began because leaves were missing.

    Attributes:
        kept: Leaves that the restored store had.
        common: The largest size of which somebody held a head that these leaves lead up to.
        lost: The largest size that anybody held of the epoch before.
        held: That head, as a signed note.
    """

    number: int
    origin: str
    kept: int
    common: int
    lost: int
    held: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """The ledger's names and keys from its first entry on."""

    ledger: str
    spans: tuple[Span, ...]
    restored: tuple[Restored, ...] = ()

    @property
    def last(self) -> Span:
        """The name and key in use."""
        return self.spans[-1]

    @property
    def epoch(self) -> int:
        """The number of the present epoch."""
        return epoch(self.ledger, self.last.origin)

    def of(self, size: int) -> Span:
        """The name and key a head of this size must carry."""
        return next((s for s in reversed(self.spans) if s.above < size), self.spans[0])

    def is_lost(self, head: Checkpoint) -> bool:
        """Whether the head is over leaves that a restore is known to have lost."""
        origin = note.origin(head.note)
        before = self.ledger
        for each in self.restored:
            if origin == before and each.common < head.size <= each.lost:
                return True
            before = each.origin
        return False

    def is_signed(self, head: Checkpoint) -> bool:
        """Whether the head carries the name and the signature that belong to its size."""
        span = self.of(head.size)
        return note.is_signed(head.note, span.origin, span.public)


def read(connection: sa.Connection) -> Lineage | None:
    """The lineage as the ledger's entries tell it; None in a store just created."""
    query = (
        sa.select(entries.c.body, leaves.c.position)
        .outerjoin(leaves, leaves.c.entry_id == entries.c.id)
        .where(entries.c.kind.in_((KINDS["key"], KINDS["restore"])))
        .order_by(entries.c.id)
    )
    try:
        return traced((parsed(body), position) for body, position in connection.execute(query))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptStoreError(
            f"the ledger's entries that name its keys are damaged ({error!r}): restore a backup"
        ) from error


def require(connection: sa.Connection) -> Lineage:
    """The lineage of a store that has been opened.

    Raises:
        CorruptStoreError: If the ledger has no first entry any more.
    """
    found = read(connection)
    if found is None:
        raise CorruptStoreError("the ledger's first entry is missing: run `annexa verify`")
    return found


def traced(bodies: Iterable[tuple[Mapping[str, Any], int | None]]) -> Lineage | None:
    """Follow the bodies of key and restore entries, in order, with their places."""
    found: Lineage | None = None
    for body, position in bodies:
        # Still pending: what is sealed in the same transaction gets its place there.
        above = position or 0
        if found is None:
            first = Span(0, body["origin"], bytes.fromhex(body["public_key"]))
            found = Lineage(body["origin"], (first,))
        elif body["kind"] == "key":
            span = Span(above, found.last.origin, bytes.fromhex(body["public_key"]))
            found = replace(found, spans=(*found.spans, span))
        else:
            each = Restored(
                body["epoch"], body["origin"], body["kept"], body["common"], body["lost"],
                body["held"],
            )  # fmt: skip
            span = Span(above, body["origin"], found.last.public)
            found = replace(found, spans=(*found.spans, span), restored=(*found.restored, each))
    return found
