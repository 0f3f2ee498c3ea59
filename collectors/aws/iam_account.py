"""AWS IAM, the account: root user, password rule, federation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from collectors import (
    Cause,
    Scene,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.aws.iam import iam
from collectors.aws.iam_kinds import NO_ORGANIZATION, NOT_THE_MANAGEMENT_ACCOUNT, IamAccount
from collectors.aws.iam_report import NO_VALUE

CLASSES = {
    "uppercase": "RequireUppercaseCharacters",
    "lowercase": "RequireLowercaseCharacters",
    "numbers": "RequireNumbers",
    "symbols": "RequireSymbols",
}
NO_PASSWORD_POLICY = "no account password policy is set"  # noqa: S105 - a reason


@iam.check(
    IamAccount,
    "critical",
    remediation="Register an MFA device for the root user, or remove its password centrally.",
)
def root_mfa_enabled(account: IamAccount, scene: Scene) -> Verdict:
    """The root user needs a second factor to sign in."""
    del scene
    if _root_has_no_credentials(account):
        return not_applicable("the root user has neither password nor access key")
    return passes() if account.summary["AccountMFAEnabled"] else fails("root has no MFA device")


@iam.check(
    IamAccount,
    "medium",
    remediation="Replace the root user's virtual MFA device by a hardware key.",
)
def root_hardware_mfa(account: IamAccount, scene: Scene) -> Verdict:
    """The root user's second factors are all hardware.

    A virtual device of the root user is listed with the root user as its owner.
    """
    del scene
    if _root_has_no_credentials(account):
        return not_applicable("the root user has neither password nor access key")
    if not account.summary["AccountMFAEnabled"]:
        return fails("root has no MFA device")
    serials = sorted(
        device["SerialNumber"]
        for device in account.virtual_mfa_devices
        if device.get("User", {}).get("Arn", "").endswith(":root")
    )
    return fails(f"virtual: {', '.join(serials)}") if serials else passes()


@iam.check(
    IamAccount, "critical", remediation="Delete the root user's access keys; use roles instead."
)
def root_no_access_keys(account: IamAccount, scene: Scene) -> Verdict:
    """The root user has no access keys."""
    del scene
    present = account.summary["AccountAccessKeysPresent"]
    return fails("root has an access key") if present else passes()


@iam.check(
    IamAccount,
    "high",
    remediation="Do the work with roles; keep the root user for the tasks that demand it.",
)
def root_not_used(
    account: IamAccount, scene: Scene, *, window: int = criterion(90, "days")
) -> Verdict:
    """The root user was not used of late, neither by password nor by key."""
    row = account.root_report
    used = [row["password_last_used"], *(row[f"access_key_{n}_last_used_date"] for n in (1, 2))]
    times = [moment(value) for value in used if value not in NO_VALUE]
    if times and max(times) >= scene.at - timedelta(days=window):
        return fails(f"used {max(times):%Y-%m-%d}, window {window} days")
    return passes()


@iam.check(
    IamAccount,
    "medium",
    remediation="Turn on centralised root access with root credentials management.",
)
def root_credentials_centrally_managed(account: IamAccount, scene: Scene) -> Verdict:
    """The organisation manages the root credentials of its member accounts centrally.

    Only the management account and IAM's delegated administrator are told.
    """
    del scene
    features = account.organization_features
    if features is None:
        why = account.why_no_organization_features
        if why == NO_ORGANIZATION:
            return not_applicable("the account is in no organisation")
        if why == NOT_THE_MANAGEMENT_ACCOUNT:
            return not_applicable("not the organisation's management account")
        return fails(f"centralised root access is off: {why}")
    on = "RootCredentialsManagement" in features
    return passes() if on else fails("root credentials management is off")


@iam.check(IamAccount, "medium", remediation="Set an account password policy.")
def password_policy_exists(account: IamAccount, scene: Scene) -> Verdict:
    """The account has its own rule for the passwords of IAM users."""
    del scene
    return passes() if account.password_policy is not None else fails(NO_PASSWORD_POLICY)


@iam.check(
    IamAccount, "medium", remediation="Raise MinimumPasswordLength in the account password policy."
)
def password_policy_length(
    account: IamAccount, scene: Scene, *, least: int = criterion(14, "characters")
) -> Verdict:
    """Passwords of IAM users have a minimum length."""
    del scene
    policy = account.password_policy
    if policy is None:
        return fails(f"{NO_PASSWORD_POLICY}; AWS demands 8 characters, limit {least}")
    length = policy["MinimumPasswordLength"]
    return passes() if length >= least else fails(f"minimum {length}, limit {least}")


@iam.check(
    IamAccount, "low", remediation="Set PasswordReusePrevention in the account password policy."
)
def password_policy_reuse(
    account: IamAccount, scene: Scene, *, remembered: int = criterion(24, "passwords")
) -> Verdict:
    """Earlier passwords of IAM users cannot be taken again."""
    del scene
    policy = account.password_policy
    if policy is None:
        return fails(NO_PASSWORD_POLICY)
    kept = policy.get("PasswordReusePrevention")
    if kept is None:
        return fails(f"reuse is not prevented, limit {remembered}")
    return passes() if kept >= remembered else fails(f"remembers {kept}, limit {remembered}")


@iam.check(
    IamAccount, "low", remediation="Require the missing character classes in the password policy."
)
def password_policy_complexity(
    account: IamAccount,
    scene: Scene,
    *,
    classes: tuple[str, ...] = criterion("uppercase, lowercase, numbers, symbols"),
) -> Verdict:
    """Passwords of IAM users hold the character classes that the own rule demands."""
    del scene
    if strange := sorted(set(classes) - CLASSES.keys()):
        return unknown(Cause.CRITERION_MISSING, f"no such character class: {', '.join(strange)}")
    if account.password_policy is None:
        return fails(NO_PASSWORD_POLICY) if classes else passes()
    policy = cast("Mapping[str, Any]", account.password_policy)
    absent = [name for name in CLASSES if name in classes and not policy.get(CLASSES[name])]
    return fails(f"not required: {', '.join(absent)}") if absent else passes()


@iam.check(
    IamAccount,
    "medium",
    remediation="Connect the account to the workforce identity provider (IAM Identity Center).",
)
def workforce_federation_configured(account: IamAccount, scene: Scene) -> Verdict:
    """People reach the account through a central identity provider.

    Identity Center leaves a SAML provider in every account it gives access to, so an account
    without one is not reached through it from another region either.
    """
    del scene
    none = "neither a SAML provider nor an Identity Center instance"
    return passes() if account.federated else fails(none)


def _root_has_no_credentials(account: IamAccount) -> bool:
    """AWS lets an organisation delete a member's root password and keys; nothing is left to guard.

    An answer without AccountPasswordPresent says nothing about the password.
    """
    password = account.summary.get("AccountPasswordPresent")
    return password == 0 and not account.summary["AccountAccessKeysPresent"]
