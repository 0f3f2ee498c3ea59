"""The cursor, and the conditions beside it: read together, written together or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa

from annexa.alerts import outbox
from annexa.alerts.conditions import FIRING, OVER, Condition, Conditions
from annexa.alerts.interface import Alert
from annexa.operations import Operations, OperationsError
from annexa.operations.tables import alert_conditions, alert_cursor
from annexa.operations.times import instant, microseconds

NAME: Final = "ledger"
LOCK: Final = "alerts"
BATCH: Final = 500
FINDING: Final = "finding"
"""The one kind of which there may be very many."""


class OutrunError(OperationsError):
    """Somebody else has looked meanwhile: what was decided from an older state is not written."""


@dataclass(frozen=True)
class Cursor:
    """How far was looked.

    Attributes:
        place: The last place that was looked at.
        leaf: The leaf there, in hex: in another ledger it is another one.
        step: Goes up with everything that is decided.
        at: When.
    """

    place: int
    leaf: str
    step: int
    at: datetime


def cursor(operations: Operations) -> Cursor | None:
    """How far was looked; None before the first look."""
    query = sa.select(alert_cursor).where(alert_cursor.c.name == NAME)
    with operations.reading() as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else Cursor(row.place, row.leaf, row.step, instant(row.at))


def conditions(operations: Operations, targets: Iterable[str] = ()) -> Conditions:
    """The conditions that are not findings; and the findings that there is something to tell of.

    Args:
        operations: where they are.
        targets: all findings of these as well.
    """
    table = alert_conditions
    wanted = sa.or_(
        table.c.kind != FINDING,
        table.c.told.is_(False),
        table.c.state == OVER,
        table.c.target.in_(sorted(set(targets))),
    )
    with operations.reading() as connection:
        return Conditions(_read(row) for row in connection.execute(sa.select(table).where(wanted)))


def old(operations: Operations, before: datetime) -> Iterator[Condition]:
    """The findings that fire and of which nobody was told since."""
    table = alert_conditions
    query = sa.select(table).where(
        table.c.kind == FINDING,
        table.c.state == FIRING,
        table.c.told.is_(True),
        table.c.told_at <= microseconds(before),
    )
    with operations.reading() as connection:
        for row in connection.execute(query.order_by(table.c.key)):
            yield _read(row)


def _read(row: sa.Row[Any]) -> Condition:
    return Condition(
        row.key,
        row.kind,
        row.grouped,
        row.target,
        row.state,
        row.told,
        row.good,
        row.told_at,
        orjson.loads(row.facts),
    )


def write(
    operations: Operations,
    before: Cursor | None,
    place: tuple[int, str],
    found: Conditions,
    alerts: Iterable[tuple[Sequence[str], Alert]],
    *,
    source: str,
    now: datetime,
) -> Cursor:
    """Write everything a look decided, in one transaction: cursor, conditions, messages.

    Args:
        operations: where.
        before: the cursor the look began from.
        place: the place and leaf it came to.
        found: the conditions as they are now.
        alerts: what is told, and to which endpoints.
        source: the ledger's name.
        now: the time.

    Raises:
        OutrunError: the cursor is not where it was; nothing is written.
    """
    step = 1 if before is None else before.step + 1
    values = {"place": place[0], "leaf": place[1], "step": step, "at": microseconds(now)}
    with operations.writing(LOCK) as connection:
        _advance(connection, before, values)
        _keep(connection, found)
        # The place is part of it: steps begin anew when this database was lost, and a receiver
        # that knows an id ignores what comes with it.
        moment = f"{source}\0{place[0]}\0{place[1]}\0{step}"
        for number, (endpoints, alert) in enumerate(alerts):
            transition = f"{moment}\0{number}\0{alert.type}\0{alert.group}"
            outbox.put(connection, endpoints, alert, transition, now)
    return Cursor(*place, step, now)


def _advance(connection: sa.Connection, before: Cursor | None, values: dict[str, Any]) -> None:
    table = alert_cursor
    if before is None:
        if connection.scalar(sa.select(table.c.step).where(table.c.name == NAME)) is not None:
            raise OutrunError("alerts: another process has looked at the ledger first")
        connection.execute(sa.insert(table).values(name=NAME, **values))
        return
    moved = sa.update(table).where(table.c.name == NAME, table.c.step == before.step)
    if connection.execute(moved.values(values)).rowcount != 1:
        raise OutrunError("alerts: another process has looked at the ledger meanwhile")


def _keep(connection: sa.Connection, found: Conditions) -> None:
    table, changed, gone = alert_conditions, found.changed(), found.gone()
    keys = [*gone, *(each.key for each in changed)]
    for start in range(0, len(keys), BATCH):
        some = keys[start : start + BATCH]
        connection.execute(sa.delete(table).where(table.c.key.in_(some)))
    rows = [
        {
            "key": each.key,
            "kind": each.kind,
            "grouped": each.group,
            "target": each.target,
            "state": each.state,
            "told": each.told,
            "good": each.good,
            "told_at": each.told_at,
            "facts": orjson.dumps(each.facts, option=orjson.OPT_SORT_KEYS).decode(),
        }
        for each in changed
    ]
    for start in range(0, len(rows), BATCH):
        connection.execute(sa.insert(table), rows[start : start + BATCH])
