"""`annexa diff`: what changed between two sweeps."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from annexa.cli.context import Context, common
from annexa.cli.listing import short
from annexa.cli.render import Column, counted, say, show, table

if TYPE_CHECKING:
    from evidence_store import Store
    from evidence_store.answers import Changes

COLUMNS = (
    Column("what"),
    Column("target"),
    Column("kind"),
    Column("resource_id"),
    Column("check_id"),
    Column("before"),
    Column("after"),
    Column("reason"),
)
"""The stable columns for programs."""

PEOPLE = (
    Column("what", "WHAT"),
    Column("target", "TARGET"),
    Column("about", "CHECK AND RESOURCE"),
    Column("change", "BEFORE → AFTER"),
    Column("reason", "WHY", wide=True),
)


@click.command()
@common
@click.argument("sweeps", nargs=-1, type=click.IntRange(min=1))
@click.option("--since", metavar="7d", help="From the last sweep before this long ago.")
@click.option("--resources", is_flag=True, help="Also resources that came, changed or went.")
def diff(context: Context, sweeps: tuple[int, ...], since: str | None, *, resources: bool) -> None:
    """What changed between two sweeps; without numbers, the last two."""
    with context.store() as store:
        first, last = _ends(context, store, sweeps, since)
        changes = store.changes(first, last)
    rows = _rows(context, changes, resources=resources)
    if context.layout == "table":
        findings = sum(1 for row in rows if row.get("check_id"))
        found = len([each for each in changes.resources if context.asked(each.target)])
        words = (
            f"{counted(findings, 'finding')} and {counted(found, 'resource')} changed"
            if findings or found
            else "nothing changed"
        )
        hint = ": annexa diff --resources" if found and not resources and not rows else ""
        say(f"sweep {first} → {last}: {words}{hint}")
        if rows:
            table(PEOPLE, map(_for_people, rows))
    else:
        show(context.layout, COLUMNS, rows)


def _ends(
    context: Context, store: Store, sweeps: tuple[int, ...], since: str | None
) -> tuple[int, int]:
    known = sorted(row.sweep for row in store.sweeps(context.as_of) if row.recorded)
    if len(sweeps) == 2:
        return min(sweeps), max(sweeps)
    if sweeps:
        raise click.UsageError("give two sweeps, or none for the last two")
    if len(known) < 2:
        raise click.UsageError("there is nothing to compare yet: only one sweep is recorded")
    if since is None:
        return known[-2], known[-1]
    start = context.at - _span(since)
    before = [
        row.sweep for row in store.sweeps(context.as_of) if row.recorded and _at(row) <= start
    ]
    return max(before, default=known[0]), known[-1]


def _at(row: Any) -> datetime:  # noqa: ANN401 - a sweep's row
    at: datetime = row.recorded_at
    return at


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"(\d+)([hdw])", text)
    if not match:
        raise click.UsageError(f"--since takes 12h, 7d or 4w, not {text!r}")
    return timedelta(hours=int(match[1]) * {"h": 1, "d": 24, "w": 168}[match[2]])


def _rows(context: Context, changes: Changes, *, resources: bool) -> list[dict[str, Any]]:
    rows = [
        {
            "what": _word(each.before, each.after),
            "target": each.target,
            "kind": each.key.kind,
            "resource_id": each.key.id or "",
            "check_id": each.check_id,
            "before": each.before or "",
            "after": each.after or "",
            "reason": each.reason,
        }
        for each in changes.findings
        if context.asked(each.target)
        and (not context.collectors or each.check_id.rpartition(".")[0] in context.collectors)
    ]
    if resources:
        rows += [
            {
                "what": each.what,
                "target": each.target,
                "kind": each.key.kind,
                "resource_id": each.key.id or "",
            }
            for each in changes.resources
            if context.asked(each.target)
        ]
    return rows


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a terminal has room for it: check and resource in one cell."""
    name = short(row["resource_id"], 60)
    change = " → ".join(
        str(row.get(end, "")).replace("_", " ") or "–" for end in ("before", "after")
    )
    about = row.get("check_id") or row["kind"]
    return {**row, "about": f"{about}\n  {name}", "change": change if "check_id" in row else ""}


def _word(before: str | None, after: str | None) -> str:
    if after is None:
        return "gone"
    if after == "fail":
        return "regressed" if before == "pass" else "new failure"
    if before == "fail":
        words = {"pass": "recovered", "not_applicable": "no longer applies"}
        return words.get(after, "no longer known")
    if before is None:
        return "new"
    if after == "unknown":
        return "no longer known"
    return "known again" if before == "unknown" else "changed"
