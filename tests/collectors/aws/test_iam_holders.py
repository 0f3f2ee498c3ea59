"""AWS IAM, who holds what: the checks on hand-made documents."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Cause
from collectors.aws import iam_holders as checks
from collectors.aws.iam_grants import on_list
from collectors.aws.iam_kinds import AwsPolicy, Group, IamAccount, Policy, Role, User
from collectors.testing import judge

ARN = "arn:aws:iam::111111111111"
ACCOUNT = IamAccount(id="111111111111", listed={"Account": "111111111111"})


def aws(name: str) -> dict[str, str]:
    return {"PolicyName": name, "PolicyArn": f"arn:aws:iam::aws:policy/{name}"}


def user(name: str, *policies: dict[str, str], **listed: object) -> User:
    row: Any = {"UserName": name, "AttachedManagedPolicies": list(policies), **listed}
    return User(id=f"{ARN}:user/{name}", listed=row)


def role(name: str, *policies: dict[str, str], **listed: object) -> Role:
    row: Any = {"Path": "/", "AttachedManagedPolicies": list(policies), **listed}
    return Role(id=f"{ARN}:role/{name}", listed=row)


def group(name: str, *policies: dict[str, str]) -> Group:
    row: Any = {"GroupName": name, "AttachedManagedPolicies": list(policies)}
    return Group(id=f"{ARN}:group/{name}", listed=row)


def inline(*actions: str, effect: str = "Allow") -> list[dict[str, Any]]:
    row = {"Effect": effect, "Action": list(actions), "Resource": "*"}
    return [{"PolicyName": "p", "PolicyDocument": {"Statement": [row]}}]


@pytest.mark.parametrize(
    ("check", "policy"),
    [
        (checks.admin_policy_approved_principals, "AdministratorAccess"),
        (checks.cloudshell_full_access_restricted, "AWSCloudShellFullAccess"),
    ],
)
@pytest.mark.parametrize(
    ("approved", "because"),
    [
        ([], "not approved: group/ops, role/deploy, user/alice"),
        (["user/alice", f"{ARN}:role/deploy", "group/*"], ""),
        (["role/*"], "not approved: group/ops, user/alice"),
        (["alice"], "not approved: group/ops, role/deploy, user/alice"),
    ],
)
def test_powerful_policies_are_held_by_approved_principals(
    check: Any, policy: str, approved: list[str], because: str
) -> None:
    held = aws(policy)
    others = (user("alice", held), role("deploy", held), group("ops", held), user("bob"))
    verdict = judge(check, ACCOUNT, *others, approved=approved)
    assert verdict.because == because
    assert verdict.status == ("fail" if because else "pass")


def test_a_policy_of_that_name_in_the_own_account_is_not_awss() -> None:
    own = {"PolicyName": "AdministratorAccess", "PolicyArn": f"{ARN}:policy/AdministratorAccess"}
    verdict = judge(
        checks.admin_policy_approved_principals, ACCOUNT, user("alice", own), approved=[]
    )
    assert verdict.status == "pass"


@pytest.mark.parametrize(
    ("entry", "on"),
    [
        (f"{ARN}:role/aws-reserved/x", True),
        ("role/aws-reserved/*", True),
        ("role/other", False),
        ("*", True),
    ],
)
def test_lists_name_principals_by_arn_or_short_name(entry: str, *, on: bool) -> None:
    assert on_list(f"{ARN}:role/aws-reserved/x", [entry]) is on


@pytest.mark.parametrize(
    ("others", "status"),
    [([role("help", aws("AWSSupportAccess"))], "pass"), ([role("help")], "fail"), ([], "fail")],
)
def test_somebody_can_open_cases_with_aws(others: list[Role], status: str) -> None:
    assert judge(checks.support_role_exists, ACCOUNT, *others).status == status


POWER = AwsPolicy(
    id="arn:aws:iam::aws:policy/PowerUserAccess",
    listed={
        "PolicyVersionList": [
            {
                "IsDefaultVersion": True,
                "Document": {
                    "Statement": [{"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}]  # type: ignore[typeddict-item]
                },
            }
        ]
    },
)
LIMITS = Policy(
    id=f"{ARN}:policy/limits",
    listed={
        "PolicyVersionList": [
            {"IsDefaultVersion": True, "Document": inline("ec2:*")[0]["PolicyDocument"]}
        ]
    },
)


@pytest.mark.parametrize(
    ("holder", "because"),
    [
        (user("a", UserPolicyList=inline("cloudtrail:*", "lambda:*")), "both duties: user/a"),
        (role("a", RolePolicyList=inline("cloudtrail:StopLogging", "ec2:Run*")), "role/a"),
        (role("a", aws("PowerUserAccess")), "both duties: role/a"),
        (user("a", GroupList=["ops"]), "both duties: user/a"),
        (user("log", UserPolicyList=inline("*")), ""),
        (role("a", RolePolicyList=inline("cloudtrail:*")), ""),
        (role("a", RolePolicyList=inline("ec2:*", "cloudtrail:Get*")), ""),
        (
            role(
                "a",
                RolePolicyList=inline("*") + inline("cloudtrail:*", effect="Deny"),
            ),
            "",
        ),
        (
            role(
                "a",
                RolePolicyList=inline("*"),
                PermissionsBoundary={"PermissionsBoundaryArn": LIMITS.id},
            ),
            "",
        ),
        (role("a", Path="/aws-service-role/x/", RolePolicyList=inline("*")), ""),
    ],
)
def test_stopping_the_trail_and_deploying_are_apart(holder: User | Role, because: str) -> None:
    verdict = judge(
        checks.audit_log_duties_separated,
        ACCOUNT,
        holder,
        group("ops", aws("PowerUserAccess")),
        POWER,
        LIMITS,
        log_administrators=["user/log"],
    )
    assert because in verdict.because
    assert verdict.status == ("fail" if because else "pass")


def test_a_document_that_was_not_returned_leaves_the_duties_open() -> None:
    verdict = judge(
        checks.audit_log_duties_separated,
        ACCOUNT,
        role("a", aws("PowerUserAccess")),
        log_administrators=[],
    )
    assert verdict.cause is Cause.PARTIAL
    assert "PowerUserAccess" in verdict.because
