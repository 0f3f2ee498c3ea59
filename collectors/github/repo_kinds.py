"""GitHub repositories with the rules of their default branch, and the open alerts about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypedDict

from collectors import (
    CallError,
    Cause,
    Collector,
    Fact,
    MalformedError,
    Resource,
    Total,
    Unread,
    brought,
)
from collectors.github.target import GithubTarget, kept

repo = Collector("github.repo", title="GitHub repositories", reads_from="repos")

REPOSITORIES: Final = "metadata:read"
ADMINISTRATION: Final = "administration:read"
SECRETS: Final = "secret_scanning_alerts:read"
DEPENDENCIES: Final = "vulnerability_alerts:read"
CODE: Final = "security_events:read"


class Protection(TypedDict):
    """A branch protection rule, which only those see who administer the repository."""

    allowsDeletions: bool
    allowsForcePushes: bool
    isAdminEnforced: bool
    requiresApprovingReviews: bool
    requiredApprovingReviewCount: int | None
    dismissesStaleReviews: bool
    requiresCommitSignatures: bool
    requiresStatusChecks: bool
    requiredStatusCheckContexts: list[str] | None


class Repository(Resource[dict[str, Any]], kind="github.repository"):
    """A repository: `listed` holds the rules that rulesets put on its default branch."""

    volatile = ("listed.pushedAt",)

    protection: Fact[Any, Any, Protection | None] = brought(ADMINISTRATION)
    """The branch protection of its default branch, which may stand beside rulesets."""

    @property
    def name(self) -> str:
        """`<organisation>/<repository>`."""
        return str(self.listed["nameWithOwner"])

    @property
    def rules(self) -> list[Mapping[str, Any]]:
        """What active rulesets, the organisation's among them, ask of the default branch."""
        return list(self.listed["rules"])

    @property
    def at_rest(self) -> str:
        """Why nothing can be merged into it; "" where something can."""
        if self.listed["isArchived"]:
            return "the repository is archived"
        return "" if self.listed["branch"] else "the repository is empty"


class SecretAlert(Resource[dict[str, Any]], kind="github.secret_alert"):
    """A secret found in code; of the secret itself nothing is asked for."""


class DependencyAlert(Resource[dict[str, Any]], kind="github.dependency_alert"):
    """A component in use that has a known weakness."""


class CodeAlert(Resource[dict[str, Any]], kind="github.code_alert"):
    """A weakness that code scanning found."""


QUERY: Final = """\
query Repositories($org: String!, $after: String) {
  organization(login: $org) {
    repositories(first: 100, after: $after, ownerAffiliations: [OWNER]) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        databaseId nameWithOwner visibility isArchived isFork pushedAt createdAt
        isSecurityPolicyEnabled
        defaultBranchRef {
          name
          refUpdateRule { pattern }
          branchProtectionRule {
            allowsDeletions allowsForcePushes isAdminEnforced
            requiresApprovingReviews requiredApprovingReviewCount dismissesStaleReviews
            requiresCommitSignatures requiresStatusChecks requiredStatusCheckContexts
          }
          rules(first: 50) {
            pageInfo { hasNextPage }
            nodes {
              type
              parameters {
                __typename
                ... on PullRequestParameters {
                  requiredApprovingReviewCount dismissStaleReviewsOnPush requireCodeOwnerReview
                }
                ... on RequiredStatusChecksParameters { requiredStatusChecks { context } }
              }
            }
          }
        }
      }
    }
  }
}"""

AT: Final = "data/organization/repositories"
PLAIN: Final = (
    "nameWithOwner",
    "visibility",
    "isArchived",
    "isFork",
    "pushedAt",
    "createdAt",
    "isSecurityPolicyEnabled",
)


@repo.resources(Repository, permission=REPOSITORIES)
def repositories(target: GithubTarget) -> Iterator[Repository | Total]:
    """Every repository of the organisation, a hundred at a time with their rules."""
    private = 0
    for row, refused in target.nodes_in_part(QUERY, "repositories"):
        if isinstance(row, Total):
            yield row
            continue
        private += row["visibility"] != "PUBLIC"
        yield _repository(row, refused)
    stated = target.organization().get("total_private_repos")
    if isinstance(stated, int) and private < stated:
        raise CallError(
            Cause.PARTIAL,
            "not all repositories are visible",
            f"{target.key}: {private} of {stated} private repositories are visible; give the app "
            "or token access to all repositories",
            "access to all repositories",
        )


def _repository(row: Mapping[str, Any], refused: Mapping[str, Unread]) -> Repository:
    """A row as a resource; what was refused inside it is unread there and nowhere else."""
    branch = row["defaultBranchRef"]
    listed = {**kept(row, *PLAIN), "branch": None, "rules": []}
    protection: object = None
    if "defaultBranchRef" in refused:
        raise CallError(Cause.DENIED, refused["defaultBranchRef"].code)
    if branch is not None:
        connection = branch["rules"]
        if connection is None or connection["pageInfo"]["hasNextPage"]:
            raise CallError(Cause.PARTIAL, "not all rules of a branch came")
        listed |= {"branch": branch["name"], "rules": connection["nodes"]}
        protection = branch["branchProtectionRule"]
        if protection is None and "branchProtectionRule" in refused:
            why = refused["branchProtectionRule"]
            protection = Unread(why.code, ADMINISTRATION, why.cause)
        elif protection is None and branch["refUpdateRule"] is not None:
            protection = Unread("not told to this credential", ADMINISTRATION)
    if not isinstance(row["databaseId"], int):
        raise MalformedError("a repository without a number")
    return Repository(id=str(row["databaseId"]), listed=listed, facts={"protection": protection})


def _alert_id(row: Mapping[str, Any]) -> str:
    return f"{row['repository']['full_name']}#{row['number']}"


@repo.resources(SecretAlert, permission=SECRETS)
def secret_alerts(target: GithubTarget) -> Iterator[SecretAlert]:
    """The open alerts about secrets, without the secrets."""
    for row in target.rows("secret-scanning/alerts", state="open", hide_secret=True):
        listed = kept(row, "created_at", "secret_type", "state", "push_protection_bypassed")
        yield SecretAlert(id=_alert_id(row), listed=listed)


@repo.resources(DependencyAlert, permission=DEPENDENCIES)
def dependency_alerts(target: GithubTarget) -> Iterator[DependencyAlert]:
    """The open alerts about components."""
    for row in target.rows("dependabot/alerts", state="open"):
        listed = kept(row, "created_at", "state")
        listed |= {
            "package": row["dependency"]["package"]["name"],
            "severity": row["security_advisory"]["severity"],
            "advisory": row["security_advisory"]["ghsa_id"],
        }
        yield DependencyAlert(id=_alert_id(row), listed=listed)


@repo.resources(CodeAlert, permission=CODE)
def code_alerts(target: GithubTarget) -> Iterator[CodeAlert]:
    """The open alerts of code scanning."""
    for row in target.rows("code-scanning/alerts", state="open"):
        listed = kept(row, "created_at", "state")
        severity = row["rule"].get("security_severity_level")
        listed |= {"rule": row["rule"]["id"], "severity": severity}
        yield CodeAlert(id=_alert_id(row), listed=listed)
