"""Who leads: a row with an end in time, and an epoch that fences off whoever led before.

On PostgreSQL the clock is the database's, one for all daemons. The fence takes the row's key share
lock: a renewal does not wait for it, a takeover does. So no transaction of a former leader can
commit after another one has taken over, however long its process was paused.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from annexa.operations.database import Operations, let_go_if_paused
from annexa.operations.errors import FencedError
from annexa.operations.tables import leases, leases_from_evidence
from annexa.operations.times import instant, microseconds

NAME: Final = "daemon"

MARGIN: Final = 0.8
"""After this part of a lease without renewal we no longer act as leader."""


class Lease:
    """Our claim to lead.

    Args:
        operations: where the row is.
        length: how long a lease holds without renewal.
        clock: aware UTC; of a file only, a server has its own.
        alone: whether nobody else can be there, so that a lease of the dead need not be waited for.
    """

    def __init__(
        self,
        operations: Operations,
        length: timedelta,
        clock: Callable[[], datetime],
        *,
        alone: bool,
    ) -> None:
        self._operations = operations
        self._length = length
        self._clock = clock
        self._alone = alone
        self._renewed = 0.0
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        # A lock of our own: what decides is the row, which nobody needs to wait for.
        self._lock = f"lease {self.holder}"
        self.epoch = 0

    @property
    def held(self) -> bool:
        """Whether we may act as leader: renewed lately, by a clock that does not jump."""
        silent = time.monotonic() - self._renewed
        return bool(self.epoch) and silent < MARGIN * self._length.total_seconds()

    def take(self) -> bool:
        """Renew the lease, or take it where it has ended; whether we lead.

        Raises:
            OperationsError: the database cannot be used now.
        """
        began = time.monotonic()
        with self._operations.writing(self._lock) as connection:
            now = self._now(connection)
            if not self._renew(connection, now):
                self.epoch = self._take_over(connection, now)
        self._renewed = began
        return bool(self.epoch)

    def release(self) -> None:
        """End our lease now."""
        if not self.epoch:
            return
        with self._operations.writing(self._lock) as connection:
            connection.execute(self._ours(self.epoch).values(until=0))
        self.epoch = 0

    def _ours(self, epoch: int) -> sa.Update:
        return sa.update(leases).where(
            leases.c.name == NAME, leases.c.holder == self.holder, leases.c.epoch == epoch
        )

    def _renew(self, connection: sa.Connection, now: datetime) -> bool:
        if not self.epoch:
            return False
        until = microseconds(now + self._length)
        return connection.execute(self._ours(self.epoch).values(until=until)).rowcount == 1

    def _take_over(self, connection: sa.Connection, now: datetime) -> int:
        """The new epoch, or 0 where the lease is another's."""
        ours = {"holder": self.holder, "until": microseconds(now + self._length)}
        query = sa.select(leases.c.epoch, leases.c.until).where(leases.c.name == NAME)
        # Skip, do not wait: a transaction of the present leader may be under way.
        row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            if connection.execute(query).one_or_none() is not None:
                return 0
            connection.execute(sa.insert(leases).values(name=NAME, epoch=1, **ours))
            return 1
        if instant(row.until) > now and not self._alone:
            return 0
        taken = sa.update(leases).where(leases.c.name == NAME)
        connection.execute(taken.values(epoch=row.epoch + 1, **ours))
        return int(row.epoch) + 1

    def _now(self, connection: sa.Connection) -> datetime:
        if connection.dialect.name != "postgresql":
            return self._clock()
        found: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return found.astimezone(UTC)


def fence(connection: sa.Connection, epoch: int) -> None:
    """Refuse to go on where another daemon leads; first thing in a transaction that writes.

    Args:
        connection: in a transaction, of the operations database or, on a server, of the evidence.
        epoch: under which the work was begun.

    Raises:
        FencedError: the epoch is over.
    """
    let_go_if_paused(connection)
    table = leases_from_evidence if connection.dialect.name == "postgresql" else leases
    query = sa.select(table.c.epoch).where(table.c.name == NAME)
    now = connection.scalar(query.with_for_update(read=True, key_share=True))
    if now != epoch:
        raise FencedError(
            f"another daemon took the lead (epoch {now}, ours was {epoch}): what was read under"
            " ours is refused; it will be read again"
        )
