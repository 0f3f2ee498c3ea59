"""What others hold, compared with the ledger: a rollback or a fork is told apart from a delay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidence_store import ledger, merkle, note
from evidence_store.answers import Checkpoint
from evidence_store.errors import OutsideError, RolledBackError
from evidence_store.lineage import Lineage
from evidence_store.outside import Holder
from evidence_store.outside.names import epoch

if TYPE_CHECKING:
    import sqlalchemy as sa

CURE = (
    "Nothing was signed. Put back the store that has them, or, if this one was restored on purpose"
    " and they are lost, say so in the ledger: annexa store new-epoch"
)


@dataclass(frozen=True)
class HeldBy:
    """What a holder answered: its heads, or why it could not be asked."""

    name: str
    kind: str
    place: str
    heads: Sequence[Checkpoint] = ()
    error: str = ""

    @property
    def words(self) -> str:
        """The holder as people know it."""
        return f"{self.name} ({self.kind} {self.place})"


def ask(holders: Sequence[Holder], ledger_name: str, *, every: bool) -> list[HeldBy]:
    """Ask each holder for its last head or for every one; what cannot be read is said."""
    found = []
    for holder in holders:
        about = holder.name, holder.kind, holder.place
        if not holder.readable:
            found.append(HeldBy(*about, error="it cannot be read back (no read_url)"))
            continue
        try:
            if every:
                heads = list(holder.all(ledger_name))
            else:
                last = holder.latest(ledger_name)
                heads = [last] if last else []
        except OutsideError as error:
            found.append(HeldBy(*about, error=str(error)))
        else:
            found.append(HeldBy(*about, heads))
    return found


def differences(
    lineage: Lineage, hashes: Sequence[bytes], held: HeldBy
) -> Iterator[tuple[int, str]]:
    """Each held head that the ledger does not lead up to: its size, and why in words."""
    roots = merkle.roots(hashes, (head.size for head in held.heads))
    for head in held.heads:
        origin = note.origin(head.note)
        if lineage.is_lost(head):
            continue
        if epoch(lineage.ledger, origin) > lineage.epoch:
            yield (
                head.size,
                (
                    f"{held.words} holds a head of {origin}, an epoch after ours ({lineage.epoch}):"
                    " this store was rolled back to before a restore."
                ),
            )
        elif head.size > len(hashes):
            yield (
                head.size,
                (
                    f"{held.words} holds a head of {origin} over {head.size} entries, there are"
                    f" {len(hashes)} here: this store was rolled back, or restored from an older"
                    " copy."
                ),
            )
        elif not lineage.is_signed(head):
            yield (
                head.size,
                (
                    f"{held.words} holds a head of {origin} over {head.size} entries that this"
                    " ledger's key for that size did not sign."
                ),
            )
        elif roots[head.size] != head.root:
            yield (
                head.size,
                (
                    f"{held.words} holds a head of {origin} over {head.size} entries, and the first"
                    f" {head.size} here are others: history was rewritten, or two stores carry one"
                    " name."
                ),
            )


def refuse(connection: sa.Connection, lineage: Lineage, found: Sequence[HeldBy]) -> None:
    """Stop where the ledger does not lead up to what others hold.

    Raises:
        RolledBackError: With which holder, which sizes, and what to do.
    """
    if not any(held.heads for held in found):
        return
    hashes = ledger.hashes(connection)
    said = [words for held in found for _, words in differences(lineage, hashes, held)]
    if said:
        raise RolledBackError("\n".join([*said, CURE]))
