"""AWS IAM, policies the organisation wrote: full administration, escalation, PassRole."""

from __future__ import annotations

from dataclasses import dataclass

from collectors import Scene, Verdict, fails, not_applicable, passes
from collectors.aws.conditions import account_in
from collectors.aws.iam import iam
from collectors.aws.iam_kinds import Policy
from collectors.aws.policies import Statement, allows, allows_some, grants_full_admin, statements


@dataclass(frozen=True)
class Escalation:
    """A known way from some permissions to all: `wide` on all resources of a type, `some` on any.

    `wide` maps an action to the type of resource it must be allowed on throughout.
    """

    name: str
    wide: tuple[tuple[str, str], ...]
    some: tuple[str, ...] = ()

    def granted_by(self, granted: tuple[Statement, ...], partition: str, account: str) -> bool:
        """Whether these statements grant the whole set."""
        return all(
            allows(granted, action, f"arn:{partition}:{service.format(account=account)}")
            for action, service in self.wide
        ) and all(allows_some(granted, action) for action in self.some)


ROLES = "iam::{account}:role/*"
USERS = "iam::{account}:user/*"
GROUPS = "iam::{account}:group/*"
POLICIES = "iam::{account}:policy/*"
FUNCTIONS = "lambda:*:{account}:function:*"


def _one(action: str, on: str) -> Escalation:
    return Escalation(action, ((action, on),))


def _pass_role(*some: str) -> Escalation:
    return Escalation(f"iam:PassRole with {some[0]}", (("iam:PassRole", ROLES),), some)


ESCALATIONS = (
    _one("iam:AddUserToGroup", GROUPS),
    _one("iam:AttachGroupPolicy", GROUPS),
    _one("iam:AttachRolePolicy", ROLES),
    _one("iam:AttachUserPolicy", USERS),
    _one("iam:CreateAccessKey", USERS),
    _one("iam:CreateLoginProfile", USERS),
    _one("iam:CreatePolicyVersion", POLICIES),
    _one("iam:PutGroupPolicy", GROUPS),
    _one("iam:PutRolePolicy", ROLES),
    _one("iam:PutUserPolicy", USERS),
    _one("iam:SetDefaultPolicyVersion", POLICIES),
    _one("iam:UpdateAssumeRolePolicy", ROLES),
    _one("iam:UpdateLoginProfile", USERS),
    _one("lambda:UpdateFunctionCode", FUNCTIONS),
    _one("glue:UpdateDevEndpoint", "glue:*:{account}:devEndpoint/*"),
    _one("cloudformation:UpdateStack", "cloudformation:*:{account}:stack/*"),
    _pass_role("cloudformation:CreateStack"),
    _pass_role("codebuild:CreateProject", "codebuild:StartBuild"),
    _pass_role("datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"),
    _pass_role("ec2:RunInstances"),
    _pass_role("ecs:RegisterTaskDefinition", "ecs:RunTask"),
    _pass_role("glue:CreateDevEndpoint"),
    _pass_role("glue:CreateJob", "glue:StartJobRun"),
    _pass_role("lambda:CreateFunction", "lambda:InvokeFunction"),
    _pass_role("lambda:CreateFunction", "lambda:CreateEventSourceMapping"),
    _pass_role("lambda:CreateFunction", "lambda:AddPermission"),
    _pass_role("sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"),
    _pass_role("sagemaker:CreateProcessingJob"),
    _pass_role("sagemaker:CreateTrainingJob"),
)
"""Ways to all permissions published by Rhino Security Labs, "AWS IAM Privilege Escalation: Methods
and Mitigation", and in its repository RhinoSecurityLabs/AWS-IAM-Privilege-Escalation."""


@iam.check(
    Policy, "high", remediation="Replace the policy by one that names the actions and resources."
)
def policy_no_full_admin(policy: Policy, scene: Scene) -> Verdict:
    """A customer managed policy in use does not allow every action on every resource."""
    del scene
    if policy.inline:
        return not_applicable("an inline policy")
    if not policy.listed.get("AttachmentCount"):
        return not_applicable("attached to nobody")
    return _no_full_admin(policy)


@iam.check(
    Policy, "high", remediation="Replace the inline policy by one that names actions and resources."
)
def inline_policy_no_full_admin(policy: Policy, scene: Scene) -> Verdict:
    """An inline policy of a user, group or role does not allow every action on every resource."""
    del scene
    return _no_full_admin(policy) if policy.inline else not_applicable("a managed policy")


@iam.check(
    Policy,
    "high",
    remediation="Name the resources, or bound the actions by a permissions boundary condition.",
)
def policy_no_privilege_escalation(policy: Policy, scene: Scene) -> Verdict:
    """A policy of the organisation gives no known way from some permissions to all.

    Looked for is a set of permissions that is published as a way of escalation, on all resources,
    within one policy, managed or inline.
    """
    del scene
    granted = statements(policy.document)
    partition, account = _place(policy)
    ways = {e.name for e in ESCALATIONS if e.granted_by(granted, partition, account)}
    return fails(f"allows {', '.join(sorted(ways))}") if ways else passes()


@iam.check(
    Policy,
    "medium",
    remediation="Name the roles that may be passed, or add a condition on iam:PassedToService.",
)
def passrole_not_wildcard(policy: Policy, scene: Scene) -> Verdict:
    """A policy of the organisation does not allow passing any role to any service.

    A resource that stands for all roles of the account counts as `*`.
    """
    del scene
    partition, account = _place(policy)
    granted = statements(policy.document)
    every_role = f"arn:{partition}:{ROLES.format(account=account)}"
    wide = allows(granted, "iam:PassRole", every_role)
    return fails("iam:PassRole on every role without condition") if wide else passes()


def _no_full_admin(policy: Policy) -> Verdict:
    full = grants_full_admin(statements(policy.document))
    return fails("allows every action on every resource") if full else passes()


def _place(policy: Policy) -> tuple[str, str]:
    """Partition and account of a policy, or of an inline policy's holder."""
    return policy.id.split(":", 2)[1], account_in(policy.id)
