"""What a sweep says at its end: counts, what is new, what was not read, where it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli.context import Context
from annexa.cli.listing import NEEDS, excepted, first_of, short, undecided, worst_first
from annexa.cli.render import console, counted, json_text, say

if TYPE_CHECKING:
    from annexa.sweep import Result
    from evidence_store import Store
    from evidence_store.answers import FindingRow
    from mappings import AcceptedFailure

MOST: Final = 8
"""New failures that are named; the rest is counted."""

SOME_MORE: Final = 500
"""New failures that are held while the worst of them are looked for."""

GROUPS: Final = 4
"""Reasons for which something was not read that are named; the rest is counted."""

SOME: Final = 3
"""Places that are named where several are left out for one reason."""

LONGEST: Final = 72
"""Characters of a reason."""

Key = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Before:
    """What a store said before a sweep: whether it said anything, and what failed."""

    empty: bool
    failing: frozenset[Key]


def standing_before(store: Store) -> Before:
    """What fails before the sweep, so that new failures can be told from old ones."""
    empty, failing = True, set()
    for row in store.findings(in_order=False):
        empty = False
        if row.status == "fail":
            failing.add(_key(row))
    return Before(empty, frozenset(failing))


class Tally:
    """The findings after a sweep, counted one after the other: a store holds millions.

    `worst` are the new failures that are named, `gaps` what was not read by cause and reason:
    how often, and the permissions that would cure it.
    """

    def __init__(self, before: Before, accepted: Sequence[AcceptedFailure], at: datetime) -> None:
        self._before = before
        self._accepted = accepted
        self._at = at
        self.statuses: Counter[str] = Counter()
        self.excepted = self.new = self.recovered = self.undecided = 0
        self.worst: list[FindingRow] = []
        self.gaps: Counter[tuple[str, str]] = Counter()
        self.needs: dict[tuple[str, str], set[str]] = {}
        self.unbound: set[str] = set()

    def add(self, row: FindingRow) -> None:
        """Count a finding."""
        self.statuses[row.status] += 1
        if row.status == "fail":
            self.excepted += excepted(row, self._accepted, self._at) is not None
            if _key(row) not in self._before.failing:
                self._add_failure(row)
        elif row.status == "pass":
            self.recovered += _key(row) in self._before.failing
        elif undecided(row):
            self.undecided += 1
            self.unbound.add(row.check_id)
        elif row.status == "unknown":
            reason, _, needed = row.reason.partition(NEEDS)
            gap = row.cause or "", reason
            self.gaps[gap] += 1
            self.needs.setdefault(gap, set()).update({needed} - {""})

    def _add_failure(self, row: FindingRow) -> None:
        self.new += 1
        self.worst.append(row)
        if len(self.worst) > SOME_MORE:
            self.worst = worst_first(self.worst)[:MOST]


def summary(context: Context, store: Store, result: Result, before: Before) -> None:
    """Print the end of a sweep as text, or as JSON where a program asked for it."""
    from annexa import posture  # noqa: PLC0415 - a sweep only

    tally = Tally(before, posture.exceptions(context.settings), context.at)
    for row in context.each_finding(store, in_order=False):
        tally.add(row)
    facts = _facts(context, store, result, tally)
    if context.layout == "json":
        click.echo(json_text(facts))
        return
    for line in _lines(context, store, facts, tally, before):
        say(line, hang=8)


def _facts(context: Context, store: Store, result: Result, tally: Tally) -> dict[str, Any]:
    counts = tally.statuses
    checkpoints = store.checkpoints()
    standing = store.standing()
    return {
        "sweep": result.sweep,
        "complete": result.complete,
        "seconds": round(result.seconds, 1),
        "calls": result.calls,
        "throttled": result.throttled,
        "resources": result.resources,
        "changed": sum(
            each.receipt.added + each.receipt.changed + each.receipt.gone
            for each in result.recorded
        ),
        "units": [
            {
                "target": each.unit.key,
                "outcome": each.outcome,
                "entry": each.receipt.entry,
                "title": each.unit.title,
                "unchanged": each.receipt.unchanged,
                "refused": each.unit.refusal,
                "left_out": dict(sorted(each.unit.left_out.items())),
            }
            for each in result.recorded
        ],
        "left_out": [
            {"target": each.key, "title": each.title, "reason": each.reason}
            for each in result.left_out
        ],
        "findings": {
            "pass": counts["pass"],
            "fail": counts["fail"],
            "excepted": tally.excepted,
            "unknown": counts["unknown"] - tally.undecided,
            "undecided": tally.undecided,
            "not_applicable": counts["not_applicable"],
        },
        "new_failures": tally.new,
        "recovered": tally.recovered,
        "ledger": {
            "size": checkpoints[-1].size if checkpoints else 0,
            "head": checkpoints[-1].root.hex() if checkpoints else "",
            "outside_copies": standing.copies,
            "standing": standing.short,
            "owed": [
                {"name": each.name, "kind": each.kind, "size": each.size, "why": each.error}
                for each in result.outside
                if each.error
            ],
        },
        "store": context.location.name,
    }


def _lines(
    context: Context,
    store: Store,
    facts: Mapping[str, Any],
    tally: Tally,
    before: Before,
) -> list[str]:
    found = facts["findings"]
    head = (
        f"Recorded in {facts['seconds']:.0f} s · {counted(facts['calls'], 'call')} · "
        f"{facts['throttled']} throttled · {facts['changed']:,} of {facts['resources']:,} "
        "resources added, changed or gone"
    )
    lines = [
        head,
        *(
            f"  {_called(unit)}: not read: {unit['refused']}"
            for unit in facts["units"]
            if unit["refused"]
        ),
        *_places(facts["units"]),
        f"  pass {found['pass']:,}   fail {found['fail']:,}"
        + (f" ({found['excepted']} excepted)" if found["excepted"] else "")
        + f"   unknown {found['unknown']:,}   undecided {found['undecided']:,}"
        f"   not applicable {found['not_applicable']:,}",
    ]
    lines += _new_failures(context, facts, tally, before)
    lines += _not_read(tally)
    lines += _undecided(tally)
    lines += [_scope(context, store), *_ledger(facts), f"Kept    {facts['store']}"]
    nexts = "annexa status · annexa findings · annexa explain 1"
    lines.append(f"Next    {'' if before.empty else 'annexa diff · '}{nexts}")
    return lines


def _called(unit: Mapping[str, Any]) -> str:
    return f"{unit['target']} ({unit['title']})" if unit["title"] else str(unit["target"])


def _places(units: Sequence[Mapping[str, Any]]) -> list[str]:
    """The places that were not asked, by reason; targets that say the same share a line."""
    same: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for unit in units:
        reasons: dict[str, list[str]] = {}
        for place, why in unit["left_out"].items():
            reasons.setdefault(why, []).append(place)
        for why, found in reasons.items():
            same.setdefault((why, tuple(found)), []).append(unit["target"])
    lines = []
    for (why, places), targets in sorted(same.items()):
        who = targets[0] if len(targets) == 1 else f"{len(targets)} targets"
        named = ", ".join(places[:SOME]) + (", …" if len(places) > SOME else "")
        lines.append(f"  {who}: {len(places)} not asked: {why} ({named})")
    return lines


def _new_failures(
    context: Context,
    facts: Mapping[str, Any],
    tally: Tally,
    before: Before,
) -> list[str]:
    still = facts["findings"]["fail"] - facts["new_failures"]
    if before.empty:
        order = ", the most severe first" if facts["findings"]["fail"] > 1 else ""
        title = f"Failures ({facts['findings']['fail']}){order}"
    else:
        title = (
            f"New failures ({facts['new_failures']}) · recovered {facts['recovered']} "
            f"· still open {still}"
        )
    shown = worst_first(tally.worst)[:MOST]
    checks = max((len(row.check_id) for row in shown), default=0)
    names = [short(row.resource_id, 28) for row in shown]
    width = max(map(len, names), default=0)
    room = max(24, console().width - checks - width - 22)
    lines = [title]
    for row, name in zip(shown, names, strict=True):
        controls = [each.control for each in context.framework.controls_of(row.check_id)]
        lines.append(
            f"  {', '.join(controls[:1]) or '–':<7}{row.severity:<9}{row.check_id:<{checks}}  "
            f"{name:<{width}}  {_cut(row.reason, room)}"
        )
    if tally.new > MOST:
        lines.append(f"  … {tally.new - MOST} more: annexa findings")
    return lines


def _not_read(tally: Tally) -> list[str]:
    if not tally.gaps:
        return []
    lines = [f"Not read ({tally.gaps.total():,} unknown): annexa unknowns"]
    groups = sorted(tally.gaps.items(), key=lambda group: (-group[1], group[0]))
    for (cause, reason), count in groups[:GROUPS]:
        needed = first_of(sorted(tally.needs[cause, reason]))
        needs = f"; needs {needed}" if needed else ""
        words = f"{cause.replace('_', ' ')}: {reason}{needs}"
        lines.append(f"  {count:>4}  {_cut(words, max(LONGEST, console().width - 8))}")
    if left := sum(count for _, count in groups[GROUPS:]):
        lines.append(f"  {left:>4}  for other reasons")
    return lines


def _undecided(tally: Tally) -> list[str]:
    checks, count = tally.unbound, tally.undecided
    if not checks:
        return []
    verb = "needs" if len(checks) == 1 else "need"
    words = (
        f"Undecided ({count:,}): {counted(len(checks), 'check')} {verb} a list or limit "
        "you have not given"
    )
    return [f"{words}: annexa criteria --unbound"]


def _cut(reason: str, room: int = LONGEST) -> str:
    """A reason as a line has room for it; `annexa explain` gives it whole."""
    return reason if len(reason) <= room else f"{reason[: room - 1]}…"


def _scope(context: Context, store: Store) -> str:
    """How many of the targets in scope have been read, by platform."""
    from annexa import declared, posture  # noqa: PLC0415

    settings = context.settings
    name = settings.scope.name
    title = f'"{name}" v{settings.scope.version}' if name else "not declared: annexa scope"
    reached = {row.target for row in store.targets() if row.outcome != "failed"}
    wanted: dict[str, set[str]] = {}
    if settings.targets:
        out = {each.key for each in declared.out_of_scope(settings, context.at.date())}
        keys = {declared.key_of(name, target) for name, target in settings.targets.items()} - out
        for group, known in posture.groups(store, settings, context.at).items():
            keys = (keys - {group}) | (known["members"].keys() - out)
    else:
        keys = {row.target for row in store.targets()}
    for key in keys:
        wanted.setdefault(key.partition("/")[0], set()).add(key)
    counts = {str(platform): n for platform, n in settings.scope.population.items()}
    words = []
    for platform in sorted(wanted.keys() | counts.keys()):
        of = wanted.get(platform, set())
        words.append(f"{platform} {len(of & reached)} of {counts.get(platform, len(of))} read")
    return f"Scope   {title} · {' · '.join(words)}"


def _ledger(facts: Mapping[str, Any]) -> list[str]:
    ledger = facts["ledger"]
    count = counted(ledger["size"], "entry", "entries")
    head = f"Ledger  {count} · head {ledger['head'][:8]} · {ledger['standing']}"
    owed = [f"  {each['kind']} by {each['name']} is owed: {each['why']}" for each in ledger["owed"]]
    return [head, *owed]


def _key(row: FindingRow) -> Key:
    return (row.target, row.check_id, row.kind, row.listing_scope, row.resource_id or "")
