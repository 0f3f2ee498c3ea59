"""What still fires and was told of long ago: one message for all of it."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Final

from annexa.alerts import events, state
from annexa.alerts.conditions import KNOWN, Condition, Conditions
from annexa.alerts.interface import MOST_RESOURCES, NEWS, SEVERITIES, Alert, shortened
from annexa.alerts.teller import Teller, about, counted, resources, severest
from annexa.operations import Operations
from annexa.operations.times import microseconds

REMINDER: Final = "reminder"
"""The kind of condition."""


@dataclass(frozen=True)
class Reminding:
    """Looks and tells.

    Attributes:
        found: the conditions.
        teller: takes the alerts.
    """

    found: Conditions
    teller: Teller

    def look(self, operations: Operations, out: Container[str] = ()) -> None:
        """Tell of what still fires, in one message, if the last was told long enough ago.

        Args:
            operations: where the findings are.
            out: targets that are out of scope.
        """
        settings, now = self.teller.settings, self.teller.now
        for name, every, low in (
            ("usual", settings.repeat, False),
            ("low", settings.repeat_low, True),
        ):
            key = f"{REMINDER}/{name}"
            last = self.found.get(key)
            if last is not None and last.told_at > microseconds(now - every):
                continue
            old = (e for e in state.old(operations, now - every) if e.target not in out)
            if self._tell(old, low=low):
                self.found.drop(key)
                told = Condition(key, REMINDER, "", "", KNOWN, told=True)
                told.told_at = microseconds(now)
                self.found.put(told)

    def _tell(self, found: Iterable[Condition], *, low: bool) -> bool:
        numbers: dict[str, int] = {}
        targets: set[str] = set()
        some: list[Condition] = []
        for each in found:
            facts = each.facts
            # What is silenced as it fires is silent here, too.
            meant = (about(each, kind) for kind in (events.REMINDER, events.FAILING))
            if (facts["severity"] == "low") != low or any(map(self.teller.silent, meant)):
                continue
            numbers[str(facts["control"])] = numbers.get(str(facts["control"]), 0) + 1
            targets.add(each.target)
            some = sorted([*some, each], key=_by_severity)[:MOST_RESOURCES]
        if not numbers:
            return False
        total = sum(numbers.values())
        self.teller.tell(
            Alert(
                type=events.REMINDER,
                status=NEWS,
                severity=severest(some),
                title=f"{counted(total, 'finding')} still fail"
                f" in {counted(len(numbers), 'control')}",
                group=f"{REMINDER}/{'low' if low else 'usual'}",
                at=self.teller.at,
                reason=shortened(", ".join(f"{c} {n}" for c, n in sorted(numbers.items()))),
                counts={"failing": total, "controls": len(numbers)},
                resources=resources(some),
                link=self.teller.link("findings"),
            ),
            controls=numbers,
            targets=targets,
        )
        return True


def _by_severity(each: Condition) -> tuple[int, str]:
    return (-SEVERITIES.index(str(each.facts["severity"])), each.key)
