"""Slack, by an incoming webhook: blocks, with a text for notifications and screen readers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from annexa.alerts.guarded import Way
from annexa.alerts.interface import Alert, Answer, Message, headline, named, rows, shortened

HEADER, SECTION, FIELD, FIELDS = 150, 3000, 2000, 10
"""What Slack takes: https://docs.slack.dev/reference/block-kit/blocks."""

NOTHING: Final = {"Read on", "Why"}


def escaped(text: str) -> str:
    """Only these three mean something to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def payload(alert: Alert) -> dict[str, Any]:
    """The message as Slack's API takes it."""
    head = headline(alert)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _literal(head, HEADER)}]
    fields = [
        {"type": "mrkdwn", "text": shortened(f"*{name}*\n{escaped(value)}", FIELD)}
        for name, value in rows(alert)
        if name not in NOTHING
    ]
    blocks.append({"type": "section", "fields": fields[:FIELDS]})
    lines = ([alert.reason] if alert.reason else []) + [f"• {line}" for line in named(alert)]
    if lines:
        blocks.append({"type": "section", "text": _literal("\n".join(lines), SECTION)})
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _link(alert)}]})
    return {"text": shortened(escaped(head), SECTION), "blocks": blocks}


def _literal(text: str, longest: int) -> dict[str, Any]:
    """Text of which nothing is read as markup: names are full of *, _ and :these:."""
    return {"type": "plain_text", "text": shortened(text, longest), "emoji": False}


def _link(alert: Alert) -> str:
    if alert.link.startswith(("https://", "http://")):
        return shortened(f"<{alert.link}|Read on> · {escaped(alert.type)}", FIELD)
    return shortened(f"`{escaped(alert.link)}` · {escaped(alert.type)}", FIELD)


@dataclass(frozen=True)
class SlackSink:
    """A channel; `url` fetches its address, which is a secret."""

    name: str
    url: Callable[[], str] = field(repr=False)
    way: Way = field(default_factory=Way)
    kind: str = "slack"
    place: str = "an incoming webhook"

    def send(self, message: Message, now: datetime) -> Answer:
        """Post it once."""
        body = orjson.dumps(payload(message.alert))
        headers = {"Content-Type": "application/json"}
        return self.way.post(self.url(), headers, body, now)[0]
