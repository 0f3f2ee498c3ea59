"""Turning conditions into alerts: who is told, what is grouped, what is silent."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from annexa.alerts import events
from annexa.alerts.conditions import FIRING, OVER, Condition, Conditions
from annexa.alerts.endpoints import receivers
from annexa.alerts.interface import (
    MOST_RESOURCES,
    SEVERITIES,
    Alert,
    shortened,
)
from annexa.alerts.silences import About, Silence, silent
from annexa.operations.times import microseconds
from config.alerts import Alerts
from mappings import AcceptedFailure

REASON: Final = 160
"""Characters of the reason of one resource among ten."""


@dataclass
class Teller:
    """Collects what is to be told.

    Attributes:
        settings: who is told what.
        silences: every silence.
        now: the time.
        exceptions: accepted failures: while one is in force, what it accepts is not told.
        told: the alerts so far, each with the endpoints it is for.
    """

    settings: Alerts
    silences: Sequence[Silence]
    now: datetime
    exceptions: Sequence[AcceptedFailure] = ()
    told: list[tuple[Sequence[str], Alert]] = field(default_factory=list)

    @property
    def at(self) -> str:
        """The time as alerts have it."""
        return self.now.isoformat(timespec="seconds")

    def link(self, command: str) -> str:
        """Where to read on: below the configured address, or a command."""
        base = self.settings.link
        return f"annexa {command}" if base is None else f"{base.rstrip('/')}/?{_query(command)}"

    def tell(
        self, alert: Alert, *, controls: Iterable[str] = (), targets: Iterable[str] = ()
    ) -> None:
        """Tell it to those who want it.

        Args:
            alert: what.
            controls: those it concerns, where it names none as the only one.
            targets: likewise.
        """
        self.told.append((receivers(self.settings, alert, controls, targets), alert))

    def silent(self, meant: About) -> bool:
        """Whether a silence means it, or an exception accepts it."""
        return silent(self.silences, meant, self.now) or (
            bool(meant.check) and any(self._accepts(each, meant) for each in self.exceptions)
        )

    def _accepts(self, each: AcceptedFailure, meant: About) -> bool:
        return (
            each.approved_at <= self.now < each.expires
            and meant.type not in {events.RECOVERED, events.EXPIRING, events.EXPIRED}
            and fnmatch.fnmatchcase(meant.check, each.checks)
            and fnmatch.fnmatchcase(meant.target, each.target)
            and fnmatch.fnmatchcase(meant.resource, each.resource)
        )

    def news(self, alert: Alert, *, controls: Iterable[str] = ()) -> None:
        """Tell what happened, unless it is silenced."""
        if not self.silent(About(alert.type, alert.control, alert.target)):
            self.tell(alert, controls=controls)

    def due(self, found: Iterable[Condition], fires: str, recovers: str) -> Groups:
        """What is to be told of conditions, by group; what is silent waits.

        Conditions somebody is told of are marked so; those that are over and that nobody was told
        of, or that somebody now is told of, are to be dropped.
        """
        groups = Groups()
        for each in found:
            if each.state == FIRING and not each.told and not self.silent(about(each, fires)):
                each.told, each.told_at = True, microseconds(self.now)
                groups.new.setdefault(each.group, []).append(each)
            elif each.state == OVER and not each.told:
                groups.over.append(each)
            elif each.state == OVER and not self.silent(about(each, recovers)):
                groups.recovered.setdefault(each.group, []).append(each)
                groups.over.append(each)
        return groups


@dataclass
class Groups:
    """What is to be told, by group, and what is over."""

    new: dict[str, list[Condition]] = field(default_factory=dict)
    recovered: dict[str, list[Condition]] = field(default_factory=dict)
    over: list[Condition] = field(default_factory=list)

    def dropped_from(self, found: Conditions) -> None:
        """Forget what is over."""
        for each in self.over:
            found.drop(each.key)


def _query(command: str) -> str:
    from urllib.parse import urlencode  # noqa: PLC0415 - where there is an address

    return urlencode({"command": f"annexa {command}"})


def about(each: Condition, kind: str) -> About:
    """What a condition is about, as silences look at it."""
    facts = each.facts
    return About(
        kind,
        str(facts.get("control", "")),
        each.target,
        str(facts.get("check", "")),
        str(facts.get("resource", "")),
    )


def severest(found: Iterable[Condition]) -> str:
    """The highest severity among conditions."""
    severities = (str(each.facts.get("severity", "low")) for each in found)
    return max(severities, key=SEVERITIES.index, default="low")


def resources(found: Sequence[Condition]) -> list[Mapping[str, str]]:
    """The first few, the most severe ones first: id, check and reason, no evidence."""
    order = sorted(
        found,
        key=lambda each: (
            -SEVERITIES.index(str(each.facts["severity"])),
            str(each.facts["resource"]),
            each.key,
        ),
    )
    return [
        {
            "id": str(each.facts.get("resource", "")),
            "check": str(each.facts.get("check", "")),
            "reason": shortened(str(each.facts.get("reason", "")), REASON),
        }
        for each in order[:MOST_RESOURCES]
    ]


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 resource`, `2 resources`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


INTEGRITY_SEVERITY: Final = "critical"


def verification_failed(name: str, problems: int, first: str, at: str) -> Alert:
    """A verification found something; its group is its own, so that nothing joins it."""
    return Alert(
        type=events.INTEGRITY,
        status="firing",
        severity=INTEGRITY_SEVERITY,
        title=f"Verification failed: {counted(problems, 'problem')} in the evidence store",
        group=f"integrity/{name}",
        at=at,
        reason=shortened(first),
        counts={"problems": problems},
        link="annexa verify",
    )


def missed(schedule: str, number: int, at: str) -> Alert:
    """Due times passed without a sweep."""
    return Alert(
        type=events.MISSED,
        status="news",
        severity="medium",
        title=f"{counted(number, 'due time')} of schedule {schedule} passed without a sweep",
        group=f"missed/{schedule}",
        at=at,
        reason="no daemon ran, or a sweep before took too long; made up for by one sweep now",
        counts={"missed": number},
        link="annexa health",
    )


def trial(organisation: str, link: str | None, now: datetime) -> Alert:
    """A marked event that says that nothing has happened."""
    return Alert(
        type=events.TEST,
        status="news",
        severity="low",
        title="TEST of annexa's alerts: nothing has happened",
        group=f"{events.TEST}/{now:%Y%m%dT%H%M%S}",
        at=now.isoformat(timespec="seconds"),
        reason=f"sent by `annexa alerts test` for {organisation}",
        link=link or "annexa alerts list",
    )
