"""`annexa unknowns`: what could not be read, by cause, with what would cure it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli.context import Context, common
from annexa.cli.listing import undecided
from annexa.cli.permissions import policy_text
from annexa.cli.render import Column, console, say, show

if TYPE_CHECKING:
    from evidence_store.answers import FindingRow

CURES: Final = {
    "denied": "grant the permission named",
    "throttled": "sweep again, or lower the target's rate",
    "unreachable": "check the address, the network and the credential",
    "partial": "sweep again; if it stays, the platform gives less than it states",
    "not_licensed": "the platform's licence does not include it: an exception or another source",
    "malformed": "the platform's answer is not as documented: report it with the journal",
    "defect": "an error in the collector: report it with the log's trace",
    "criterion_missing": "bind the criterion: annexa criteria --unbound",
    "not_asked": "ask for it: slow = true, a running system, or a sweep without --collector",
}


@click.command()
@common
def unknowns(context: Context) -> None:
    """What could not be read, by cause, with what would cure it."""
    with context.store() as store:
        rows = [row for row in context.findings(store) if row.status == "unknown"]
    groups: dict[tuple[str, str], list[FindingRow]] = defaultdict(list)
    for row in rows:
        groups[row.cause or "", row.reason].append(row)
    ordered = sorted(
        groups.items(), key=lambda group: (undecided(group[1][0]), -len(group[1]), group[0])
    )
    show(
        context.layout,
        (
            Column("count", "N", right=True),
            Column("cause", "CAUSE"),
            Column("reason", "WHY", wide=True),
            Column("targets", "TARGETS", wide=True),
            Column("checks", "CHECKS", right=True),
            Column("resources", "RESOURCES", right=True),
            Column("cure", "CURE", wide=True),
        ),
        [
            _group(cause, reason, members)
            for (cause, reason), members in ordered
            if context.layout != "table" or not undecided(members[0])
        ],
    )
    if context.layout == "table":
        if waiting := sum(1 for row in rows if undecided(row)):
            say(f"{waiting} undecided for want of a list or limit: annexa criteria --unbound")
        _patch(rows)


def _group(cause: str, reason: str, members: list[FindingRow]) -> dict[str, Any]:
    return {
        "count": len(members),
        "cause": cause,
        "reason": reason,
        "targets": sorted({row.target for row in members}),
        "checks": len({row.check_id for row in members}),
        "resources": len({(row.target, row.kind, row.resource_id) for row in members}),
        "cure": CURES.get(cause, ""),
    }


def _patch(rows: list[FindingRow]) -> None:
    """The policy statement that would cure what AWS denied."""
    needed = {
        permission.strip()
        for row in rows
        if row.cause == "denied" and row.target.startswith("aws/") and "needs " in row.reason
        for permission in row.reason.partition("needs ")[2].split(",")
    }
    if needed:
        say("\nThis statement would grant what AWS denied:")
        console().print_json(policy_text(sorted(needed)))
