"""GitHub's repositories and alerts: verdicts, and what was refused inside a bulk answer."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from collectors import Cause, Status, Unread
from collectors.github import GithubConnection
from collectors.github import repo as checks
from collectors.github import repo_alerts as alerts
from collectors.github.repo_kinds import (
    ADMINISTRATION,
    CodeAlert,
    DependencyAlert,
    Repository,
    SecretAlert,
    repo,
)
from collectors.testing import Conformance, collect, judge
from tests.collectors.github.double import CANARY, REVIEWED, RULES, Tenant, connection, repository
from tests.spec_server import Scripted, SpecServer

NO_RULE: dict[str, Any] = {"isArchived": False, "visibility": "PRIVATE", "branch": "main"}


def a_repository(rules: list[Any] | None = None, protection: Any = None, **more: Any) -> Repository:
    listed = {"nameWithOwner": "acme/app", **NO_RULE, "rules": rules or [], **more}
    return Repository(id="1", listed=listed, facts={"protection": protection})


GUARDS = [
    (checks.branch_protected, RULES, {}, {"allowsForcePushes": True}, {}),
    (checks.branch_protected, RULES, {}, {"allowsDeletions": True}, {}),
    (checks.review_required, RULES, {}, {"requiresApprovingReviews": False}, {}),
    (checks.review_required, RULES, {}, {"dismissesStaleReviews": False}, {}),
    (checks.review_required, RULES, {}, {"requiredApprovingReviewCount": None}, {}),
    (
        checks.signed_commits_required,
        [{"type": "REQUIRED_SIGNATURES", "parameters": None}],
        {"requiresCommitSignatures": True},
        {"requiresCommitSignatures": False},
        {},
    ),
    (
        checks.status_checks_required,
        [
            {
                "type": "REQUIRED_STATUS_CHECKS",
                "parameters": {"requiredStatusChecks": [{"context": "test"}]},
            }
        ],
        {},
        {"requiredStatusCheckContexts": ["lint"]},
        {"needed": ("test",)},
    ),
]


@pytest.mark.parametrize(("check", "rules", "good", "bad", "bound"), GUARDS)
def test_a_branch_is_guarded_by_ruleset_or_protection_or_not_at_all(
    check: Any, rules: Any, good: Any, bad: Any, bound: Any
) -> None:
    def status(**given: Any) -> Status:
        return judge(check, a_repository(**given), **bound).status

    hidden = Unread("FORBIDDEN", ADMINISTRATION)
    assert status(rules=rules) is Status.PASS
    assert status(rules=rules, protection=hidden) is Status.PASS
    assert status(protection={**REVIEWED, **good}) is Status.PASS
    assert status(protection={**REVIEWED, **bad}) is Status.FAIL
    assert status() is Status.FAIL
    assert status(protection=hidden) is Status.UNKNOWN
    assert status(isArchived=True) is Status.NOT_APPLICABLE
    assert status(branch=None) is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("protection", "status"),
    [
        (REVIEWED, Status.PASS),
        ({**REVIEWED, "isAdminEnforced": False}, Status.FAIL),
        (None, Status.NOT_APPLICABLE),
        (Unread("FORBIDDEN", ADMINISTRATION), Status.UNKNOWN),
    ],
)
def test_administrators_are_bound_too(protection: Any, status: Status) -> None:
    assert judge(checks.bypass_limited, a_repository(protection=protection)).status is status


def test_public_repositories_are_approved_and_say_how_weaknesses_are_reported() -> None:
    public = a_repository(visibility="PUBLIC", isSecurityPolicyEnabled=False)
    assert judge(checks.visibility_approved, public, approved=()).status is Status.FAIL
    assert judge(checks.visibility_approved, public, approved=("Acme/App",)).status is Status.PASS
    assert judge(checks.visibility_approved, public).cause is Cause.CRITERION_MISSING
    assert judge(checks.visibility_approved, a_repository(), approved=()).status is Status.PASS
    assert judge(checks.security_policy_present, public).status is Status.FAIL
    told = a_repository(visibility="PUBLIC", isSecurityPolicyEnabled=True)
    assert judge(checks.security_policy_present, told).status is Status.PASS
    assert judge(checks.security_policy_present, a_repository()).status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ({"pushedAt": "2026-01-01T00:00:00Z"}, Status.PASS),
        ({"pushedAt": "2025-01-01T00:00:00Z"}, Status.FAIL),
        ({"pushedAt": None, "createdAt": "2025-01-01T00:00:00Z"}, Status.FAIL),
        ({"pushedAt": "2025-01-01T00:00:00Z", "isArchived": True}, Status.PASS),
        ({"pushedAt": "soon"}, Status.UNKNOWN),
    ],
)
def test_what_nobody_changes_is_archived(listed: dict[str, Any], status: Status) -> None:
    assert judge(checks.stale_repositories_archived, a_repository(**listed)).status is status


@pytest.mark.parametrize(
    ("check", "kind", "severity", "day", "status"),
    [
        (alerts.secret_alerts_within_sla, SecretAlert, None, "2026-11-24", Status.PASS),
        (alerts.secret_alerts_within_sla, SecretAlert, None, "2026-11-20", Status.FAIL),
        (alerts.dependency_alerts_within_sla, DependencyAlert, "low", "2026-08-01", Status.PASS),
        (alerts.dependency_alerts_within_sla, DependencyAlert, "high", "2026-08-01", Status.FAIL),
        (
            alerts.dependency_alerts_within_sla,
            DependencyAlert,
            "dire",
            "2026-11-20",
            Status.UNKNOWN,
        ),
        (alerts.code_alerts_within_sla, CodeAlert, "critical", "2026-11-20", Status.PASS),
        (alerts.code_alerts_within_sla, CodeAlert, "critical", "2026-11-10", Status.FAIL),
        (alerts.code_alerts_within_sla, CodeAlert, None, "2026-01-10", Status.NOT_APPLICABLE),
    ],
)
def test_alerts_have_deadlines(
    check: Any, kind: Any, severity: str | None, day: str, status: Status
) -> None:
    listed = {"created_at": f"{day}T08:00:00Z", "severity": severity}
    verdict = judge(check, kind(id="acme/app#1", listed=listed))
    assert verdict.status is status
    if status is Status.FAIL:
        assert verdict.because.startswith(f"open since {day}, limit ")


class TestConformance(Conformance):
    collectors = (repo,)
    bound: ClassVar[Any] = {
        "github.repo.visibility_approved": {"approved": ("acme/service-1",)},
        "github.repo.status_checks_required": {"needed": ("test",)},
    }


def test_repositories_come_with_their_rules_a_hundred_at_a_time(
    connection: GithubConnection, double: SpecServer
) -> None:
    collected = collect(connection, (repo,))
    assert collected.defects == []
    counts = {part.kind: (part.collected, part.stated) for part in collected.parts}
    assert counts == {
        "github.repository": (320, 320),
        "github.secret_alert": (205, None),
        "github.dependency_alert": (205, None),
        "github.code_alert": (205, None),
    }
    assert len(double.asked("POST /graphql")) == 4 + 1  # pages of repositories, who we are
    assert len(double.journal) == 4 + 1 + 1 + 3 * 3  # and the organisation, pages of alerts
    assert {each.query.get("hide_secret") for each in double.asked(SECRETS)} == {"true"}


SECRETS = "GET /orgs/{org}/secret-scanning/alerts"


def test_of_a_secret_nothing_is_kept_even_where_github_sends_it(
    connection: GithubConnection,
) -> None:
    assert CANARY not in repr(collect(connection, (repo,)).resources)


def test_a_protection_that_is_refused_is_unknown_there_and_nowhere_else(
    tenant: Tenant, double: SpecServer
) -> None:
    tenant.hidden = {"acme/service-0", "acme/service-1"}
    findings = collect(connection(double), (repo,)).findings()
    by_protection = findings["github.repo.branch_protected", "10000"]
    assert (by_protection.status, by_protection.cause) == (Status.UNKNOWN, Cause.DENIED)
    assert ADMINISTRATION in by_protection.because
    assert findings["github.repo.branch_protected", "10001"].status is Status.PASS  # by ruleset
    assert findings["github.repo.branch_protected", "10003"].status is Status.PASS


def test_a_rule_that_others_see_and_we_do_not_is_denied_not_absent(
    tenant: Tenant, double: SpecServer
) -> None:
    hidden = repository(0)
    hidden["defaultBranchRef"] |= {"branchProtectionRule": None}
    bare = repository(3)
    bare["defaultBranchRef"] |= {"branchProtectionRule": None, "refUpdateRule": None}
    tenant.repositories = [hidden, bare, *tenant.repositories[4:], repository(900), repository(901)]
    findings = collect(connection(double), (repo,)).findings()
    assert findings["github.repo.branch_protected", "10000"].cause is Cause.DENIED
    assert findings["github.repo.branch_protected", "10003"].status is Status.FAIL


def test_repositories_the_credential_does_not_see_make_the_listing_partial(
    tenant: Tenant, double: SpecServer
) -> None:
    del tenant.repositories[100:]
    collected = collect(connection(double), (repo,))
    part = next(part for part in collected.parts if part.kind == "github.repository")
    assert part.unread is not None
    assert part.unread.cause is Cause.PARTIAL
    assert part.unread.permission == "access to all repositories"


def test_more_rules_than_one_page_holds_make_the_listing_partial(
    tenant: Tenant, double: SpecServer
) -> None:
    tenant.repositories[7]["defaultBranchRef"]["rules"]["pageInfo"]["hasNextPage"] = True
    part = collect(connection(double), (repo,)).parts[0]
    assert part.unread is not None
    assert part.unread.cause is Cause.PARTIAL


def test_an_empty_organisation_is_complete(tenant: Tenant, double: SpecServer) -> None:
    tenant.repositories = []
    double.data["GET /orgs/{org}"] = {**double.data["GET /orgs/{org}"], "total_private_repos": 0}
    for path in ("secret-scanning", "dependabot", "code-scanning"):
        double.data[f"GET /orgs/{{org}}/{path}/alerts"] = []
    collected = collect(connection(double), (repo,))
    assert [(part.complete, part.collected) for part in collected.parts] == [(True, 0)] * 4


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (Scripted(403, body={"message": "Advanced Security must be enabled"}), Cause.NOT_LICENSED),
        (Scripted(404, body={"message": "Not Found"}), Cause.DENIED),
        (Scripted(403, body={"message": "Resource not accessible by integration"}), Cause.DENIED),
    ],
)
def test_alerts_that_are_not_in_the_plan_are_told_from_denied_ones(
    double: SpecServer, answer: Scripted, cause: Cause
) -> None:
    double.script("GET /orgs/{org}/code-scanning/alerts", answer)
    part = collect(connection(double), (repo,)).parts[-1]
    assert part.unread is not None
    assert part.unread.cause is cause
