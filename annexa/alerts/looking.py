"""Looking at the ledger: what came since the last look becomes conditions, and they alerts.

Each end of a sweep is one transaction with everything decided by it, so that a crash between two
steps loses nothing and tells nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from annexa.alerts import outbox, state
from annexa.alerts.conditions import Conditions
from annexa.alerts.endpoints import receivers
from annexa.alerts.findings import Ledger, finding_key
from annexa.alerts.interface import Alert
from annexa.alerts.reminding import Reminding
from annexa.alerts.silences import About, kept, silent
from annexa.alerts.standing import Now, compare
from annexa.alerts.state import FINDING, Cursor
from annexa.alerts.teller import Teller
from annexa.operations import Operations
from config.alerts import Alerts

if TYPE_CHECKING:
    from evidence_store.following import Step
    from mappings import AcceptedFailure, Mapping

TRIES: Final = 3
"""Another process may look at the same time; then what it decided is looked at anew."""


class Ledgers(Protocol):
    """What is looked at: the part of an `EvidenceStore` that alerts need."""

    @property
    def origin(self) -> str:
        """The ledger's name."""

    def following(self, place: int) -> Sequence[Step]:
        """The entries after a place, up to and with the next end of a sweep."""

    def ledger_end(self) -> tuple[int, bytes]:
        """The last place and its leaf."""

    def ledger_leaf(self, place: int) -> bytes | None:
        """The leaf at a place."""

    def ledger_stands(self) -> Sequence[Step]:
        """Everything that stands, as one entry for each target."""


@dataclass
class Lookout:
    """Looks, decides, and puts into the outbox.

    Attributes:
        store: what is looked at.
        operations: where cursor, conditions and outbox are.
        settings: who is told what.
        framework: which control a check speaks of.
        clock: aware UTC.
        exceptions: accepted failures, as declared.
        out: targets that are out of scope: nobody is told of them, and what they had is dropped.
    """

    store: Ledgers
    operations: Operations
    settings: Alerts
    framework: Mapping
    clock: Callable[[], datetime]
    exceptions: Sequence[AcceptedFailure] = ()
    out: frozenset[str] = frozenset()

    def look(self, now: Callable[[], Now]) -> int:
        """Take over everything that came since the last look; how many alerts were put down.

        Args:
            now: works out how controls, collectors and exceptions stand; asked once, at the end.

        Raises:
            OperationsError: the operations database cannot be used, or others were faster thrice.
        """
        if not self.settings.endpoints:
            return 0
        for last in range(TRIES):
            try:
                return self._all(now)
            except state.OutrunError:
                if last == TRIES - 1:
                    raise
        return 0  # pragma: no cover - the loop returns or raises

    def _all(self, now: Callable[[], Now]) -> int:
        cursor, number = state.cursor(self.operations), 0
        if cursor is None or not self._same_ledger(cursor):
            cursor, number = self._from_what_stands(cursor)
        while steps := self.store.following(cursor.place):
            cursor, more = self._take(cursor, steps)
            number += more
        return number + self._standing(cursor, now())

    def _same_ledger(self, cursor: Cursor) -> bool:
        """Whether the ledger is the one that was looked at, and not an older or another one."""
        if cursor.place < 0:
            return True
        leaf = self.store.ledger_leaf(cursor.place)
        if leaf is not None and leaf.hex() == cursor.leaf:
            return True
        structlog.get_logger().warning(
            "alerts_ledger_replaced",
            place=cursor.place,
            do="nothing: what stands now is compared with what was told",
        )
        return False

    def _take(self, cursor: Cursor, steps: Sequence[Step]) -> tuple[Cursor, int]:
        targets = {step.target for step in steps if step.target is not None}
        found = state.conditions(self.operations, targets)
        teller = self._teller()
        Ledger(found, teller, self.framework).apply(self._in_scope(steps))
        end = (steps[-1].place, steps[-1].leaf.hex())
        return self._write(cursor, end, found, teller)

    def _from_what_stands(self, cursor: Cursor | None) -> tuple[Cursor, int]:
        """Begin, or begin anew with another ledger: compare all that stands with what was told."""
        steps = self.store.ledger_stands()
        place, leaf = (steps[0].place, steps[0].leaf) if steps else self.store.ledger_end()
        found = state.conditions(self.operations, [step.target or "" for step in steps])
        for step in steps:
            here = {finding_key(step.target or "", said) for said in step.said}
            for each in found.of(FINDING, step.target):
                if each.key not in here:
                    each.looks_good(place)
        teller = self._teller()
        Ledger(found, teller, self.framework).apply(self._in_scope(steps))
        return self._write(cursor, (place, leaf.hex()), found, teller)

    def _in_scope(self, steps: Sequence[Step]) -> Sequence[Step]:
        return [step for step in steps if step.target not in self.out]

    def _standing(self, cursor: Cursor, now: Now) -> int:
        found = state.conditions(self.operations, self.out)
        if waiting := {each.target for each in found.of(FINDING)}:  # to say how many still fire
            found = state.conditions(self.operations, waiting | self.out)
        for each in found:
            if each.target in self.out:
                found.drop(each.key)
        teller = self._teller()
        Ledger(found, teller, self.framework).tell()
        compare(found, teller, now, cursor.place)
        Reminding(found, teller).look(self.operations, self.out)
        return self._write(cursor, (cursor.place, cursor.leaf), found, teller)[1]

    def _write(
        self, cursor: Cursor | None, place: tuple[int, str], found: Conditions, teller: Teller
    ) -> tuple[Cursor, int]:
        if (
            cursor is not None
            and place == (cursor.place, cursor.leaf)
            and not (found.changed() or found.gone() or teller.told)
        ):
            return cursor, 0
        after = state.write(
            self.operations,
            cursor,
            place,
            found,
            teller.told,
            source=self.store.origin,
            now=teller.now,
        )
        return after, sum(len(endpoints) for endpoints, _ in teller.told)

    def _teller(self) -> Teller:
        return Teller(self.settings, kept(self.operations), self.clock(), self.exceptions)


def tell_at_once(
    operations: Operations,
    settings: Alerts,
    alert: Alert,
    transition: str,
    now: datetime,
) -> int:
    """Put one alert down that no entry of the ledger says, such as a failed verification.

    Args:
        operations: where the outbox is.
        settings: who is told what.
        alert: what.
        transition: makes it another event than all others.
        now: the time.
    """
    if not settings.endpoints:
        return 0
    about = About(alert.type, alert.control, alert.target)
    if silent(kept(operations), about, now):
        return 0
    with operations.writing(state.LOCK) as connection:
        return outbox.put(connection, receivers(settings, alert), alert, transition, now)
