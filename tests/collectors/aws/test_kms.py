"""AWS KMS: the checks on hand-made documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors import Absent, Cause, Unread
from collectors.aws import AwsConnection, kms
from collectors.aws.iam_kinds import Policy
from collectors.aws.kms import Key
from collectors.testing import judge
from tests.collectors.aws.double import Answer, Double, caller

NUMBER = "123456789012"
ARN = f"arn:aws:kms:eu-central-1:{NUMBER}:key/1"
ROOT = f"arn:aws:iam::{NUMBER}:root"
ALICE, APP = (f"arn:aws:iam::{NUMBER}:role/{name}" for name in ("alice", "app"))
ENABLED = {
    "KeyManager": "CUSTOMER",
    "KeyState": "Enabled",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "Origin": "AWS_KMS",
}
DENIED = Unread("AccessDeniedException", "kms:DescribeKey")


def key(*, rotates: object = True, policy: object = "", **details: Any) -> Key:
    facts = {"details": ENABLED | details, "rotates": rotates, "policy": policy}
    return Key(id=ARN, listed={"KeyId": "1", "KeyArn": ARN}, facts=facts)


@pytest.mark.parametrize(
    ("rotates", "details", "status"),
    [
        (True, {}, "pass"),
        (False, {}, "fail"),
        (False, {"KeyState": "Disabled"}, "not_applicable"),
        (False, {"KeyState": "PendingDeletion"}, "not_applicable"),
        (Absent("UnsupportedOperationException"), {"KeySpec": "RSA_2048"}, "not_applicable"),
        (False, {"Origin": "EXTERNAL"}, "not_applicable"),
        (False, {"KeyManager": "AWS"}, "not_applicable"),
        (Unread("AccessDeniedException", "kms:GetKeyRotationStatus"), {}, "unknown"),
    ],
)
def test_cmk_rotation_enabled(rotates: object, details: dict[str, str], status: str) -> None:
    assert judge(kms.cmk_rotation_enabled, key(rotates=rotates, **details)).status == status


def policy(*rows: dict[str, Any]) -> str:
    return json.dumps({"Statement": [{"Effect": "Allow", "Resource": "*"} | row for row in rows]})


def to(who: object, *actions: str, **more: Any) -> dict[str, Any]:
    return {"Principal": {"AWS": who}, "Action": list(actions), **more}


CALLER = {"StringEquals": {"kms:CallerAccount": NUMBER}}
SERVICE = {"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([to(ROOT, "kms:*")], "pass"),
        ([to("*", "kms:Decrypt")], "fail"),
        ([to("*", "kms:Decrypt", Condition=CALLER)], "pass"),
        ([to("*", "kms:Decrypt", Condition=SERVICE)], "fail"),
        ([to("*", "kms:Decrypt", Effect="Deny")], "pass"),
    ],
)
def test_key_policy_not_public(rows: list[dict[str, Any]], status: str) -> None:
    assert judge(kms.key_policy_not_public, key(policy=policy(*rows))).status == status


@pytest.mark.parametrize(
    ("rows", "status", "because"),
    [
        ([to(ROOT, "kms:*")], "not_applicable", "the key policy leaves its administration to IAM"),
        ([to(ALICE, "kms:PutKeyPolicy"), to(APP, "kms:Decrypt")], "pass", ""),
        ([to(ALICE, "kms:*")], "fail", f"administer and decrypt: {ALICE}"),
        ([to(ALICE, "kms:Put*"), to([ALICE, APP], "kms:ReEncrypt*")], "fail", None),
        (
            [to(ALICE, "kms:*"), to(ALICE, "kms:Decrypt", "kms:ReEncryptFrom", Effect="Deny")],
            "pass",
            "",
        ),
        ([to(ALICE, "kms:*"), to(ALICE, "kms:Decrypt", Effect="Deny")], "fail", None),
    ],
)
def test_admin_and_user_separated(
    rows: list[dict[str, Any]], status: str, because: str | None
) -> None:
    verdict = judge(kms.admin_and_user_separated, key(policy=policy(*rows)))
    assert verdict.status == status
    assert because is None or verdict.because == because


@pytest.mark.parametrize(
    ("state", "status"),
    [("Enabled", "pass"), ("Disabled", "pass"), ("PendingDeletion", "fail")],
)
def test_no_unplanned_key_deletion(state: str, status: str) -> None:
    assert judge(kms.no_unplanned_key_deletion, key(KeyState=state)).status == status


def test_a_key_that_shuts_out_the_reader_is_unknown() -> None:
    shut = Key(id=ARN, listed={}, facts={"details": DENIED})
    verdict = judge(kms.no_unplanned_key_deletion, shut)
    assert (verdict.status, verdict.cause) == ("unknown", Cause.DENIED)
    assert "kms:DescribeKey" in verdict.because


@pytest.mark.parametrize(
    ("action", "resource", "condition", "status"),
    [
        ("kms:Decrypt", "*", {}, "fail"),
        ("kms:*", f"arn:aws:kms:*:{NUMBER}:key/*", {}, "fail"),
        ("kms:ReEncrypt*", "*", {}, "fail"),
        ("kms:Encrypt", "*", {}, "pass"),
        ("kms:Decrypt", ARN, {}, "pass"),
        ("kms:Decrypt", "*", SERVICE, "pass"),
        ("kms:Decrypt", "*", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "fail"),
    ],
)
def test_policy_no_decrypt_all_keys(
    action: str, resource: str, condition: dict[str, Any], status: str
) -> None:
    row = {"Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}
    inline = {"PolicyName": "p", "PolicyDocument": {"Statement": row}, "Holder": ALICE}
    written = Policy(id=f"{ALICE}/inline/p", listed=inline)
    assert judge(kms.policy_no_decrypt_all_keys, written).status == status


def test_keys_are_paged_and_those_of_aws_are_left_out_by_their_aliases(double: Double) -> None:
    def rows(*names: str, more: str = "") -> Answer:
        keys = [{"KeyId": name, "KeyArn": f"arn:aws:kms:::key/{name}"} for name in names]
        following = {"NextMarker": more, "Truncated": True} if more else {}
        return Answer(body=json.dumps({"Keys": keys, "Truncated": False} | following))

    aliases = [
        {"AliasName": "alias/aws/s3", "TargetKeyId": "b"},
        {"AliasName": "alias/aws/unused"},
        {"AliasName": "alias/own", "TargetKeyId": "a"},
    ]
    double.script = {
        "ListAliases": [Answer(body=json.dumps({"Aliases": aliases, "Truncated": False}))],
        "ListKeys": [rows("a", more="2"), rows("b", more="3"), rows("c")],
    }
    target = AwsConnection("prod", endpoint_url=double.url).open(caller()).within("eu-central-1")
    assert [key.listed["KeyId"] for key in kms.keys(target)] == ["a", "c"]
    assert len(double.asked("ListKeys")) == 3
