"""AWS CloudTrail: the checks on hand-made documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors import Absent, Cause, Unread
from collectors.aws import AwsConnection, cloudtrail, cloudtrail_buckets
from collectors.aws.account import Account
from collectors.aws.cloudtrail import Trail
from collectors.aws.s3 import Bucket
from collectors.aws.s3_access import SETTINGS
from collectors.judging import Check
from collectors.testing import judge
from tests.collectors.aws.double import Answer, Double, caller

NUMBER = "123456789012"
OTHER = "999988887777"
HOLDER = Account(id=NUMBER, listed={"Account": NUMBER}, facts={"access_block": Absent("none")})
DENIED = Unread("AccessDeniedException", "cloudtrail:GetTrailStatus")
ALL = [{"ReadWriteType": "All", "IncludeManagementEvents": True}]
ON = {"IsLogging": True, "LatestDeliveryTime": "2026-11-24T08:00:00+00:00"}


def trail(
    *, owner: str = NUMBER, status: object = ON, selectors: object = None, **listed: Any
) -> Trail:
    row = {
        "HomeRegion": "eu-central-1",
        "IsMultiRegionTrail": True,
        "IncludeGlobalServiceEvents": True,
        "S3BucketName": "acme-trail",
    }
    chosen = selectors or {"EventSelectors": ALL, "AdvancedEventSelectors": []}
    return Trail(
        id=f"arn:aws:cloudtrail:eu-central-1:{owner}:trail/main",
        scope="eu-central-1",
        listed=row | listed,
        facts={"status": status, "selectors": chosen},
    )


def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"EventSelectors": [], "AdvancedEventSelectors": [{"FieldSelectors": list(fields)}]}


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}


@pytest.mark.parametrize(
    ("trails", "status"),
    [
        ([], "fail"),
        ([trail()], "pass"),
        ([trail(owner=OTHER, IsOrganizationTrail=True)], "pass"),
        ([trail(IsMultiRegionTrail=False)], "fail"),
        ([trail(IncludeGlobalServiceEvents=False)], "fail"),
        ([trail(status={"IsLogging": False})], "fail"),
        ([trail(status=DENIED)], "unknown"),
        ([trail(status=DENIED), trail()], "pass"),
        ([trail(selectors={"EventSelectors": [], "AdvancedEventSelectors": []})], "fail"),
        (
            [
                trail(
                    selectors={
                        "EventSelectors": [ALL[0] | {"ReadWriteType": "WriteOnly"}],
                        "AdvancedEventSelectors": [],
                    }
                )
            ],
            "fail",
        ),
        ([trail(selectors=advanced(MANAGEMENT))], "pass"),
        (
            [
                trail(
                    selectors=advanced(
                        MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}
                    )
                )
            ],
            "pass",
        ),
        (
            [trail(selectors=advanced(MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}))],
            "fail",
        ),
        ([trail(selectors=advanced({"Field": "eventCategory", "Equals": ["Data"]}))], "fail"),
    ],
)
def test_multi_region_enabled(trails: list[Trail], status: str) -> None:
    assert judge(cloudtrail.multi_region_enabled, HOLDER, *trails).status == status


@pytest.mark.parametrize(
    ("trails", "status", "because"),
    [
        ([], "fail", "no organisation trail"),
        ([trail()], "fail", "no organisation trail"),
        ([trail(IsOrganizationTrail=True, owner=OTHER)], "pass", ""),
        (
            [trail(IsOrganizationTrail=True, status={"IsLogging": False})],
            "fail",
            "the organisation's trail is off",
        ),
    ],
)
def test_organization_trail(trails: list[Trail], status: str, because: str) -> None:
    verdict = judge(cloudtrail.organization_trail, HOLDER, *trails)
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    "check",
    [
        cloudtrail.log_file_validation,
        cloudtrail.kms_encrypted,
        cloudtrail.delivery_healthy,
        cloudtrail.cloudwatch_logs_integrated,
        cloudtrail.insights_enabled,
        cloudtrail_buckets.bucket_not_public,
    ],
)
def test_an_organisation_trail_is_judged_in_its_own_account(check: Check[Trail]) -> None:
    assert judge(check, trail(owner=OTHER), HOLDER).status == "not_applicable"


@pytest.mark.parametrize(
    ("check", "listed", "status"),
    [
        (cloudtrail.log_file_validation, {"LogFileValidationEnabled": True}, "pass"),
        (cloudtrail.log_file_validation, {}, "fail"),
        (cloudtrail.kms_encrypted, {"KmsKeyId": "arn:aws:kms:::key/1"}, "pass"),
        (cloudtrail.kms_encrypted, {}, "fail"),
    ],
)
def test_settings_of_a_trail(check: Check[Trail], listed: dict[str, Any], status: str) -> None:
    assert judge(check, trail(**listed), HOLDER).status == status


@pytest.mark.parametrize(
    ("status", "expected", "because"),
    [
        (ON, "pass", ""),
        ({"IsLogging": False}, "fail", "the trail is off"),
        ({"IsLogging": True}, "fail", "nothing was ever delivered"),
        (
            ON | {"LatestDeliveryError": "AccessDenied"},
            "fail",
            "the last delivery failed: AccessDenied",
        ),
        (
            ON | {"LatestDeliveryTime": "2026-11-20T08:00:00+00:00"},
            "fail",
            "last delivered 2026-11-20 08:00 UTC, limit 24 hours",
        ),
    ],
)
def test_delivery_healthy(status: dict[str, Any], expected: str, because: str) -> None:
    verdict = judge(cloudtrail.delivery_healthy, trail(status=status), HOLDER)
    assert (verdict.status, verdict.because) == (expected, because)


@pytest.mark.parametrize(
    ("group", "status", "expected"),
    [
        ("", {}, "fail"),
        ("arn:g", {}, "fail"),
        ("arn:g", {"LatestCloudWatchLogsDeliveryTime": "2026-11-24T08:00:00+00:00"}, "pass"),
        ("arn:g", {"LatestCloudWatchLogsDeliveryTime": "2026-11-22T08:00:00+00:00"}, "fail"),
        ("arn:g", {"LatestCloudWatchLogsDeliveryError": "Throttled"}, "fail"),
    ],
)
def test_cloudwatch_logs_integrated(group: str, status: dict[str, Any], expected: str) -> None:
    given = trail(status=ON | status, CloudWatchLogsLogGroupArn=group)
    assert judge(cloudtrail.cloudwatch_logs_integrated, given, HOLDER).status == expected


@pytest.mark.parametrize(
    ("insights", "status"),
    [
        (["ApiCallRateInsight", "ApiErrorRateInsight"], "pass"),
        (["ApiCallRateInsight"], "fail"),
        (Absent("InsightNotEnabledException"), "fail"),
        (Unread("AccessDeniedException", "cloudtrail:GetInsightSelectors"), "unknown"),
    ],
)
def test_insights_enabled(insights: object, status: str) -> None:
    given = Trail(id=trail().id, listed={}, facts={"insights": insights})
    assert judge(cloudtrail.insights_enabled, given, HOLDER).status == status


def bucket(**facts: object) -> Bucket:
    facts = {
        "access_block": dict.fromkeys(SETTINGS, True),
        "policy_is_public": False,
        "logging": {"TargetBucket": "acme-logs"},
        "object_lock": Absent("none"),
        "lifecycle": Absent("none"),
        "tagged": {},
    } | facts
    return Bucket(id="acme-trail", scope="eu-central-1", listed={"Name": "acme-trail"}, facts=facts)


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "pass"),
        ({"policy_is_public": True}, "fail"),
        ({"access_block": Absent("none")}, "fail"),
        ({"access_block": Unread("AccessDenied", "s3:GetBucketPublicAccessBlock")}, "unknown"),
    ],
)
def test_bucket_not_public(facts: dict[str, object], status: str) -> None:
    given = bucket(**facts)
    assert judge(cloudtrail_buckets.bucket_not_public, trail(), HOLDER, given).status == status


def test_a_bucket_of_another_account_is_judged_where_it_is() -> None:
    check = cloudtrail_buckets.bucket_not_public
    assert judge(check, trail(IsOrganizationTrail=True), HOLDER).status == "not_applicable"
    own = judge(check, trail(), HOLDER)
    assert (own.status, own.cause) == ("unknown", Cause.PARTIAL)
    held = trail(owner=OTHER, IsOrganizationTrail=True)
    assert judge(check, held, HOLDER, bucket()).status == "pass"


@pytest.mark.parametrize(("logged", "status"), [({"TargetBucket": "x"}, "pass"), (None, "fail")])
def test_bucket_access_logged(logged: object, status: str) -> None:
    given = bucket(logging=logged)
    assert judge(cloudtrail_buckets.bucket_access_logged, trail(), HOLDER, given).status == status


def rule(days: int, **more: Any) -> dict[str, Any]:
    return {"ID": "r", "Status": "Enabled", "Expiration": {"Days": days}} | more


def lock(days: int) -> dict[str, Any]:
    return {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": days}},
    }


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "pass"),
        ({"lifecycle": [rule(400)]}, "pass"),
        ({"lifecycle": [rule(90)]}, "fail"),
        ({"lifecycle": [rule(90)], "object_lock": lock(400)}, "pass"),
        ({"lifecycle": [rule(90)], "object_lock": lock(30)}, "fail"),
        ({"lifecycle": [rule(90, Filter={"Prefix": "own/"})]}, "pass"),
        ({"lifecycle": [rule(90, Filter={"And": {"Prefix": "AWSLogs/1/"}})]}, "fail"),
        ({"lifecycle": [rule(90, Status="Disabled")]}, "pass"),
        ({"lifecycle": [rule(90, Expiration={"Date": "2027-01-01"})]}, "fail"),
        ({"lifecycle": [rule(90, Expiration={"ExpiredObjectDeleteMarker": True})]}, "pass"),
    ],
)
def test_bucket_retention(facts: dict[str, object], status: str) -> None:
    given = bucket(**facts)
    assert judge(cloudtrail_buckets.bucket_retention, trail(), HOLDER, given).status == status


def test_s3_data_events() -> None:
    check = cloudtrail_buckets.s3_data_events
    classes = ["class=secret"]
    tags = [{"Key": "class", "Value": "secret"}]
    whole = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
    taking = {
        "EventSelectors": [{"ReadWriteType": "All", "DataResources": [whole]}],
        "AdvancedEventSelectors": [],
    }
    secret = bucket(tags=tags)
    assert judge(check, secret, trail(selectors=taking), classified=classes).status == "pass"
    assert judge(check, secret, trail(), classified=classes).status == "fail"
    assert judge(check, bucket(tags=[]), trail(), classified=classes).status == "not_applicable"


def test_a_trail_is_taken_where_it_is_at_home_or_first_seen(double: Double) -> None:
    def row(name: str, home: str) -> dict[str, Any]:
        arn = f"arn:aws:cloudtrail:{home}:{NUMBER}:trail/{name}"
        return {"Name": name, "TrailARN": arn, "HomeRegion": home}

    shown = [row("a", "eu-central-1"), row("b", "us-east-1"), row("c", "me-south-1")]
    regions = "".join(
        f"<item><regionName>{name}</regionName><optInStatus>opted-in</optInStatus></item>"
        for name in ("eu-central-1", "us-east-1")
    )
    body = f"<R><regionInfo>{regions}</regionInfo></R>"
    double.script = {
        "DescribeRegions": [Answer(body=body)],
        "DescribeTrails": [Answer(body=json.dumps({"trailList": shown}))],
    }
    target = AwsConnection("prod", endpoint_url=double.url).open(caller())
    found = {
        region: [each.listed["Name"] for each in cloudtrail.trails(target.within(region))]
        for region in ("eu-central-1", "us-east-1")
    }
    assert found == {"eu-central-1": ["a", "c"], "us-east-1": ["b"]}
