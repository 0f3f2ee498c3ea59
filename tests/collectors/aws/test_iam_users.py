"""AWS IAM, users: the checks on hand-made documents."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Cause, Status, Unread
from collectors.aws import iam_users as checks
from collectors.aws.iam_kinds import AwsPolicy, Group, IamAccount, Policy, User
from collectors.testing import judge

ARN = "arn:aws:iam::111111111111"
ADMIN_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"
VERSIONS: Any = [
    {"IsDefaultVersion": False, "Document": {"Statement": []}},
    {
        "IsDefaultVersion": True,
        "Document": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
    },
]
ADMIN = AwsPolicy(id=ADMIN_ARN, listed={"Arn": ADMIN_ARN, "PolicyVersionList": VERSIONS})
ADMIN_REF = {"PolicyName": "AdministratorAccess", "PolicyArn": ADMIN_ARN}
REPORT = {
    "password_enabled": "true",
    "password_last_used": "2026-11-20T00:00:00+00:00",
    "password_last_changed": "2026-01-01T00:00:00+00:00",
    "mfa_active": "true",
    "access_key_1_active": "false",
    "access_key_1_last_rotated": "N/A",
    "access_key_2_active": "false",
    "access_key_2_last_rotated": "N/A",
}
DENIED = Unread("AccessDenied", "iam:GetCredentialReport")
TWO_KEYS = {
    "access_key_1_active": "true",
    "access_key_1_last_rotated": "2026-01-01T00:00:00+00:00",
    "access_key_2_active": "true",
}


def user(report: dict[str, str] | Unread | None = None, **listed: object) -> User:
    row = report if isinstance(report, Unread) else REPORT | (report or {})
    return User(
        id=f"{ARN}:user/alice",
        listed={"UserName": "alice", "Arn": f"{ARN}:user/alice", **listed},  # type: ignore[typeddict-item]
        facts={"report": row},
    )


def group(**listed: object) -> Group:
    return Group(id=f"{ARN}:group/staff", listed={"GroupName": "staff", **listed})  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("report", "status"),
    [
        ({}, "pass"),
        ({"mfa_active": "false"}, "fail"),
        ({"password_enabled": "false", "mfa_active": "false"}, "not_applicable"),
        (DENIED, "unknown"),
    ],
)
def test_a_console_user_needs_a_second_factor(report: Any, status: str) -> None:
    assert judge(checks.user_console_mfa, user(report)).status == status


@pytest.mark.parametrize("mfa", ["true", "false"])
@pytest.mark.parametrize(
    ("it", "others", "admin"),
    [
        ({"AttachedManagedPolicies": [ADMIN_REF]}, [ADMIN], True),
        ({"GroupList": ["staff"]}, [group(AttachedManagedPolicies=[ADMIN_REF]), ADMIN], True),
        (
            {
                "UserPolicyList": [
                    {
                        "PolicyName": "all",
                        "PolicyDocument": {
                            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
                        },
                    }
                ]
            },
            [],
            True,
        ),
        ({"GroupList": ["staff"]}, [group()], False),
        ({}, [ADMIN], False),
        (
            {
                "AttachedManagedPolicies": [ADMIN_REF],
                "PermissionsBoundary": {"PermissionsBoundaryArn": f"{ARN}:policy/b"},
            },
            [
                ADMIN,
                Policy(
                    id=f"{ARN}:policy/b",
                    listed={
                        "PolicyVersionList": [
                            {
                                "IsDefaultVersion": True,
                                "Document": {
                                    "Statement": [
                                        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
                                    ]
                                },
                            }
                        ]
                    },
                ),
            ],
            False,
        ),
    ],
)
def test_administrators_by_any_way_need_a_second_factor(
    it: dict[str, Any], others: list[Any], mfa: str, *, admin: bool
) -> None:
    verdict = judge(checks.admin_user_mfa, user({"mfa_active": mfa}, **it), *others)
    expected = {"true": "pass", "false": "fail"}[mfa] if admin else "not_applicable"
    assert verdict.status == expected


@pytest.mark.parametrize(
    "it",
    [{"AttachedManagedPolicies": [ADMIN_REF]}, {"GroupList": ["gone"]}],
)
def test_rights_that_were_not_returned_leave_the_administrator_question_open(
    it: dict[str, Any],
) -> None:
    verdict = judge(checks.admin_user_mfa, user(**it))
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.PARTIAL)


def test_a_user_younger_than_the_report_is_unknown_not_failing() -> None:
    young = Unread("not in the credential report yet", "", Cause.PARTIAL)
    for check in (
        checks.user_console_mfa,
        checks.user_password_unused,
        checks.single_active_access_key,
    ):
        verdict = judge(check, user(young))
        assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.PARTIAL)


@pytest.mark.parametrize(
    ("report", "status", "because"),
    [
        ({}, "pass", ""),
        ({"password_last_used": "2026-10-10T09:00:00+00:00"}, "pass", ""),
        (
            {"password_last_used": "2026-10-10T08:59:59+00:00"},
            "fail",
            "last used 2026-10-10, limit 45 days",
        ),
        (
            {"password_last_used": "no_information"},
            "fail",
            "never used, set 2026-01-01, limit 45 days",
        ),
        (
            {"password_last_used": "N/A", "password_last_changed": "2026-11-20T00:00:00Z"},
            "pass",
            "",
        ),
        ({"password_enabled": "false"}, "not_applicable", "no console password"),
    ],
)
def test_a_console_password_is_in_use(report: dict[str, str], status: str, because: str) -> None:
    verdict = judge(checks.user_password_unused, user(report))
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("report", "status"),
    [
        ({}, "not_applicable"),
        ({"access_key_2_active": "true"}, "pass"),
        (TWO_KEYS | {"access_key_2_last_rotated": "2026-11-10T09:00:00Z"}, "pass"),
        (TWO_KEYS | {"access_key_2_last_rotated": "2026-11-10T08:59:59Z"}, "fail"),
    ],
)
def test_a_second_key_is_for_rotation_only(report: dict[str, str], status: str) -> None:
    assert judge(checks.single_active_access_key, user(report)).status == status


@pytest.mark.parametrize(
    ("report", "saml", "center", "emergency", "status"),
    [
        ({}, [{"Arn": "a"}], [], [], "fail"),
        ({}, [{"Arn": "a"}], DENIED, [], "fail"),
        ({}, [{"Arn": "a"}], [], ["alice"], "pass"),
        ({"password_enabled": "false"}, [], [{"InstanceArn": "i"}], [], "pass"),
        ({}, [], [], [], "not_applicable"),
        ({}, [], DENIED, [], "unknown"),
        (DENIED, [{"Arn": "a"}], [], [], "unknown"),
    ],
)
def test_beside_federation_only_emergency_users_have_a_password(
    report: Any, saml: object, center: object, emergency: list[str], status: str
) -> None:
    facts = {"saml_providers": saml, "identity_center": center}
    account = IamAccount(id="1", listed={"Account": "1"}, facts=facts)
    verdict = judge(
        checks.no_console_user_when_federated,
        user(report),
        account,
        break_glass_users=emergency,
    )
    assert verdict.status == status


@pytest.mark.parametrize(
    ("listed", "because"),
    [
        ({}, ""),
        ({"UserPolicyList": [], "AttachedManagedPolicies": []}, ""),
        (
            {
                "UserPolicyList": [{"PolicyName": "z"}],
                "AttachedManagedPolicies": [{"PolicyName": "a"}],
            },
            "directly: a, z",
        ),
    ],
)
def test_rights_come_by_group(listed: dict[str, Any], because: str) -> None:
    verdict = judge(checks.user_no_direct_policy, user(**listed))
    assert verdict.because == because
    assert verdict.status == ("fail" if because else "pass")


@pytest.mark.parametrize(
    ("report", "active", "status"),
    [
        ({}, ["Alice"], "pass"),
        ({}, ["bob"], "fail"),
        ({}, [], "fail"),
        ({"password_enabled": "false"}, [], "not_applicable"),
    ],
)
def test_every_persons_user_is_somebody_active(
    report: dict[str, str], active: list[str], status: str
) -> None:
    verdict = judge(checks.local_users_match_idp, user(report), active_identities=active)
    assert verdict.status == status


@pytest.mark.parametrize(
    "check", [checks.local_users_match_idp, checks.no_console_user_when_federated]
)
def test_without_a_bound_list_the_question_stays_undecided(check: Any) -> None:
    assert judge(check, user()).cause is Cause.CRITERION_MISSING
