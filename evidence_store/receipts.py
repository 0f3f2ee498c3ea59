"""Receipts: what others gave for a signed head, a place where it is held or a time stamp."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store.answers import Checkpoint
from evidence_store.canonical import canonical, parsed
from evidence_store.database import insert_new
from evidence_store.digests import derived
from evidence_store.tables import KINDS, entries, receipts
from evidence_store.times import instant, microseconds

HELD, STAMPED = "held", "stamped"
KIND: Final = {HELD: 1, STAMPED: 2}
KIND_OF: Final = {code: kind for kind, code in KIND.items()}


class Receipt(NamedTuple):
    """One receipt.

    Attributes:
        size: The head's size.
        kind: "held" or "stamped".
        name: The holder or authority, as configured.
        at: When it was handed over, by our clock; of a stamp, the time it states.
        body: `{"kind", "place"}` of the holder as JSON, or the RFC 3161 response.
    """

    size: int
    kind: str
    name: str
    at: datetime
    body: bytes

    @property
    def told(self) -> list[Any]:
        """What a plan names of it."""
        digest = sha256(self.body).hexdigest()
        return [self.size, self.kind, self.name, microseconds(self.at), digest]


def seal(secret: bytes, receipt: Receipt) -> bytes:
    """Binds a row to the store's secret until the next plan commits to it."""
    return hmac.digest(derived(secret, "receipts"), canonical(receipt.told), "sha256")


def keep(connection: sa.Connection, secret: bytes, receipt: Receipt) -> None:
    """Add a receipt; the first one for a head stands."""
    row = (
        receipt.size,
        KIND[receipt.kind],
        receipt.name,
        microseconds(receipt.at),
        receipt.body,
        seal(secret, receipt),
    )
    insert_new(connection, receipts, [row])


def held(size: int, name: str, at: datetime, where: Mapping[str, str]) -> Receipt:
    """The receipt of a head that was handed over."""
    return Receipt(size, HELD, name, at, canonical(dict(where)))


def kept(connection: sa.Connection) -> list[Receipt]:
    """Every receipt, by size, kind and name."""
    query = sa.select(receipts).order_by(receipts.c.size, receipts.c.kind, receipts.c.name)
    return [
        Receipt(row.size, KIND_OF.get(row.kind, str(row.kind)), row.name, instant(row.at), row.body)
        for row in connection.execute(query)
    ]


def after(connection: sa.Connection, last: Checkpoint | None) -> dict[str, Any]:
    """What a plan says it comes after: the last head, what others hold of it, their time stamps.

    A plan names every receipt that no plan before named, so that none can be edited or dropped
    later; the digest of the last time stamp bounds the sweep's time from below.
    """
    known: set[tuple[int, str, str]] = set()
    plans = sa.select(entries.c.body).where(
        entries.c.target_id == 0, entries.c.kind == KINDS["plan"]
    )
    for body in connection.scalars(plans):
        named = parsed(body).get("after", {}).get("receipts", ())
        known |= {(size, kind, name) for size, kind, name, *_ in named}
    every = kept(connection)
    stamps = {each.name: sha256(each.body).hexdigest() for each in every if each.kind == STAMPED}
    return {
        "size": last.size if last else 0,
        "root": last.root.hex() if last else "",
        "receipts": [r.told for r in every if (r.size, r.kind, r.name) not in known],
        "stamps": stamps,
    }


def owed_heads(
    heads: Sequence[Checkpoint], found: Sequence[Receipt], name: str
) -> list[Checkpoint]:
    """Heads a holder has not got: all since its first, or only the newest if it has none."""
    sizes = {each.size for each in found if (each.kind, each.name) == (HELD, name)}
    if not sizes:
        return list(heads[-1:])
    return [head for head in heads if head.size > min(sizes) and head.size not in sizes]
