"""The policy language: whom a resource or trust policy lets in, and by which transport."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.aws.policies import denies_insecure_transport, external_accounts, public_grants

OWN, OTHER, THIRD = "111111111111", "222222222222", "333333333333"
BUCKET = ("arn:aws:s3:::b", "arn:aws:s3:::b/*")


def grant(principal: object = "*", **condition: object) -> dict[str, Any]:
    row = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": principal}
    return row | ({"Condition": condition} if condition else {})


def fence(operator: str, key: str, value: object, **more: object) -> dict[str, Any]:
    row = {"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Principal": "*"}
    return row | {"Condition": {operator: {key: value}, **more}}


def document(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"Statement": list(rows)}


@pytest.mark.parametrize(
    "principal", ["*", {"AWS": "*"}, {"AWS": [f"arn:aws:iam::{OWN}:root", "*"]}]
)
def test_everybody_is_written_in_several_ways(principal: object) -> None:
    assert public_grants(document(grant(principal)))
    assert external_accounts(document(grant(principal)), OWN) == ("*",)


def test_an_allow_to_all_but_some_is_an_allow_to_everybody() -> None:
    row = grant() | {"NotPrincipal": {"AWS": f"arn:aws:iam::{OTHER}:root"}}
    del row["Principal"]
    assert external_accounts(document(row), OWN) == ("*",)


@pytest.mark.parametrize(
    ("condition", "outside"),
    [
        ({"StringEquals": {"aws:PrincipalOrgID": "o-abc"}}, ("aws:PrincipalOrgID o-abc",)),
        ({"StringEquals": {"AWS:principalaccount": [OTHER, OWN]}}, (OTHER,)),
        ({"StringEquals": {"aws:SourceAccount": OWN}}, ()),
        ({"StringLike": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/*"}}, (OTHER,)),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/ci"}}, ("*",)),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::a"}}, ("aws:SourceArn arn:aws:s3:::a",)),
        ({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, ("aws:SourceVpce vpce-1",)),
        ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, ("*",)),
        ({"StringLike": {"aws:PrincipalOrgID": "*"}}, ("*",)),
        ({"StringEquals": {"aws:PrincipalOrgID": []}}, ("*",)),
        (
            {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/r-b/*"}},
            ("aws:PrincipalOrgPaths o-a/r-b/*",),
        ),
        ({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a/r-b/*"}}, ("*",)),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc"}}, ("*",)),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-abc"}}, ("*",)),
        ({"Null": {"aws:PrincipalOrgID": "false"}}, ("*",)),
        ({"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}, ("*",)),
        ({"StringEquals": {"sts:ExternalId": "secret?"}}, ("*",)),
        ({"Bool": {"aws:SecureTransport": "true"}}, ("*",)),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, ("aws:SourceIp 192.0.2.0/24",)),
        ({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "0.0.0.0/1"]}}, ("*",)),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, ("aws:SourceIp 10.0.0.0/8",)),
        ({"IpAddress": {"aws:SourceIp": "::/0"}}, ("*",)),
        ({"IpAddress": {"aws:SourceIp": "anywhere"}}, ("*",)),
        (
            {"StringEquals": {"aws:PrincipalOrgID": "o-abc", "aws:PrincipalAccount": OTHER}},
            (OTHER,),
        ),
        ({"StringLike": {"aws:userid": "AROAEXAMPLE:*"}}, ("aws:userid AROAEXAMPLE:*",)),
        ({"StringLike": {"aws:userid": "*:session"}}, ("*",)),
    ],
)
def test_what_a_condition_makes_of_everybody(
    condition: dict[str, Any], outside: tuple[str, ...]
) -> None:
    read = document(grant("*", **condition))
    assert external_accounts(read, OWN) == outside
    assert bool(public_grants(read)) is (outside == ("*",))


@pytest.mark.parametrize(
    ("deny", "public"),
    [
        (fence("StringNotEquals", "aws:PrincipalOrgID", "o-abc"), False),
        (fence("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-abc"), False),
        (fence("NotIpAddress", "aws:SourceIp", "192.0.2.0/24"), False),
        (fence("NotIpAddress", "aws:SourceIp", "0.0.0.0/0"), True),
        (fence("StringEquals", "aws:PrincipalOrgID", "o-abc"), True),
        (fence("StringNotEquals", "aws:UserAgent", "x"), True),
        (
            fence(
                "StringNotEquals",
                "aws:PrincipalOrgID",
                "o-abc",
                BoolIfExists={"aws:PrincipalIsAWSService": "false"},
            ),
            False,
        ),
        (
            fence(
                "StringNotEquals",
                "aws:PrincipalOrgID",
                "o-abc",
                StringEquals={"aws:RequestedRegion": "eu-west-1"},
            ),
            True,
        ),
        (fence("StringNotEquals", "aws:PrincipalOrgID", "o-abc") | {"Action": "s3:Put*"}, True),
    ],
)
def test_a_deny_to_all_but_some_fences_a_grant_in(deny: dict[str, Any], *, public: bool) -> None:
    assert bool(public_grants(document(grant(), deny))) is public


@pytest.mark.parametrize(
    ("principal", "outside"),
    [
        ({"AWS": OTHER}, (OTHER,)),
        ({"AWS": [f"arn:aws:iam::{OTHER}:root", f"arn:aws:iam::{OWN}:role/x"]}, (OTHER,)),
        ({"AWS": [f"arn:aws-cn:sts::{THIRD}:assumed-role/r/s", OTHER]}, (OTHER, THIRD)),
        ({"AWS": "AIDAEXAMPLEDELETED"}, ()),
        ({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}, ()),
        ({"Service": "cloudtrail.amazonaws.com"}, ()),
        ({"Federated": "accounts.google.com"}, ()),
        ({"CanonicalUser": "79a5"}, ("CanonicalUser 79a5",)),
    ],
)
def test_whom_named_principals_let_in(principal: object, outside: tuple[str, ...]) -> None:
    read = document(grant(principal))
    assert external_accounts(read, OWN) == outside
    assert public_grants(read) == ()


def test_a_deny_lets_nobody_in() -> None:
    assert external_accounts(document(grant({"AWS": OTHER}) | {"Effect": "Deny"}), OWN) == ()


@given(st.permutations([grant({"AWS": OTHER}), grant({"AWS": THIRD}), grant({"AWS": OWN})]))
def test_the_order_of_statements_does_not_matter(rows: list[dict[str, Any]]) -> None:
    assert external_accounts(document(*rows), OWN) == (OTHER, THIRD)


def tls(**changes: object) -> dict[str, Any]:
    row: dict[str, Any] = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": list(BUCKET),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return row | changes


@pytest.mark.parametrize(
    ("rows", "denied"),
    [
        ([tls()], True),
        ([tls(Resource="*")], True),
        ([tls(Principal={"AWS": "*"})], True),
        ([tls(Action="*")], True),
        ([tls(Resource=BUCKET[0]), tls(Resource=BUCKET[1])], True),
        ([tls(Condition={"BoolIfExists": {"AWS:securetransport": False}})], True),
        ([tls(Condition={"StringEquals": {"aws:SecureTransport": "FALSE"}})], True),
        ([tls(Resource=BUCKET[1])], False),
        ([tls(Action="s3:GetObject")], False),
        ([tls(Principal={"AWS": OTHER})], False),
        ([tls(Effect="Allow")], False),
        ([tls(Condition={"Bool": {"aws:SecureTransport": "true"}})], False),
        (
            [
                tls(
                    Condition={
                        "Bool": {"aws:SecureTransport": "false"},
                        "IpAddress": {"aws:SourceIp": "192.0.2.0/24"},
                    }
                )
            ],
            False,
        ),
        ([], False),
    ],
)
def test_when_requests_without_tls_are_denied(rows: list[dict[str, Any]], *, denied: bool) -> None:
    assert denies_insecure_transport(document(*rows), *BUCKET) is denied


def test_a_deny_to_all_but_some_leaves_those_without_tls() -> None:
    row = tls()
    del row["Principal"]
    row["NotPrincipal"] = {"AWS": OTHER}
    assert not denies_insecure_transport(document(row), *BUCKET)
