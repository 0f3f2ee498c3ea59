"""Listings that name far fewer resources than before: the silent way to look better."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from annexa.alerts import events
from annexa.alerts.conditions import KNOWN, Condition, Conditions
from annexa.alerts.interface import MOST_RESOURCES, NEWS, Alert
from annexa.alerts.teller import Teller

if TYPE_CHECKING:
    from evidence_store.following import Step

POPULATION: Final = "population"
"""The kind of condition: how many resources came at most since somebody was told."""


def compare(found: Conditions, teller: Teller, step: Step, target: str) -> None:
    """Tell of kinds of which far fewer came than before; a torn listing is no sign.

    Compared is with the most there were since the last such message: what goes little by little
    is told as well.
    """
    kinds: dict[tuple[str, str], list[tuple[bool, int]]] = {}
    for key, each in step.listed.items():
        if each.ever:
            kinds.setdefault((key.collector, key.kind), []).append((each.complete, each.collected))
    lost = []
    for (collector, kind), parts in sorted(kinds.items()):
        if not all(complete for complete, _ in parts):
            continue
        number = sum(collected for _, collected in parts)
        name = f"{POPULATION}/{target}/{collector}/{kind}"
        facts = {"number": number}
        known = found.put(Condition(name, POPULATION, "", target, KNOWN, told=True, facts=facts))
        most = int(known.facts["number"])
        if number <= most * (1 - teller.settings.shrunk) and number < most:
            lost.append((collector, kind, most, number))
            most = number
        known.facts["number"] = max(number, most)
    if lost:
        _tell(teller, target, lost)


def _tell(teller: Teller, target: str, lost: Sequence[tuple[str, str, int, int]]) -> None:
    first = lost[0]
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    teller.news(
        Alert(
            type=events.SHRUNK,
            status=NEWS,
            severity="high",
            title=f"{target}: {first[2]:,} {first[1]} became {first[3]:,}{more}",
            group=f"shrunk/{target}",
            at=teller.at,
            target=target,
            collector=first[0] if len(lost) == 1 else "",
            reason="a complete listing names far fewer resources than there were",
            counts={"kinds": len(lost), "before": first[2], "now": first[3]},
            resources=[
                {"id": kind, "check": collector, "reason": f"{before:,} → {now:,}"}
                for collector, kind, before, now in lost[:MOST_RESOURCES]
            ],
            link=teller.link("diff --resources"),
        )
    )
