"""The findings as every listing shows them: one row with its controls, exceptions marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
