"""`annexa unknowns`: what could not be read, by cause, with what would cure it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import click

from annexa.cli.context import Context, common
from annexa.cli.listing import Unread, undecided, unread
from annexa.cli.permissions import policy_text
from annexa.cli.render import Column, console, say, show

CURES: Final = {
    "denied": "grant what is named",
    "throttled": "sweep again, or lower the target's rate",
    "unreachable": "check the address, the network and the credential: annexa doctor",
    "partial": "not enough was there to tell; the reason says what is missing",
    "not_licensed": "the platform's licence does not include it: an exception or another source",
    "malformed": "the platform's answer is not as documented: report it with the journal",
    "defect": "an error in the collector: report it with the log's trace",
    "criterion_missing": "bind the criterion: annexa criteria --unbound",
    "not_asked": "ask for it: a sweep without --collector",
}

HOST_CURES: Final = {
    "denied": "run as root or grant the capabilities named by annexa permissions linux",
    "slow reads are off": "set slow = true for the target",
    "needs a running system": "an image cannot tell: read the host itself",
}
"""What a Linux host needs, by cause or by reason."""

IAM_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z]+")


@click.command()
@common
def unknowns(context: Context) -> None:
    """What could not be read, by cause, with what would cure it."""
    with context.store() as store:
        rows = [row for row in context.findings(store) if row.status == "unknown"]
    groups = unread(rows)
    show(
        context.layout,
        (
            Column("count", "N", right=True),
            Column("cause", "CAUSE"),
            Column("reason", "WHY", wide=True),
            Column("needs", "NEEDS", wide=True),
            Column("targets", "TARGETS", wide=True),
            Column("checks", "CHECKS", right=True),
            Column("resources", "RESOURCES", right=True),
            Column("cure", "CURE", wide=True),
        ),
        [
            _group(context, each)
            for each in groups
            if context.layout != "table" or not undecided(each.rows[0])
        ],
    )
    if context.layout == "table":
        if waiting := sum(1 for row in rows if undecided(row)):
            say(f"{waiting} undecided for want of a list or limit: annexa criteria --unbound")
        _patch(groups)


def _group(context: Context, group: Unread) -> dict[str, Any]:
    table = context.layout == "table"
    hosts = all(row.target.startswith("linux/") for row in group.rows)
    host_cure = HOST_CURES.get(group.reason, HOST_CURES.get(group.cause)) if hosts else None
    return {
        "count": len(group.rows),
        "cause": group.cause.replace("_", " ") if table else group.cause,
        "reason": group.reason,
        "needs": group.needs_words if table else list(group.needs),
        "targets": sorted({row.target for row in group.rows}),
        "checks": len({row.check_id for row in group.rows}),
        "resources": len({(row.target, row.kind, row.resource_id) for row in group.rows}),
        "cure": host_cure or CURES.get(group.cause, ""),
    }


def _patch(groups: Sequence[Unread]) -> None:
    """The policy statement that would cure what AWS denied."""
    denied = [
        group
        for group in groups
        if group.cause == "denied" and any(row.target.startswith("aws/") for row in group.rows)
    ]
    named = {
        name.strip() for group in denied for needed in group.needs for name in needed.split(",")
    }
    if actions := sorted(name for name in named if IAM_ACTION.fullmatch(name)):
        say("\nThis statement would grant what AWS denied:")
        console().print_json(policy_text(actions))
