"""PagerDuty, by Events API v2: what fires triggers an incident, what recovers resolves it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from annexa.alerts.guarded import Way
from annexa.alerts.interface import (
    NEWS,
    RESOLVED,
    Alert,
    Answer,
    Message,
    fields_of,
    shortened,
)

SEVERITY: Final = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
SUMMARY: Final = 1024
"""Characters: https://developer.pagerduty.com/docs/send-alert-event."""

IN_USE: Final = "annexa"


def dedup_key(alert: Alert) -> str:
    """What an incident is known by: the same for all that is told of one group."""
    return f"annexa-{hashlib.sha256(alert.group.encode()).hexdigest()[:40]}"


def payload(alert: Alert, routing_key: str, message: str) -> dict[str, Any]:
    """The event as the API takes it; one that only happened has an incident of its own.

    Args:
        alert: what is told.
        routing_key: the service's.
        message: the message's id.
    """
    resolves = alert.status == RESOLVED
    key = message if alert.status == NEWS else dedup_key(alert)
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if resolves else "trigger",
        "dedup_key": key,
    }
    if resolves:
        return event
    details = fields_of(alert)
    event["payload"] = {
        "summary": shortened(alert.title, SUMMARY),
        "source": alert.target or IN_USE,
        "severity": SEVERITY[alert.severity],
        "timestamp": alert.at,
        "component": alert.collector or IN_USE,
        "group": alert.control or alert.type,
        "class": alert.type,
        "custom_details": details,
    }
    if alert.link.startswith(("https://", "http://")):
        event["links"] = [{"href": alert.link, "text": "Read on"}]
    return event | {"client": IN_USE}


@dataclass(frozen=True)
class PagerdutySink:
    """A service; `routing_key` fetches its integration key."""

    name: str
    routing_key: Callable[[], str] = field(repr=False)
    url: str = "https://events.pagerduty.com/v2/enqueue"
    way: Way = field(default_factory=Way)
    kind: str = "pagerduty"

    @property
    def place(self) -> str:
        """The API's host."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def send(self, message: Message, now: datetime) -> Answer:
        """Post it once; a repetition meets the incident it made.

        That part of a group recovered is nothing to wake somebody for, and the incident stays
        open for the rest: a trigger would open one anew that somebody has closed.
        """
        if message.alert.status == RESOLVED and message.alert.counts.get("remaining"):
            return Answer(delivered=True)
        body = orjson.dumps(payload(message.alert, self.routing_key(), message.id))
        headers = {"Content-Type": "application/json"}
        return self.way.post(self.url, headers, body, now)[0]
