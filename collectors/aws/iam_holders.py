"""AWS IAM, who holds what: powerful AWS policies, and duties that should be apart."""

from __future__ import annotations

from collectors import Scene, Verdict, criterion, fails, passes
from collectors.aws.iam import iam
from collectors.aws.iam_grants import HOLDERS, Holdings, on_list, short_name
from collectors.aws.iam_kinds import IamAccount

AUDIT_TRAIL_ACTIONS = (
    "cloudtrail:StopLogging",
    "cloudtrail:DeleteTrail",
    "cloudtrail:UpdateTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:DeleteEventDataStore",
    "cloudtrail:StopEventDataStoreIngestion",
)
"""The ways to stop, empty or delete a trail or an event data store (CloudTrail API reference)."""

DEPLOY_ACTIONS = (
    "cloudformation:CreateStack",
    "cloudformation:UpdateStack",
    "ec2:RunInstances",
    "ecs:CreateService",
    "ecs:RunTask",
    "ecs:UpdateService",
    "lambda:CreateFunction",
    "lambda:UpdateFunctionCode",
)
"""The usual ways to bring a workload into operation."""


@iam.check(
    IamAccount,
    "high",
    remediation="Detach AdministratorAccess from the principals that are not approved.",
    also=HOLDERS,
)
def admin_policy_approved_principals(
    account: IamAccount,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("principals as user/name, role/path/name"),
) -> Verdict:
    """AdministratorAccess is attached to approved principals only."""
    del account
    return _only_approved("AdministratorAccess", scene, approved)


@iam.check(
    IamAccount,
    "low",
    remediation="Detach AWSCloudShellFullAccess from the principals that are not approved.",
    also=HOLDERS,
)
def cloudshell_full_access_restricted(
    account: IamAccount,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("principals as user/name, role/path/name"),
) -> Verdict:
    """AWSCloudShellFullAccess is attached to approved principals only."""
    del account
    return _only_approved("AWSCloudShellFullAccess", scene, approved)


@iam.check(
    IamAccount,
    "low",
    remediation="Attach AWSSupportAccess to the role that opens cases with AWS.",
    also=HOLDERS,
)
def support_role_exists(account: IamAccount, scene: Scene) -> Verdict:
    """Somebody holds AWSSupportAccess, so that incidents can be raised with AWS."""
    del account
    holds = Holdings(scene).holders("AWSSupportAccess")
    return passes() if holds else fails("AWSSupportAccess is attached to nobody")


@iam.check(
    IamAccount,
    "high",
    remediation="Take from the named principals either the audit trail or the deploying.",
    also=HOLDERS,
)
def audit_log_duties_separated(
    account: IamAccount,
    scene: Scene,
    *,
    log_administrators: tuple[str, ...] = criterion("principals as user/name, role/path/name"),
) -> Verdict:
    """Nobody but the log administrators may both stop the audit trail and deploy workloads.

    Judged by identity policies and permissions boundaries; service control policies, which may
    forbid more, are not seen from the account.
    """
    del account
    holdings = Holdings(scene)
    both = sorted(
        short_name(holder.id)
        for holder in holdings.actors
        if not on_list(holder.id, log_administrators)
        and holdings.may(holder, AUDIT_TRAIL_ACTIONS)
        and holdings.may(holder, DEPLOY_ACTIONS)
    )
    return fails(f"both duties: {', '.join(both)}") if both else passes()


def _only_approved(policy: str, scene: Scene, approved: tuple[str, ...]) -> Verdict:
    holders = Holdings(scene).holders(policy)
    strange = [name for name in holders if not _approved(name, approved)]
    return fails(f"not approved: {', '.join(strange)}") if strange else passes()


def _approved(name: str, approved: tuple[str, ...]) -> bool:
    return on_list(name, [short_name(entry) for entry in approved])
