"""The outbox: what is to be sent lies beside the cursor, and leaves it only when it has arrived.

A row is claimed by one statement and for a time; no transaction is open while it is sent. The
number of the attempt is the claim's token: whoever was too slow can settle nothing any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from annexa.alerts import events
from annexa.alerts.interface import Alert, Message
from annexa.operations import Operations
from annexa.operations.tables import alert_endpoints, outbox
from annexa.operations.times import instant, microseconds

LOCK: Final = "outbox"
PENDING, DONE, DEAD = "pending", "delivered", "dead"


@dataclass(frozen=True)
class Claimed:
    """A row somebody has claimed: the message, where it goes, and the token."""

    message: Message
    endpoint: str
    attempt: int
    tries: int


def put(
    connection: sa.Connection,
    endpoints: Iterable[str],
    alert: Alert,
    transition: str,
    now: datetime,
) -> int:
    """Put a message for each endpoint down, in the transaction in which the cursor moves.

    Args:
        connection: in a transaction of the operations database.
        endpoints: names of those who are told.
        alert: what.
        transition: makes this event another one than all others; a second time it is no message.
        now: the time.

    Returns: how many were put down.
    """
    return sum(_put_one(connection, each, alert, transition, now) for each in endpoints)


def _put_one(
    connection: sa.Connection, endpoint: str, alert: Alert, transition: str, now: datetime
) -> bool:
    number = events.message_id(endpoint, transition)
    if connection.scalar(sa.select(outbox.c.id).where(outbox.c.id == number)) is not None:
        return False
    connection.execute(
        sa.insert(outbox).values(
            id=number,
            endpoint=endpoint,
            type=alert.type,
            grouped=alert.group,
            body=alert.text(),
            created=microseconds(now),
            attempts=0,
            tries=0,
            next_at=microseconds(now),
            lease_until=0,
            status=PENDING,
            last_error="",
        )
    )
    return True


def waiting(operations: Operations, now: datetime, endpoints: Iterable[str]) -> bool:
    """Whether anything is due to be sent to these endpoints."""
    with operations.reading() as connection:
        return connection.scalar(_due(now, 1, endpoints)) is not None


def _due(now: datetime, most: int, endpoints: Iterable[str]) -> sa.Select[Any]:
    """The messages that may be sent, oldest first.

    Of one group an endpoint gets one after the other: what recovered must not arrive before what
    failed, for a receiver that opens incidents would never close that one.
    """
    at, earlier = microseconds(now), outbox.alias()
    first = sa.exists().where(
        earlier.c.endpoint == outbox.c.endpoint,
        earlier.c.grouped == outbox.c.grouped,
        earlier.c.status == PENDING,
        sa.or_(
            earlier.c.created < outbox.c.created,
            sa.and_(earlier.c.created == outbox.c.created, earlier.c.id < outbox.c.id),
        ),
    )
    shut = sa.select(alert_endpoints.c.name).where(
        sa.or_(alert_endpoints.c.open_until > at, alert_endpoints.c.disabled.is_not(None))
    )
    query = sa.select(outbox.c.id).where(
        outbox.c.status == PENDING,
        outbox.c.next_at <= at,
        outbox.c.lease_until <= at,
        outbox.c.endpoint.not_in(shut),
        outbox.c.endpoint.in_(list(endpoints)),
        ~first,
    )
    return query.order_by(outbox.c.created, outbox.c.id).limit(most)


def claim(
    operations: Operations,
    source: str,
    endpoints: Iterable[str],
    now: datetime,
    *,
    most: int,
    lease: timedelta,
) -> list[Claimed]:
    """Take up to so many due messages for a time; nobody else gets them meanwhile.

    Args:
        operations: where the outbox is.
        source: the ledger's name, as messages say it.
        endpoints: those we know how to reach.
        now: the time.
        most: how many at once.
        lease: for how long; longer than all of them together may take.
    """
    due = _due(now, most, endpoints).with_for_update(skip_locked=True)
    # A lock of our own: what keeps two senders apart is the rows', which nobody waits for.
    with operations.writing(f"claim {secrets.token_hex(8)}") as connection:
        found = list(connection.scalars(due))
        taken = (
            sa.update(outbox)
            .where(outbox.c.id.in_(found))
            .values(
                lease_until=microseconds(now + lease),
                attempts=outbox.c.attempts + 1,
                tries=outbox.c.tries + 1,
            )
            .returning(*outbox.c)
        )
        rows = connection.execute(taken).all() if found else []
    return [
        Claimed(
            Message(row.id, source, instant(row.created), Alert.read(row.body)),
            row.endpoint,
            row.attempts,
            row.tries,
        )
        for row in sorted(rows, key=lambda row: (row.created, row.id))
    ]
