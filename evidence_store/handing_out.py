"""Signed heads are handed to their holders and stamped; what fails is owed and tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from evidence_store import comparing, ledger, receipts
from evidence_store import lineage as lineages
from evidence_store.database import Database
from evidence_store.errors import OutsideError
from evidence_store.outside import Authority, Holder, Outside
from evidence_store.receipts import HELD, STAMPED, Receipt


@dataclass(frozen=True)
class HandedOut:
    """One head handed to a holder or stamped by an authority, or why not yet.

    Attributes:
        name: The holder or authority, as configured.
        kind: "held" or "stamped".
        size: The head's size; of an error, the newest one that is owed.
        error: Why it is still owed; empty when it was done.
    """

    name: str
    kind: str
    size: int
    error: str = ""


@dataclass(frozen=True)
class Desk:
    """Hands out what is owed. No transaction is open while somebody is asked."""

    database: Database
    secret: bytes
    clock: Callable[[], datetime]
    outside: Outside

    def hand_out(self) -> list[HandedOut]:
        """Hand every owed head to every holder, and have the newest stamped.

        Raises:
            RolledBackError: If a holder has heads the ledger does not lead up to.
        """
        done: list[HandedOut] = []
        for holder in self.outside.holders:
            done += self._to(holder)
        for authority in self.outside.authorities:
            done += self._by(authority)
        return done

    def _to(self, holder: Holder) -> Iterator[HandedOut]:
        with self.database.reading() as connection:
            lineage = lineages.read(connection)
            heads = ledger.heads(connection)
            owed = receipts.owed_heads(heads, receipts.kept(connection), holder.name)
        if not owed or lineage is None:
            return
        if holder.readable:
            found = comparing.ask([holder], lineage.ledger, every=False)
            if found[0].error:
                yield HandedOut(holder.name, HELD, owed[-1].size, found[0].error)
                return
            with self.database.reading() as connection:
                comparing.refuse(connection, lineage, found)
        where = {"kind": holder.kind, "place": holder.place}
        for head in owed:
            try:
                holder.publish(lineage.ledger, head)
            except OutsideError as error:
                yield HandedOut(holder.name, HELD, owed[-1].size, str(error))
                return
            self._keep(receipts.held(head.size, holder.name, self.clock(), where))
            yield HandedOut(holder.name, HELD, head.size)

    def _by(self, authority: Authority) -> Iterator[HandedOut]:
        with self.database.reading() as connection:
            head = ledger.last_head(connection)
            found = receipts.kept(connection)
        if head is None or any(
            (each.size, each.kind, each.name) == (head.size, STAMPED, authority.name)
            for each in found
        ):
            return
        data = head.note.encode()
        try:
            token = authority.stamp(data)
            at = authority.stamped_at(data, token)
        except OutsideError as error:
            yield HandedOut(authority.name, STAMPED, head.size, str(error))
            return
        self._keep(Receipt(head.size, STAMPED, authority.name, at, token))
        yield HandedOut(authority.name, STAMPED, head.size)

    def _keep(self, receipt: Receipt) -> None:
        with self.database.writing("sequencer") as connection:
            receipts.keep(connection, self.secret, receipt)
