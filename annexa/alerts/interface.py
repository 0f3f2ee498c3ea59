"""What every way to tell somebody has in common: an alert goes in, how it went comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"
SEVERITIES: Final = (LOW, MEDIUM, HIGH, CRITICAL)
"""From the least to the most severe."""

FIRING, RESOLVED, NEWS = "firing", "resolved", "news"
"""What an alert says of its subject: it holds, it no longer holds, it happened."""

MOST_RESOURCES: Final = 10
"""So many resources are named; of the others the number."""

LONGEST: Final = 500
"""Characters of a text taken from findings or errors; the store has the whole of it."""


@dataclass(frozen=True)
class Alert:
    """One thing somebody is told, whoever it is and however.

    Attributes:
        type: One of `events.TYPES`, such as `finding.resource.failing`.
        status: `firing`, `resolved` or `news`.
        severity: One of `SEVERITIES`.
        title: One line for people.
        group: What the alert is about, by which a later one resolves it: never text or time.
        at: When it was so, ISO 8601 in UTC.
        control: The control's id; "" where no single one is concerned.
        target: The target's name; "" where no single one is concerned.
        collector: The collector's; "" likewise.
        reason: Why, in a sentence.
        verdict: The status that holds now, such as `fail` or `not_met`.
        before: The one that held before.
        counts: Numbers, such as how many resources.
        resources: The first few concerned, each with its check.
        link: Where to read on: an address, or a command of ours.
    """

    type: str
    status: str
    severity: str
    title: str
    group: str
    at: str
    control: str = ""
    target: str = ""
    collector: str = ""
    reason: str = ""
    verdict: str = ""
    before: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    resources: Sequence[Mapping[str, str]] = ()
    link: str = ""

    def text(self) -> str:
        """As it is kept; the same alert is the same text."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def read(cls, text: str) -> Alert:
        """What `text` wrote."""
        return cls(**orjson.loads(text))


@dataclass(frozen=True)
class Message:
    """An alert on its way to one endpoint.

    Attributes:
        id: The same for every attempt, so that a receiver knows a repetition.
        source: The ledger it is from.
        created: When it was put down.
        alert: What is told.
    """

    id: str
    source: str
    created: datetime
    alert: Alert


@dataclass(frozen=True)
class Answer:
    """How an attempt went.

    Attributes:
        delivered: Whether the receiver has it.
        error: Why not; never a secret, never an answer's body.
        retry_after: Seconds the receiver wants to be left alone.
        gone: The receiver will never take anything again.
    """

    delivered: bool
    error: str = ""
    retry_after: float | None = None
    gone: bool = False


class Sink(Protocol):
    """A receiver of alerts; one file each beside this one."""

    @property
    def name(self) -> str:
        """The endpoint's name in the configuration."""

    @property
    def kind(self) -> str:
        """Which file it is, such as `webhook`."""

    @property
    def place(self) -> str:
        """Where it goes, as people may see it: never with a secret."""

    def send(self, message: Message, now: datetime) -> Answer:
        """Try once; whatever goes wrong on the way is an answer.

        Args:
            message: What is told.
            now: The time of the attempt, aware UTC.
        """


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text that is no longer than so many characters."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def fitting(
    alert: Alert, made: Callable[[Alert], bytes], most: int, size: Callable[[bytes], int] = len
) -> bytes:
    """A body below so many bytes: the last resources are left out of it, never its counts.

    Args:
        alert: what is told.
        made: the body of an alert.
        most: bytes.
        size: how the receiver counts them.
    """
    number = len(alert.resources)
    while size(body := made(alert)) >= most and number:
        number -= 1
        alert = replace(alert, resources=alert.resources[:number])
    return body


def headline(alert: Alert) -> str:
    """Status and title in one line."""
    return " ".join(f"[{alert.status.upper()}] {alert.title}".split())


def rows(alert: Alert) -> list[tuple[str, str]]:
    """What there is to say beside the title, as label and value, for people."""
    counts = ", ".join(
        f"{number:,} {name.replace('_', ' ')}" for name, number in alert.counts.items()
    )
    change = " → ".join(part.replace("_", " ") for part in (alert.before, alert.verdict) if part)
    found = (
        ("Control", alert.control),
        ("Target", alert.target),
        ("Collector", alert.collector),
        ("Severity", alert.severity),
        ("Status", change),
        ("Counts", counts),
        ("Why", alert.reason),
        ("At", _moment(alert.at)),
        ("Read on", alert.link),
    )
    return [(name, value) for name, value in found if value]


def _moment(at: str) -> str:
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M} UTC"


def named(alert: Alert) -> list[str]:
    """The resources, one line each."""
    return [
        " · ".join(
            part
            for part in (each.get("check", ""), each.get("id", ""), each.get("reason", ""))
            if part
        )
        for each in alert.resources
    ]


def plain(alert: Alert) -> str:
    """Everything as plain text."""
    lines = [headline(alert), "", *(f"{name}: {value}" for name, value in rows(alert))]
    if resources := named(alert):
        lines += ["", *(f"- {line}" for line in resources)]
    return "\n".join(lines) + "\n"


def fields_of(alert: Alert) -> dict[str, Any]:
    """The alert as JSON has it, without what is empty."""
    return {name: value for name, value in asdict(alert).items() if value not in ("", (), [], {})}
