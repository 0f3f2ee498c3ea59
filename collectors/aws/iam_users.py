"""AWS IAM, users: second factor, stale passwords, keys, direct policies, orphans."""

from __future__ import annotations

from datetime import timedelta

from collectors import Scene, Verdict, criterion, fails, moment, not_applicable, passes
from collectors.aws.iam import iam
from collectors.aws.iam_grants import HOLDERS, Holdings
from collectors.aws.iam_kinds import IamAccount, User
from collectors.aws.iam_report import NO_VALUE

NO_PASSWORD = "no console password"  # noqa: S105 - a reason


@iam.check(
    User, "critical", remediation="Register an MFA device for the user, or delete its password."
)
def user_console_mfa(user: User, scene: Scene) -> Verdict:
    """A user with a console password needs a second factor."""
    del scene
    if not user.has_password:
        return not_applicable(NO_PASSWORD)
    return passes() if user.report["mfa_active"] == "true" else fails("no MFA device")


@iam.check(
    User,
    "critical",
    remediation="Register an MFA device for the administrator, or take its rights away.",
    also=HOLDERS,
)
def admin_user_mfa(user: User, scene: Scene) -> Verdict:
    """A user with administrator rights, own or by group, has a second factor."""
    if not Holdings(scene).is_admin(user):
        return not_applicable("no administrator")
    mfa = user.report["mfa_active"] == "true"
    return passes() if mfa else fails("administrator without MFA device")


@iam.check(
    User,
    "medium",
    remediation="Delete the user's password, or the user, after asking its owner.",
)
def user_password_unused(
    user: User, scene: Scene, *, limit: int = criterion(45, "days")
) -> Verdict:
    """A console password is in use.

    A password that was never used counts from the day it was set.
    """
    if not user.has_password:
        return not_applicable(NO_PASSWORD)
    report = user.report
    used = report["password_last_used"]
    never = used in NO_VALUE
    since = moment(report["password_last_changed"] if never else used)
    if since >= scene.at - timedelta(days=limit):
        return passes()
    what = "never used, set" if never else "last used"
    return fails(f"{what} {since:%Y-%m-%d}, limit {limit} days")


@iam.check(User, "low", remediation="Deactivate the older access key once the newer one is in use.")
def single_active_access_key(
    user: User, scene: Scene, *, window: int = criterion(14, "days")
) -> Verdict:
    """A user has one active access key, two only while they are being rotated."""
    report = user.report
    active = [n for n in (1, 2) if report[f"access_key_{n}_active"] == "true"]
    if not active:
        return not_applicable("no active access key")
    if len(active) == 1:
        return passes()
    newest = max(moment(report[f"access_key_{n}_last_rotated"]) for n in active)
    if newest >= scene.at - timedelta(days=window):
        return passes(f"rotation window of {window} days from {newest:%Y-%m-%d}")
    return fails(f"two active keys, newest of {newest:%Y-%m-%d}, window {window} days")


@iam.check(
    User,
    "medium",
    remediation="Delete the console password; let the person sign in through the provider.",
    also=(IamAccount,),
)
def no_console_user_when_federated(
    user: User,
    scene: Scene,
    *,
    break_glass_users: tuple[str, ...] = criterion("user names"),
) -> Verdict:
    """Where people sign in through a provider, only emergency users have a console password."""
    if user.listed["UserName"] in break_glass_users:
        return passes("emergency user")
    if not any(account.federated for account in scene.all(IamAccount)):
        return not_applicable("no federation")
    return fails("console password beside federation") if user.has_password else passes()


@iam.check(
    User, "low", remediation="Move the policies to a group or role and detach them from the user."
)
def user_no_direct_policy(user: User, scene: Scene) -> Verdict:
    """Rights come by group or role: no policy is attached to the user itself."""
    del scene
    inline = [policy["PolicyName"] for policy in user.listed.get("UserPolicyList", [])]
    managed = [policy["PolicyName"] for policy in user.listed.get("AttachedManagedPolicies", [])]
    names = ", ".join(sorted(inline + managed))
    return fails(f"directly: {names}") if names else passes()


@iam.check(
    User, "high", remediation="Delete the user if the person left; else correct the identity list."
)
def local_users_match_idp(
    user: User,
    scene: Scene,
    *,
    active_identities: tuple[str, ...] = criterion("user names or addresses active elsewhere"),
) -> Verdict:
    """Every person's IAM user belongs to somebody active in the identity provider.

    A person's user is one with a console password.
    """
    del scene
    if not user.has_password:
        return not_applicable(f"{NO_PASSWORD}: not a person's user")
    active = {identity.lower() for identity in active_identities}
    name = user.listed["UserName"].lower()
    return passes() if name in active else fails("not among the active identities")
