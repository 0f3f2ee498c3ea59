"""AWS IAM, roles: the checks on hand-made documents."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Cause
from collectors.aws import iam_roles as checks
from collectors.aws.iam_kinds import AwsPolicy, Role
from collectors.testing import judge

OWN, ORG, SUPPLIER, STRANGER = ("1" * 12, "2" * 12, "3" * 12, "4" * 12)
ARN = f"arn:aws:iam::{OWN}"
GITHUB = "token.actions.githubusercontent.com"
EXTERNAL_ID: dict[str, Any] = {"StringEquals": {"sts:ExternalId": "a1b2"}}


def trust(principal: object, action: Any = "sts:AssumeRole", **condition: object) -> dict[str, Any]:
    row = {"Effect": "Allow", "Principal": principal, "Action": action}
    return row | ({"Condition": condition} if condition else {})


def role(*rows: dict[str, Any], **listed: object) -> Role:
    row: Any = {
        "Path": "/",
        "CreateDate": "2026-01-01T00:00:00+00:00",
        "AssumeRolePolicyDocument": {"Statement": list(rows)},
        **listed,
    }
    return Role(id=f"{ARN}:role/r", listed=row)


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (trust("*"), "fail"),
        (trust({"AWS": "*"}), "fail"),
        (trust({"AWS": "*"}, **EXTERNAL_ID), "fail"),
        (trust({"AWS": "*"}, StringEquals={"aws:PrincipalOrgID": "o-a"}), "pass"),
        (trust({"AWS": "*"}, StringEqualsIfExists={"aws:PrincipalOrgID": "o-a"}), "fail"),
        (trust({"AWS": "*"}, "sts:TagSession"), "pass"),
        (trust({"AWS": "*"}, "sts:*"), "fail"),
        (trust({"AWS": f"arn:aws:iam::{STRANGER}:root"}), "pass"),
        (trust({"Service": "ec2.amazonaws.com"}), "pass"),
        (trust("*") | {"Effect": "Deny"}, "pass"),
    ],
)
def test_a_role_does_not_trust_everybody(row: dict[str, Any], status: str) -> None:
    assert judge(checks.role_trust_no_wildcard, role(row)).status == status


@pytest.mark.parametrize(
    ("rows", "status", "because"),
    [
        ([trust({"AWS": SUPPLIER}, **EXTERNAL_ID)], "pass", ""),
        ([trust({"AWS": SUPPLIER})], "fail", f"no external id: {SUPPLIER}"),
        (
            [trust({"AWS": SUPPLIER}, StringEqualsIfExists={"sts:ExternalId": "a"})],
            "fail",
            f"no external id: {SUPPLIER}",
        ),
        (
            [trust({"AWS": SUPPLIER}, StringLike={"sts:ExternalId": "*"})],
            "fail",
            f"no external id: {SUPPLIER}",
        ),
        ([trust({"AWS": STRANGER}, **EXTERNAL_ID)], "fail", f"not a supplier: {STRANGER}"),
        (
            [trust({"AWS": [STRANGER, SUPPLIER]})],
            "fail",
            f"not a supplier: {STRANGER}; no external id: {SUPPLIER}, {STRANGER}",
        ),
        (
            [trust({"AWS": SUPPLIER}, **EXTERNAL_ID), trust({"AWS": SUPPLIER})],
            "fail",
            f"no external id: {SUPPLIER}",
        ),
        ([trust({"AWS": ORG})], "not_applicable", "trusted by no outside account"),
        ([trust({"AWS": OWN})], "not_applicable", "trusted by no outside account"),
        (
            [trust({"Service": "ec2.amazonaws.com"})],
            "not_applicable",
            "trusted by no outside account",
        ),
    ],
)
def test_outside_accounts_are_known_suppliers_with_an_external_id(
    rows: list[dict[str, Any]], status: str, because: str
) -> None:
    verdict = judge(
        checks.role_third_party_external_id,
        role(*rows),
        organization_accounts=[ORG],
        supplier_accounts=[SUPPLIER],
    )
    assert (verdict.status, verdict.because) == (status, because)


def web(host: str, **condition: object) -> dict[str, Any]:
    principal = {"Federated": f"{ARN}:oidc-provider/{host}"}
    return trust(principal, "sts:AssumeRoleWithWebIdentity", **condition)


def subject(value: object, operator: str = "StringLike", host: str = GITHUB) -> dict[str, Any]:
    return web(host, **{operator: {f"{host}:sub": value}})


EKS = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (subject("repo:acme/app:ref:refs/heads/main", "StringEquals"), "pass"),
        (subject("repo:acme/app:*"), "pass"),
        (subject("acme@12/app@34:ref:refs/heads/main"), "pass"),
        (subject(["repo:acme/app:*", "repo:acme/*"]), "fail"),
        (subject("repo:acme/*"), "fail"),
        (subject("repo:acme/app*"), "fail"),
        (subject("repo:*"), "fail"),
        (subject("*"), "fail"),
        (subject("repo:acme/app:*", "ForAnyValue:StringLike"), "pass"),
        (subject("repo:acme/app:*", "ForAllValues:StringLike"), "fail"),
        (subject("repo:acme/app:*", "StringLikeIfExists"), "fail"),
        (subject("repo:acme/app:*", "StringNotLike"), "fail"),
        (web(GITHUB, StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"}), "fail"),
        (web(GITHUB), "fail"),
        (web(GITHUB, StringEquals={f"{GITHUB}:repository": "acme/app"}), "pass"),
        (web(GITHUB, StringLike={f"{GITHUB}:repository": "acme/*"}), "fail"),
        (subject("system:serviceaccount:prod:*", host=EKS), "pass"),
        (subject("system:serviceaccount:prod:app", "StringEquals", EKS), "pass"),
        (subject("system:serviceaccount:*", host=EKS), "fail"),
        (subject("project_path:acme/app:*", host="gitlab.com"), "pass"),
        (subject("project_path:acme/*", host="gitlab.com"), "fail"),
        (
            trust(
                {"Federated": "cognito-identity.amazonaws.com"},
                "sts:AssumeRoleWithWebIdentity",
                StringEquals={"cognito-identity.amazonaws.com:aud": "eu-west-1:pool"},
            ),
            "pass",
        ),
        (
            trust({"Federated": "cognito-identity.amazonaws.com"}, "sts:AssumeRoleWithWebIdentity"),
            "fail",
        ),
        (
            trust({"Federated": f"{ARN}:saml-provider/okta"}, "sts:AssumeRoleWithSAML"),
            "not_applicable",
        ),
        (trust({"AWS": OWN}), "not_applicable"),
    ],
)
def test_tokens_of_an_issuer_are_bound_to_named_subjects(row: dict[str, Any], status: str) -> None:
    assert judge(checks.oidc_trust_restricted, role(row)).status == status


@pytest.mark.parametrize(
    ("listed", "limit", "status", "because"),
    [
        ({"RoleLastUsed": {"LastUsedDate": "2026-11-01T00:00:00Z"}}, 90, "pass", ""),
        ({"RoleLastUsed": {"LastUsedDate": "2026-08-26T09:00:00Z"}}, 90, "pass", ""),
        (
            {"RoleLastUsed": {"LastUsedDate": "2026-08-26T08:59:59Z"}},
            90,
            "fail",
            "last used 2026-08-26, limit 90 days",
        ),
        ({"RoleLastUsed": {}}, 90, "fail", "no recorded use, created 2026-01-01, limit 90 days"),
        ({}, 90, "fail", "no recorded use, created 2026-01-01, limit 90 days"),
        ({"CreateDate": "2026-11-01T00:00:00Z"}, 90, "pass", ""),
        (
            {"CreateDate": "2024-01-01T00:00:00Z"},
            500,
            "unknown",
            "IAM remembers 400 days, limit 500 days",
        ),
        (
            {"Path": "/aws-service-role/rds.amazonaws.com/"},
            90,
            "not_applicable",
            "owned by an AWS service",
        ),
    ],
)
def test_a_role_is_in_use(listed: dict[str, Any], limit: int, status: str, because: str) -> None:
    verdict = judge(checks.role_unused, role(**listed), limit=limit)
    assert (verdict.status, verdict.because) == (status, because)


def inline(*actions: str) -> dict[str, Any]:
    row = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"RolePolicyList": [{"PolicyName": "p", "PolicyDocument": {"Statement": [row]}}]}


def attached(name: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::aws:policy/{name}"
    return {"AttachedManagedPolicies": [{"PolicyName": name, "PolicyArn": arn}]}


@pytest.mark.parametrize(
    ("listed", "because"),
    [
        (attached("SecurityAudit"), ""),
        (attached("job-function/ViewOnlyAccess"), ""),
        (attached("SecurityAudit") | inline("account:Get*", "s3:GetBucketPolicy"), ""),
        (inline("iam:GenerateCredentialReport", "IAM:listUsers"), ""),
        (attached("SecurityAudit") | inline("s3:PutObject"), "more than reading: s3:PutObject"),
        (inline("s3:*"), "more than reading: s3:*"),
        (inline("s3:G*"), "more than reading: s3:G*"),
        (inline("*"), "more than reading: *"),
        (attached("PowerUserAccess"), "allows all but some actions (NotAction)"),
    ],
)
def test_auditors_roles_can_only_read(listed: dict[str, Any], because: str) -> None:
    statement: Any = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    version: Any = {"IsDefaultVersion": True, "Document": {"Statement": [statement]}}
    power = AwsPolicy(
        id="arn:aws:iam::aws:policy/PowerUserAccess", listed={"PolicyVersionList": [version]}
    )
    verdict = judge(checks.auditor_role_read_only, role(**listed), power, auditor_roles=["role/r"])
    assert verdict.because == because
    assert verdict.status == ("fail" if because else "pass")


def test_other_roles_are_not_asked() -> None:
    verdict = judge(checks.auditor_role_read_only, role(**inline("*")), auditor_roles=["role/x"])
    assert verdict.status == "not_applicable"


def test_an_attached_policy_without_document_leaves_an_auditors_role_open() -> None:
    it = role(**attached("ReadOnlyAccess"))
    verdict = judge(checks.auditor_role_read_only, it, auditor_roles=["role/r"])
    assert verdict.cause is Cause.PARTIAL


def test_without_a_list_of_suppliers_the_question_stays_undecided() -> None:
    it = role(trust({"AWS": STRANGER}))
    verdict = judge(checks.role_third_party_external_id, it, organization_accounts=[])
    assert verdict.cause is Cause.CRITERION_MISSING
    assert "supplier_accounts" in verdict.because
