"""The ledger: entries get a place, the tree over them gets signed, proofs are drawn from it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from evidence_store import merkle, note
from evidence_store.answers import Checkpoint, InclusionProof
from evidence_store.database import batches, insert
from evidence_store.errors import CorruptStoreError, NotFoundError
from evidence_store.keys import Keys
from evidence_store.tables import checkpoints, entries, leaves, pending


def sequence(connection: sa.Connection) -> int:
    """Give every pending entry the next place, in the order of their ids.

    What is taken is exactly what the one statement sees and removes, not "every id up to the
    last": on a server a lower id can be committed later, and must not be skipped for ever.
    """
    waiting = sorted(connection.scalars(sa.delete(pending).returning(pending.c.entry_id)))
    size = connection.scalar(sa.select(sa.func.count()).select_from(leaves)) or 0
    for some in batches(waiting):
        bodies = connection.execute(
            sa.select(entries.c.id, entries.c.body)
            .where(entries.c.id.in_(some))
            .order_by(entries.c.id)
        ).all()
        insert(
            connection,
            leaves,
            [(size + i, entry, merkle.leaf(body)) for i, (entry, body) in enumerate(bodies)],
        )
        size += len(bodies)
    return len(waiting)


def hashes(connection: sa.Connection, size: int | None = None) -> list[bytes]:
    """The hashes of the first leaves, by place."""
    query = sa.select(leaves.c.hash).order_by(leaves.c.position)
    if size is not None:
        query = query.where(leaves.c.position < size)
    return list(connection.scalars(query))


def heads(connection: sa.Connection) -> list[Checkpoint]:
    """Every signed head, smallest first."""
    notes = connection.scalars(sa.select(checkpoints.c.note).order_by(checkpoints.c.size))
    return [note.read(text) for text in notes]


def last_head(connection: sa.Connection) -> Checkpoint | None:
    """The largest signed head."""
    query = sa.select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
    text = connection.scalar(query)
    return None if text is None else note.read(text)


def checkpoint(connection: sa.Connection, origin: str, keys: Keys) -> Checkpoint:
    """Sign the tree as it stands.

    Raises:
        CorruptStoreError: If the last head is no prefix of it: signing would make a fork.
    """
    found = hashes(connection)
    head = merkle.root(found)
    last = last_head(connection)
    if last is not None:
        if last.size > len(found) or merkle.root(found[: last.size]) != last.root:
            raise CorruptStoreError(
                f"ledger {origin}: the head signed at size {last.size} is no prefix of the"
                f" {len(found)} leaves there are; nothing was signed, run `annexa verify`"
            )
        if last.size == len(found):
            return last
    signed = note.signed(origin, len(found), head, keys.signing)
    insert(connection, checkpoints, [(signed.size, signed.note)])
    return signed


def place(connection: sa.Connection, entry: int) -> int | None:
    """The entry's place; None while it is pending."""
    query = sa.select(leaves.c.position).where(leaves.c.entry_id == entry)
    return connection.scalar(query)


def proof(connection: sa.Connection, index: int | None) -> InclusionProof | None:
    """Proof under the newest head; None while none covers the place."""
    known: Sequence[Checkpoint] = heads(connection)
    if index is None or not known or known[-1].size <= index:
        return None
    found = hashes(connection, known[-1].size)
    return InclusionProof(index, merkle.inclusion(found, index), known[-1])


def consistency(connection: sa.Connection, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """Proof that the tree of the old size is a prefix of the new one."""
    found = hashes(connection, new_size)
    if len(found) != new_size or not 0 < old_size <= new_size:
        raise NotFoundError(f"the ledger has {len(found)} leaves, not {old_size} and {new_size}")
    return merkle.consistency(found, old_size)
