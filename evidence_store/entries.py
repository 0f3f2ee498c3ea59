"""Entries: the leaves of the ledger, written and read in one way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store.canonical import canonical, parsed
from evidence_store.codecs import ZLIB, packed, unpacked
from evidence_store.database import database_of, insert_new
from evidence_store.errors import CorruptStoreError
from evidence_store.prepared import Prepared
from evidence_store.tables import KINDS, entries, part_documents, pending
from evidence_store.times import microseconds, written

COLUMNS: Final = tuple(column.name for column in entries.columns if column.name != "id")
INSERT: Final = Prepared(sa.insert(entries).returning(entries.c.id), COLUMNS)
INSERT_PENDING: Final = Prepared(sa.insert(pending), ["entry_id"])
FIND: Final = sa.select(entries.c.id).where(
    entries.c.target_id == sa.bindparam("target_id"),
    entries.c.kind == sa.bindparam("kind"),
    entries.c.sweep == sa.bindparam("sweep"),
    entries.c.attempt == sa.bindparam("attempt"),
)
KNOWN: Final = sa.select(part_documents.c.digest).where(
    part_documents.c.digest == sa.bindparam("digest")
)
KEPT: Final = Prepared(
    sa.select(part_documents.c.codec, part_documents.c.body).where(
        part_documents.c.digest == sa.bindparam("digest")
    )
)
BODY: Final = sa.select(entries.c.body).where(entries.c.id == sa.bindparam("id"))


class Position(NamedTuple):
    """What makes an entry unique; target 0 is the ledger itself."""

    kind: str
    target_id: int
    sweep: int
    attempt: int


def find(connection: sa.Connection, at: Position) -> int | None:
    """The id of the entry at this position."""
    found = {**at._asdict(), "kind": KINDS[at.kind]}
    return connection.scalar(FIND, found)


def write(
    connection: sa.Connection,
    at: Position,
    recorded: datetime,
    body: Mapping[str, Any],
    **columns: object,
) -> int:
    """Insert an entry with the exact bytes of its leaf, and leave it to the sequencer."""
    leaf = canonical(
        {**body, "v": 1, "kind": at.kind, "sweep": at.sweep, "recorded": written(recorded)}
    )
    values = {**dict.fromkeys(COLUMNS), **at._asdict(), **columns}
    values |= {"kind": KINDS[at.kind], "recorded_at": microseconds(recorded), "body": leaf}
    ((entry,),) = INSERT.run(connection, **values)
    INSERT_PENDING.run(connection, entry_id=entry)
    return int(entry)


def body(connection: sa.Connection, entry: int) -> dict[str, Any]:
    """The parsed body of an entry."""
    found: dict[str, Any] = parsed(connection.execute(BODY, {"id": entry}).scalar_one())
    return found


def keep_document(connection: sa.Connection, value: object) -> bytes:
    """Store a document of our own by its digest; the same one costs nothing again."""
    text = canonical(value)
    digest = sha256(text).digest()
    if connection.scalar(KNOWN, {"digest": digest}) is None:
        # Targets whose tables of parts say the same share it, and shall not wait for each other.
        with database_of(connection).aside(connection) as own:
            insert_new(own, part_documents, [(digest, ZLIB, packed(text))])
    return digest


def kept_document(connection: sa.Connection, digest: bytes) -> Any:  # noqa: ANN401 - JSON
    """Fetch such a document and check it.

    Raises:
        CorruptStoreError: If it is missing or not what its digest says.
    """
    rows = KEPT.run(connection, digest=digest)
    text = unpacked(*rows[0]) if rows else b""
    if sha256(text).digest() != digest:
        raise CorruptStoreError(
            f"part document {digest.hex()[:16]} is missing or edited: run `annexa verify`"
        )
    return parsed(text)
