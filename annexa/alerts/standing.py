"""What is so now, whatever the last entry says: controls, freshness, collectors, exceptions."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from annexa.alerts import events, state
from annexa.alerts.conditions import KNOWN, OVER, RECOVERING, Condition, Conditions
from annexa.alerts.interface import (
    FIRING,
    MOST_RESOURCES,
    NEWS,
    RESOLVED,
    SEVERITIES,
    Alert,
    shortened,
)
from annexa.alerts.silences import About
from annexa.alerts.teller import Teller, about, counted, resources, severest
from annexa.operations import Operations
from annexa.operations.times import microseconds
from mappings import AcceptedFailure, ControlResult, ControlStatus

CONTROL, STALE, UNREAD, EXCEPTION, REMINDER = (
    "control",
    "stale",
    "unread",
    "exception",
    "reminder",
)
"""Kinds of conditions."""

GOOD: Final = frozenset({ControlStatus.MET, ControlStatus.ATTESTED, ControlStatus.INHERITED})
BAD: Final = frozenset({ControlStatus.NOT_MET, ControlStatus.PARTLY_MET})

THRESHOLDS: Final = (30, 7, 1)
"""Days before an exception ends at which it is told."""

LONG_OVER: Final = timedelta(days=30)
"""An exception that ended so long before it was first seen is nobody's news."""

MOST_CONTROLS: Final = 10
"""If more controls than these change at once, one message tells of all."""

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
class Now:
    """What is so now.

    Attributes:
        controls: every control's result.
        unread: the collectors that could not read everything.
        read: when each collector of each target was last asked, as text; by target and collector.
        exceptions: the accepted failures as declared.
    """

    controls: Mapping[str, ControlResult] = field(default_factory=dict)
    unread: Sequence[Unread] = ()
    read: Mapping[tuple[str, str], str] = field(default_factory=dict)
    exceptions: Sequence[AcceptedFailure] = ()


@dataclass
class Standing:
    """Compares what is so with what was told.

    Attributes:
        found: the conditions.
        teller: takes the alerts.
    """

    found: Conditions
    teller: Teller

    def look(self, now: Now) -> None:
        """Tell what changed."""
        self._controls(now.controls)
        self._stale(now.controls)
        self._unread(now)
        self._exceptions(now.exceptions)

    # Controls

    def _controls(self, controls: Mapping[str, ControlResult]) -> None:
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
                known.state, known.good = KNOWN, 0
                known.facts.pop("mark", None)
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
        """The kind of change that is to be told; one for the better waits for a second look."""
        after = result.status
        if after == before:
            known.state, known.good = KNOWN, 0
            known.facts.pop("mark", None)
            return None
        if before is ControlStatus.NO_EVIDENCE:  # its first evidence came, good or bad
            known.facts["bad"] = after in BAD
            return events.CONTROL_CHANGED
        if known.facts["bad"] and after in GOOD:
            if result.observed_to is not None and not _seen_twice(known, result.observed_to):
                return None
            return events.CONTROL_RECOVERED
        worse = after is ControlStatus.NOT_MET or (
            after is ControlStatus.PARTLY_MET and before is not ControlStatus.NOT_MET
        )
        return events.CONTROL_REGRESSED if worse else events.CONTROL_CHANGED

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
            )
        )

    # Freshness

    def _stale(self, controls: Mapping[str, ControlResult]) -> None:
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
            self._freshness(events.STALE, FIRING, new, words, "stale")
        for over in groups.recovered.values():
            words = "Evidence of {} is fresh again"
            self._freshness(events.FRESH, RESOLVED, over, words, "restored")

    def _freshness(
        self, kind: str, status: str, found: Sequence[Condition], words: str, name: str
    ) -> None:
        left = sum(each.told and each.state == "firing" for each in self.found.of(STALE))
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
            )
        )

    # Collectors

    def _unread(self, now: Now) -> None:
        here = {}
        for each in now.unread:
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
            known.facts["mark"] = now.read.get((each.target, each.collector), "")
        for known in self.found.of(UNREAD):
            read = now.read.get((known.target, str(known.facts["collector"])))
            if known.key not in here and read is not None:
                known.looks_good(read)
        self._tell_unread(lost=True, kind=events.PERMISSION_LOST)
        self._tell_unread(lost=False, kind=events.COLLECTOR_FAILED)

    def _tell_unread(self, *, lost: bool, kind: str) -> None:
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

    # Exceptions

    def _exceptions(self, exceptions: Iterable[AcceptedFailure]) -> None:
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
                self._tell_exception(each, kind, stage, key)
        for known in self.found.of(EXCEPTION):
            if known.key not in declared:
                self.found.drop(known.key)

    def _tell_exception(self, each: AcceptedFailure, kind: str, stage: int, key: str) -> None:
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

    # Reminders

    def remind(self, operations: Operations, out: Container[str] = ()) -> None:
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
            if self._remind(old, low=low):
                self.found.drop(key)
                told = Condition(key, REMINDER, "", "", KNOWN, told=True)
                told.told_at = microseconds(now)
                self.found.put(told)

    def _remind(self, found: Iterable[Condition], *, low: bool) -> bool:
        numbers: dict[str, int] = {}
        some: list[Condition] = []
        for each in found:
            facts = each.facts
            # What is silenced as it fires is silent here, too.
            meant = (about(each, kind) for kind in (events.REMINDER, events.FAILING))
            if (facts["severity"] == "low") != low or any(map(self.teller.silent, meant)):
                continue
            numbers[str(facts["control"])] = numbers.get(str(facts["control"]), 0) + 1
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
            )
        )
        return True


def _by_severity(each: Condition) -> tuple[int, str]:
    return (-SEVERITIES.index(str(each.facts["severity"])), each.key)


def _seen_twice(known: Condition, observed: datetime) -> bool:
    """Whether a status for the better was seen in two looks at different evidence."""
    if known.state != RECOVERING:
        known.state, known.good = RECOVERING, 1
        known.facts["mark"] = observed.isoformat()
        return False
    return bool(known.facts.get("mark") != observed.isoformat())
