"""A small mapping, findings in one line each, and one instant for all tests of the room."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from mappings import (
    AcceptedFailure,
    Applicability,
    Attestation,
    Control,
    ControlResult,
    CriterionResult,
    Edition,
    Judged,
    Manual,
    Mapping,
    Method,
    Phase,
    ProviderReport,
    Question,
    Relation,
    Tolerance,
    Topic,
    TopicControl,
    roll_up,
)

AT = datetime(2026, 11, 23, 9, 15, tzinfo=UTC)
DAY = timedelta(days=1)
BACKUP = "A.8.13"
CLOUD = "A.5.23"
VISIT = "A.7.12"

# Four direct criteria of A.8.13, each with what makes it special, and one that only supports it.
COPIES = "aws.backup.copies_made"
KEPT = "aws.backup.copies_kept"
RULE = "aws.backup.rule_written"
KEY = "aws.backup.key_criterion"
SIGNAL = "aws.backup.version_history"
USED = "aws.cloud.regions_approved"


def related(topic: str, control: str, **changes: Any) -> TopicControl:
    values: dict[str, Any] = {
        "relation": Relation.DIRECT,
        "phase": Phase.OPERATION,
        "method": Method.TEST,
        "key": False,
        "rationale": "a reason of at least four words",
    }
    return TopicControl(topic=topic, control=control, **(values | changes))


def topic(name: str, control: str, freshness: str = "configuration", **changes: Any) -> Topic:
    return Topic(name, (related(name, control, **changes),), freshness)


def control(number: str) -> Control:
    return Control(number, "A title", "technological", False, (), (), (), (), ())


MAPPING = Mapping(
    edition=Edition("iso27001_2022", "ISO/IEC 27001:2022 with Amd 1:2024", "2026.11", 3),
    controls={number: control(number) for number in (CLOUD, VISIT, BACKUP)},
    topics={
        one.id: one
        for one in (
            topic("copies", BACKUP),
            topic("kept", BACKUP, "vulnerability"),
            topic("rule", BACKUP, phase=Phase.DESIGN),
            topic("key", BACKUP, key=True),
            topic("signal", BACKUP, relation=Relation.SUPPORTING),
            topic("used", CLOUD),
        )
    },
    checks={
        COPIES: "copies",
        KEPT: "kept",
        RULE: "rule",
        KEY: "key",
        SIGNAL: "signal",
        USED: "used",
    },
    manual={
        BACKUP: (Manual(BACKUP, "objectives", "Approved objectives", "Not in any system"),),
        VISIT: (
            Manual(VISIT, "visit", "A visit", "No interface shows a cable"),
            Manual(VISIT, "plan", "A plan", "No interface shows a plan"),
        ),
    },
)


def finding(check: str, status: str = "pass", resource: str = "one", **changes: Any) -> Judged:
    values: dict[str, Any] = {"target": "acme-prod", "observed_at": AT - DAY}
    return Judged(check_id=check, resource=resource, status=status, **(values | changes))


def findings(check: str, **numbers: int) -> list[Judged]:
    """`findings(COPIES, passed=3, failed=1, unread=1, undecided=1, stale=1, na=1)`."""
    kinds: dict[str, dict[str, Any]] = {
        "passed": {"status": "pass"},
        "failed": {"status": "fail"},
        "unread": {"status": "unknown", "cause": "denied"},
        "undecided": {"status": "unknown", "cause": "criterion_missing"},
        "stale": {"status": "pass", "observed_at": AT - 400 * DAY},
        "na": {"status": "not_applicable"},
    }
    return [
        finding(check, resource=f"{kind}-{number}", **kinds[kind])
        for kind, count in numbers.items()
        for number in range(count)
    ]


def exception(**changes: Any) -> AcceptedFailure:
    values: dict[str, Any] = {
        "id": "EX-1",
        "checks": COPIES,
        "risk_owner": "A. Owner",
        "approved_by": "B. Approver",
        "approved_at": AT - 30 * DAY,
        "expires": AT + 30 * DAY,
        "resource": "failed-*",
    }
    return AcceptedFailure(**(values | changes))


def tolerance(**changes: Any) -> Tolerance:
    values: dict[str, Any] = {
        "check_id": COPIES,
        "source": "BKP-02 v3 4.1",
        "approved_at": AT - DAY,
        "count": 1,
    }
    return Tolerance(**(values | changes))


def attestation(**changes: Any) -> Attestation:
    values: dict[str, Any] = {
        "control": VISIT,
        "owner": "A. Owner",
        "observed_at": AT - 20 * DAY,
        "expires": AT + 300 * DAY,
        "reviewer": "B. Reviewer",
        "reviewed_at": AT - 10 * DAY,
    }
    return Attestation(**(values | changes))


def report(**changes: Any) -> ProviderReport:
    values: dict[str, Any] = {
        "control": VISIT,
        "provider": "Cloud Ltd",
        "services": frozenset({"hosting", "mail"}),
        "services_used": frozenset({"hosting"}),
        "regions": frozenset({"eu-1"}),
        "regions_used": frozenset({"eu-1"}),
        "covers_from": AT - 200 * DAY,
        "covers_to": AT + 100 * DAY,
        "reviewed_by": "C. Reader",
        "reviewed_at": AT - 5 * DAY,
        "duties_mapped": True,
    }
    return ProviderReport(**(values | changes))


def applicability(**changes: Any) -> Applicability:
    values: dict[str, Any] = {
        "control": BACKUP,
        "applicable": True,
        "reason": "risk R-7",
        "approved_at": AT - 50 * DAY,
        "approved_by": "J. Roth",
    }
    return Applicability(**(values | changes))


def criterion(found: Iterable[Judged], check: str = COPIES, **asked: Any) -> CriterionResult:
    return roll_up(Question(AT, tuple(found), **asked), MAPPING).criteria[check]


def judged(found: Iterable[Judged] = (), number: str = BACKUP, **asked: Any) -> ControlResult:
    return roll_up(Question(AT, tuple(found), **asked), MAPPING).controls[number]
