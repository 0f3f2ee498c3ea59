"""What the entries of the ledger say, as conditions: findings, first results, exports."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from annexa.alerts import events, population
from annexa.alerts.conditions import KNOWN, OVER, RECOVERING, Condition, Conditions
from annexa.alerts.interface import FIRING, MOST_RESOURCES, NEWS, RESOLVED, Alert, shortened
from annexa.alerts.state import FINDING
from annexa.alerts.teller import Teller, about, counted, resources, severest
from annexa.operations.times import microseconds
from mappings import Mapping, Relation

if TYPE_CHECKING:
    from evidence_store.following import Said, Step

COLLECTOR: Final = "reads"
"""What is only remembered: that a collector was read."""

NO_CONTROL: Final = "no control"

LONGEST_LINK: Final = 1000
"""Characters: an address that a receiver would cut leads nowhere."""


@dataclass
class Ledger:
    """Applies entries to conditions and tells what follows.

    Attributes:
        found: the conditions.
        teller: takes the alerts.
        framework: the mapping: which control a check speaks of.
    """

    found: Conditions
    teller: Teller
    framework: Mapping
    _firing: Counter[str] = field(default_factory=Counter)

    def apply(self, steps: Sequence[Step]) -> None:
        """Take entries over, in their order, and tell what is to be told at their end."""
        first: dict[str, list[Condition]] = {}
        read: dict[str, set[str]] = {}
        for step in steps:
            if step.kind == "unit" and step.target is not None:
                target = step.target
                new = self._new_collectors(step, target)
                read.setdefault(target, set()).update(new)
                first.setdefault(target, []).extend(self._findings(step, target, new))
                self._good(step, target)
                population.compare(self.found, self.teller, step, target)
            elif step.kind == "access":
                self._exported(step)
        for target in sorted(read):
            self._first_results(target, read[target], first[target])
        self.tell()

    def tell(self) -> None:
        """Tell of findings that nobody was told of yet, and of those that are over."""
        groups = self.teller.due(self.found.of(FINDING), events.FAILING, events.RECOVERED)
        groups.dropped_from(self.found)
        self._firing = Counter(
            each.group for each in self.found.of(FINDING) if each.told and each.state != OVER
        )
        for group, new in sorted(groups.new.items()):
            self._failing(group, new)
        for group, over in sorted(groups.recovered.items()):
            self._recovered(group, over)

    def _new_collectors(self, step: Step, target: str) -> set[str]:
        """Collectors of which a listing came completely for the first time."""
        new = set()
        for key, listed in step.listed.items():
            condition = Condition(
                f"{COLLECTOR}/{target}/{key.collector}", COLLECTOR, "", target, KNOWN, told=True
            )
            if listed.complete and condition.key not in self.found:
                self.found.put(condition)
                new.add(key.collector)
        return new

    def _findings(self, step: Step, target: str, new: set[str]) -> list[Condition]:
        """Findings that fail now; those of new collectors, which are told of in one digest."""
        first = []
        for said in step.said:
            key = finding_key(target, said)
            known = self.found.get(key)
            if said.status == "fail":
                condition = known or self.found.put(self._condition(key, target, said))
                condition.fires(
                    reason=shortened(said.reason), severity=said.severity, mark=step.place
                )
                # What is silent, or accepted by an exception, is told when that ends.
                silent = self.teller.silent(about(condition, events.FAILING))
                if known is None and said.check_id.rpartition(".")[0] in new and not silent:
                    condition.told = True
                    condition.told_at = microseconds(self.teller.now)
                    first.append(condition)
            elif known is not None and said.status == "unknown":
                known.looks_unclear()
            elif known is not None:
                known.looks_good(step.place)
        return first

    def _condition(self, key: str, target: str, said: Said) -> Condition:
        collector = said.check_id.rpartition(".")[0]
        control = self.control_of(said.check_id)
        facts = {
            "control": control,
            "collector": collector,
            "check": said.check_id,
            "kind": said.kind,
            "scope": said.scope,
            "resource": said.resource_id or "",
        }
        return Condition(
            key, FINDING, f"finding/{control}/{collector}/{target}", target, facts=facts
        )

    def control_of(self, check_id: str) -> str:
        """The first control a check speaks of directly, else one it supports."""
        related = self.framework.controls_of(check_id)
        direct = [each.control for each in related if each.relation is Relation.DIRECT]
        return next(iter(direct or [each.control for each in related]), NO_CONTROL)

    def _good(self, step: Step, target: str) -> None:
        """A finding that was seen good and that a complete listing does not contradict is over."""
        complete = {(key.kind, key.scope) for key, each in step.listed.items() if each.complete}
        unclear = {(said.key.hex(), said.check_id) for said in step.said}
        for each in self.found.of(FINDING, target):
            _, digest, check = each.key.rsplit("/", 2)
            asked = (each.facts["kind"], each.facts["scope"]) in complete
            if each.state == RECOVERING and asked and (digest, check) not in unclear:
                each.looks_good(step.place)

    def _exported(self, step: Step) -> None:
        if not step.exported:
            return
        who = sorted({each for each, _ in step.exported})
        self.teller.news(
            Alert(
                type=events.EXPORTED,
                status=NEWS,
                severity="low",
                title=f"Evidence was exported by {shortened(', '.join(who), 100)}",
                group=f"exported/{step.entry}",
                at=step.recorded_at.isoformat(timespec="seconds"),
                counts={"exports": len(step.exported)},
                resources=[
                    {"id": who, "reason": shortened(detail, 160)}
                    for who, detail in step.exported[:MOST_RESOURCES]
                ],
                link=self.teller.link("evidence accesses"),
            )
        )

    def _first_results(
        self, target: str, collectors: set[str], failing: Sequence[Condition]
    ) -> None:
        """One digest of a target's new collectors instead of an alert for each finding."""
        if not collectors:
            return
        names = ", ".join(sorted(collectors))
        self.teller.news(
            Alert(
                type=events.FIRST_RESULTS,
                status=NEWS,
                severity=severest(failing),
                title=f"{target} was first read: {counted(len(failing), 'finding')} fail",
                group=f"first/{target}",
                at=self.teller.at,
                target=target,
                reason=f"first results of {shortened(names, 300)}",
                counts={"collectors": len(collectors), "failing": len(failing)},
                resources=resources(failing),
                link=self.teller.link(f"findings --target {target.partition('/')[2]}"),
            ),
            controls={str(each.facts["control"]) for each in failing},
        )

    def _failing(self, group: str, new: Sequence[Condition]) -> None:
        some = new[0].facts
        self.teller.tell(
            self._alert(
                events.FAILING,
                FIRING,
                group,
                new,
                f"{_control(some)}: {counted(len(new), 'finding')} of {some['collector']} newly"
                f" fail in {new[0].target}",
                {"new": len(new), "failing": self._firing[group]},
            )
        )

    def _recovered(self, group: str, over: Sequence[Condition]) -> None:
        some, left = over[0].facts, self._firing[group]
        self.teller.tell(
            self._alert(
                events.RECOVERED,
                RESOLVED,
                group,
                over,
                f"{_control(some)}: {counted(len(over), 'finding')} of {some['collector']} fail no"
                f" more in {over[0].target}",
                {"recovered": len(over), "remaining": left},
            )
        )

    def _alert(
        self,
        kind: str,
        status: str,
        group: str,
        found: Sequence[Condition],
        title: str,
        counts: dict[str, int],
    ) -> Alert:
        some, target = found[0].facts, found[0].target
        firing = status == FIRING
        return Alert(
            type=kind,
            status=status,
            severity=severest(found),
            title=title,
            group=group,
            at=self.teller.at,
            control="" if some["control"] == NO_CONTROL else str(some["control"]),
            target=target,
            collector=str(some["collector"]),
            verdict="fail" if firing else "not failing",
            before="" if firing else "fail",
            reason=_checks(found),
            counts=counts,
            resources=resources(found),
            link=self._read_on(found),
        )

    def _read_on(self, found: Sequence[Condition]) -> str:
        some, name = found[0].facts, found[0].target.partition("/")[2]
        if len(found) == 1:
            link = self.teller.link(
                shlex.join(filter(None, ("explain", some["check"], some["resource"])))
            )
            if len(link) <= LONGEST_LINK:
                return link
        return self.teller.link(f"findings --target {name} --collector {some['collector']}")


def finding_key(target: str, said: Said) -> str:
    """By what the condition of a finding is known."""
    return f"{FINDING}/{target}/{said.key.hex()}/{said.check_id}"


def _control(facts: dict[str, object]) -> str:
    return str(facts["control"])


def _checks(found: Iterable[Condition]) -> str:
    """The checks concerned, with how many resources each."""
    numbers: dict[str, int] = {}
    for each in found:
        check = str(each.facts["check"])
        numbers[check] = numbers.get(check, 0) + 1
    return shortened(", ".join(f"{check} {number}" for check, number in sorted(numbers.items())))
