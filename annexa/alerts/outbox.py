"""The outbox: what is to be sent lies beside the cursor, and leaves it only when it has arrived.

A row is claimed by one statement and for a time; no transaction is open while it is sent. The
number of the attempt is the claim's token: whoever was too slow can settle nothing any more.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from annexa.alerts import events
from annexa.alerts.interface import Alert, Answer, Message
from annexa.operations import Operations
from annexa.operations.tables import alert_endpoints, outbox
from annexa.operations.times import instant, microseconds

DELAYS: Final = tuple(
    timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)
"""After a failed attempt, as Standard Webhooks has it; about three days in all."""

LONGEST_WAIT: Final = timedelta(days=1)
"""A receiver may put a message off by so much at once."""

FAILURES: Final = 5
"""So many in a row open an endpoint's circuit."""

CIRCUIT: Final = timedelta(minutes=1)
"""For so long nothing more is tried of it."""

KEPT: Final = timedelta(days=30)
"""How long delivered messages are kept."""

LOCK: Final = "outbox"
PENDING, DONE, DEAD = "pending", "delivered", "dead"

Random = Callable[[], float]


@dataclass(frozen=True)
class Claimed:
    """A row somebody has claimed: the message, where it goes, and the token."""

    message: Message
    endpoint: str
    attempt: int
    tries: int


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
        return "failing" if self.failures else "good"


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
    at = microseconds(now)
    shut = sa.select(alert_endpoints.c.name).where(
        sa.or_(alert_endpoints.c.open_until > at, alert_endpoints.c.disabled.is_not(None))
    )
    query = sa.select(outbox.c.id).where(
        outbox.c.status == PENDING,
        outbox.c.next_at <= at,
        outbox.c.lease_until <= at,
        outbox.c.endpoint.not_in(shut),
        outbox.c.endpoint.in_(list(endpoints)),
    )
    return query.order_by(outbox.c.next_at, outbox.c.id).limit(most)


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


def release(operations: Operations, claimed: Sequence[Claimed]) -> None:
    """Give back what was claimed and not begun; another sender need not wait for the lease."""
    with operations.writing(f"{LOCK} {claimed[0].endpoint}") as connection:
        for each in claimed:
            connection.execute(
                sa.update(outbox)
                .where(outbox.c.id == each.message.id, outbox.c.attempts == each.attempt)
                .values(lease_until=0, tries=outbox.c.tries - 1)
            )


@dataclass(frozen=True)
class Settled:
    """What became of an attempt; `disabled`, `died` where that is news."""

    status: str
    disabled: bool = False
    died: bool = False


def settle(
    operations: Operations,
    claimed: Claimed,
    answer: Answer,
    now: datetime,
    others: Iterable[str],
    jitter: Random = random.random,
) -> Settled | None:
    """Write how an attempt went; None where somebody else has claimed the message since.

    Args:
        operations: where the outbox is.
        claimed: what was sent.
        answer: how it went.
        now: the time.
        others: endpoints that are told of a message that died, or of an endpoint that is gone.
        jitter: between 0 and 1; two senders shall not try again in the same moment.
    """
    with operations.writing(f"{LOCK} {claimed.endpoint}") as connection:
        ours = sa.update(outbox).where(
            outbox.c.id == claimed.message.id,
            outbox.c.attempts == claimed.attempt,
            outbox.c.status == PENDING,
        )
        if answer.delivered:
            values = {"status": DONE, "lease_until": 0, "ended": microseconds(now)}
            if not connection.execute(ours.values(**values, last_error="")).rowcount:
                return None
            _endpoint(
                connection,
                claimed.endpoint,
                {"failures": 0, "open_until": 0, "why": "", "last_delivered": microseconds(now)},
            )
            return Settled(DONE)
        died = answer.gone or claimed.tries > len(DELAYS)
        wait = _wait(claimed.tries, answer, jitter)
        values = {
            "status": DEAD if died else PENDING,
            "lease_until": 0,
            "next_at": microseconds(now + wait),
            "ended": microseconds(now) if died else None,
            "last_error": answer.error[:500],
        }
        if not connection.execute(ours.values(values)).rowcount:
            return None
        disabled = _failed(connection, claimed.endpoint, answer, now)
        if disabled or died:
            _tell_others(connection, claimed, answer, now, others, disabled=disabled)
        return Settled(DEAD if died else PENDING, disabled, died)


def _wait(tries: int, answer: Answer, jitter: Random) -> timedelta:
    usual = DELAYS[min(tries, len(DELAYS)) - 1] * (0.5 + jitter() / 2)
    asked = min(timedelta(seconds=answer.retry_after or 0), LONGEST_WAIT)
    return max(usual, asked)


def _failed(connection: sa.Connection, endpoint: str, answer: Answer, now: datetime) -> bool:
    """Count a failure; whether the endpoint is disabled by it."""
    table = alert_endpoints
    row = connection.execute(sa.select(table).where(table.c.name == endpoint)).one_or_none()
    failures = (row.failures if row else 0) + 1
    disabled = answer.gone and (row is None or row.disabled is None)
    values: dict[str, Any] = {"failures": failures, "why": answer.error[:500]}
    if failures >= FAILURES:
        values["open_until"] = microseconds(now + CIRCUIT)
    if disabled:
        values["disabled"] = microseconds(now)
    _endpoint(connection, endpoint, values)
    return disabled


def _endpoint(connection: sa.Connection, name: str, values: Mapping[str, Any]) -> None:
    known = sa.update(alert_endpoints).where(alert_endpoints.c.name == name).values(values)
    if not connection.execute(known).rowcount:
        first = {"failures": 0, "open_until": 0, "why": "", **values}
        connection.execute(sa.insert(alert_endpoints).values(name=name, **first))


def _tell_others(
    connection: sa.Connection,
    claimed: Claimed,
    answer: Answer,
    now: datetime,
    others: Iterable[str],
    *,
    disabled: bool,
) -> None:
    """An endpoint that is gone, or a message that died, is an event on the other endpoints.

    Of messages that die one after the other, one a day is told.
    """
    about = claimed.message.alert.type
    if about in {events.DEAD, events.DISABLED}:
        return
    what = events.DISABLED if disabled else events.DEAD
    word = "is gone and disabled" if disabled else "did not take a message"
    alert = Alert(
        type=what,
        status="news",
        severity="high",
        title=f"Endpoint {claimed.endpoint} {word}",
        group=f"{what}/{claimed.endpoint}",
        at=now.isoformat(timespec="seconds"),
        reason=answer.error,
        counts={"tries": claimed.tries},
        resources=[{"id": claimed.message.id, "check": about}],
        link="annexa alerts list",
    )
    moment = f"{now:%Y-%m-%dT%H:%M:%S}" if disabled else f"{now:%Y-%m-%d}"
    rest = [each for each in others if each != claimed.endpoint]
    put(connection, rest, alert, f"{what}\0{claimed.endpoint}\0{moment}", now)


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
    """Begin the schedule of dead messages anew, and enable the endpoints they go to; how many.

    Args:
        operations: where the outbox is.
        now: the time.
        message: only the message whose id begins so.
        endpoint: only those of this endpoint.
    """
    with operations.writing(LOCK) as connection:
        query = sa.select(outbox.c.id, outbox.c.endpoint).where(outbox.c.status == DEAD)
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
