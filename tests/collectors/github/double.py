"""A GitHub organisation behind GitHub's own descriptions: REST by OpenAPI, GraphQL by its schema.

The tenant is made of few seeds and of believable size: 230 members, 150 apps, 320 repositories.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from graphql import GraphQLError, build_schema, graphql_sync, parse, validate

from collectors.github import GithubConnection
from tests.spec_server import SPECS, Asked, Scripted, SpecServer, github_pages, load_spec

TOKEN = "github_pat_" + "canary" * 6
SCHEMA = build_schema((SPECS / "github.trim.graphql").read_text())
ORG = "acme"
SINCE = "2024-03-01T08:00:00Z"


def with_graphql(spec: Mapping[str, Any]) -> dict[str, Any]:
    """GitHub's description, with GraphQL, and next pages named by the organisation's number."""
    body = {
        "type": "object",
        "required": ["query", "variables"],
        "properties": {"query": {"type": "string"}, "variables": {"type": "object"}},
        "additionalProperties": False,
    }
    operation = {
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {},
    }
    paths = spec["paths"]
    by_number = {
        path.replace("/orgs/", "/organizations/"): item
        for path, item in paths.items()
        if path.startswith("/orgs/{org}/")
    }
    return {**spec, "paths": {**paths, **by_number, "/graphql": {"post": operation}}}


SPEC = with_graphql(load_spec("github-ghec"))


def user(number: int, login: str, kind: str = "User") -> dict[str, Any]:
    """An account as REST lists it, with all that we do not want to keep."""
    base = f"https://api.github.com/users/{login}"
    links = {
        name: f"{base}/{name}"
        for name in (
            "followers_url", "following_url", "gists_url", "starred_url", "subscriptions_url",
            "organizations_url", "repos_url", "events_url", "received_events_url", "html_url",
        )
    }  # fmt: skip
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{number}",
        "gravatar_id": "",
        "url": base,
        "type": kind,
        "site_admin": False,
        "email": f"{login}@home.example",
        **links,
    }


def app(number: int, slug: str, **permissions: str) -> dict[str, Any]:
    """An app's installation."""
    base = f"https://api.github.com/app/installations/{number}"
    return {
        "id": number,
        "account": user(1, ORG, "Organization"),
        "repository_selection": "all",
        "access_tokens_url": f"{base}/access_tokens",
        "repositories_url": "https://api.github.com/installation/repositories",
        "html_url": f"https://github.com/organizations/{ORG}/settings/installations/{number}",
        "app_id": number + 1000,
        "target_id": 1,
        "target_type": "Organization",
        "permissions": permissions or {"metadata": "read"},
        "events": [],
        "created_at": SINCE,
        "updated_at": SINCE,
        "single_file_name": None,
        "app_slug": slug,
        "suspended_by": None,
        "suspended_at": None,
    }


def token(number: int, **changed: Any) -> dict[str, Any]:
    """A fine-grained token that reaches the organisation."""
    return {
        "id": number,
        "owner": user(100 + number, f"dev-{number}"),
        "repository_selection": "all",
        "repositories_url": f"https://api.github.com/orgs/{ORG}/tokens/{number}/repositories",
        "permissions": {"repository": {"contents": "read"}},
        "access_granted_at": "2026-09-01T08:00:00Z",
        "token_id": number + 5000,
        "token_name": f"laptop of dev-{number}",
        "token_expired": False,
        "token_expires_at": "2027-03-01T08:00:00Z",
        "token_last_used_at": "2026-11-20T08:00:00Z",
        **changed,
    }


def organization(**changed: Any) -> dict[str, Any]:
    """The organisation's settings as an owner is told them."""
    base = f"https://api.github.com/orgs/{ORG}"
    return {
        "login": ORG,
        "id": 1,
        "node_id": "O_1",
        "url": base,
        "repos_url": f"{base}/repos",
        "events_url": f"{base}/events",
        "hooks_url": f"{base}/hooks",
        "issues_url": f"{base}/issues",
        "members_url": f"{base}/members{{/member}}",
        "public_members_url": f"{base}/public_members{{/member}}",
        "avatar_url": "https://avatars.githubusercontent.com/u/1",
        "html_url": f"https://github.com/{ORG}",
        "description": "ACME",
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": 12,
        "public_gists": 0,
        "followers": 3,
        "following": 0,
        "type": "Organization",
        "created_at": SINCE,
        "updated_at": SINCE,
        "archived_at": None,
        "total_private_repos": 308,
        "billing_email": "invoices@acme.example",
        "two_factor_requirement_enabled": True,
        "default_repository_permission": "read",
        "members_can_create_public_repositories": False,
        "members_can_fork_private_repositories": False,
        **changed,
    }


REVIEWED = {
    "allowsDeletions": False,
    "allowsForcePushes": False,
    "isAdminEnforced": True,
    "requiresApprovingReviews": True,
    "requiredApprovingReviewCount": 2,
    "dismissesStaleReviews": True,
    "requiresCommitSignatures": False,
    "requiresStatusChecks": True,
    "requiredStatusCheckContexts": ["test"],
}
RULES = [
    {"type": "DELETION", "parameters": None},
    {"type": "NON_FAST_FORWARD", "parameters": None},
    {
        "type": "PULL_REQUEST",
        "parameters": {
            "__typename": "PullRequestParameters",
            "requiredApprovingReviewCount": 1,
            "dismissStaleReviewsOnPush": True,
            "requireCodeOwnerReview": False,
        },
    },
]


def repository(number: int, **changed: Any) -> dict[str, Any]:
    """A repository; two thirds are guarded by rulesets, the others by branch protection."""
    by_rules = number % 3 > 0
    branch = {
        "name": "main",
        "refUpdateRule": None if by_rules else {"pattern": "main"},
        "branchProtectionRule": None if by_rules else REVIEWED,
        "rules": {"pageInfo": {"hasNextPage": False}, "nodes": RULES if by_rules else []},
    }
    return {
        "databaseId": 10_000 + number,
        "nameWithOwner": f"{ORG}/service-{number}",
        "visibility": "PUBLIC" if number < 12 else "INTERNAL" if number < 40 else "PRIVATE",
        "isArchived": False,
        "isFork": False,
        "pushedAt": "2026-11-20T08:00:00Z",
        "createdAt": SINCE,
        "isSecurityPolicyEnabled": True,
        "defaultBranchRef": branch,
        **changed,
    }


def simple_repository(number: int) -> dict[str, Any]:
    """A repository as alerts name it: GitHub's own example with another name."""
    example = SPEC["components"]["schemas"]["simple-repository"]
    made = {
        name: f"https://api.github.com/x/{name}"
        for name in example["required"]
        if name not in {"id", "owner", "private", "fork"}
    }
    name = f"service-{number}"
    return made | {
        "id": 10_000 + number,
        "owner": user(1, ORG, "Organization"),
        "private": True,
        "fork": False,
        "name": name,
        "full_name": f"{ORG}/{name}",
    }


def secret_alert(number: int, **changed: Any) -> dict[str, Any]:
    """An open alert; the secret is there to be left behind."""
    url = f"https://api.github.com/repos/{ORG}/service-1/secret-scanning/alerts/{number}"
    return {
        "number": number,
        "created_at": "2026-11-24T02:00:00Z",
        "url": url,
        "html_url": url,
        "locations_url": f"{url}/locations",
        "state": "open",
        "secret_type": "slack_api_token",
        "secret": CANARY,
        "repository": simple_repository(1),
        "push_protection_bypassed": False,
        **changed,
    }


def example(path: str) -> dict[str, Any]:
    """The first row of GitHub's own example of an answer."""
    answer = SPEC["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    reference = next(iter(answer["examples"].values()))["$ref"].rpartition("/")[2]
    row: dict[str, Any] = deepcopy(SPEC["components"]["examples"][reference]["value"][0])
    return row


def dependency_alert(number: int, severity: str = "high", **changed: Any) -> dict[str, Any]:
    """An open alert about a component."""
    made = example("/orgs/{org}/dependabot/alerts")
    # GitHub's example breaks GitHub's schema in these two places.
    made["security_advisory"] |= {"epss": {"percentage": 0.1, "percentile": 0.2}, "description": ""}
    made["security_advisory"]["severity"] = severity
    return {
        **made,
        "number": number,
        "state": "open",
        "created_at": "2026-11-01T08:00:00Z",
        "dismissed_at": None,
        "dismissed_by": None,
        "dismissed_reason": None,
        "dismissed_comment": None,
        **changed,
    }


def code_alert(number: int, severity: str | None = "high", **changed: Any) -> dict[str, Any]:
    """An open alert of code scanning."""
    made = example("/orgs/{org}/code-scanning/alerts")
    made["rule"]["security_severity_level"] = severity
    return {**made, "number": number, "created_at": "2026-11-01T08:00:00Z", **changed}


CANARY = "xoxb-" + "canary" * 4
Refusals = dict[str, str]


class Tenant:
    """What the organisation holds; tests change it. `refused` maps a GraphQL field to a type."""

    def __init__(self) -> None:
        self.members = [
            {
                "role": "ADMIN" if number < 3 else "MEMBER",
                "hasTwoFactorEnabled": True,
                "node": {"databaseId": 100 + number, "login": f"dev-{number}"},
            }
            for number in range(230)
        ]
        self.provider: dict[str, Any] | None = {
            "id": "S_1",
            "issuer": "https://id.acme.example",
            "ssoUrl": "https://id.acme.example/sso",
        }
        self.identities = [
            {"guid": f"guid-{number}", "user": {"login": f"dev-{number}"}} for number in range(230)
        ]
        self.repositories = [repository(number) for number in range(320)]
        self.refused: Refusals = {}
        self.hidden: set[str] = set()

    def graphql(self, asked: Asked) -> Scripted:
        """The answer to a query, by GitHub's own schema."""
        document = parse(asked.body["query"])
        wrong = validate(SCHEMA, document)
        if wrong:
            return Scripted(400, body={"message": f"violates the schema: {wrong[0].message}"})
        given = graphql_sync(
            SCHEMA,
            asked.body["query"],
            {"viewer": {"login": "audit-bot"}, "organization": self._organization},
            variable_values=asked.body["variables"],
        )
        body: dict[str, Any] = {"data": given.data}
        if given.errors:
            body["errors"] = [
                {"message": e.message, "path": e.path, **(e.extensions or {"type": "INTERNAL"})}
                for e in given.errors
            ]
        return Scripted(200, {"x-ratelimit-remaining": "4999"}, body)

    def _organization(self, _: Any, login: str) -> dict[str, Any] | None:
        if login.lower() != ORG:
            raise GraphQLError("Could not resolve", extensions={"type": "NOT_FOUND"})
        return {
            "databaseId": 1,
            "login": ORG,
            "membersWithRole": self._paged("membersWithRole", self.members, "edges"),
            "samlIdentityProvider": self._provider,
            "repositories": self._paged(
                "repositories", [self._guarded(row) for row in self.repositories], "nodes"
            ),
        }

    def _provider(self, _: Any) -> dict[str, Any] | None:
        self._allowed("samlIdentityProvider")
        if self.provider is None:
            return None
        return {**self.provider, "externalIdentities": self._paged("ids", self.identities, "nodes")}

    def _guarded(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with its branch protection refused, where it is to be."""
        if row["nameWithOwner"] not in self.hidden:
            return row

        def refuse(_: Any) -> None:
            raise GraphQLError("Resource not accessible", extensions={"type": "FORBIDDEN"})

        branch = {**row["defaultBranchRef"], "branchProtectionRule": refuse}
        return {**row, "defaultBranchRef": branch}

    def _allowed(self, field: str) -> None:
        if kind := self.refused.get(field):
            raise GraphQLError("Resource not accessible", extensions={"type": kind})

    def _paged(self, field: str, rows: Sequence[Any], into: str) -> Callable[..., Any]:
        def connection(_: Any, first: int, after: str | None = None, **__: Any) -> dict[str, Any]:
            self._allowed(field)
            assert first <= 100, "GitHub gives at most 100"
            start = int(after.removeprefix("cursor-")) if after else 0
            end = min(start + first, len(rows))
            return {
                "totalCount": len(rows),
                "pageInfo": {"hasNextPage": end < len(rows), "endCursor": f"cursor-{end}"},
                into: rows[start:end],
            }

        return connection


def serve(tenant: Tenant) -> SpecServer:
    """A double that holds the tenant; enter it to serve."""
    made = SpecServer(SPEC, paging=github_pages, token=f"Bearer {TOKEN}", extra=("page",))
    made.data |= {
        "GET /orgs/{org}": organization(),
        "GET /orgs/{org}/actions/permissions": {
            "enabled_repositories": "all",
            "allowed_actions": "selected",
            "selected_actions_url": "https://api.github.com/x",
        },
        "GET /orgs/{org}/actions/permissions/workflow": {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": False,
        },
        "GET /orgs/{org}/outside_collaborators": [
            user(900 + number, f"contractor-{number}") for number in range(210)
        ],
        "GET /orgs/{org}/installations": [app(700 + n, f"app-{n}") for n in range(150)],
        "GET /orgs/{org}/personal-access-tokens": [token(number) for number in range(205)],
        "GET /orgs/{org}/secret-scanning/alerts": [secret_alert(n) for n in range(205)],
        "GET /orgs/{org}/dependabot/alerts": [dependency_alert(n) for n in range(205)],
        "GET /orgs/{org}/code-scanning/alerts": [code_alert(n) for n in range(205)],
        "POST /graphql": tenant.graphql,
    }
    made.paged["GET /orgs/{org}/installations"] = _installation_pages
    return made


def _installation_pages(rows: Sequence[Any], asked: Asked, most: int) -> tuple[Any, Any]:
    page, headers = github_pages(rows, asked, most)
    return {"total_count": len(rows), "installations": page}, headers


def connection(double: SpecServer, **changed: Any) -> GithubConnection:
    """The organisation as it is declared."""
    given = {"token": lambda: TOKEN, "base_url": double.url, **changed}
    return GithubConnection("code", ORG, **given)


def changed(rows: list[dict[str, Any]], number: int, **members: Any) -> list[dict[str, Any]]:
    """A copy of rows with one of them changed."""
    copied = deepcopy(rows)
    copied[number].update(members)
    return copied
