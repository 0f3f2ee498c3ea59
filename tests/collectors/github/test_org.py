"""GitHub's organisation: verdicts on its settings, and the calls behind them."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from collectors import Cause, Resource, Status, Unread, Verdict
from collectors.github import GithubConnection
from collectors.github import org as settings
from collectors.github import org_access as access
from collectors.github.org_kinds import (
    ADMINISTRATION,
    AccessToken,
    Installation,
    LinkedIdentity,
    Member,
    Organization,
    Outsider,
    org,
)
from collectors.testing import Collected, Conformance, collect, judge
from tests.collectors.github.double import Tenant, app, connection, organization, token
from tests.spec_server import Scripted, SpecServer

SAFE: dict[str, Any] = {
    "actions": {"enabled_repositories": "all", "allowed_actions": "selected"},
    "workflow": {
        "default_workflow_permissions": "read",
        "can_approve_pull_request_reviews": False,
    },
    "identity_provider": {"issuer": "https://id.acme.example"},
}


def an_organization(facts: dict[str, Any] | None = None, **listed: Any) -> Organization:
    return Organization(id="1", listed=organization(**listed), facts={**SAFE, **(facts or {})})


def member(login: str, role: str = "MEMBER") -> Member:
    return Member(id=login, listed={"login": login, "role": role})


def outcome(verdict: Verdict) -> tuple[Status, Cause | None]:
    return verdict.status, verdict.cause


SETTINGS = [
    (settings.two_factor_required, {"two_factor_requirement_enabled": False}),
    (settings.default_permission_restricted, {"default_repository_permission": "write"}),
    (settings.default_permission_restricted, {"default_repository_permission": "admin"}),
    (
        settings.public_repo_creation_restricted,
        {"members_can_create_public_repositories": True},
    ),
    (settings.private_forking_restricted, {"members_can_fork_private_repositories": True}),
]


@pytest.mark.parametrize(("check", "bad"), SETTINGS)
def test_a_setting_passes_fails_and_is_unknown_where_it_is_not_told(
    check: Any, bad: dict[str, Any]
) -> None:
    assert judge(check, an_organization()).status is Status.PASS
    assert judge(check, an_organization(**bad)).status is Status.FAIL
    hidden = judge(check, an_organization(**dict.fromkeys(bad)))
    assert outcome(hidden) == (Status.UNKNOWN, Cause.DENIED)
    assert ADMINISTRATION in hidden.because


def test_a_setting_of_another_form_is_malformed_not_false() -> None:
    odd = an_organization(two_factor_requirement_enabled="yes")
    assert outcome(judge(settings.two_factor_required, odd)) == (Status.UNKNOWN, Cause.MALFORMED)


@pytest.mark.parametrize(
    ("allowed", "enabled", "status"),
    [
        ("all", "all", Status.FAIL),
        ("selected", "all", Status.PASS),
        ("local_only", "selected", Status.PASS),
        (None, "none", Status.PASS),
        (None, "all", Status.UNKNOWN),
        ("verified", "all", Status.UNKNOWN),
    ],
)
def test_actions_are_restricted(allowed: str | None, enabled: str, status: Status) -> None:
    actions = {"enabled_repositories": enabled, "allowed_actions": allowed}
    given = an_organization({"actions": actions})
    assert judge(settings.actions_allowed_restricted, given).status is status


@pytest.mark.parametrize(
    ("default", "approve", "status"),
    [
        ("read", False, Status.PASS),
        ("write", False, Status.FAIL),
        ("read", True, Status.FAIL),
    ],
)
def test_the_workflow_token_only_reads(default: str, approve: bool, status: Status) -> None:
    workflow = {
        "default_workflow_permissions": default,
        "can_approve_pull_request_reviews": approve,
    }
    given = an_organization({"workflow": workflow})
    assert judge(settings.actions_token_read_only, given).status is status


def test_single_sign_on_needs_a_provider_and_a_linked_identity_for_each_member() -> None:
    people: list[Resource[Any]] = [member("ann"), member("bob")]
    ann = LinkedIdentity(id="1", listed={"login": "ann"})
    bob = LinkedIdentity(id="2", listed={"login": "bob"})
    given = an_organization()
    assert judge(settings.sso_enforced, given, *people, ann, bob).status is Status.PASS
    loose = judge(settings.sso_enforced, given, *people, ann)
    assert loose.because == "without a linked identity: bob"
    none = an_organization({"identity_provider": None})
    assert judge(settings.sso_enforced, none, *people).status is Status.FAIL
    denied = an_organization({"identity_provider": Unread("FORBIDDEN", ADMINISTRATION)})
    assert judge(settings.sso_enforced, denied, *people).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("owners", "status"), [(1, Status.FAIL), (2, Status.PASS), (5, Status.PASS), (6, Status.FAIL)]
)
def test_owners_are_neither_too_few_nor_too_many(owners: int, status: Status) -> None:
    people = [member(f"o{number}", "ADMIN") for number in range(owners)]
    verdict = judge(access.owner_count, an_organization(), *people, member("ann"))
    assert verdict.status is status


def test_outsiders_and_apps_are_compared_with_lists_only_the_organisation_knows() -> None:
    outsider = Outsider(id="9", listed={"login": "Contractor"})
    unbound = judge(access.outside_collaborators_approved, outsider)
    assert outcome(unbound) == (Status.UNKNOWN, Cause.CRITERION_MISSING)
    check = access.outside_collaborators_approved
    assert judge(check, outsider, approved=("contractor",)).status is Status.PASS
    assert judge(check, outsider, approved=()).status is Status.FAIL
    bot = Installation(id="7", listed=app(7, "bot", contents="write"))
    assert judge(access.installed_apps_approved, bot, approved=("bot",)).because == (
        "may write: contents"
    )
    assert judge(access.installed_apps_approved, bot, approved=("x",)).status is Status.FAIL
    asleep = Installation(id="7", listed=app(7, "bot") | {"suspended_at": "2026-01-01T00:00:00Z"})
    assert judge(access.installed_apps_approved, asleep, approved=()).status is (
        Status.NOT_APPLICABLE
    )


@pytest.mark.parametrize(
    ("changed", "status", "because"),
    [
        ({}, Status.PASS, "ends 2027-03-01"),
        ({"token_expires_at": None}, Status.FAIL, "the token never ends"),
        (
            {"token_expires_at": "2028-09-01T08:00:00Z"},
            Status.FAIL,
            "granted 2026-09-01, ends 2028-09-01, limit 366 days",
        ),
        ({"token_expired": True}, Status.NOT_APPLICABLE, "the token has ended"),
        (
            {"token_last_used_at": "2026-08-01T00:00:00Z"},
            Status.FAIL,
            "not used since 2026-08-01, limit 90 days",
        ),
        ({"token_last_used_at": None}, Status.PASS, "ends 2027-03-01"),
    ],
)
def test_tokens_end_and_are_used(changed: dict[str, Any], status: Status, because: str) -> None:
    given = AccessToken(id="1", listed=token(1, **changed))
    verdict = judge(access.token_lifetime_and_approval, given)
    assert (verdict.status, verdict.because) == (status, because)


class TestConformance(Conformance):
    collectors = (org,)
    bound: ClassVar[Any] = {
        "github.org.outside_collaborators_approved": {"approved": ("contractor-1",)},
        "github.org.installed_apps_approved": {"approved": ("app-1",)},
    }


def parts(collected: Collected) -> dict[str, Any]:
    return {part.kind.removeprefix("github."): part for part in collected.parts}


def test_everything_is_read_page_by_page_in_the_fewest_calls(
    connection: GithubConnection, double: SpecServer
) -> None:
    collected = collect(connection, (org,))
    assert collected.defects == []
    counts = {kind: (part.collected, part.stated) for kind, part in parts(collected).items()}
    assert counts == {
        "organization": (1, None),
        "member": (230, 230),
        "linked_identity": (230, None),
        "outside_collaborator": (210, None),
        "app_installation": (150, 150),
        "access_token": (205, None),
    }
    rest = 1 + 2 + 3 + 2 + 3  # organisation, two of Actions, pages of outsiders, apps, tokens
    graphql = 1 + 3 + 3 + 1  # provider, pages of members and identities, who we are
    assert len(double.journal) == rest + graphql
    assert (collected.identity.subject, collected.identity.principal) == ("1", "audit-bot")


def test_of_a_person_only_what_checks_need_is_kept(connection: GithubConnection) -> None:
    collected = collect(connection, (org,))
    kept = {kind: set() for kind in ("github.member", "github.outside_collaborator")}
    for resource in collected.resources:
        if resource.kind in kept:
            kept[resource.kind] |= set(resource.listed)
    assert kept["github.member"] == {"login", "role", "hasTwoFactorEnabled"}
    assert kept["github.outside_collaborator"] == {"login", "type"}
    assert "@home.example" not in repr(collected.resources)
    assert "billing_email" not in repr(collected.resources)


PATHS = {
    "outside_collaborator": "outside_collaborators",
    "app_installation": "installations",
    "access_token": "personal-access-tokens",
}
FORBIDDEN = {"message": "Resource not accessible by personal access token"}


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize(
    ("answer", "cause", "code"),
    [
        (Scripted(403, body=FORBIDDEN), Cause.DENIED, FORBIDDEN["message"]),
        (Scripted(404, body={"message": "Not Found"}), Cause.DENIED, "Not Found"),
        (
            Scripted(403, body={"message": "Upgrade to GitHub Enterprise Cloud"}),
            Cause.NOT_LICENSED,
            "not in the plan",
        ),
        (
            Scripted(403, {"x-github-sso": "required; url=https://x"}, {"message": "no"}),
            Cause.DENIED,
            "SAML single sign-on",
        ),
        (
            Scripted(403, body={"message": "the org has an IP allow list enabled"}),
            Cause.DENIED,
            "IP allow list",
        ),
        (Scripted(raw=b'[{"id": 1'), Cause.MALFORMED, "unexpected answer"),
        (Scripted(body={"unexpected": 1}), Cause.MALFORMED, "unexpected answer"),
    ],
)
def test_denied_not_licensed_and_broken_are_told_apart(
    double: SpecServer, kind: str, answer: Scripted, cause: Cause, code: str
) -> None:
    double.script(f"GET /orgs/{{org}}/{PATHS[kind]}", answer)
    part = parts(collect(connection(double), (org,)))[kind]
    assert part.unread is not None
    assert (part.unread.cause, part.unread.code) == (cause, code)


@pytest.mark.parametrize("kind", PATHS)
def test_empty_is_complete(double: SpecServer, kind: str) -> None:
    double.data[f"GET /orgs/{{org}}/{PATHS[kind]}"] = []
    part = parts(collect(connection(double), (org,)))[kind]
    assert (part.complete, part.collected) == (True, 0)


@pytest.mark.parametrize("kind", PATHS)
def test_a_quota_spent_in_the_middle_is_waited_for(double: SpecServer, kind: str) -> None:
    spent = {"x-ratelimit-remaining": "0", "retry-after": "0"}
    operation = f"GET /orgs/{{org}}/{PATHS[kind]}"
    double.script(operation, Scripted(403, spent, {"message": "API rate limit exceeded"}), after=1)
    part = parts(collect(connection(double), (org,)))[kind]
    assert part.complete
    assert part.collected == len(double.data[operation])


@pytest.mark.parametrize("kind", PATHS)
def test_a_next_link_elsewhere_or_in_circles_is_refused(double: SpecServer, kind: str) -> None:
    for link in ("https://evil.example/orgs/acme/x?page=2", "{url}&page=1"):
        operation = f"GET /orgs/{{org}}/{PATHS[kind]}"
        url = f"{double.url}/orgs/acme/{PATHS[kind]}?per_page=100"
        header = {"Link": f'<{link.format(url=url)}>; rel="next"'}
        first = double.data[operation][:1]
        body = {"total_count": 9, "installations": first} if "install" in operation else first
        double.script(operation, Scripted(200, header, body), Scripted(200, header, body))
        part = parts(collect(connection(double), (org,)))[kind]
        assert part.unread is not None
        assert part.unread.cause is Cause.MALFORMED
        double._scripts.clear()


def test_pages_by_the_organisations_number_are_followed(double: SpecServer) -> None:
    rows = double.data["GET /orgs/{org}/outside_collaborators"]
    link = f'<{double.url}/organizations/1/outside_collaborators?page=2>; rel="next"'
    double.script(
        "GET /orgs/{org}/outside_collaborators", Scripted(200, {"Link": link}, rows[:100])
    )
    double.data["GET /organizations/{org}/outside_collaborators"] = lambda _: Scripted(
        body=rows[100:200]
    )
    part = parts(collect(connection(double), (org,)))["outside_collaborator"]
    assert (part.complete, part.collected) == (True, 200)


def test_a_total_that_disagrees_is_partial(double: SpecServer) -> None:
    rows = double.data["GET /orgs/{org}/installations"][:3]
    double.script(
        "GET /orgs/{org}/installations", Scripted(body={"total_count": 4, "installations": rows})
    )
    part = parts(collect(connection(double), (org,)))["app_installation"]
    assert part.unread is not None
    assert (part.unread.cause, part.stated) == (Cause.PARTIAL, 4)


@pytest.mark.parametrize(
    ("field", "kind"), [("membersWithRole", "member"), ("samlIdentityProvider", "linked_identity")]
)
def test_a_refusal_inside_graphql_is_denied(
    tenant: Tenant, double: SpecServer, field: str, kind: str
) -> None:
    tenant.refused[field] = "FORBIDDEN"
    part = parts(collect(connection(double), (org,)))[kind]
    assert part.unread is not None
    assert (part.unread.cause, part.unread.code) == (Cause.DENIED, "FORBIDDEN")
    assert part.unread.permission


def test_a_spent_graphql_quota_is_waited_for(double: SpecServer) -> None:
    spent = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
    double.script("POST /graphql", Scripted(200, {"retry-after": "0"}, spent), after=1)
    collected = collect(connection(double), (org,))
    assert all(part.complete for part in collected.parts)


def test_without_an_identity_provider_nothing_is_linked_and_sso_fails(
    tenant: Tenant, double: SpecServer
) -> None:
    tenant.provider = None
    collected = collect(connection(double), (org,))
    assert parts(collected)["linked_identity"].complete
    verdict = collected.findings()["github.org.sso_enforced", "1"]
    assert (verdict.status, verdict.because) == (Status.FAIL, "no identity provider is set up")


def test_an_unknown_word_of_a_newer_github_does_not_crash(double: SpecServer) -> None:
    double.script(
        "GET /orgs/{org}/actions/permissions",
        Scripted(body={"enabled_repositories": "some", "allowed_actions": "verified"}),
    )
    collected = collect(connection(double), (org,))
    assert collected.defects == []
    verdict = collected.findings()["github.org.actions_allowed_restricted", "1"]
    assert verdict.status is Status.UNKNOWN
