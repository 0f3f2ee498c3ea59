"""What a sweep says at its end: counts, what is new, what was not read, where it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli.context import Context
from annexa.cli.listing import excepted, open_findings, short, undecided, unread
from annexa.cli.render import console, counted, json_text, say

if TYPE_CHECKING:
    from annexa.sweep import Result
    from evidence_store import Store
    from evidence_store.answers import FindingRow

MOST: Final = 8
"""New failures that are named; the rest is counted."""

GROUPS: Final = 4
"""Reasons for which something was not read that are named; the rest is counted."""

SOME: Final = 3
"""Places that are named where several are left out for one reason."""

LONGEST: Final = 72
"""Characters of a reason."""

Key = tuple[str, str, str, str]


def summary(context: Context, store: Store, result: Result, before: Mapping[Key, str]) -> None:
    """Print the end of a sweep as text, or as JSON where a program asked for it."""
    rows = context.findings(store)
    facts = _facts(context, store, result, rows, before)
    if context.layout == "json":
        click.echo(json_text(facts))
        return
    for line in _lines(context, store, facts, rows, before):
        say(line, hang=8)


def _facts(
    context: Context,
    store: Store,
    result: Result,
    rows: list[FindingRow],
    before: Mapping[Key, str],
) -> dict[str, Any]:
    from annexa import posture  # noqa: PLC0415 - a sweep only

    counts: Counter[str] = Counter(row.status for row in rows)
    accepted = posture.exceptions(context.settings)
    checkpoints = store.checkpoints()
    standing = store.standing()
    statuses = {_key(row): row.status for row in rows}
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
            "excepted": sum(
                1 for row in rows if row.status == "fail" and excepted(row, accepted, context.at)
            ),
            "unknown": sum(1 for row in rows if row.status == "unknown" and not undecided(row)),
            "undecided": sum(1 for row in rows if undecided(row)),
            "not_applicable": counts["not_applicable"],
        },
        "new_failures": sum(
            1 for key, status in statuses.items() if status == "fail" and before.get(key) != "fail"
        ),
        "recovered": sum(
            1 for key, status in before.items() if status == "fail" and statuses.get(key) == "pass"
        ),
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
    rows: list[FindingRow],
    before: Mapping[Key, str],
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
    lines += _new_failures(context, facts, rows, before)
    lines += _not_read(rows)
    lines += _undecided(rows)
    lines += [_scope(context, store), *_ledger(facts), f"Kept    {facts['store']}"]
    nexts = "annexa status · annexa findings · annexa explain 1"
    lines.append(f"Next    {'annexa diff · ' if before else ''}{nexts}")
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
    rows: list[FindingRow],
    before: Mapping[Key, str],
) -> list[str]:
    still = facts["findings"]["fail"] - facts["new_failures"]
    if not before:
        order = ", the most severe first" if facts["findings"]["fail"] > 1 else ""
        title = f"Failures ({facts['findings']['fail']}){order}"
    else:
        title = (
            f"New failures ({facts['new_failures']}) · recovered {facts['recovered']} "
            f"· still open {still}"
        )
    new = [r for r in open_findings(rows) if r.status == "fail" and before.get(_key(r)) != "fail"]
    shown = new[:MOST]
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
    if len(new) > MOST:
        lines.append(f"  … {len(new) - MOST} more: annexa findings")
    return lines


def _not_read(rows: list[FindingRow]) -> list[str]:
    groups = unread(row for row in rows if not undecided(row))
    if not groups:
        return []
    total = sum(len(group.rows) for group in groups)
    lines = [f"Not read ({total:,} unknown): annexa unknowns"]
    for group in groups[:GROUPS]:
        needs = f"; needs {group.needs_words}" if group.needs else ""
        words = f"{group.cause.replace('_', ' ')}: {group.reason}{needs}"
        lines.append(f"  {len(group.rows):>4}  {_cut(words, max(LONGEST, console().width - 8))}")
    if left := sum(len(group.rows) for group in groups[GROUPS:]):
        lines.append(f"  {left:>4}  for other reasons")
    return lines


def _undecided(rows: list[FindingRow]) -> list[str]:
    checks = {row.check_id for row in rows if undecided(row)}
    if not checks:
        return []
    count = sum(1 for row in rows if undecided(row))
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
    return (row.target, row.check_id, row.kind, row.resource_id or "")
