"""Every kind of event there is, and an alert as a CloudEvents 1.0 document."""

from __future__ import annotations

import fnmatch
import uuid
from collections.abc import Iterable
from typing import Final

import orjson

from annexa.alerts.interface import Alert, Message, fields_of, fitting

CONTROL_REGRESSED: Final = "control.verdict.regressed"
CONTROL_RECOVERED: Final = "control.verdict.recovered"
CONTROL_CHANGED: Final = "control.status.changed"
FAILING: Final = "finding.resource.failing"
RECOVERED: Final = "finding.resource.recovered"
STALE: Final = "evidence.freshness.breached"
FRESH: Final = "evidence.freshness.restored"
COLLECTOR_FAILED: Final = "collector.run.failed"
PERMISSION_LOST: Final = "collector.run.permission_lost"
COLLECTOR_RECOVERED: Final = "collector.run.recovered"
FIRST_RESULTS: Final = "collector.run.first_results"
SHRUNK: Final = "coverage.scope.shrunk"
INTEGRITY: Final = "integrity.verification.failed"
EXPIRING: Final = "exception.expiring"
EXPIRED: Final = "exception.expired"
MISSED: Final = "sweep.missed"
EXPORTED: Final = "export.created"
DISABLED: Final = "delivery.endpoint.disabled"
DEAD: Final = "delivery.message.dead"
REMINDER: Final = "alert.reminder"
TEST: Final = "alert.test"

TYPES: Final = {
    CONTROL_REGRESSED: "A control's status went down: to not met or partly met.",
    CONTROL_RECOVERED: "A control that was not or partly met is better again.",
    CONTROL_CHANGED: "A control's status changed otherwise, such as from met to unknown.",
    FAILING: "Resources fail that did not, by control, collector and target.",
    RECOVERED: "Resources pass again, in two sweeps one after the other, or are gone.",
    STALE: "Evidence of controls is older than its limit.",
    FRESH: "It is fresh again.",
    COLLECTOR_FAILED: "A collector could not read all it asks for; not for want of a permission.",
    PERMISSION_LOST: "A collector was refused; it resolves no failing finding.",
    COLLECTOR_RECOVERED: "It reads everything again.",
    FIRST_RESULTS: "What a target's new collectors found, in one message instead of one each.",
    SHRUNK: "A listing names far fewer resources than before.",
    INTEGRITY: "A verification of the store failed; never grouped, silenced or filtered.",
    EXPIRING: "An accepted failure counts again in 30, 7 or 1 days.",
    EXPIRED: "An accepted failure counts again.",
    MISSED: "Due times of a schedule passed without a sweep.",
    EXPORTED: "Evidence was exported, as the access log has it.",
    DISABLED: "An endpoint said that it is gone; told on the others.",
    DEAD: "A message could not be delivered and is no longer tried; told on the others.",
    REMINDER: "What still fires and was last told of longer ago than `repeat`.",
    TEST: "Sent by `annexa alerts test`.",
}
"""Every type with its meaning."""

UNSILENCEABLE: Final = frozenset({INTEGRITY, TEST})
"""What goes to every endpoint, whatever is filtered or silenced."""

MOST_BYTES: Final = 20_000
"""A body stays below this, as Standard Webhooks advises."""

NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:annexa:alerts")


def message_id(endpoint: str, transition: str) -> str:
    """The id of a transition's message to an endpoint: the same whenever it is worked out."""
    return str(uuid.uuid5(NAMESPACE, f"{endpoint}\0{transition}"))


def matches(kind: str, patterns: Iterable[str]) -> bool:
    """Whether a type is one of those named, `control.*` and the like included."""
    return any(fnmatch.fnmatchcase(kind, pattern) for pattern in patterns)


def cloud_event(message: Message) -> bytes:
    """The alert as a CloudEvents 1.0 document in JSON, below 20 kB whatever it names."""

    def event(alert: Alert) -> bytes:
        values = {
            "specversion": "1.0",
            "id": message.id,
            "source": f"urn:annexa:{message.source}",
            "type": alert.type,
            "subject": alert.group,
            "time": message.created.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": fields_of(alert),
        }
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)

    return fitting(message.alert, event, MOST_BYTES)
