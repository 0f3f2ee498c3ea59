"""Accepted failures that are about to count again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from annexa.alerts import events
from annexa.alerts.conditions import KNOWN, Condition, Conditions
from annexa.alerts.interface import NEWS, Alert, shortened
from annexa.alerts.silences import About
from annexa.alerts.teller import Teller, counted
from mappings import AcceptedFailure

EXCEPTION: Final = "exception"
"""The kind of condition."""

THRESHOLDS: Final = (30, 7, 1)
"""Days before an exception ends at which it is told."""

LONG_OVER: Final = timedelta(days=30)
"""An exception that ended so long before it was first seen is nobody's news."""


@dataclass(frozen=True)
class Expiring:
    """Compares and tells.

    Attributes:
        found: the conditions.
        teller: takes the alerts.
    """

    found: Conditions
    teller: Teller

    def look(self, exceptions: Iterable[AcceptedFailure]) -> None:
        """Tell of each at every threshold it passes, once."""
        declared = set()
        for each in exceptions:
            text = f"{each.checks}\0{each.target}\0{each.resource}\0{each.expires.isoformat()}"
            key = f"{EXCEPTION}/{hashlib.sha256(text.encode()).hexdigest()[:24]}"
            declared.add(key)
            left = each.expires - self.teller.now
            reached = [days for days in THRESHOLDS if left <= timedelta(days=days)]
            stage = 0 if left <= timedelta(0) else min(reached, default=THRESHOLDS[0] + 1)
            fresh = key not in self.found
            facts = {"stage": THRESHOLDS[0] + 1}
            known = self.found.put(Condition(key, EXCEPTION, "", "", KNOWN, told=True, facts=facts))
            if stage >= int(known.facts["stage"]):
                continue
            kind = events.EXPIRED if stage == 0 else events.EXPIRING
            target = "" if each.target == "*" else each.target
            if self.teller.silent(About(kind, "", target, each.checks)):
                continue
            known.facts["stage"] = stage
            if not (fresh and left < -LONG_OVER):
                self._tell(each, kind, stage, key)
        for known in self.found.of(EXCEPTION):
            if known.key not in declared:
                self.found.drop(known.key)

    def _tell(self, each: AcceptedFailure, kind: str, stage: int, key: str) -> None:
        over = kind == events.EXPIRED
        when = "has expired" if over else f"expires within {counted(stage, 'day')}"
        self.teller.tell(
            Alert(
                type=kind,
                status=NEWS,
                severity="high" if over else "medium" if stage <= THRESHOLDS[1] else "low",
                title=f"The exception for {each.checks} {when}",
                group=f"{key}/{stage}",
                at=self.teller.at,
                target="" if each.target == "*" else each.target,
                reason=shortened(
                    f"accepted by {each.risk_owner}, approved by {each.approved_by};"
                    f" counts again from {each.expires:%Y-%m-%d %H:%M} UTC"
                ),
                counts={"days": stage},
                resources=[{"id": each.resource, "check": each.checks}],
                link=self.teller.link("status"),
            )
        )
