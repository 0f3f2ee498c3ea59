"""Evidence that is older than its limit, and fresh again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from annexa.alerts import events
from annexa.alerts.conditions import Condition, Conditions
from annexa.alerts.interface import FIRING, RESOLVED, Alert
from annexa.alerts.teller import Teller, counted, resources
from mappings import ControlResult

STALE: Final = "stale"
"""The kind of condition."""


@dataclass(frozen=True)
class Freshness:
    """Compares and tells.

    Attributes:
        found: the conditions.
        teller: takes the alerts.
    """

    found: Conditions
    teller: Teller

    def look(self, controls: Mapping[str, ControlResult]) -> None:
        """Tell what changed; what cannot be read is not fresh."""
        for name, result in controls.items():
            key, counts = f"{STALE}/{name}", result.counts
            if counts.stale:
                facts = {"control": name, "severity": "medium", "resource": name}
                known = self.found.put(Condition(key, STALE, "freshness", "", facts=facts))
                known.fires(reason=f"{counts.stale:,} last seen too long ago")
            elif not counts.unread + counts.missing and key in self.found:
                self.found.put(Condition(key, STALE, "", "")).looks_good("", enough=1)
        groups = self.teller.due(self.found.of(STALE), events.STALE, events.FRESH)
        groups.dropped_from(self.found)
        for new in groups.new.values():
            words = "Evidence of {} is older than its limit"
            self._tell(events.STALE, FIRING, new, words, "stale")
        for over in groups.recovered.values():
            words = "Evidence of {} is fresh again"
            self._tell(events.FRESH, RESOLVED, over, words, "restored")

    def _tell(
        self, kind: str, status: str, found: Sequence[Condition], words: str, name: str
    ) -> None:
        left = sum(each.told and each.state == FIRING for each in self.found.of(STALE))
        alone = str(found[0].facts["control"]) if len(found) == 1 else ""
        self.teller.tell(
            Alert(
                type=kind,
                status=status,
                severity="medium",
                title=words.format(alone or counted(len(found), "control")),
                group="freshness",
                at=self.teller.at,
                control=alone,
                verdict="stale" if status == FIRING else "",
                counts={name: len(found), "remaining": left},
                resources=resources(found),
                link=self.teller.link("status"),
            ),
            controls=[str(each.facts["control"]) for each in found],
        )
