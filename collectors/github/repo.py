"""GitHub repositories: is their main branch guarded, and are they meant to be seen?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from collectors import Scene, Verdict, criterion, fails, moment, not_applicable, passes
from collectors.github.repo_kinds import Protection, Repository, repo
from collectors.github.words import some


def ruled(repository: Repository, *types: str) -> bool:
    """Whether rulesets put all of these rules on the default branch."""
    return set(types) <= {rule["type"] for rule in repository.rules}


def guarded(
    repository: Repository,
    by_rules: bool,  # noqa: FBT001 - the one answer it decides on
    by_protection: Callable[[Protection], bool],
    otherwise: str,
) -> Verdict:
    """Pass by rulesets alone, else by the branch protection, which may be hidden from us."""
    if repository.at_rest:
        return not_applicable(repository.at_rest)
    if by_rules:
        return passes("by ruleset")
    protection = repository.protection
    if protection is not None and by_protection(protection):
        return passes("by branch protection")
    return fails(f"{repository.listed['branch']}: {otherwise}")


@repo.check(
    Repository,
    "high",
    remediation="Forbid deletion and force pushes of the default branch by a ruleset.",
)
def branch_protected(repository: Repository, scene: Scene) -> Verdict:
    """The default branch cannot be deleted or overwritten."""
    del scene
    return guarded(
        repository,
        ruled(repository, "DELETION", "NON_FAST_FORWARD"),
        lambda rule: not rule["allowsDeletions"] and not rule["allowsForcePushes"],
        "neither deletion nor force pushes are both forbidden",
    )


@repo.check(
    Repository,
    "high",
    remediation="Require an approving review that new commits make void, by a ruleset.",
)
def review_required(
    repository: Repository, scene: Scene, *, least: int = criterion(1, "approvals")
) -> Verdict:
    """Changes to the default branch need an approving review of their last state."""
    del scene
    by_rules = any(
        rule["parameters"]["requiredApprovingReviewCount"] >= least
        and rule["parameters"]["dismissStaleReviewsOnPush"]
        for rule in repository.rules
        if rule["type"] == "PULL_REQUEST"
    )
    return guarded(
        repository,
        by_rules,
        lambda rule: (
            rule["requiresApprovingReviews"]
            and (rule["requiredApprovingReviewCount"] or 0) >= least
            and rule["dismissesStaleReviews"]
        ),
        f"no {least} approvals of the last state are required",
    )


@repo.check(
    Repository,
    "medium",
    remediation="Include administrators in the branch protection, or use a ruleset.",
)
def bypass_limited(repository: Repository, scene: Scene) -> Verdict:
    """Administrators are bound by the protection of the default branch."""
    del scene
    if repository.at_rest:
        return not_applicable(repository.at_rest)
    protection = repository.protection
    if protection is None:
        return not_applicable("no branch protection; rulesets bind whom they do not name")
    return passes() if protection["isAdminEnforced"] else fails("administrators are exempt")


@repo.check(
    Repository,
    "medium",
    remediation="Require the test and scan jobs to pass, by a ruleset.",
)
def status_checks_required(
    repository: Repository, scene: Scene, *, needed: tuple[str, ...] = criterion("check names")
) -> Verdict:
    """The test and scan jobs must pass before a change is merged."""
    del scene
    by_rules = {
        each["context"]
        for rule in repository.rules
        if rule["type"] == "REQUIRED_STATUS_CHECKS"
        for each in rule["parameters"]["requiredStatusChecks"]
    }
    return guarded(
        repository,
        set(needed) <= by_rules,
        lambda rule: (
            rule["requiresStatusChecks"]
            and set(needed) <= by_rules | set(rule["requiredStatusCheckContexts"] or ())
        ),
        f"not all required: {some(sorted(needed))}",
    )


@repo.check(
    Repository,
    "low",
    remediation="Require signed commits on the default branch by a ruleset.",
)
def signed_commits_required(repository: Repository, scene: Scene) -> Verdict:
    """Commits on the default branch must be signed."""
    del scene
    return guarded(
        repository,
        ruled(repository, "REQUIRED_SIGNATURES"),
        lambda rule: rule["requiresCommitSignatures"],
        "signatures are not required",
    )


@repo.check(
    Repository,
    "high",
    remediation="Make the repository private, or approve it as public.",
)
def visibility_approved(
    repository: Repository, scene: Scene, *, approved: tuple[str, ...] = criterion("repositories")
) -> Verdict:
    """Every public repository is on the approved list."""
    del scene
    if repository.listed["visibility"] != "PUBLIC":
        return passes(str(repository.listed["visibility"]).lower())
    names = {name.lower() for name in approved}
    return passes() if repository.name.lower() in names else fails("public and not approved")


@repo.check(
    Repository,
    "low",
    remediation="Archive the repository, or say who still needs it.",
)
def stale_repositories_archived(
    repository: Repository, scene: Scene, *, unused: int = criterion(365, "days")
) -> Verdict:
    """Repositories that nobody changes any more are archived."""
    if repository.listed["isArchived"]:
        return passes("archived")
    last = moment(repository.listed["pushedAt"] or repository.listed["createdAt"])
    if scene.at - last > timedelta(days=unused):
        return fails(f"not changed since {last.date()}, limit {unused} days")
    return passes()


@repo.check(
    Repository,
    "low",
    remediation="Add a SECURITY.md that says how weaknesses are reported.",
)
def security_policy_present(repository: Repository, scene: Scene) -> Verdict:
    """Public repositories say how a weakness is reported."""
    del scene
    if repository.listed["visibility"] != "PUBLIC" or repository.listed["isArchived"]:
        return not_applicable("not public, or archived")
    there = repository.listed["isSecurityPolicyEnabled"]
    return passes() if there else fails("no security policy")
