"""What people see of messages and endpoints, and what they do about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from annexa.alerts.interface import Alert
from annexa.alerts.outbox import DEAD, DONE, LOCK, PENDING
from annexa.operations import Operations
from annexa.operations.tables import alert_endpoints, outbox
from annexa.operations.times import instant, microseconds

KEPT: Final = timedelta(days=30)
"""How long delivered messages are kept."""

UNTRIED: Final = "not tried"
"""The state of an endpoint that nothing was sent to yet."""


@dataclass(frozen=True)
class Row:
    """A row as people see it."""

    id: str
    endpoint: str
    type: str
    title: str
    status: str
    created: datetime
    tries: int
    next_at: datetime
    error: str


@dataclass(frozen=True)
class EndpointState:
    """How an endpoint stands.

    Attributes:
        pending: Messages that wait.
        dead: Messages that are no longer tried.
        oldest: When the oldest waiting one was put down.
        failures: Attempts that failed, one after the other.
        open_until: Nothing is tried before.
        disabled: Since when it takes nothing at all.
        why: The last error.
        last_delivered: When it last took a message.
    """

    pending: int = 0
    dead: int = 0
    oldest: datetime | None = None
    failures: int = 0
    open_until: datetime | None = None
    disabled: datetime | None = None
    why: str = ""
    last_delivered: datetime | None = None

    @property
    def word(self) -> str:
        """Its state in a word."""
        if self.disabled is not None:
            return "disabled"
        if self.failures:
            return "failing"
        return "good" if self.last_delivered else UNTRIED


def listed(operations: Operations, statuses: Iterable[str] = (PENDING, DEAD)) -> list[Row]:
    """The messages of these states, the oldest first."""
    query = sa.select(outbox).where(outbox.c.status.in_(list(statuses)))
    with operations.reading() as connection:
        found = connection.execute(query.order_by(outbox.c.created, outbox.c.id)).all()
    return [
        Row(
            row.id,
            row.endpoint,
            row.type,
            Alert.read(row.body).title,
            row.status,
            instant(row.created),
            row.tries,
            instant(row.next_at),
            row.last_error,
        )
        for row in found
    ]


def states(operations: Operations) -> Mapping[str, EndpointState]:
    """How every endpoint stands that ever had a message, by name."""
    counts = sa.select(
        outbox.c.endpoint, outbox.c.status, sa.func.count(), sa.func.min(outbox.c.created)
    ).where(outbox.c.status != DONE)
    with operations.reading() as connection:
        told = {row.name: row for row in connection.execute(sa.select(alert_endpoints))}
        found = connection.execute(counts.group_by(outbox.c.endpoint, outbox.c.status)).all()
    numbers = {(endpoint, status): (n, first) for endpoint, status, n, first in found}
    names = told.keys() | {endpoint for endpoint, _ in numbers}
    return {
        name: _state(
            told.get(name),
            numbers.get((name, PENDING), (0, None)),
            numbers.get((name, DEAD), (0, None))[0],
        )
        for name in sorted(names)
    }


def _state(row: sa.Row[Any] | None, pending: tuple[int, int | None], dead: int) -> EndpointState:
    number, first = pending
    oldest = None if first is None else instant(first)
    if row is None:
        return EndpointState(number, dead, oldest)
    return EndpointState(
        number,
        dead,
        oldest,
        row.failures,
        instant(row.open_until) if row.open_until else None,
        None if row.disabled is None else instant(row.disabled),
        row.why,
        None if row.last_delivered is None else instant(row.last_delivered),
    )


def retry(
    operations: Operations, now: datetime, message: str | None = None, endpoint: str | None = None
) -> int:
    """Begin the schedule of dead messages anew, and of those that wait; how many.

    The endpoints they go to are enabled. What a sender has in hand is left to it.

    Args:
        operations: where the outbox is.
        now: the time.
        message: only the message whose id begins so.
        endpoint: only those of this endpoint.
    """
    with operations.writing(LOCK) as connection:
        at = microseconds(now)
        late = sa.and_(
            outbox.c.status == PENDING, outbox.c.next_at > at, outbox.c.lease_until <= at
        )
        query = sa.select(outbox.c.id, outbox.c.endpoint).where(
            sa.or_(outbox.c.status == DEAD, late)
        )
        if message is not None:
            query = query.where(outbox.c.id.startswith(message, autoescape=True))
        if endpoint is not None:
            query = query.where(outbox.c.endpoint == endpoint)
        found = connection.execute(query).all()
        names = sorted({row.endpoint for row in found} | ({endpoint} if endpoint else set()))
        for row in found:
            connection.execute(
                sa.update(outbox)
                .where(outbox.c.id == row.id)
                .values(status=PENDING, tries=0, next_at=microseconds(now), ended=None)
            )
        connection.execute(
            sa.update(alert_endpoints)
            .where(alert_endpoints.c.name.in_(names))
            .values(disabled=None, failures=0, open_until=0, why="")
        )
    return len(found)


def forget(operations: Operations, now: datetime) -> int:
    """Drop delivered messages of long ago; how many. Dead ones stay until they are retried."""
    limit = microseconds(now - KEPT)
    with operations.writing(LOCK) as connection:
        gone = sa.delete(outbox).where(outbox.c.status == DONE, outbox.c.ended < limit)
        return connection.execute(gone).rowcount
