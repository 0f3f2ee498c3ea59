"""Keeping and letting go: retention, legal holds, purge and erasure, each a decision on record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from evidence_store import erasing, purging, retention
from evidence_store import holds as legal_holds
from evidence_store.database import Database
from evidence_store.decisions import Author
from evidence_store.erasing import Erased, Request
from evidence_store.errors import DiskFullError, LockedError
from evidence_store.interface import Clock
from evidence_store.purging import Due
from evidence_store.quoting import Quotes
from evidence_store.retention import Period

NOTHING: Final[Mapping[str, int]] = {}

Elsewhere: TypeAlias = Callable[[Quotes, str], None]
"""Given what is erased, and what stands in its place from now on."""


def nowhere(_quotes: Quotes, _stand_in: str) -> None:
    """Nothing outside the evidence holds any of it."""


class Keeping:
    """What a store keeps how long, and what it let go; `Store.keeping` gives it."""

    def __init__(self, database: Database, clock: Clock, secret: bytes) -> None:
        self._database = database
        self._clock = clock
        self._secret = secret

    def periods(self) -> Mapping[str, Period]:
        """How long each class of evidence is kept."""
        with self._database.reading() as connection:
            return retention.periods(connection)

    def extend(self, evidence: str, days: int, author: Author) -> Period:
        """Keep a class longer.

        Raises:
            RetentionError: If the period would not be longer.
        """
        with self._database.writing() as connection:
            return retention.extend(connection, evidence, days, author, self._clock())

    def holds(self) -> Sequence[legal_holds.Hold]:
        """Every hold there ever was, oldest first."""
        with self._database.reading() as connection:
            return legal_holds.holds(connection)

    def hold(self, held: legal_holds.Held, author: Author) -> legal_holds.Hold:
        """Hold something: while it lasts, neither purge nor erasure touches it."""
        with self._database.writing() as connection:
            return legal_holds.place(connection, held, author, self._clock())

    def lift(self, number: int, author: Author) -> legal_holds.Hold:
        """End a hold."""
        with self._database.writing() as connection:
            return legal_holds.lift(connection, number, author, self._clock())

    def due(self, at_least: Mapping[str, int] = NOTHING) -> Due:
        """What a purge would let go now; `at_least` are days asked for by class."""
        with self._database.reading() as connection:
            return purging.due(connection, self._clock(), at_least)

    def purge(self, author: Author, at_least: Mapping[str, int] = NOTHING) -> tuple[Due, bool]:
        """Let go of what was kept long enough; longer periods asked for are recorded first.

        Returns:
            What went, and whether the database could be written anew afterwards.

        Raises:
            RetentionError: If a period asked for is shorter than the ledger's.
        """
        now = self._clock()
        with self._database.writing() as connection:
            known = retention.periods(connection)
            for evidence, days in sorted(at_least.items()):
                if evidence not in known or days != known[evidence].days:
                    retention.extend(connection, evidence, days, author, now)
            found = purging.purge(connection, author, now)
        return found, not (found.contents or found.attachments) or self._scrubbed()

    def erasable(self, asked: Request, elsewhere: Elsewhere = nowhere) -> Erased:
        """What an erasure would let go; `elsewhere` only looks."""
        with self._database.reading() as connection:
            erasure = erasing.begun(connection, self._secret, asked)
            elsewhere(erasure.quotes, erasure.stand_in)
            return erasure.found()

    def erase(
        self, asked: Request, author: Author, elsewhere: Elsewhere = nowhere
    ) -> tuple[Erased, bool]:
        """Erase a resource or members of it.

        Args:
            asked: what.
            author: who decided it, and why.
            elsewhere: lets go of it outside the evidence, such as in messages that wait: called
                before it is let go here, since afterwards nobody knows the name any more, and
                once again after, for what was written from an older view meanwhile.

        Returns:
            What went, and whether the database could be written anew afterwards.

        Raises:
            NotFoundError: If there is no such resource or member.
            RetentionError: If it is held.
        """
        with self._database.writing() as connection:
            erasure = erasing.begun(connection, self._secret, asked)
            elsewhere(erasure.quotes, erasure.stand_in)
            found = erasure.carry_out(self._secret, author, self._clock())
        elsewhere(erasure.quotes, erasure.stand_in)
        return found, self._scrubbed()

    def scrub(self) -> None:
        """Write the database anew, so that no free page keeps what was let go.

        Cached findings are replaced with every change: a free page may hold a text long after.
        """
        self._database.compact()

    def _scrubbed(self) -> bool:
        try:
            self.scrub()
        except (LockedError, DiskFullError):
            return False
        return True
