"""What is erased from the evidence leaves what alerts keep: messages, conditions, silences.

What a sender has in hand at that moment, and what receivers have got, is beyond reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson
import sqlalchemy as sa

from annexa.alerts.interface import Alert
from annexa.alerts.state import LOCK
from annexa.operations import Operations
from annexa.operations.tables import alert_conditions, alert_cursor, alert_silences, outbox
from evidence_store.quoting import Quotes

TABLES: Final = (alert_conditions.name, alert_silences.name, outbox.name)
"""What is written anew afterwards, so that no free page keeps it."""


@dataclass(frozen=True)
class Gone:
    """How much was let go of, or would be.

    Attributes:
        messages: Messages in the outbox, sent or waiting.
        conditions: Conditions, such as a finding that fails.
        silences: Silences, in what they name or in their reason.
    """

    messages: int = 0
    conditions: int = 0
    silences: int = 0

    def __add__(self, other: Gone) -> Gone:
        return Gone(
            self.messages + other.messages,
            self.conditions + other.conditions,
            self.silences + other.silences,
        )

    def __bool__(self) -> bool:
        return bool(self.messages or self.conditions or self.silences)


def erase(operations: Operations, quotes: Quotes, stand_in: str, *, dry_run: bool = False) -> Gone:
    """Put something else where alerts quote what is erased; messages that wait still arrive.

    Whoever looks at the ledger meanwhile has to look again: what they saw may name it.

    Args:
        operations: where alerts are.
        quotes: finds it.
        stand_in: what stands in its place.
        dry_run: only count.
    """
    if dry_run:
        with operations.reading() as connection:
            return _gone(*(list(found) for found in _found(connection, quotes, stand_in)))
    with operations.writing(LOCK) as connection:
        connection.execute(sa.update(alert_cursor).values(step=alert_cursor.c.step + 1))
        messages, conditions, silences = (
            list(found) for found in _found(connection, quotes, stand_in)
        )
        for table, rows in (
            (outbox.c.id, messages),
            (alert_conditions.c.key, conditions),
            (alert_silences.c.id, silences),
        ):
            for key, values in rows:
                connection.execute(sa.update(table.table).where(table == key).values(values))
    return _gone(messages, conditions, silences)


def _gone(*found: list[tuple[Any, dict[str, str]]]) -> Gone:
    return Gone(*(len(rows) for rows in found))


def _found(
    connection: sa.Connection, quotes: Quotes, stand_in: str
) -> tuple[Iterator[tuple[Any, dict[str, str]]], ...]:
    return (
        _messages(connection, quotes, stand_in),
        _conditions(connection, quotes, stand_in),
        _silences(connection, quotes, stand_in),
    )


def _messages(
    connection: sa.Connection, quotes: Quotes, stand_in: str
) -> Iterator[tuple[Any, dict[str, str]]]:
    for row in connection.execute(sa.select(outbox.c.id, outbox.c.body)):
        alert = Alert.read(row.body)
        left = without(alert, quotes, stand_in)
        if left != alert:
            yield row.id, {"body": left.text()}


def without(alert: Alert, quotes: Quotes, stand_in: str) -> Alert:
    """The alert without what is erased; of a resource that is it, the reason goes as a whole."""
    resources = [_row(each, quotes, stand_in) for each in alert.resources]
    named = resources != list(alert.resources) or quotes.quoted_in(unquote_plus(alert.link))
    return replace(
        alert,
        title=quotes.without(alert.title, stand_in),
        reason=quotes.without(alert.reason, stand_in),
        resources=resources,
        link="" if named else alert.link,
    )


def _row(row: Mapping[str, str], quotes: Quotes, stand_in: str) -> dict[str, str]:
    left = {name: quotes.without(value, stand_in) for name, value in row.items()}
    if left.get("id") != row.get("id") and "reason" in left:
        left["reason"] = ""  # it may be cut off in the middle of a name
    return left


def _conditions(
    connection: sa.Connection, quotes: Quotes, stand_in: str
) -> Iterator[tuple[Any, dict[str, str]]]:
    table = alert_conditions
    for row in connection.execute(sa.select(table.c.key, table.c.facts)):
        if not quotes.quoted_in(row.facts):
            continue
        facts = orjson.loads(row.facts)
        left = {
            name: quotes.without(value, stand_in) if name in {"resource", "reason"} else value
            for name, value in facts.items()
        }
        if left.get("resource") != facts.get("resource") and "reason" in left:
            left["reason"] = ""
        if left != facts:
            yield row.key, {"facts": orjson.dumps(left, option=orjson.OPT_SORT_KEYS).decode()}


def _silences(
    connection: sa.Connection, quotes: Quotes, stand_in: str
) -> Iterator[tuple[Any, dict[str, str]]]:
    table = alert_silences
    for row in connection.execute(sa.select(table.c.id, table.c.matchers, table.c.reason)):
        matchers = orjson.loads(row.matchers)
        resource = quotes.without(str(matchers["resource"]), stand_in)
        reason = quotes.without(row.reason, stand_in)
        if (resource, reason) != (matchers["resource"], row.reason):
            kept = orjson.dumps(matchers | {"resource": resource}).decode()
            yield row.id, {"matchers": kept, "reason": reason}
