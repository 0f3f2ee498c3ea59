"""The policy language: patterns, statements, what is granted."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import MalformedError
from collectors.aws.patterns import covers, overlaps
from collectors.aws.policies import allows, allows_some, grants_full_admin, statements

TEXTS = ["".join(t) for n in range(5) for t in itertools.product("ab", repeat=n)]
PATTERNS = st.text(alphabet="ab*?", max_size=4)


def allow(action: object = "*", resource: object = "*", **rest: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **rest}


def deny(action: object = "*", resource: object = "*", **rest: object) -> dict[str, Any]:
    return allow(action, resource, **rest) | {"Effect": "Deny"}


def policy(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(rows)}


def stands_for(pattern: str, text: str) -> bool:
    sign = {"*": ".*", "?": "."}
    return bool(re.fullmatch("".join(sign.get(c, re.escape(c)) for c in pattern), text))


@given(PATTERNS, st.sampled_from(TEXTS))
def test_a_pattern_covers_a_plain_text_exactly_when_it_stands_for_it(p: str, text: str) -> None:
    assert covers(p, text) == stands_for(p, text)
    assert overlaps(p, text) == stands_for(p, text)


@given(PATTERNS, PATTERNS)
def test_what_covers_another_pattern_stands_for_all_its_texts(p: str, wanted: str) -> None:
    if covers(p, wanted):
        assert all(stands_for(p, text) for text in TEXTS if stands_for(wanted, text))


@given(PATTERNS, PATTERNS)
def test_patterns_overlap_exactly_when_they_share_a_text(one: str, other: str) -> None:
    longest = len(one.replace("*", "")) + len(other.replace("*", ""))
    texts = ("".join(t) for n in range(longest + 1) for t in itertools.product("ab", repeat=n))
    shared = any(stands_for(one, text) and stands_for(other, text) for text in texts)
    assert overlaps(one, other) == shared == overlaps(other, one)


@given(PATTERNS)
def test_every_pattern_covers_itself(p: str) -> None:
    assert covers(p, p)
    assert covers("*", p)


@given(st.sampled_from(["*", "s3:*", "S3:GetObject", "iam:Get*"]))
def test_the_ways_of_writing_a_document_mean_the_same(action: str) -> None:
    plain, listed = {"Statement": allow(action)}, policy(allow([action], ["*"]))
    read = statements(policy(allow(action)))
    assert statements(plain) == statements(listed) == read
    assert statements(json.dumps(plain)) == statements(quote(json.dumps(listed))) == read


@given(st.sampled_from(["s3:GetObject", "iam:PassRole", "ec2:RunInstances"]), PATTERNS)
def test_an_unconditional_total_deny_always_wins(action: str, resource: str) -> None:
    granted = statements(policy(allow("*", "*"), allow(action, resource), deny(action.upper())))
    assert not allows(granted, action, resource or "x")
    assert not allows_some(granted, action)


@pytest.mark.parametrize(
    ("rows", "action", "resource", "allowed"),
    [
        ([allow("s3:getobject")], "S3:GetObject", "*", True),
        ([allow("s3:Get*")], "s3:GetObject", "*", True),
        ([allow("s3:Get*")], "s3:*", "*", False),
        ([allow("s3:?etObject")], "s3:GetObject", "*", True),
        ([allow("*")], "s3:*", "*", True),
        ([allow(["ec2:*", "s3:*"])], "s3:PutObject", "*", True),
        ([allow("s3:*", "arn:aws:s3:::b/*")], "s3:GetObject", "*", False),
        ([allow("s3:*", "arn:aws:s3:::b/*")], "s3:GetObject", "arn:aws:s3:::b/k", True),
        ([allow("s3:*", "arn:aws:s3:::B/*")], "s3:GetObject", "arn:aws:s3:::b/k", False),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "s3:GetObject", "*", True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "iam:PassRole", "*", False),
        ([{"Effect": "Allow", "NotAction": "iam:Get*", "Resource": "*"}], "iam:*", "*", False),
        ([{"Effect": "Allow", "NotAction": "*", "Resource": "*"}], "s3:GetObject", "*", False),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "x"}], "s3:GetObject", "*", True),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "x"}], "s3:GetObject", "x", False),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "*"}], "s3:GetObject", "*", False),
        ([allow("s3:*"), deny("s3:Delete*")], "s3:DeleteObject", "*", False),
        ([allow("s3:*"), deny("s3:Delete*")], "s3:GetObject", "*", True),
        ([allow("s3:*"), deny("s3:*", "arn:aws:s3:::b")], "s3:GetObject", "*", True),
        (
            [allow("s3:*"), {"Effect": "Deny", "Action": "s3:*", "NotResource": "x"}],
            "s3:GetObject",
            "*",
            True,
        ),
        (
            [allow("*"), {"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}],
            "iam:PassRole",
            "*",
            False,
        ),
        (
            [allow("s3:*"), deny("s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})],
            "s3:GetObject",
            "*",
            True,
        ),
        (
            [allow("s3:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": True}})],
            "s3:GetObject",
            "*",
            True,
        ),
        (
            [allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ec2"}})],
            "iam:PassRole",
            "*",
            False,
        ),
        ([], "s3:GetObject", "*", False),
    ],
)
def test_what_statements_allow(
    rows: list[dict[str, Any]], action: str, resource: str, *, allowed: bool
) -> None:
    assert allows(statements(policy(*rows)), action, resource) is allowed


@pytest.mark.parametrize(
    ("rows", "full"),
    [
        ([allow("*")], True),
        ([allow("*:*")], True),
        ([allow(["s3:Get*", "**"])], True),
        ([allow("*", "arn:aws:*:*:*:*")], True),
        ([allow("*", "arn:*")], True),
        ([allow("*", "arn:aws-cn:*:*:*:*")], True),
        ([allow("*", "arn:aws:s3:::*")], False),
        ([allow("*", ["arn:aws:s3:::a", "*"])], True),
        ([allow("iam:*")], False),
        ([allow("s*:*")], False),
        ([allow("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})], True),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], False),
        ([{"Effect": "Allow", "NotAction": ["s3:*", "iam:Cre*"], "Resource": "*"}], False),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::a"}], True),
        ([allow("*"), deny("*")], False),
        ([allow("*"), deny("iam:*")], True),
        ([allow("*"), deny("*", Condition={"Bool": {"aws:SecureTransport": "false"}})], True),
        ([deny("*")], False),
    ],
)
def test_what_full_administration_is(rows: list[dict[str, Any]], *, full: bool) -> None:
    assert grants_full_admin(statements(policy(*rows))) is full


@pytest.mark.parametrize(
    ("rows", "some"),
    [
        ([allow("s3:*", "arn:aws:s3:::b")], True),
        ([allow("s3:*", Condition={"StringEquals": {"aws:ResourceTag/x": "y"}})], True),
        ([{"Effect": "Allow", "NotAction": "ec2:*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], False),
        ([allow("ec2:*")], False),
    ],
)
def test_whether_an_action_is_allowed_anywhere(rows: list[dict[str, Any]], *, some: bool) -> None:
    assert allows_some(statements(policy(*rows)), "s3:GetObject") is some


@pytest.mark.parametrize(
    "document",
    [
        "no json",
        "[]",
        None,
        {"Statement": "x"},
        {"Statement": [1]},
        {"Statement": [{"Action": "*"}]},
        {"Statement": [{"Effect": "allow", "Action": "*"}]},
        {"Statement": [allow({"a": 1})]},
        {"Statement": [allow([1])]},
        {"Statement": [allow(Principal=1)]},
        {"Statement": [allow(Condition=[])]},
        {"Statement": [allow(Condition={"Bool": "x"})]},
    ],
)
def test_what_is_no_policy_is_malformed_and_never_empty(document: object) -> None:
    with pytest.raises(MalformedError):
        statements(document)


def test_an_empty_policy_grants_nothing() -> None:
    assert statements({"Version": "2012-10-17"}) == ()
