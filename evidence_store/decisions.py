"""Decisions about evidence, each an entry of the ledger itself with its author and reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store import entries
from evidence_store.canonical import parsed
from evidence_store.errors import RecordError
from evidence_store.tables import KINDS
from evidence_store.tables import entries as entries_table

MADE: Final = (
    sa.select(
        entries_table.c.id, entries_table.c.sweep, entries_table.c.recorded_at, entries_table.c.body
    )
    .where(entries_table.c.target_id == 0, entries_table.c.kind == sa.bindparam("kind"))
    .order_by(entries_table.c.id)
)


class Author(NamedTuple):
    """Who decides and why. Both stay in the ledger for good: no personal data in the reason."""

    by: str
    reason: str


class Decision(NamedTuple):
    """A decision as recorded: the entry's id, its number among those of its kind, its body."""

    entry: int
    number: int
    recorded_at: int
    body: dict[str, Any]

    @property
    def author(self) -> Author:
        """Who decided and why."""
        return Author(self.body["by"], self.body["reason"])


def decide(
    connection: sa.Connection,
    kind: str,
    author: Author,
    recorded: datetime,
    body: Mapping[str, Any],
) -> Decision:
    """Write a decision.

    Raises:
        RecordError: If nobody, or no reason, is named.
    """
    if not author.by.strip() or not author.reason.strip():
        raise RecordError(f"{kind}: say who decides it and why; both are kept in the ledger")
    number = len(made(connection, kind)) + 1
    full = {**body, "by": author.by, "reason": author.reason}
    at = entries.Position(kind, 0, number, 0)
    entry = entries.write(connection, at, recorded, full)
    return Decision(entry, number, 0, full)


def made(connection: sa.Connection, kind: str) -> list[Decision]:
    """Every decision of a kind, oldest first."""
    rows = connection.execute(MADE, {"kind": KINDS[kind]})
    return [Decision(entry, number, at, parsed(body)) for entry, number, at, body in rows]


def keep_list(connection: sa.Connection, values: Sequence[Any]) -> dict[str, Any]:
    """Keep a list beside the ledger by its digest, and give what stands for it in a body."""
    return {"count": len(values), "list": entries.keep_document(connection, values).hex()}


def kept_list(connection: sa.Connection, named: Mapping[str, Any]) -> list[Any]:
    """The list that a body names.

    Raises:
        CorruptStoreError: If it is missing or edited.
    """
    found: list[Any] = entries.kept_document(connection, bytes.fromhex(named["list"]))
    return found
