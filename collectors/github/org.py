"""GitHub organisation: are its settings safe?"""

from __future__ import annotations

from collectors import MalformedError, Scene, Verdict, fails, passes
from collectors.github.org_kinds import LinkedIdentity, Member, Organization, org
from collectors.github.words import some


@org.check(
    Organization,
    "critical",
    remediation="Require two-factor authentication in the organisation's security settings.",
)
def two_factor_required(organization: Organization, scene: Scene) -> Verdict:
    """Everyone in the organisation must use two-factor authentication."""
    del scene
    required = organization.switch("two_factor_requirement_enabled")
    return passes() if required else fails("two-factor authentication is not required")


@org.check(
    Organization,
    "high",
    also=(Member, LinkedIdentity),
    remediation="Set up SAML single sign-on and require it in the organisation's settings.",
)
def sso_enforced(organization: Organization, scene: Scene) -> Verdict:
    """Members sign in through the identity provider, each with a linked identity."""
    if organization.identity_provider is None:
        return fails("no identity provider is set up")
    linked = {identity.listed["login"] for identity in scene.all(LinkedIdentity)}
    loose = sorted({member.login for member in scene.all(Member)} - linked)
    return fails(f"without a linked identity: {some(loose)}") if loose else passes()


@org.check(
    Organization,
    "medium",
    remediation="Set the base permission of members to none or read.",
)
def default_permission_restricted(organization: Organization, scene: Scene) -> Verdict:
    """Members may at most read the repositories they were not given."""
    del scene
    granted = organization.setting("default_repository_permission")
    return passes() if granted in {"none", "read"} else fails(f"the base permission is {granted}")


@org.check(
    Organization,
    "medium",
    remediation="Do not let members create public repositories.",
)
def public_repo_creation_restricted(organization: Organization, scene: Scene) -> Verdict:
    """Members cannot publish code by creating a public repository."""
    del scene
    may = organization.switch("members_can_create_public_repositories")
    return fails("members may create public repositories") if may else passes()


@org.check(
    Organization,
    "medium",
    remediation="Do not allow forking of private repositories.",
)
def private_forking_restricted(organization: Organization, scene: Scene) -> Verdict:
    """Members cannot fork private repositories out of the organisation's hands."""
    del scene
    may = organization.switch("members_can_fork_private_repositories")
    return fails("private repositories may be forked") if may else passes()


@org.check(
    Organization,
    "medium",
    remediation="Allow selected or local actions only, under Actions, General.",
)
def actions_allowed_restricted(organization: Organization, scene: Scene) -> Verdict:
    """Workflows run approved actions only."""
    del scene
    actions = organization.actions
    if actions["enabled_repositories"] == "none":
        return passes("GitHub Actions is off")
    allowed = actions.get("allowed_actions")
    if allowed == "all":
        return fails("every action may run")
    if allowed in {"selected", "local_only"}:
        return passes(f"allowed actions: {allowed}")
    raise MalformedError("allowed_actions is none of all, selected and local_only")


@org.check(
    Organization,
    "medium",
    remediation="Let the workflow token read only, and not approve pull requests.",
)
def actions_token_read_only(organization: Organization, scene: Scene) -> Verdict:
    """Workflows read by default and cannot approve pull requests."""
    del scene
    workflow = organization.workflow
    wrong = []
    if workflow["default_workflow_permissions"] != "read":
        wrong.append(f"the default is {workflow['default_workflow_permissions']}")
    if workflow["can_approve_pull_request_reviews"]:
        wrong.append("workflows may approve pull requests")
    return fails("; ".join(wrong)) if wrong else passes()
