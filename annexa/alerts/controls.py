"""Controls as they are now, against what was last told of them.

Getting worse is told at once. Everything else waits until it was seen in two sweeps, so that a
control that flaps, be it because the platform throttles every other sweep, is told of once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from annexa.alerts import events
from annexa.alerts.conditions import KNOWN, RECOVERING, Condition, Conditions
from annexa.alerts.interface import FIRING, MOST_RESOURCES, NEWS, RESOLVED, Alert, shortened
from annexa.alerts.silences import About
from annexa.alerts.teller import Teller
from mappings import ControlResult, ControlStatus

CONTROL: Final = "control"
"""The kind of condition."""

GOOD: Final = frozenset({ControlStatus.MET, ControlStatus.ATTESTED, ControlStatus.INHERITED})
BAD: Final = frozenset({ControlStatus.NOT_MET, ControlStatus.PARTLY_MET})
AT_ONCE: Final = frozenset({ControlStatus.STALE, ControlStatus.EXCLUDED})
"""What no further sweep would confirm: none came, or it was declared."""

MOST_CONTROLS: Final = 10
"""If more controls than these change at once, one message tells of all."""


@dataclass(frozen=True)
class Controls:
    """Compares and tells.

    Attributes:
        found: the conditions.
        teller: takes the alerts.
        place: how far the ledger was looked at: what tells one sweep from another.
    """

    found: Conditions
    teller: Teller
    place: int

    def look(self, controls: Mapping[str, ControlResult]) -> None:
        """Tell what changed."""
        changes: dict[str, list[tuple[ControlResult, ControlStatus]]] = {}
        for name, result in controls.items():
            key = f"{CONTROL}/{name}"
            known = self.found.get(key)
            if known is None:  # what it is when it is first seen is nobody's news
                facts = {"status": result.status.value, "bad": result.status in BAD}
                self.found.put(Condition(key, CONTROL, "", "", KNOWN, told=True, facts=facts))
                continue
            before = ControlStatus(known.facts["status"])
            kind = self._change(known, before, result)
            if kind is not None and not self.teller.silent(About(kind, name)):
                known.facts["status"] = result.status.value
                _settled(known)
                if kind != events.CONTROL_CHANGED:
                    known.facts["bad"] = kind == events.CONTROL_REGRESSED
                changes.setdefault(kind, []).append((result, before))
        for kind, found in sorted(changes.items()):
            if kind == events.CONTROL_CHANGED or len(found) > MOST_CONTROLS:
                self._many(kind, found)
            else:
                for result, before in found:
                    self._one(kind, result, before)

    def _change(self, known: Condition, before: ControlStatus, result: ControlResult) -> str | None:
        """The kind of change that is to be told now, if any."""
        after = result.status
        if after == before:
            _settled(known)
            return None
        if before is ControlStatus.NO_EVIDENCE:  # its first evidence came, good or bad
            known.facts["bad"] = after in BAD
            return events.CONTROL_CHANGED
        if after is ControlStatus.NOT_MET or (
            after is ControlStatus.PARTLY_MET and before is not ControlStatus.NOT_MET
        ):
            return events.CONTROL_REGRESSED
        if after not in AT_ONCE and not self._seen_twice(known, result):
            return None
        better = known.facts["bad"] and after in GOOD
        return events.CONTROL_RECOVERED if better else events.CONTROL_CHANGED

    def _seen_twice(self, known: Condition, result: ControlResult) -> bool:
        """Whether this status was seen in two looks at different evidence."""
        mark = result.observed_to.isoformat() if result.observed_to else ""
        if result.status is ControlStatus.UNKNOWN:  # nothing new was observed: another sweep was
            mark = str(self.place)
        if not mark:
            return True
        if known.state != RECOVERING or known.facts.get("seen") != result.status.value:
            known.state, known.good = RECOVERING, 1
            known.facts |= {"mark": mark, "seen": result.status.value}
            return False
        return bool(known.facts["mark"] != mark)

    def _one(self, kind: str, result: ControlResult, before: ControlStatus) -> None:
        worse = kind == events.CONTROL_REGRESSED
        self.teller.tell(
            Alert(
                type=kind,
                status=FIRING if worse else RESOLVED,
                severity="high" if result.status is ControlStatus.NOT_MET else "medium",
                title=f"{result.control} is {result.status.words}, was {before.words}",
                group=f"control/{result.control}",
                at=self.teller.at,
                control=result.control,
                verdict=result.status.value,
                before=before.value,
                reason=shortened(result.why),
                counts={"met": result.met, "applicable": result.applicable},
                link=self.teller.link(f"controls {result.control}"),
            )
        )

    def _many(self, kind: str, found: Sequence[tuple[ControlResult, ControlStatus]]) -> None:
        alone = len(found) == 1
        first, before = found[0]
        worse = kind == events.CONTROL_REGRESSED
        title = f"{first.control} is {first.status.words}, was {before.words}"
        self.teller.tell(
            Alert(
                type=kind,
                status=NEWS,
                severity="high" if worse else "low",
                title=title if alone else f"{len(found)} controls changed their status",
                group=f"control/{first.control}" if alone else "controls",
                at=self.teller.at,
                control=first.control if alone else "",
                verdict=first.status.value if alone else "",
                before=before.value if alone else "",
                reason=shortened(first.why) if alone else "",
                counts={"controls": len(found)},
                resources=[
                    {
                        "id": result.control,
                        "reason": f"{was.words} → {result.status.words}: "
                        + shortened(result.why, 120),
                    }
                    for result, was in found[:MOST_RESOURCES]
                ],
                link=self.teller.link("controls"),
            ),
            controls=[result.control for result, _ in found],
        )


def _settled(known: Condition) -> None:
    """Nothing waits for a second look."""
    known.state, known.good = KNOWN, 0
    for name in ("mark", "seen"):
        known.facts.pop(name, None)
