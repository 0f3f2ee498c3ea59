"""`annexa findings`: what the checks say, resource by resource, or grouped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from annexa.cli.context import Context, common
from annexa.cli.listing import (
    COLUMNS,
    open_findings,
    row_of,
    short,
    undecided,
    worst_first,
)
from annexa.cli.render import Column, say, show, table

if TYPE_CHECKING:
    from evidence_store.answers import FindingRow

STATUSES = ("pass", "fail", "unknown", "not_applicable")


@click.command()
@common
@click.option(
    "--status",
    multiple=True,
    type=click.Choice(STATUSES),
    help="Only these; tables show fail and unknown unless told otherwise.",
)
@click.option(
    "--by",
    type=click.Choice(["check", "owner", "fix"]),
    help="Count by check, by the owner declared for the target, or by what mends them.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many rows in a table.")
def findings(context: Context, status: tuple[str, ...], by: str | None, limit: int | None) -> None:
    """What the checks say, resource by resource.

    CSV and JSON hold every finding, sorted; tables show what is open, the worst first, numbered
    for `annexa explain N`.
    """
    with context.store() as store:
        rows = context.findings(store)
    if by:
        _grouped(context, [r for r in rows if r.status in (status or ("fail", "unknown"))], by)
    elif context.layout == "table":
        _table(rows, status, limit)
    else:
        kept = [row for row in rows if not status or row.status in status]
        show(context.layout, COLUMNS, (row_of(row, context.framework) for row in kept))


def _table(rows: list[FindingRow], status: tuple[str, ...], limit: int | None) -> None:
    numbers = {id(row): n for n, row in enumerate(open_findings(rows), 1)}
    chosen = worst_first(row for row in rows if _shown(row, status))
    waiting = 0 if status else sum(1 for row in rows if undecided(row))
    shown = chosen[:limit] if limit else chosen
    table(
        (
            Column("number", "#", right=True),
            Column("status", "STATUS"),
            Column("severity", "SEVERITY"),
            Column("finding", "CHECK AND RESOURCE"),
            Column("reason", "WHY", wide=True),
        ),
        (
            {
                "number": numbers.get(id(row), ""),
                "status": "undecided" if undecided(row) else row.status,
                "severity": row.severity,
                "finding": f"{row.check_id}\n  {short(row.resource_id)}",
                "reason": row.reason,
            }
            for row in shown
        ),
    )
    left = len(chosen) - len(shown)
    words = f"{len(shown)} of {len(rows)} findings" + (f", {left} more" if left else "")
    say(f"{words} · one in full: annexa explain N")
    if waiting:
        say(f"{waiting} undecided for want of a list or limit: annexa criteria --unbound")


def _shown(row: FindingRow, status: tuple[str, ...]) -> bool:
    """Tables show what is open, without what only waits for a criterion."""
    if status:
        return row.status in status
    return row.status in {"fail", "unknown"} and not undecided(row)


def _grouped(context: Context, rows: list[FindingRow], by: str) -> None:
    groups: dict[str, list[FindingRow]] = {}
    key = _keys(context)[by]
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    show(
        context.layout,
        (
            Column(by, by.upper(), wide=True),
            Column("fail", "FAIL", right=True),
            Column("unknown", "UNKNOWN", right=True),
            Column("undecided", "UNDECIDED", right=True),
            Column("resources", "RESOURCES", right=True),
            Column("controls", "CONTROLS", wide=True),
        ),
        (_group(context, by, name, members) for name, members in ordered),
    )


def _group(context: Context, by: str, name: str, members: list[FindingRow]) -> dict[str, Any]:
    undecided = sum(1 for row in members if row.cause == "criterion_missing")
    framework = context.framework
    fed = {each.control for row in members for each in framework.controls_of(row.check_id)}
    return {
        by: name,
        "fail": sum(1 for row in members if row.status == "fail"),
        "unknown": sum(1 for row in members if row.status == "unknown") - undecided,
        "undecided": undecided,
        "resources": len({(row.target, row.kind, row.resource_id) for row in members}),
        "controls": [control for control in framework.controls if control in fed],
    }


def _keys(context: Context) -> dict[str, Callable[[FindingRow], str]]:
    checks = context.catalog.checks

    def fix(row: FindingRow) -> str:
        if undecided(row):
            return f"Give the list or limit of {row.check_id}: annexa criteria --unbound"
        if row.status == "unknown":
            return f"{(row.cause or 'unknown').replace('_', ' ')}: {row.reason}"
        return checks[row.check_id].remediation if row.check_id in checks else "(not installed)"

    def owner(row: FindingRow) -> str:
        target = context.settings.declared_as(row.target.partition("/")[2])
        return (target.owner if target else None) or f"no owner declared: {row.target}"

    return {"check": lambda row: row.check_id, "owner": owner, "fix": fix}
