"""What becomes of an attempt: delivered, later again, dead; and what that says of its endpoint."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from annexa.alerts import events
from annexa.alerts.interface import Alert, Answer
from annexa.alerts.outbox import DEAD, DONE, LOCK, PENDING, Claimed, put
from annexa.operations import Operations
from annexa.operations.tables import alert_endpoints, outbox
from annexa.operations.times import microseconds

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

Random = Callable[[], float]


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
            done = ours.values(
                status=DONE,
                lease_until=0,
                ended=microseconds(now),
                last_error=answer.error[:500],
            )
            if not connection.execute(done).rowcount:
                return None
            _worked(connection, claimed.endpoint, answer, now)
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
        if disabled or (died and not answer.gone):  # of what is gone, the others know already
            _tell_others(connection, claimed, answer, now, others, disabled=disabled)
        return Settled(DEAD if died else PENDING, disabled, died)


def _wait(tries: int, answer: Answer, jitter: Random) -> timedelta:
    usual = DELAYS[min(tries, len(DELAYS)) - 1] * (0.5 + jitter() / 2)
    asked = min(timedelta(seconds=answer.retry_after or 0), LONGEST_WAIT)
    return max(usual, asked)


def _worked(connection: sa.Connection, endpoint: str, answer: Answer, now: datetime) -> None:
    """An endpoint takes messages; after an outage what waits for it is due at once."""
    table = alert_endpoints
    failures = connection.scalar(sa.select(table.c.failures).where(table.c.name == endpoint))
    if (failures or 0) >= FAILURES:
        connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.endpoint == endpoint,
                outbox.c.status == PENDING,
                outbox.c.next_at > microseconds(now),
            )
            .values(next_at=microseconds(now))
        )
    values = {"failures": 0, "open_until": 0, "why": answer.error[:500]}
    _endpoint(connection, endpoint, values | {"last_delivered": microseconds(now)})


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
