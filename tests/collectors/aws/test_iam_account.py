"""AWS IAM, the account: the checks on hand-made documents."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Absent, Cause, Status, Unread
from collectors.aws import iam_account as checks
from collectors.aws.iam_kinds import IamAccount
from collectors.testing import judge

SUMMARY = {"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0, "AccountPasswordPresent": 1}
POLICY = {
    "MinimumPasswordLength": 14,
    "PasswordReusePrevention": 24,
    "RequireUppercaseCharacters": True,
    "RequireLowercaseCharacters": True,
    "RequireNumbers": True,
    "RequireSymbols": False,
}
ROOT = "arn:aws:iam::111111111111:root"
UNUSED = {
    "password_last_used": "no_information",
    "access_key_1_last_used_date": "N/A",
    "access_key_2_last_used_date": "N/A",
}
DENIED = Unread("AccessDenied", "iam:X")


def account(**facts: object) -> IamAccount:
    return IamAccount(id="111111111111", listed={"Account": "111111111111"}, facts=facts)


@pytest.mark.parametrize(
    ("changes", "mfa", "keys"),
    [
        ({}, "pass", "pass"),
        ({"AccountMFAEnabled": 0}, "fail", "pass"),
        ({"AccountMFAEnabled": 0, "AccountPasswordPresent": 0}, "not_applicable", "pass"),
        (
            {
                "AccountMFAEnabled": 0,
                "AccountPasswordPresent": 0,
                "AccountAccessKeysPresent": 1,
            },
            "fail",
            "fail",
        ),
        ({"AccountAccessKeysPresent": 1}, "pass", "fail"),
    ],
)
def test_the_root_user_in_the_account_summary(changes: dict[str, int], mfa: str, keys: str) -> None:
    it = account(summary=SUMMARY | changes)
    assert judge(checks.root_mfa_enabled, it).status == mfa
    assert judge(checks.root_no_access_keys, it).status == keys


def test_a_summary_without_the_password_line_does_not_excuse_a_missing_factor() -> None:
    it = account(summary={"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0})
    assert judge(checks.root_mfa_enabled, it).status is Status.FAIL


@pytest.mark.parametrize(
    ("enabled", "devices", "status", "because"),
    [
        (1, [], "pass", ""),
        (1, [{"SerialNumber": "s", "User": {"Arn": "arn:aws:iam::1:user/a"}}], "pass", ""),
        (1, [{"SerialNumber": "s"}], "pass", ""),
        (1, [{"SerialNumber": "s", "User": {"Arn": ROOT}}], "fail", "virtual: s"),
        (0, [], "fail", "root has no MFA device"),
    ],
)
def test_the_root_users_second_factors_are_hardware(
    enabled: int, devices: list[dict[str, Any]], status: str, because: str
) -> None:
    it = account(summary=SUMMARY | {"AccountMFAEnabled": enabled}, virtual_mfa_devices=devices)
    verdict = judge(checks.root_hardware_mfa, it)
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "pass"),
        ({"password_last_used": "2026-08-26T08:59:59+00:00"}, "pass"),
        ({"password_last_used": "2026-08-26T09:00:00+00:00"}, "fail"),
        ({"access_key_2_last_used_date": "2026-11-01T00:00:00Z"}, "fail"),
        ({"password_last_used": "2020-01-01T00:00:00Z"}, "pass"),
        ({"password_last_used": "yesterday"}, "unknown"),
    ],
)
def test_the_root_user_is_left_alone(changes: dict[str, str], status: str) -> None:
    verdict = judge(checks.root_not_used, account(root_report=UNUSED | changes))
    assert verdict.status == status


def test_a_use_of_the_root_user_is_named_by_its_date() -> None:
    row = UNUSED | {"password_last_used": "2026-11-01T07:00:00+00:00"}
    verdict = judge(checks.root_not_used, account(root_report=row), window=30)
    assert verdict.because == "used 2026-11-01, window 30 days"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (["RootCredentialsManagement", "RootSessions"], "pass"),
        (["RootSessions"], "fail"),
        ([], "fail"),
        (Absent("OrganizationNotFoundException"), "not_applicable"),
        (Absent("AccountNotManagementOrDelegatedAdministrator"), "not_applicable"),
        (Absent("ServiceAccessNotEnabledException"), "fail"),
        (Absent("OrganizationNotInAllFeaturesMode"), "fail"),
        (DENIED, "unknown"),
    ],
)
def test_central_root_credentials_are_asked_of_the_management_account(
    answer: object, status: str
) -> None:
    verdict = judge(
        checks.root_credentials_centrally_managed, account(organization_features=answer)
    )
    assert verdict.status == status


@pytest.mark.parametrize(
    ("policy", "exists", "length", "reuse"),
    [
        (POLICY, "pass", "pass", "pass"),
        (POLICY | {"MinimumPasswordLength": 13}, "pass", "fail", "pass"),
        (POLICY | {"PasswordReusePrevention": 23}, "pass", "pass", "fail"),
        ({"MinimumPasswordLength": 20}, "pass", "pass", "fail"),
        (Absent("NoSuchEntity"), "fail", "fail", "fail"),
        (DENIED, "unknown", "unknown", "unknown"),
    ],
)
def test_the_password_policy(policy: object, exists: str, length: str, reuse: str) -> None:
    it = account(password_policy=policy)
    assert judge(checks.password_policy_exists, it).status == exists
    assert judge(checks.password_policy_length, it).status == length
    assert judge(checks.password_policy_reuse, it).status == reuse


@pytest.mark.parametrize(
    ("policy", "classes", "status", "because"),
    [
        (POLICY, ["numbers", "uppercase"], "pass", ""),
        (POLICY, ["symbols", "numbers"], "fail", "not required: symbols"),
        (POLICY, [], "pass", ""),
        (POLICY, ["umlauts"], "unknown", "no such character class: umlauts"),
        (Absent("NoSuchEntity"), ["numbers"], "fail", "no account password policy is set"),
        (Absent("NoSuchEntity"), [], "pass", ""),
    ],
)
def test_the_character_classes_are_those_of_the_own_rule(
    policy: object, classes: list[str], status: str, because: str
) -> None:
    it = account(password_policy=policy)
    verdict = judge(checks.password_policy_complexity, it, classes=classes)
    assert (verdict.status, verdict.because) == (status, because)


def test_without_an_own_rule_the_character_classes_stay_undecided() -> None:
    verdict = judge(checks.password_policy_complexity, account(password_policy=POLICY))
    assert verdict.cause is Cause.CRITERION_MISSING


@pytest.mark.parametrize(
    ("saml", "center", "status"),
    [
        ([{"Arn": "a"}], [], "pass"),
        ([], [{"InstanceArn": "i"}], "pass"),
        ([{"Arn": "a"}], DENIED, "pass"),
        (DENIED, [{"InstanceArn": "i"}], "pass"),
        ([], [], "fail"),
        ([], DENIED, "unknown"),
        (DENIED, [], "unknown"),
    ],
)
def test_one_readable_provider_settles_whether_people_sign_in_centrally(
    saml: object, center: object, status: str
) -> None:
    it = account(saml_providers=saml, identity_center=center)
    assert judge(checks.workforce_federation_configured, it).status == status


@pytest.mark.parametrize(
    "check",
    [
        checks.root_mfa_enabled,
        checks.root_hardware_mfa,
        checks.root_no_access_keys,
        checks.root_not_used,
    ],
)
def test_a_refused_call_is_unknown_and_names_the_permission(check: Any) -> None:
    facts = dict.fromkeys(("summary", "virtual_mfa_devices", "root_report"), DENIED)
    verdict = judge(check, account(**facts))
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.DENIED)
    assert "iam:X" in verdict.because
