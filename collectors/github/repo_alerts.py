"""GitHub alerts: are secrets, weak components and weak code dealt with in time?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from collectors import (
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.github.repo_kinds import CodeAlert, DependencyAlert, SecretAlert, repo


def within(alert: Resource[dict[str, Any]], scene: Scene, days: int) -> Verdict:
    """Whether an open alert is younger than its deadline."""
    since = moment(alert.listed["created_at"])
    until = since + timedelta(days=days)
    if scene.at > until:
        return fails(f"open since {since.date()}, limit {days} days")
    return passes(f"due {until.date()}")


@repo.check(
    SecretAlert,
    "critical",
    remediation="Revoke the secret, then close the alert as revoked.",
)
def secret_alerts_within_sla(
    alert: SecretAlert, scene: Scene, *, limit: int = criterion(1, "days")
) -> Verdict:
    """Secrets found in code are revoked within the deadline."""
    return within(alert, scene, limit)


@repo.check(
    DependencyAlert,
    "high",
    remediation="Update the component, or dismiss the alert with its reason.",
)
def dependency_alerts_within_sla(
    alert: DependencyAlert,
    scene: Scene,
    *,
    critical: int = criterion(7, "days"),
    high: int = criterion(30, "days"),
    medium: int = criterion(90, "days"),
    low: int = criterion(180, "days"),
) -> Verdict:
    """Weak components are updated within the deadline of their severity."""
    limits = {"critical": critical, "high": high, "medium": medium, "low": low}
    severity = alert.listed["severity"]
    if severity not in limits:
        raise MalformedError(f"no severity GitHub documents: {severity!r}")
    return within(alert, scene, limits[severity])


@repo.check(
    CodeAlert,
    "high",
    remediation="Repair the code, or dismiss the alert with its reason.",
)
def code_alerts_within_sla(
    alert: CodeAlert,
    scene: Scene,
    *,
    critical: int = criterion(7, "days"),
    high: int = criterion(30, "days"),
) -> Verdict:
    """Critical and high findings in code are repaired within the deadline."""
    limits = {"critical": critical, "high": high}
    severity = alert.listed["severity"]
    if severity not in limits:
        return not_applicable("neither critical nor high")
    return within(alert, scene, limits[severity])
