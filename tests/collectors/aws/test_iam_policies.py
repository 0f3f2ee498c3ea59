"""AWS IAM, policies the organisation wrote: the checks on hand-made documents."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Cause
from collectors.aws import iam_policies as checks
from collectors.aws.iam_kinds import Policy
from collectors.testing import judge

ARN = "arn:aws:iam::111111111111"


def allow(action: object = "*", resource: object = "*", **rest: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **rest}


def managed(*rows: dict[str, Any], attached: int = 1) -> Policy:
    version = {"IsDefaultVersion": True, "Document": {"Statement": list(rows)}}
    old = {"IsDefaultVersion": False, "Document": {"Statement": [allow()]}}
    listed = {"AttachmentCount": attached, "PolicyVersionList": [old, version]}
    return Policy(id=f"{ARN}:policy/p", listed=listed)


def inline(*rows: dict[str, Any]) -> Policy:
    listed = {
        "PolicyName": "p",
        "PolicyDocument": {"Statement": list(rows)},
        "Holder": f"{ARN}:user/a",
    }
    return Policy(id=f"{ARN}:user/a/inline/p", listed=listed)


@pytest.mark.parametrize(
    ("policy", "of_managed", "of_inline"),
    [
        (managed(allow()), "fail", "not_applicable"),
        (managed(allow(), attached=0), "not_applicable", "not_applicable"),
        (managed(allow("s3:*")), "pass", "not_applicable"),
        (inline(allow()), "not_applicable", "fail"),
        (inline(allow("iam:*")), "not_applicable", "pass"),
    ],
)
def test_managed_and_inline_policies_are_asked_apart(
    policy: Policy, of_managed: str, of_inline: str
) -> None:
    assert judge(checks.policy_no_full_admin, policy).status == of_managed
    assert judge(checks.inline_policy_no_full_admin, policy).status == of_inline


@pytest.mark.parametrize(
    ("rows", "because"),
    [
        (
            [allow(["iam:PassRole", "ec2:RunInstances"])],
            "allows iam:PassRole with ec2:RunInstances",
        ),
        (
            [allow("iam:PassRole"), allow("lambda:*", "arn:aws:lambda:*:*:function:x")],
            "allows iam:PassRole with lambda:CreateFunction",
        ),
        ([allow("iam:CreateAccessKey")], "allows iam:CreateAccessKey"),
        (
            [allow("iam:CreateAccessKey", f"{ARN}:user/*")],
            "allows iam:CreateAccessKey",
        ),
        (
            [allow("iam:CreateAccessKey", "arn:aws:iam::*:user/*")],
            "allows iam:CreateAccessKey",
        ),
        ([allow("iam:CreateAccessKey", f"{ARN}:user/${{aws:username}}")], ""),
        ([allow("iam:CreateAccessKey", f"{ARN}:user/bots/*")], ""),
        (
            [
                allow(
                    "iam:PutRolePolicy",
                    Condition={"StringEquals": {"iam:PermissionsBoundary": f"{ARN}:policy/b"}},
                )
            ],
            "",
        ),
        (
            [
                allow(
                    "iam:PutRolePolicy",
                    Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}},
                )
            ],
            "allows iam:PutRolePolicy",
        ),
        ([allow("iam:PassRole")], ""),
        ([allow("lambda:UpdateFunctionCode")], "allows lambda:UpdateFunctionCode"),
        ([allow("lambda:UpdateFunctionCode", "arn:aws:lambda:*:*:function:x")], ""),
        (
            [
                allow(["iam:PassRole", "ec2:*"]),
                {"Effect": "Deny", "Action": "iam:*", "Resource": "*"},
            ],
            "",
        ),
        ([allow("s3:*")], ""),
    ],
)
@pytest.mark.parametrize("make", [managed, inline])
def test_known_ways_of_escalation_are_found(
    make: Any, rows: list[dict[str, Any]], because: str
) -> None:
    verdict = judge(checks.policy_no_privilege_escalation, make(*rows))
    assert verdict.because == because
    assert verdict.status == ("fail" if because else "pass")


def test_full_administration_grants_every_known_way() -> None:
    because = judge(checks.policy_no_privilege_escalation, managed(allow())).because
    assert all(way.name in because for way in checks.ESCALATIONS)


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (allow("iam:PassRole"), "fail"),
        (allow("iam:Pass*"), "fail"),
        (allow("*"), "fail"),
        (allow("iam:PassRole", "arn:aws:iam::*:role/*"), "fail"),
        (allow("iam:PassRole", f"{ARN}:role/*"), "fail"),
        (allow("iam:PassRole", f"{ARN}:*"), "fail"),
        (allow("iam:PassRole", f"{ARN}:role/app-*"), "pass"),
        (
            allow(
                "iam:PassRole",
                Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            ),
            "pass",
        ),
        (allow("iam:GetRole"), "pass"),
        ({"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}, "pass"),
    ],
)
def test_not_every_role_may_be_passed(row: dict[str, Any], status: str) -> None:
    assert judge(checks.passrole_not_wildcard, managed(row)).status == status


def test_a_policy_that_came_without_its_document_is_unknown() -> None:
    empty = Policy(id=f"{ARN}:policy/p", listed={"AttachmentCount": 1, "PolicyVersionList": []})
    verdict = judge(checks.policy_no_full_admin, empty)
    assert verdict.cause is Cause.PARTIAL


def test_a_broken_document_is_malformed_and_never_a_pass() -> None:
    broken = Policy(
        id=f"{ARN}:user/a/inline/p",
        listed={"PolicyName": "p", "PolicyDocument": "%7B", "Holder": f"{ARN}:user/a"},
    )
    assert judge(checks.inline_policy_no_full_admin, broken).cause is Cause.MALFORMED
