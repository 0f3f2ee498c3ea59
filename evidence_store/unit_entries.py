"""The entry of a unit: what it came to, in the words of its leaf, with its attachments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from evidence_store import entries
from evidence_store.answers import Receipt
from evidence_store.attaching import Attached
from evidence_store.database import insert
from evidence_store.model import UnitRecord
from evidence_store.parts import Table
from evidence_store.tables import attachments

if TYPE_CHECKING:
    import sqlalchemy as sa


class Recording(NamedTuple):
    """A unit being recorded.

    Attributes:
        connection: The transaction, which holds the target's lock.
        secret: The store's.
        unit: What was handed over.
        at: Where its entry goes.
        recorded: The time of recording.
    """

    connection: sa.Connection
    secret: bytes
    unit: UnitRecord
    at: entries.Position
    recorded: datetime


class Outcome(NamedTuple):
    """What a unit came to.

    Attributes:
        heads: The roots over contents and findings.
        resources: How many are live.
        unchanged: Whether the roots are those of the last entry.
        added: Documents of resources that were not there.
        changed: Documents of those that were.
        gone: Resources.
    """

    heads: tuple[bytes, bytes]
    resources: int
    unchanged: bool
    added: int = 0
    changed: int = 0
    gone: int = 0


def write(
    found: Recording, table: Table, attached: Sequence[Attached], outcome: Outcome
) -> Receipt:
    """Write the entry with its table of parts and its attachments."""
    unit, connection = found.unit, found.connection
    digest, observed = table
    state_root, verdict_root = outcome.heads
    counts = {"added": outcome.added, "changed": outcome.changed, "gone": outcome.gone}
    entry = entries.write(
        connection,
        found.at,
        found.recorded,
        {
            "target": unit.target,
            "attempt": unit.attempt,
            "outcome": unit.outcome,
            "started": unit.started,
            "finished": unit.finished,
            "state": state_root.hex(),
            "verdicts": verdict_root.hex(),
            "resources": outcome.resources,
            **counts,
            "unchanged": outcome.unchanged,
            "parts": digest.hex(),
            "observed": observed,
            "attachments": {each.name: each.root.hex() for each in attached},
            "provenance": dict(unit.provenance),
        },
        outcome=unit.outcome,
        state_root=state_root,
        verdict_root=verdict_root,
        resources=outcome.resources,
        **counts,
    )
    insert(connection, attachments, (each.row(entry) for each in attached))
    return Receipt(
        entry,
        outcome.added,
        outcome.changed,
        outcome.gone,
        outcome.resources,
        state_root,
        verdict_root,
        outcome.unchanged,
    )
