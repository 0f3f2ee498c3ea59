"""Microsoft Teams, by a workflow that waits for a webhook: one Adaptive Card.

The older connectors and their MessageCard are retired. A workflow accepts a request whose flow
then fails: 202 says that Power Automate has it, not that the channel does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from annexa.alerts.guarded import Way
from annexa.alerts.interface import (
    Alert,
    Answer,
    Message,
    fitting,
    headline,
    named,
    rows,
    shortened,
)

CARD: Final = "application/vnd.microsoft.card.adaptive"
SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
VERSION: Final = "1.4"
"""The newest that every Teams client draws."""

MOST_BYTES: Final = 28_000
"""A message stays below this; Microsoft does not say in which encoding, so the longest counts."""

_MARKED = re.compile(r"([\\`*_{\[\]#~<>])")


def escaped(text: str) -> str:
    """Text blocks read a little Markdown; what comes from findings must not be any."""
    return _MARKED.sub(r"\\\1", text)


def payload(alert: Alert) -> dict[str, Any]:
    """The message as the workflow takes it."""
    facts = [
        {"title": name, "value": escaped(shortened(value))}
        for name, value in rows(alert)
        if name != "Read on"
    ]
    head = escaped(shortened(headline(alert)))
    blocks: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": head, "size": "Medium", "weight": "Bolder", "wrap": True},
        {"type": "FactSet", "facts": facts},
    ]
    blocks += [
        {"type": "TextBlock", "text": f"• {escaped(shortened(line))}", "wrap": True}
        for line in named(alert)
    ]
    card: dict[str, Any] = {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": VERSION,
        "msteams": {"width": "Full"},
        "body": blocks,
    }
    if alert.link.startswith(("https://", "http://")):
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Read on", "url": alert.link}]
    elif alert.link:
        said = {"type": "TextBlock", "text": escaped(alert.link), "fontType": "Monospace"}
        blocks.append(said | {"wrap": True})
    attachment = {"contentType": CARD, "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def body(alert: Alert) -> bytes:
    """The message in bytes, small enough for Teams."""
    return fitting(alert, lambda some: orjson.dumps(payload(some)), MOST_BYTES, _size)


def _size(text: bytes) -> int:
    return max(len(text), len(text.decode().encode("utf-16-le")))


@dataclass(frozen=True)
class TeamsSink:
    """A channel; `url` fetches its workflow's address, which is a secret."""

    name: str
    url: Callable[[], str] = field(repr=False)
    way: Way = field(default_factory=Way)
    kind: str = "teams"
    place: str = "a workflow"

    def send(self, message: Message, now: datetime) -> Answer:
        """Post it once."""
        headers = {"Content-Type": "application/json"}
        return self.way.post(self.url(), headers, body(message.alert), now)[0]
