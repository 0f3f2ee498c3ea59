"""AWS EC2: a region's settings, disks and images by hand; regions that are off or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from collectors import CallError, Cause, Unread
from collectors.aws import AwsConnection, ec2_storage
from collectors.aws import ec2 as ec2_defaults
from collectors.aws.ec2 import RegionSettings, ec2
from collectors.aws.ec2_storage import Image, Snapshot, Volume
from collectors.judging import Check
from collectors.testing import collect, judge
from tests.collectors.aws.double import Answer, Double, caller, error, identity
from tests.collectors.aws.random_account import NUMBER

REGION = "eu-central-1"
REFUSED = Unread("UnauthorizedOperation", "ec2:Something")


@pytest.mark.parametrize(
    ("check", "fact", "value", "status"),
    [
        (ec2_defaults.ebs_default_encryption, "encrypts_disks", True, "pass"),
        (ec2_defaults.ebs_default_encryption, "encrypts_disks", False, "fail"),
        (ec2_defaults.ebs_default_encryption, "encrypts_disks", REFUSED, "unknown"),
        (
            ec2_defaults.snapshot_block_public_access,
            "snapshot_sharing",
            "block-all-sharing",
            "pass",
        ),
        (
            ec2_defaults.snapshot_block_public_access,
            "snapshot_sharing",
            "block-new-sharing",
            "fail",
        ),
        (ec2_defaults.snapshot_block_public_access, "snapshot_sharing", "unblocked", "fail"),
        (ec2_defaults.snapshot_block_public_access, "snapshot_sharing", REFUSED, "unknown"),
        (ec2_defaults.image_block_public_access, "image_sharing", "block-new-sharing", "pass"),
        (ec2_defaults.image_block_public_access, "image_sharing", "unblocked", "fail"),
        (ec2_defaults.image_block_public_access, "image_sharing", REFUSED, "unknown"),
        (
            ec2_defaults.imdsv2_account_default,
            "metadata_defaults",
            {"HttpTokens": "required"},
            "pass",
        ),
        (
            ec2_defaults.imdsv2_account_default,
            "metadata_defaults",
            {"HttpTokens": "optional"},
            "fail",
        ),
        (ec2_defaults.imdsv2_account_default, "metadata_defaults", {}, "fail"),
        (ec2_defaults.imdsv2_account_default, "metadata_defaults", REFUSED, "unknown"),
        (ec2_defaults.serial_console_disabled, "serial_console", False, "pass"),
        (ec2_defaults.serial_console_disabled, "serial_console", True, "fail"),
        (ec2_defaults.serial_console_disabled, "serial_console", REFUSED, "unknown"),
    ],
)
def test_settings_of_a_region(
    check: Check[RegionSettings], fact: str, value: object, status: str
) -> None:
    region = RegionSettings(id=REGION, listed={"RegionName": REGION}, facts={fact: value})
    assert judge(check, region).status == status


def disk(**listed: Any) -> Volume:
    return Volume(id="vol-1", scope=REGION, listed={"VolumeId": "vol-1", **listed})  # type: ignore[typeddict-item]


def snapshot(*, public: object = False, sharing: object = (), **listed: Any) -> Snapshot:
    row: Any = {"SnapshotId": "snap-1", "OwnerId": NUMBER, **listed}
    return Snapshot(
        id="snap-1", scope=REGION, listed=row, facts={"public": public, "sharing": sharing}
    )


def image(**listed: Any) -> Image:
    return Image(id="ami-1", scope=REGION, listed={"ImageId": "ami-1", **listed})  # type: ignore[typeddict-item]


def test_a_disk_is_encrypted_only_where_ec2_says_so() -> None:
    assert judge(ec2_storage.volume_encrypted, disk(Encrypted=True)).status == "pass"
    assert judge(ec2_storage.volume_encrypted, disk(Encrypted=False)).status == "fail"
    assert judge(ec2_storage.volume_encrypted, disk()).status == "fail"
    assert judge(ec2_storage.snapshot_encrypted, snapshot(Encrypted=True)).status == "pass"
    assert judge(ec2_storage.snapshot_encrypted, snapshot(Encrypted=False)).status == "fail"


def test_what_is_shared_with_everybody_is_public() -> None:
    assert judge(ec2_storage.snapshot_not_public, snapshot()).status == "pass"
    assert judge(ec2_storage.snapshot_not_public, snapshot(public=True)).status == "fail"
    assert judge(ec2_storage.snapshot_not_public, snapshot(public=REFUSED)).status == "unknown"
    assert judge(ec2_storage.ami_not_public, image(Public=False)).status == "pass"
    assert judge(ec2_storage.ami_not_public, image(Public=True)).status == "fail"


TAGGED = {"Tags": [{"Key": "environment", "Value": "live"}]}
SHARED = [{"UserId": "999988887777"}]


@pytest.mark.parametrize(
    ("sharing", "listed", "production", "status", "because"),
    [
        (SHARED, {}, ["live"], "not_applicable", "not of production"),
        (SHARED, TAGGED, ["live"], "fail", "shared with 999988887777"),
        (SHARED, {}, [NUMBER], "fail", "shared with 999988887777"),
        (SHARED, TAGGED, ["live", "999988887777"], "pass", ""),
        ([{"Group": "all"}], TAGGED, ["live"], "fail", "shared with everybody"),
        ([], TAGGED, ["live"], "pass", ""),
        (REFUSED, TAGGED, ["live"], "unknown", REFUSED.because),
    ],
)
def test_snapshots_of_production_stay_in_production(
    sharing: object, listed: dict[str, Any], production: list[str], status: str, because: str
) -> None:
    check = ec2_storage.snapshot_prod_not_shared_to_nonprod
    verdict = judge(check, snapshot(sharing=sharing, **listed), production=production)
    assert (verdict.status, verdict.because) == (status, because)


REGIONS = (
    "<DescribeRegionsResponse><regionInfo>"
    "<item><regionName>eu-central-1</regionName><optInStatus>opt-in-not-required</optInStatus>"
    "</item><item><regionName>eu-south-1</regionName><optInStatus>not-opted-in</optInStatus></item>"
    "<item><regionName>us-east-1</regionName><optInStatus>opt-in-not-required</optInStatus></item>"
    "</regionInfo></DescribeRegionsResponse>"
)
DENIED_HERE = (
    "You are not authorized to perform this operation. User: arn:aws:sts::1:assumed-role/a is not "
    "authorized to perform: ec2:DescribeVolumes with an explicit deny in a service control policy"
)


def empty(key: str) -> Answer:
    return Answer(body=f"<Response><{key}/></Response>")


@pytest.fixture
def regions_apart(double: Double) -> AwsConnection:
    """Three regions: one is open, one turned off, one refused by the organisation's policy."""
    double.script = {
        "GetCallerIdentity": [identity(NUMBER)],
        "DescribeRegions": [Answer(body=REGIONS)],
        "@us-east-1 POST .*Describe(Volumes)": [error("UnauthorizedOperation", 403, DENIED_HERE)],
        "DescribeVolumes": [empty("volumeSet")],
    }
    return AwsConnection("prod", endpoint_url=double.url, region="eu-central-1")


def test_a_region_that_is_turned_off_is_named_and_not_asked(
    double: Double, regions_apart: AwsConnection
) -> None:
    collected = collect(regions_apart, (ec2,))
    assert {part.scope for part in collected.parts} == {"eu-central-1", "us-east-1"}
    assert collected.left_out == {"eu-south-1": "region not enabled in the account"}
    assert {request.region for request in double.seen} == {"eu-central-1", "us-east-1"}


def test_a_region_that_a_policy_above_refuses_is_unknown_and_leaves_the_others(
    regions_apart: AwsConnection,
) -> None:
    collected = collect(regions_apart, (ec2,))
    unread = {part.scope: part.unread for part in collected.parts if part.kind == Volume.kind}
    cure = "ec2:DescribeVolumes not denied by the service control policy"
    assert unread == {
        "eu-central-1": None,
        "us-east-1": Unread("UnauthorizedOperation", cure, Cause.DENIED),
    }


def test_regions_that_are_left_out_by_decision_are_named_with_the_reason(
    double: Double, regions_apart: AwsConnection
) -> None:
    only = replace(regions_apart, regions=("eu-central-1", "eu-nowhere-1"), regions_out="no use")
    collected = collect(only, (ec2,))
    assert {part.scope for part in collected.parts} == {"eu-central-1"}
    assert collected.left_out == {
        "eu-nowhere-1": "AWS lists no such region",
        "eu-south-1": "region not enabled in the account",
        "us-east-1": "no use",
    }
    assert double.asked("@us-east-1 ") == []


def test_declared_regions_are_read_where_the_list_of_regions_is_refused(
    double: Double, regions_apart: AwsConnection
) -> None:
    double.script["DescribeRegions"] = [error("UnauthorizedOperation", 403)]
    only = replace(regions_apart, regions=("eu-central-1",), regions_out="no use").open(caller())
    assert only.scopes("region") == ["eu-central-1"]
    with pytest.raises(CallError):
        regions_apart.open(caller()).scopes("region")


def test_pages_are_read_to_the_last(double: Double, regions_apart: AwsConnection) -> None:
    double.script["DescribeVolumes"] = [
        page("volumeSet", "<volumeId>vol-1</volumeId><encrypted>true</encrypted>", "two"),
        page("volumeSet", "<volumeId>vol-2</volumeId><encrypted>true</encrypted>", "three"),
        page("volumeSet", "<volumeId>vol-3</volumeId><encrypted>false</encrypted>"),
    ]
    target = replace(regions_apart, regions=("eu-central-1",)).open(caller())
    found = list(ec2_storage.volumes(target.within("eu-central-1")))
    assert [(row.id, row.listed["Encrypted"]) for row in found] == [
        ("vol-1", True),
        ("vol-2", True),
        ("vol-3", False),
    ]
    assert len(double.asked("NextToken=two")) == len(double.asked("NextToken=three")) == 1


def page(key: str, row: str, token: str = "") -> Answer:
    more = f"<nextToken>{token}</nextToken>" if token else ""
    return Answer(body=f"<Response><{key}><item>{row}</item></{key}>{more}</Response>")
