"""AWS EC2 instances: the checks on hand-made documents, and what is never kept of them."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest

from collectors import Absent, Cause, MalformedError, Unread
from collectors.aws import AwsConnection
from collectors.aws import ec2_instances as ask
from collectors.aws.ec2 import ec2
from collectors.aws.ec2_instances import Instance, LaunchTemplate, ManagedInstance, UsedImage
from collectors.aws.user_data import suspicions
from collectors.documents import document_of, marker, without_secrets
from collectors.judging import Check
from collectors.testing import NOW, collect, judge
from tests.collectors.aws.double import Answer, Double, error, identity

REGION = "eu-central-1"
REFUSED = Unread("UnauthorizedOperation", "ec2:Something")


def instance(state: str = "running", facts: Any = None, **listed: Any) -> Instance:
    row: Any = {
        "InstanceId": "i-1",
        "ImageId": "ami-1",
        "State": {"Name": state},
        "MetadataOptions": {"HttpTokens": "optional"},
        **listed,
    }
    return Instance(id="i-1", scope=REGION, listed=row, facts=facts or {})


def tagged(**tags: str) -> list[dict[str, str]]:
    return [{"Key": key.replace("_", "-"), "Value": value} for key, value in tags.items()]


ADDRESS = {"NetworkInterfaces": [{"Association": {"PublicIp": "198.51.100.7"}}]}


@pytest.mark.parametrize(
    ("check", "made", "status", "because"),
    [
        (ask.imdsv2_required, instance(), "fail", "HttpTokens is optional"),
        (ask.imdsv2_required, instance("stopped"), "not_applicable", "not running"),
        (ask.imdsv2_required, instance(MetadataOptions={"HttpTokens": "required"}), "pass", ""),
        (
            ask.imdsv2_required,
            instance(MetadataOptions={"HttpEndpoint": "disabled"}),
            "pass",
            "the metadata service is off",
        ),
        (ask.imdsv2_required, instance(MetadataOptions={}), "fail", "HttpTokens is not set"),
        (ask.instance_no_public_ip, instance(), "pass", ""),
        (
            ask.instance_no_public_ip,
            instance(**ADDRESS),
            "fail",
            "public address 198.51.100.7 without the tag internet-facing = true",
        ),
        (
            ask.instance_no_public_ip,
            instance(**ADDRESS, Tags=tagged(internet_facing="true")),
            "pass",
            "",
        ),
        (ask.instance_profile_attached, instance(), "fail", "no instance profile"),
        (ask.instance_profile_attached, instance("stopped"), "not_applicable", "not running"),
        (ask.instance_profile_attached, instance(IamInstanceProfile={"Arn": "a"}), "pass", ""),
        (ask.userdata_no_secrets, instance(facts={"secrets_in_user_data": []}), "pass", ""),
        (
            ask.userdata_no_secrets,
            instance(facts={"secrets_in_user_data": [{"line": 2, "looks_like": "private key"}]}),
            "fail",
            "looks like a secret: private key in line 2",
        ),
        (
            ask.userdata_no_secrets,
            instance(facts={"secrets_in_user_data": REFUSED}),
            "unknown",
            REFUSED.because,
        ),
        (
            ask.termination_protection_critical,
            instance(facts={"termination_protected": Absent("none")}),
            "not_applicable",
            "not tagged criticality = critical",
        ),
    ],
)
def test_questions_about_one_instance(
    check: Check[Instance], made: Instance, status: str, because: str
) -> None:
    verdict = judge(check, made)
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(("on", "status"), [(True, "pass"), (False, "fail"), (REFUSED, "unknown")])
def test_what_is_critical_is_protected_from_being_ended(on: object, status: str) -> None:
    made = instance(Tags=tagged(criticality="critical"), facts={"termination_protected": on})
    assert judge(ask.termination_protection_critical, made).status == status


def test_an_owner_is_one_that_the_organisation_knows() -> None:
    check = ask.instance_owner_tag
    assert judge(check, instance(Tags=tagged(owner="web")), owners=["web"]).status == "pass"
    stranger = judge(check, instance(Tags=tagged(owner="joe")), owners=["web"])
    assert stranger.because == "owner is joe, which is no known owner"
    assert judge(check, instance(), owners=["web"]).because == "no tag owner"
    assert judge(check, instance()).cause is Cause.CRITERION_MISSING


def image(days: int = 10, **listed: Any) -> UsedImage:
    made = (NOW - timedelta(days=days)).isoformat()
    row: Any = {"ImageId": "ami-1", "OwnerId": "1", "CreationDate": made, **listed}
    return UsedImage(id="ami-1", scope=REGION, listed=row)


def test_an_image_is_approved_by_its_id_its_owner_or_the_owners_alias() -> None:
    check = ask.instance_ami_approved
    assert judge(check, instance(), approved=["ami-1"]).status == "pass"
    assert judge(check, instance(), image(), approved=["1"]).status == "pass"
    amazons = image(ImageOwnerAlias="amazon")
    assert judge(check, instance(), amazons, approved=["amazon"]).status == "pass"
    assert judge(check, instance(), amazons, approved=[]).because == (
        "ami-1 of amazon is not approved"
    )
    gone = judge(check, instance(), approved=["1"])
    assert (gone.status, gone.cause) == ("unknown", Cause.PARTIAL)
    assert judge(check, instance("stopped"), approved=[]).status == "not_applicable"


def test_an_old_image_is_named_with_its_day_and_the_limit() -> None:
    check = ask.instance_ami_age
    assert judge(check, instance(), image(180)).status == "pass"
    old = judge(check, instance(), image(181))
    assert (old.status, old.because) == ("fail", "ami-1 made 2026-05-27, limit 180 days")
    assert judge(check, instance(), image(50), limit=30).status == "fail"
    assert judge(check, instance()).cause is Cause.PARTIAL
    other_region = UsedImage(id="ami-1", scope="us-east-1", listed=image().listed)
    assert judge(check, instance(), other_region).cause is Cause.PARTIAL


@pytest.mark.parametrize(
    ("status", "expected", "because"),
    [
        ("Online", "pass", ""),
        ("ConnectionLost", "fail", "its agent is ConnectionLost"),
        (None, "fail", "not known to Systems Manager"),
    ],
)
def test_an_instance_reports_to_systems_manager(
    status: str | None, expected: str, because: str
) -> None:
    row = {"InstanceId": "i-1", "PingStatus": status}
    known = [ManagedInstance(id="i-1", scope=REGION, listed=row)] if status else []
    verdict = judge(ask.instance_ssm_managed, instance(), *known)
    assert (verdict.status, verdict.because) == (expected, because)


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("#!/bin/sh\nyum -y update\n", []),
        ("a\nexport AWS_KEY=AKIAABCDEFGHIJKLMNOP\n", [(2, "AWS access key id")]),
        ("x\ny\nDB_PASSWORD='hunter2hunter2'\n", [(3, "password or key")]),
        ("api_key: 0123456789abcdef", [(1, "password or key")]),
        ("PASSWORD=$(aws ssm get-parameter)", []),
        ("password: {{resolve:secretsmanager:a}}", []),
        ("password=${PASSWORD}", []),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n", [(1, "private key")]),
        (
            "git clone https://joe:geheim1234@acme.example/a",
            [(1, "token, hash or password in an address")],
        ),
    ],
)
def test_user_data_is_looked_at_and_not_kept(text: str, found: list[tuple[int, str]]) -> None:
    for encoded in (base64.b64encode(text.encode()).decode(), packed(text)):
        assert [(s["line"], s["looks_like"]) for s in suspicions(encoded)] == found


def test_user_data_that_cannot_be_read_is_malformed() -> None:
    with pytest.raises(MalformedError):
        suspicions("x")
    with pytest.raises(MalformedError):
        suspicions(base64.b64encode(b"\x1f\x8bbroken").decode())


def test_user_data_of_a_launch_template_is_replaced_before_anything_is_kept() -> None:
    data: Any = {"UserData": "c2VjcmV0IGNhbmFyeQ==", "MetadataOptions": {"HttpTokens": "required"}}
    row: Any = {"LaunchTemplateId": "lt-1", "LaunchTemplateData": data}
    template = LaunchTemplate(id="lt-1", scope=REGION, listed=row)
    assert judge(ask.launch_template_imdsv2, template).status == "pass"
    kept = without_secrets(document_of(template), LaunchTemplate.secrets, marker(b"key"))
    assert "c2VjcmV0" not in json.dumps(kept)


INSTANCE = (
    "<instanceId>i-1</instanceId><imageId>ami-1</imageId>"
    "<instanceState><name>running</name></instanceState>"
)


def test_images_that_are_refused_leave_the_instances(double: Double) -> None:
    row = f"<item><instancesSet><item>{INSTANCE}</item></instancesSet></item>"
    words = "You are not authorized to perform: ec2:DescribeImages"
    double.script = {
        "GetCallerIdentity": [identity("123456789012")],
        "DescribeInstances": [Answer(body=f"<R><reservationSet>{row}</reservationSet></R>")],
        "DescribeImages": [error("UnauthorizedOperation", 403, words)],
    }
    target = AwsConnection(
        "prod", endpoint_url=double.url, regions=("eu-central-1",), regions_out="no"
    )
    parts = {part.kind: part for part in collect(target, (ec2,)).parts}
    assert parts[Instance.kind].complete
    assert parts[Instance.kind].collected == 1
    assert parts[UsedImage.kind].unread == Unread("UnauthorizedOperation", "ec2:DescribeImages")
