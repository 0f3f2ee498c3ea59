"""Collectors that cannot read everything: for want of a permission, or for another reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from annexa.alerts import events
from annexa.alerts.conditions import OVER, Condition, Conditions
from annexa.alerts.interface import FIRING, RESOLVED, Alert, shortened
from annexa.alerts.teller import Teller, counted, resources, severest

UNREAD: Final = "unread"
"""The kind of condition."""

DENIED: Final = "denied"


@dataclass(frozen=True)
class Unread:
    """A collector that could not read all it asks for.

    Attributes:
        target: the target.
        collector: the collector.
        cause: `denied` where a permission is what is missing, else the commonest cause.
        permissions: those that would cure it, sorted.
        parts: how many listings and facts are concerned.
    """

    target: str
    collector: str
    cause: str
    permissions: tuple[str, ...] = ()
    parts: int = 1


@dataclass(frozen=True)
class Reading:
    """Compares and tells.

    Attributes:
        found: the conditions.
        teller: takes the alerts.
    """

    found: Conditions
    teller: Teller

    def look(self, unread: Sequence[Unread], when: Mapping[tuple[str, str], str]) -> None:
        """Tell what changed.

        Args:
            unread: the collectors that could not read everything.
            when: when each was last asked, by target and collector.
        """
        here = {}
        for each in unread:
            lost = each.cause == DENIED
            word = "permission" if lost else "failed"
            key = f"{UNREAD}/{word}/{each.target}/{each.collector}"
            here[key] = each
            facts = {"collector": each.collector, "resource": each.collector, "lost": lost}
            facts["severity"] = "high"
            known = self.found.put(
                Condition(key, UNREAD, f"{UNREAD}/{word}/{each.target}", each.target, facts=facts)
            )
            needs = f"; needs {', '.join(each.permissions)}" if each.permissions else ""
            known.fires(reason=shortened(f"{each.cause}: {each.parts} not read{needs}"))
            known.facts["mark"] = when.get((each.target, each.collector), "")
        for known in self.found.of(UNREAD):
            read = when.get((known.target, str(known.facts["collector"])))
            if known.key not in here and read is not None:
                known.looks_good(read)
        self._tell(lost=True, kind=events.PERMISSION_LOST)
        self._tell(lost=False, kind=events.COLLECTOR_FAILED)

    def _tell(self, *, lost: bool, kind: str) -> None:
        ours = [each for each in self.found.of(UNREAD) if each.facts["lost"] == lost]
        groups = self.teller.due(ours, kind, events.COLLECTOR_RECOVERED)
        groups.dropped_from(self.found)
        words = "was refused" if lost else "could not read everything"
        for group, new in sorted(groups.new.items()):
            self._collectors(kind, FIRING, group, new, words)
        for group, over in sorted(groups.recovered.items()):
            self._collectors(events.COLLECTOR_RECOVERED, RESOLVED, group, over, "reads all again")

    def _collectors(
        self, kind: str, status: str, group: str, found: Sequence[Condition], words: str
    ) -> None:
        target = found[0].target
        alone = str(found[0].facts["collector"]) if len(found) == 1 else ""
        still = [each for each in self.found.of(UNREAD, target) if each.group == group]
        self.teller.tell(
            Alert(
                type=kind,
                status=status,
                severity=severest(found),
                title=f"{target}: {alone or counted(len(found), 'collector')} {words}",
                group=group,
                at=self.teller.at,
                target=target,
                collector=alone,
                verdict="unknown" if status == FIRING else "",
                reason=str(found[0].facts.get("reason", "")) if alone and status == FIRING else "",
                counts={
                    "collectors": len(found),
                    "remaining": sum(each.told and each.state != OVER for each in still),
                },
                resources=resources(found),
                link=self.teller.link(f"unknowns --target {target.partition('/')[2]}"),
            )
        )
