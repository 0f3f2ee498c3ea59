"""GitHub organisation: its settings, and the people, apps and tokens that reach it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypedDict

from collectors import (
    Cause,
    Collector,
    FactUnknown,
    MalformedError,
    Resource,
    Total,
    Unread,
    fact,
)
from collectors.github.target import GithubTarget, kept
from collectors.http import Answer, Request, by_cursor

org = Collector("github.org", title="GitHub organisation", reads_from="orgs")

ADMINISTRATION: Final = "organization_administration:read"
PEOPLE: Final = "members:read"
TOKENS: Final = "organization_personal_access_tokens:read"

SETTINGS: Final = (
    "two_factor_requirement_enabled",
    "default_repository_permission",
    "members_can_create_public_repositories",
    "members_can_fork_private_repositories",
)
"""What only an owner, or an app that may read the administration, is told."""


class Actions(TypedDict):
    """Which repositories may run GitHub Actions, and whose actions."""

    enabled_repositories: str
    allowed_actions: str


class Workflow(TypedDict):
    """What workflows may do where they do not say."""

    default_workflow_permissions: str
    can_approve_pull_request_reviews: bool


PROVIDER: Final = "data/organization/samlIdentityProvider"

SAML: Final = """\
query IdentityProvider($org: String!) {
  organization(login: $org) {
    samlIdentityProvider { id issuer ssoUrl }
  }
}"""


class Organization(Resource[dict[str, Any]], kind="github.organization"):
    """The organisation: `listed` holds its settings, as far as the credential is told them."""

    @fact(ADMINISTRATION)
    def actions(self, api: GithubTarget) -> Actions:
        """Which actions may run."""
        answer: Actions = api.get("/actions/permissions")
        return answer

    @fact(ADMINISTRATION)
    def workflow(self, api: GithubTarget) -> Workflow:
        """What the token of a workflow may do."""
        answer: Workflow = api.get("/actions/permissions/workflow")
        return answer

    @fact(ADMINISTRATION)
    def identity_provider(self, api: GithubTarget) -> dict[str, Any] | None:
        """The SAML identity provider; None where there is none."""
        found = api.query(SAML).at(PROVIDER)
        return dict(found) if found else None

    def setting(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """A setting that only owners are told; without it nothing is known, least of all "off"."""
        value = self.listed.get(name)
        if value is None:
            raise FactUnknown(Unread("not told to this credential", ADMINISTRATION, Cause.DENIED))
        return value

    def switch(self, name: str) -> bool:
        """A setting that is on or off."""
        value = self.setting(name)
        if not isinstance(value, bool):
            raise MalformedError(f"{name} is neither true nor false")
        return value


@org.resources(Organization, permission="metadata:read")
def organizations(target: GithubTarget) -> Iterator[Organization]:
    """The one organisation of the target."""
    row = target.organization()
    yield Organization(id=str(row["id"]), listed=kept(row, "id", "login", *SETTINGS))


class Member(Resource[dict[str, Any]], kind="github.member"):
    """A member: login, role (`ADMIN` is an owner), and two-factor state where it is told."""

    @property
    def login(self) -> str:
        """The account's name."""
        return str(self.listed["login"])


class LinkedIdentity(Resource[dict[str, Any]], kind="github.linked_identity"):
    """An account of the identity provider that is linked to a member; no more of it than that."""


class Outsider(Resource[dict[str, Any]], kind="github.outside_collaborator"):
    """Somebody who reaches repositories without being a member."""


class Installation(Resource[dict[str, Any]], kind="github.app_installation"):
    """An app that is installed in the organisation, with its permissions."""


class AccessToken(Resource[dict[str, Any]], kind="github.access_token"):
    """A fine-grained personal access token that may read the organisation."""

    volatile = ("listed.token_last_used_at",)


MEMBERS: Final = """\
query Members($org: String!, $after: String) {
  organization(login: $org) {
    membersWithRole(first: 100, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { role hasTwoFactorEnabled node { databaseId login } }
    }
  }
}"""

IDENTITIES: Final = """\
query Identities($org: String!, $after: String) {
  organization(login: $org) {
    samlIdentityProvider {
      externalIdentities(first: 100, after: $after, membersOnly: true) {
        pageInfo { hasNextPage endCursor }
        nodes { guid user { login } }
      }
    }
  }
}"""


@org.resources(Member, permission=PEOPLE)
def members(target: GithubTarget) -> Iterator[Member | Total]:
    """Everyone in the organisation."""
    for row in target.nodes(MEMBERS, "membersWithRole", "edges"):
        if isinstance(row, Total):
            yield row
        elif not isinstance(row.get("node"), dict):
            raise MalformedError("a member without an account")
        else:
            listed = {**kept(row, "role", "hasTwoFactorEnabled"), "login": row["node"]["login"]}
            yield Member(id=str(row["node"]["databaseId"]), listed=listed)


def _identity_pages(request: Request, answer: Answer) -> Request | None:
    """Pages of an identity provider; none where there is none."""
    if answer.at(PROVIDER) is None:
        return None
    return by_cursor(f"{PROVIDER}/externalIdentities/pageInfo", "after")(request, answer)


@org.resources(LinkedIdentity, permission=ADMINISTRATION)
def linked_identities(target: GithubTarget) -> Iterator[LinkedIdentity]:
    """The accounts of the identity provider that belong to members."""
    for answer in target.pages(IDENTITIES, _identity_pages):
        if answer.at(PROVIDER) is None:
            return
        for row in answer.rows(f"{PROVIDER}/externalIdentities/nodes"):
            login = row["user"]["login"] if row.get("user") else None
            yield LinkedIdentity(id=row["guid"], listed={"login": login})


@org.resources(Outsider, permission=PEOPLE)
def outsiders(target: GithubTarget) -> Iterator[Outsider]:
    """Everyone who reaches repositories without being a member."""
    for row in target.rows("outside_collaborators"):
        yield Outsider(id=str(row["id"]), listed=kept(row, "login", "type"))


@org.resources(Installation, permission=ADMINISTRATION)
def installations(target: GithubTarget) -> Iterator[Installation | Total]:
    """Every app installed in the organisation."""
    for row in target.rows("installations", "installations", "total_count"):
        if isinstance(row, Total):
            yield row
        else:
            names = (
                "app_slug",
                "repository_selection",
                "permissions",
                "suspended_at",
                "created_at",
            )
            yield Installation(id=str(row["id"]), listed=kept(row, *names))


@org.resources(AccessToken, permission=TOKENS)
def access_tokens(target: GithubTarget) -> Iterator[AccessToken]:
    """Every fine-grained token of a member that reaches the organisation; told to apps only."""
    for row in target.rows("personal-access-tokens"):
        listed = kept(
            row,
            "token_id",
            "token_name",
            "repository_selection",
            "permissions",
            "access_granted_at",
            "token_expired",
            "token_expires_at",
            "token_last_used_at",
        )
        owner = {"owner": row["owner"]["login"]}
        yield AccessToken(id=str(row["id"]), listed={**listed, **owner})
