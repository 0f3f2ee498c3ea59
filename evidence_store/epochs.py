"""A new epoch: the ledger goes on under another name where a restore lost leaves others know of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from evidence_store import entries, ledger, merkle, note
from evidence_store.comparing import HeldBy, differences
from evidence_store.errors import RecordError
from evidence_store.lineage import Lineage

if TYPE_CHECKING:
    import sqlalchemy as sa


def begin(
    connection: sa.Connection,
    lineage: Lineage,
    found: Sequence[HeldBy],
    reason: str,
    recorded: datetime,
) -> int:
    """Write the epoch's first entry; it names both sizes and the last head that was lost.

    Raises:
        RecordError: If everything held is a prefix of the ledger, or nobody could be asked.
    """
    hashes = ledger.hashes(connection)
    ahead = [held for held in found if any(True for _ in differences(lineage, hashes, held))]
    if not ahead:
        asked = [held.words for held in found if not held.error]
        unasked = [f"{held.words}: {held.error}" for held in found if held.error]
        raise RecordError(
            "no new epoch: nothing is known to be lost. "
            + (f"The ledger leads up to what {', '.join(asked)} holds. " if asked else "")
            + (f"Not asked: {'; '.join(unasked)}. " if unasked else "")
            + ("" if found else "Nobody is configured to hold heads ([[store.outside]]).")
        )
    ours = [
        head
        for held in found
        for head in held.heads
        if note.origin(head.note) == lineage.last.origin
    ]
    if not ours:
        raise RecordError(
            f"no new epoch: {ahead[0].words} holds heads of a later epoch than {lineage.epoch};"
            " restore the store of that epoch"
        )
    last = max(ours, key=lambda head: head.size)
    roots = merkle.roots(hashes, (head.size for head in ours))
    common = max((head.size for head in ours if roots.get(head.size) == head.root), default=0)
    number = lineage.epoch + 1
    return entries.write(
        connection,
        entries.Position("restore", 0, number, 0),
        recorded,
        {
            "origin": f"{lineage.ledger}/{number}",
            "epoch": number,
            "kept": len(hashes),
            "common": common,
            "lost": last.size,
            "held": last.note,
            "by": sorted(held.words for held in ahead),
            "reason": reason,
        },
    )
