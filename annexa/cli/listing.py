"""The findings as every listing shows them: one row with its controls, exceptions marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from annexa.cli.render import Column

if TYPE_CHECKING:
    from evidence_store.answers import FindingRow
    from mappings import AcceptedFailure
    from mappings import Mapping as Framework

COLUMNS: Final = (
    Column("target"),
    Column("check_id"),
    Column("resource_id"),
    Column("kind"),
    Column("scope"),
    Column("status"),
    Column("cause"),
    Column("reason"),
    Column("severity"),
    Column("since"),
    Column("observed_at"),
    Column("recorded_at"),
    Column("controls"),
)
"""The stable columns of findings for programs."""

NEEDS: Final = "; needs "
"""What stands in a reason before the permission that would cure it."""

OUTCOMES: Final = {
    "complete": "listed in full",
    "incomplete": "listed with gaps",
    "failed": "not reached",
    "interrupted": "stopped",
}
"""How a target's last reading ended, in words."""

SEVERITIES: Final = ("critical", "high", "medium", "low")


def row_of(row: FindingRow, framework: Framework) -> dict[str, Any]:
    """A finding with the stable columns."""
    return {
        "target": row.target,
        "check_id": row.check_id,
        "resource_id": row.resource_id or "",
        "kind": row.kind,
        "scope": row.scope,
        "status": row.status,
        "cause": row.cause or "",
        "reason": row.reason,
        "severity": row.severity,
        "since": row.since,
        "observed_at": row.observed_at,
        "recorded_at": row.recorded_at,
        "controls": [related.control for related in framework.controls_of(row.check_id)],
    }


def worst_first(rows: Iterable[FindingRow]) -> list[FindingRow]:
    """Fails before unknowns, the severe ones first, then by name."""
    order = {"fail": 0, "unknown": 1, "pass": 2, "not_applicable": 3}
    return sorted(
        rows,
        key=lambda row: (
            order[row.status],
            row.cause == "criterion_missing",
            SEVERITIES.index(row.severity) if row.severity in SEVERITIES else len(SEVERITIES),
            row.check_id,
            row.target,
            row.resource_id or "",
        ),
    )


def open_findings(rows: Iterable[FindingRow]) -> list[FindingRow]:
    """What wants attention, in the order `annexa explain N` counts by."""
    return worst_first(row for row in rows if row.status in {"fail", "unknown"})


def undecided(row: FindingRow) -> bool:
    """Whether only a criterion of the organisation is missing."""
    return row.cause == "criterion_missing"


@dataclass(frozen=True)
class Unread:
    """Findings that are unknown for one reason, with everything that would be needed."""

    cause: str
    reason: str
    needs: tuple[str, ...]
    rows: tuple[FindingRow, ...]

    @property
    def needs_words(self) -> str:
        """The first few things needed, and how many more."""
        return first_of(self.needs)


def first_of(needs: Sequence[str]) -> str:
    """The first few of what is needed, and how many more."""
    more = len(needs) - 3
    return ", ".join(needs[:3]) + (f" and {more} more" if more > 0 else "")


def unread(rows: Iterable[FindingRow]) -> list[Unread]:
    """Unknown findings by cause and reason, the largest group first, the undecided last."""
    groups: dict[tuple[str, str], list[FindingRow]] = {}
    for row in rows:
        if row.status == "unknown":
            reason = row.reason.partition(NEEDS)[0]
            groups.setdefault((row.cause or "", reason), []).append(row)
    ordered = sorted(
        groups.items(), key=lambda group: (undecided(group[1][0]), -len(group[1]), group[0])
    )
    return [
        Unread(
            cause,
            reason,
            tuple(sorted({row.reason.partition(NEEDS)[2] for row in members} - {""})),
            tuple(members),
        )
        for (cause, reason), members in ordered
    ]


def excepted(
    row: FindingRow, exceptions: Sequence[AcceptedFailure], at: datetime
) -> AcceptedFailure | None:
    """The exception in force at a time under which a failure stands, if there is one."""
    for each in exceptions:
        in_force = each.approved_at <= at < each.expires
        if (
            in_force
            and fnmatchcase(row.check_id, each.checks)
            and fnmatchcase(row.target, each.target)
            and fnmatchcase(row.resource_id or "", each.resource)
        ):
            return each
    return None


def short(resource_id: str | None, width: int = 44) -> str:
    """A resource's id as a table has room for it: the end tells more than the beginning."""
    text = resource_id or "(the whole listing)"
    return text if len(text) <= width else f"…{text[-width + 1 :]}"
