"""GitHub without some of its permissions: in REST, in GraphQL, and settings that are untold."""

from __future__ import annotations

from collections.abc import Collection

from collectors import catalog
from collectors.github import GithubConnection
from collectors.github import org_kinds as o
from collectors.github import repo_kinds as r
from collectors.testing import collect
from tests.collectors.github.double import Tenant, organization
from tests.collectors.refusals import Refusals
from tests.spec_server import Asked, Scripted, SpecServer

GITHUB = catalog(plugins=False).of("github")
BOUND = {
    check.id: {"approved": ()}
    for each in GITHUB
    for check in each.checks
    if "approved" in check.criteria
}
DENIED = Scripted(403, body={"message": "Resource not accessible by personal access token"})
BY_PATH = {
    "/actions/": o.ADMINISTRATION,
    "/installations": o.ADMINISTRATION,
    "/outside_collaborators": o.PEOPLE,
    "/personal-access-tokens": o.TOKENS,
    "/secret-scanning/": r.SECRETS,
    "/dependabot/": r.DEPENDENCIES,
    "/code-scanning/": r.CODE,
}
BY_FIELD = {"membersWithRole": o.PEOPLE, "samlIdentityProvider": o.ADMINISTRATION}


def test_permissions_refused_each_in_turn_and_a_third_at_once_give_only_unknowns(
    tenant: Tenant, double: SpecServer, connection: GithubConnection
) -> None:
    tenant.repositories = tenant.repositories[:6]
    tenant.members, tenant.identities = tenant.members[:8], tenant.identities[:8]
    double.data |= {key: rows[:4] for key, rows in double.data.items() if isinstance(rows, list)}
    names = {row["nameWithOwner"] for row in tenant.repositories}
    told = organization(total_private_repos=0)

    def refuse(lost: Collection[str]) -> None:
        tenant.refused = {field: "FORBIDDEN" for field, need in BY_FIELD.items() if need in lost}
        tenant.hidden = names if r.ADMINISTRATION in lost else set()
        untold = o.SETTINGS if o.ADMINISTRATION in lost else ()
        double.data["GET /orgs/{org}"] = {k: v for k, v in told.items() if k not in untold}

        def answer(asked: Asked) -> Scripted | None:
            refused = any(at in asked.path and need in lost for at, need in BY_PATH.items())
            return DENIED if refused else None

        double.refuse = answer

    first = {r.REPOSITORIES: "without it the organisation itself is not seen"}
    Refusals(lambda: collect(connection, GITHUB), refuse, first, BOUND).give_only_unknowns()
