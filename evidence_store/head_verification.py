"""Verification of signed heads: the store's own, those others hold, and whose key signed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from evidence_store import ledger, lineage, merkle, note, rotation
from evidence_store.answers import Checkpoint
from evidence_store.comparing import HeldBy, differences
from evidence_store.errors import CorruptStoreError, OutsideError
from evidence_store.keys import Keys
from evidence_store.lineage import Lineage
from evidence_store.standing import NO_OUTSIDE_COPY
from evidence_store.tables import checkpoints

Note = Callable[[str, object, str], None]


@dataclass
class Heads:
    """Checks every signed head against the leaves, and the keys and names against the ledger."""

    connection: sa.Connection
    keys: Keys
    bodies: Mapping[int, Mapping[str, Any]]
    positions: Mapping[int, int]
    problem: Note
    statements: list[str] = field(default_factory=list)
    sizes: set[int] = field(default_factory=set)

    def check(self, trusted: Sequence[Checkpoint], held: Sequence[HeldBy]) -> int:
        """Check everything; return the number of the store's own heads."""
        known = self._lineage()
        if known is None:
            return 0
        hashes = ledger.hashes(self.connection)
        rows = self.connection.execute(sa.select(checkpoints).order_by(checkpoints.c.size)).all()
        roots = merkle.roots(hashes, (size for size, _ in rows))
        self.sizes = {size for size, _ in rows}
        covered = 0
        for size, text in rows:
            try:
                head = note.read(text)
            except CorruptStoreError as error:
                self.problem("checkpoints", size, str(error))
                continue
            covered = max(covered, size)
            if head.size != size:
                self.problem("checkpoints", size, "its note is of another size")
            if not known.is_signed(head):
                self.problem("checkpoints", size, "is not signed by this ledger's key")
            if size > len(hashes):
                self.problem("checkpoints", size, f"is ahead of the {len(hashes)} leaves")
            elif roots[size] != head.root:
                self.problem("checkpoints", size, "is no prefix of the ledger")
        self._named_by_plans(hashes)
        if covered < len(hashes):
            self.statements.append(
                f"{len(hashes) - covered} leaves are not covered by a checkpoint yet."
            )
        if trusted:
            kept = HeldBy("the copy you gave", "file", "--against", tuple(trusted))
            held = [*held, kept]
        self._outside(known, hashes, held)
        return len(rows)

    def _named_by_plans(self, hashes: list[bytes]) -> None:
        """A plan names the last head there was: it must still be there, over the same leaves."""
        plans = {
            number: (body["after"]["size"], body["after"]["root"], body["sweep"])
            for number, body in self.bodies.items()
            if body.get("kind") == "plan" and body.get("after", {}).get("size")
        }
        roots = merkle.roots(hashes, (size for size, _, _ in plans.values()))
        for number, (size, root, sweep) in plans.items():
            if size not in self.sizes:
                self.problem("checkpoints", size, f"is missing; the plan of sweep {sweep} names it")
            if size <= len(hashes) and roots[size].hex() != root:
                self.problem("entries", number, "is a plan made after another ledger's head")

    def _lineage(self) -> Lineage | None:
        """Follow keys and epochs; each step must be allowed by the one before."""
        steps = [
            (number, body)
            for number, body in sorted(self.bodies.items())
            if body.get("kind") in {"key", "restore"}
        ]
        if not steps or steps[0][1]["kind"] != "key" or steps[0][0] != min(self.bodies):
            self.problem("entries", min(self.bodies, default=1), "does not name origin and key")
            return None
        known: Lineage | None = None
        told: list[tuple[Mapping[str, Any], int | None]] = []
        for number, body in steps:
            position = self.positions.get(number)
            if known is not None and body["kind"] == "key":
                self._key(number, body, known)
            elif known is not None:
                self._restore(number, body, known, position)
            told.append((body, position))
            known = lineage.traced(told)
        if known is not None and known.last.public != self.keys.public:
            self.problem("entries", steps[-1][0], "the key beside the store is another one")
        return known

    def _key(self, number: int, body: Mapping[str, Any], known: Lineage) -> None:
        if body.get("old_key") != known.last.public.hex() or not rotation.is_signed_by_both(body):
            self.problem("entries", number, "names a new key that the old one did not sign")
        self.statements.append(
            f"The signing key was changed at {body['recorded']} (entry {number}); heads before and"
            " after it were checked against the key of their size."
        )

    def _restore(
        self, number: int, body: Mapping[str, Any], known: Lineage, position: int | None
    ) -> None:
        lost = note.read(body["held"])
        if body["kept"] != position:
            self.problem("entries", number, "does not say how many leaves were kept")
        if body["origin"] != f"{known.ledger}/{known.epoch + 1}":
            self.problem("entries", number, "is not the next epoch")
        if (lost.size, note.origin(body["held"])) != (body["lost"], known.last.origin):
            self.problem("entries", number, "does not name the head that was lost")
        signed = "" if known.is_signed(lost) else " (not signed by a key this store knows)"
        self.statements.append(
            f"Epoch {body['epoch']} ({body['origin']}) began at {body['recorded']} with entry"
            f" {number}: the store had {body['kept']} leaves, and {', '.join(body['by'])} held a"
            f" head over {body['lost']}{signed}. What stood in the leaves after {body['common']}"
            f" of the epoch before is lost. Reason given: {body['reason']}"
        )

    def _outside(self, known: Lineage, hashes: list[bytes], held: Sequence[HeldBy]) -> None:
        """What others hold must be a prefix, or known to be lost."""
        shown = False
        for each in held:
            if each.error:
                self.statements.append(f"{each.words} was not asked: {each.error}")
                continue
            try:
                wrong = list(differences(known, hashes, each))
            except OutsideError as error:
                wrong = [(0, f"{each.words}: {error}")]
            for size, words in wrong:
                self.problem("outside copy", size, words)
            if each.heads and not wrong:
                shown = True
                lost = sum(known.is_lost(head) for head in each.heads)
                last = max(head.size for head in each.heads)
                self._missing(known, each)
                self.statements.append(
                    f"{each.words} holds {len(each.heads)} heads, the last over {last} of"
                    f" {len(hashes)} leaves; all of them are prefixes of this ledger"
                    + (f", but {lost} over leaves that a restore lost." if lost else ".")
                )
            elif not each.heads:
                self.statements.append(f"{each.words} holds no head of this ledger yet.")
        if not shown:
            self.statements.append(NO_OUTSIDE_COPY)

    def _missing(self, known: Lineage, each: HeldBy) -> None:
        """A head is in the store before anybody gets it: only a hand or a restore removes it."""
        gone = sorted({head.size for head in each.heads if not known.is_lost(head)} - self.sizes)
        if gone:
            self.statements.append(
                f"{each.words} holds heads that the store itself has no more (over"
                f" {', '.join(map(str, gone))} leaves): they were deleted, or lost in a restore;"
                " the leaves under them are all there."
            )
