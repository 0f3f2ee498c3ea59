"""AWS S3: the checks on hand-made documents, and the real calls over HTTP."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from collectors import Absent, Cause, Resource, Status, Unread
from collectors.aws import AwsConnection, s3_access, s3_keeping, s3_logging
from collectors.aws.account import Account, account
from collectors.aws.cloudtrail import Trail
from collectors.aws.s3 import AccessPoint, Bucket, partition_of, s3
from collectors.aws.s3_access import SETTINGS
from collectors.aws.session import reach_address
from collectors.judging import Check
from collectors.testing import Conformance, collect, judge
from tests.collectors.aws.double import Answer, Double, identity, s3_error

NUMBER = "123456789012"
OTHER = "999988887777"
NAME = "acme-invoices"
REGION = "eu-central-1"
ALL_ON = dict.fromkeys(SETTINGS, True)
HALF = ALL_ON | {"BlockPublicAcls": False}
DENIED = Unread("AccessDenied", "s3:Something")
NONE = Absent("NoSuchPublicAccessBlockConfiguration")
NO_POLICY = Absent("NoSuchBucketPolicy")
RECORDS = [{"Key": "class", "Value": "records"}]
TAGGED = ["class=records"]


def bucket(name: str = NAME, scope: str = REGION, **facts: object) -> Bucket:
    return Bucket(id=name, scope=scope, listed={"Name": name}, facts=facts)


def holder(block: object = NONE) -> Account:
    return Account(id=NUMBER, listed={"Account": NUMBER}, facts={"access_block": block})


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(principal: object, **more: object) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{NAME}/*"
    basic = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": arn}
    return basic | {"Principal": principal} | more


def tls(*resources: str, **more: object) -> dict[str, Any]:
    basic = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources}
    return basic | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}} | more


def test_all_questions_about_s3_belong_to_one_collector() -> None:
    assert len(s3.checks) == 15
    modules = {module.__name__ for module in (s3_access, s3_keeping, s3_logging)}
    assert {check.ask.__module__ for check in s3.checks} == modules


@pytest.mark.parametrize(
    ("block", "status", "because"),
    [
        (ALL_ON, "pass", ""),
        (HALF, "fail", "off: BlockPublicAcls"),
        ({}, "fail", f"off: {', '.join(SETTINGS)}"),
        (NONE, "fail", f"off: {', '.join(SETTINGS)}"),
        (DENIED, "unknown", "AccessDenied; needs s3:Something"),
    ],
)
def test_account_public_access_blocked(block: object, status: str, because: str) -> None:
    verdict = judge(s3_access.account_public_access_blocked, holder(block))
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("own", "accounts", "status", "because"),
    [
        (ALL_ON, NONE, "pass", ""),
        (NONE, ALL_ON, "pass", ""),
        (HALF, {"BlockPublicAcls": True}, "pass", ""),
        (HALF, NONE, "fail", "off: BlockPublicAcls"),
        (NONE, NONE, "fail", f"off: {', '.join(SETTINGS)}"),
        (ALL_ON, DENIED, "pass", ""),
        (DENIED, ALL_ON, "pass", ""),
        (HALF, DENIED, "unknown", "AccessDenied; needs s3:Something"),
        (DENIED, NONE, "unknown", "AccessDenied; needs s3:Something"),
    ],
)
def test_bucket_public_access_blocked(
    own: object, accounts: object, status: str, because: str
) -> None:
    check = s3_access.bucket_public_access_blocked
    verdict = judge(check, bucket(access_block=own), holder(accounts))
    assert (verdict.status, verdict.because) == (status, because)


def test_without_the_account_a_bucket_that_is_not_blocked_is_unknown() -> None:
    verdict = judge(s3_access.bucket_public_access_blocked, bucket(access_block=HALF))
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.PARTIAL)


@pytest.mark.parametrize(
    ("public", "status"),
    [(True, "fail"), (False, "pass"), (NO_POLICY, "pass"), (DENIED, "unknown")],
)
def test_bucket_policy_not_public(public: object, status: str) -> None:
    verdict = judge(s3_access.bucket_policy_not_public, bucket(policy_is_public=public))
    assert verdict.status == status


@pytest.mark.parametrize(
    ("ownership", "status"),
    [
        ("BucketOwnerEnforced", "pass"),
        ("BucketOwnerPreferred", "fail"),
        ("ObjectWriter", "fail"),
        (Absent("OwnershipControlsNotFoundError"), "fail"),
        (DENIED, "unknown"),
    ],
)
def test_bucket_acl_disabled(ownership: object, status: str) -> None:
    assert judge(s3_access.bucket_acl_disabled, bucket(ownership=ownership)).status == status


ORG = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}


@pytest.mark.parametrize(
    ("document", "approved", "status", "because"),
    [
        (NO_POLICY, [], "pass", "no bucket policy"),
        (policy(allow({"AWS": f"arn:aws:iam::{NUMBER}:root"})), [], "pass", ""),
        (policy(allow({"Service": "logging.s3.amazonaws.com"})), [], "pass", ""),
        (policy(allow({"AWS": OTHER})), [], "fail", f"not approved: {OTHER}"),
        (policy(allow({"AWS": OTHER})), [OTHER], "pass", ""),
        (policy(allow("*")), [OTHER], "fail", "not approved: *"),
        (policy(allow("*", Condition=ORG)), ["aws:PrincipalOrgID o-a1b2c3"], "pass", ""),
        (DENIED, [], "unknown", "AccessDenied; needs s3:Something"),
        ("no json", [], "unknown", "a policy document is no JSON"),
    ],
)
def test_bucket_cross_account_approved(
    document: object, approved: list[str], status: str, because: str
) -> None:
    check = s3_access.bucket_cross_account_approved
    verdict = judge(check, bucket(policy=document), holder(), approved=approved)
    assert (verdict.status, verdict.because) == (status, because)


ARN = f"arn:aws:s3:::{NAME}"


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (policy(tls(ARN, f"{ARN}/*")), "pass"),
        (policy(tls("*")), "pass"),
        (policy(tls(ARN), tls(f"{ARN}/*")), "pass"),
        (policy(tls(f"{ARN}/*")), "fail"),
        (policy(tls(ARN, f"{ARN}/*", Action="s3:GetObject")), "fail"),
        (policy(tls(ARN, f"{ARN}/*", Principal={"AWS": OTHER})), "fail"),
        (policy(tls("arn:aws:s3:::another", "arn:aws:s3:::another/*")), "fail"),
        (NO_POLICY, "fail"),
        (DENIED, "unknown"),
    ],
)
def test_bucket_tls_only(document: object, status: str) -> None:
    assert judge(s3_access.bucket_tls_only, bucket(policy=document)).status == status


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-east-1", "aws-us-gov")],
)
def test_a_bucket_has_the_arn_of_its_partition(region: str, partition: str) -> None:
    assert partition_of(region) == partition
    arn = f"arn:{partition}:s3:::{NAME}"
    found = bucket(scope=region, policy=policy(tls(arn, f"{arn}/*")))
    assert judge(s3_access.bucket_tls_only, found).status is Status.PASS


@pytest.mark.parametrize(
    ("tags", "status", "because"),
    [
        ([{"Key": "classification", "Value": "internal"}], "pass", ""),
        (
            [{"Key": "classification", "Value": "x"}],
            "fail",
            "classification is x, which is no allowed value",
        ),
        ([{"Key": "Classification", "Value": "internal"}], "fail", "no tag classification"),
        (Absent("NoSuchTagSet"), "fail", "no tag classification"),
        (DENIED, "unknown", "AccessDenied; needs s3:Something"),
    ],
)
def test_bucket_classification_tag(tags: object, status: str, because: str) -> None:
    check = s3_access.bucket_classification_tag
    verdict = judge(check, bucket(tags=tags), allowed=["internal", "public"])
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("details", "status"),
    [
        ({"PublicAccessBlockConfiguration": ALL_ON}, "pass"),
        ({"PublicAccessBlockConfiguration": HALF}, "fail"),
        ({}, "fail"),
        (DENIED, "unknown"),
    ],
)
def test_access_point_public_block(details: object, status: str) -> None:
    point = AccessPoint(id="arn", listed={}, facts={"details": details})  # type: ignore[typeddict-item]
    assert judge(s3_access.access_point_public_block, point).status == status


def encrypted(*algorithms: str) -> list[dict[str, Any]]:
    return [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": a}} for a in algorithms]


@pytest.mark.parametrize(
    ("rules", "bound", "status", "because"),
    [
        (encrypted("aws:kms"), {}, "pass", ""),
        (encrypted("aws:kms:dsse"), {}, "pass", ""),
        (encrypted("AES256"), {}, "fail", "AES256, demanded aws:kms"),
        (encrypted("AES256"), {"algorithm": "AES256"}, "pass", ""),
        (encrypted("aws:kms"), {"algorithm": "aws:kms:dsse"}, "fail",
         "aws:kms, demanded aws:kms:dsse"),
        ([{"BucketKeyEnabled": True}], {}, "fail",
         "no default encryption is set, demanded aws:kms"),
        (Absent("ServerSideEncryptionConfigurationNotFoundError"), {}, "fail",
         "no default encryption is set, demanded aws:kms"),
        (DENIED, {}, "unknown", "AccessDenied; needs s3:Something"),
    ],
)  # fmt: skip
def test_bucket_default_encryption_kms(
    rules: object, bound: dict[str, object], status: str, because: str
) -> None:
    verdict = judge(s3_keeping.bucket_default_encryption_kms, bucket(encryption=rules), **bound)
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("versioning", "status"),
    [
        ({"Status": "Enabled"}, "pass"),
        ({"Status": "Suspended"}, "fail"),
        ({}, "fail"),
        (DENIED, "unknown"),
    ],
)
def test_bucket_versioning_enabled(versioning: object, status: str) -> None:
    check = s3_keeping.bucket_versioning_enabled
    assert judge(check, bucket(versioning=versioning)).status == status


@pytest.mark.parametrize(
    ("tags", "versioning", "status"),
    [
        (RECORDS, {"Status": "Enabled", "MFADelete": "Enabled"}, "pass"),
        (RECORDS, {"Status": "Enabled", "MFADelete": "Disabled"}, "fail"),
        (RECORDS, {}, "fail"),
        (RECORDS, DENIED, "unknown"),
        ([], {}, "not_applicable"),
        (DENIED, {"MFADelete": "Enabled"}, "unknown"),
    ],
)
def test_bucket_mfa_delete(tags: object, versioning: object, status: str) -> None:
    found = bucket(tags=tags, versioning=versioning)
    assert judge(s3_keeping.bucket_mfa_delete, found, records=TAGGED).status == status


def lock(**retention: object) -> dict[str, Any]:
    return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}


@pytest.mark.parametrize(
    ("found", "bound", "status", "because"),
    [
        (lock(Mode="COMPLIANCE", Days=90), {}, "pass", ""),
        (lock(Mode="COMPLIANCE", Days=89), {}, "fail", "kept 89 days, demanded 90 days"),
        (lock(Mode="COMPLIANCE", Years=1), {}, "pass", ""),
        (lock(Mode="GOVERNANCE", Days=90), {}, "fail",
         "default mode is GOVERNANCE, demanded COMPLIANCE"),
        (lock(Mode="GOVERNANCE", Days=90), {"mode": "GOVERNANCE"}, "pass", ""),
        (lock(Mode="COMPLIANCE", Days=90), {"mode": "GOVERNANCE"}, "pass", ""),
        (lock(Mode="COMPLIANCE", Days=90), {"mode": "strict"}, "unknown",
         "no such lock mode: strict"),
        ({"ObjectLockEnabled": "Enabled"}, {}, "fail",
         "default mode is not set, demanded COMPLIANCE"),
        (Absent("ObjectLockConfigurationNotFoundError"), {}, "fail", "object lock is off"),
        (DENIED, {}, "unknown", "AccessDenied; needs s3:Something"),
    ],
)  # fmt: skip
def test_bucket_object_lock(
    found: object, bound: dict[str, object], status: str, because: str
) -> None:
    check = s3_keeping.bucket_object_lock
    of = bucket(tags=RECORDS, object_lock=found)
    verdict = judge(check, of, records=TAGGED, retention=90, **bound)
    assert (verdict.status, verdict.because) == (status, because)
    verdict = judge(check, bucket(tags=[], object_lock=found), records=TAGGED, retention=90)
    assert verdict.status is Status.NOT_APPLICABLE


def rule(days: int = 0, old: int = 0, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"Status": "Enabled", "Filter": {"Prefix": ""}}
    if days:
        made["Expiration"] = {"Days": days}
    if old:
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": old}
    return made | more


ON = {"Status": "Enabled"}
KEEPS_SOME = {"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 3}}


@pytest.mark.parametrize(
    ("rules", "versioning", "status", "because"),
    [
        ([rule(30)], {}, "pass", ""),
        ([rule(31)], {}, "fail", "deleted after 31 days, limit 30 days"),
        ([rule(20, 10)], ON, "pass", ""),
        ([rule(20), rule(old=10)], ON, "pass", ""),
        ([rule(20, 11)], ON, "fail", "deleted after 31 days, limit 30 days"),
        ([rule(20)], ON, "fail", "nothing expires old versions, limit 30 days"),
        ([rule(20)], {"Status": "Suspended"}, "fail",
         "nothing expires old versions, limit 30 days"),
        ([rule(20, **KEEPS_SOME)], ON, "fail", "nothing expires old versions, limit 30 days"),
        ([rule(20, Status="Disabled")], {}, "fail", "nothing expires objects, limit 30 days"),
        ([rule(20, Filter={"Prefix": "tmp/"})], {}, "fail",
         "nothing expires objects, limit 30 days"),
        ([rule(20, Filter={"Tag": {"Key": "a", "Value": "b"}})], {}, "fail",
         "nothing expires objects, limit 30 days"),
        ([rule(20, Filter={})], {}, "pass", ""),
        ([{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 9}}], {}, "pass", ""),
        ([{"Status": "Enabled", "Prefix": "a", "Expiration": {"Days": 9}}], {}, "fail",
         "nothing expires objects, limit 30 days"),
        (Absent("NoSuchLifecycleConfiguration"), {}, "fail",
         "nothing expires objects, limit 30 days"),
        (DENIED, {}, "unknown", "AccessDenied; needs s3:Something"),
        ([rule(20, 10)], DENIED, "unknown", "AccessDenied; needs s3:Something"),
    ],
)  # fmt: skip
def test_bucket_lifecycle_expiration(
    rules: object, versioning: object, status: str, because: str
) -> None:
    found = bucket(tags=RECORDS, lifecycle=rules, versioning=versioning)
    check = s3_keeping.bucket_lifecycle_expiration
    verdict = judge(check, found, classes=["class=records: 30", "class=logs: 1"])
    assert (verdict.status, verdict.because) == (status, because)


def test_a_bucket_without_retention_class_and_a_class_that_cannot_be_read() -> None:
    check = s3_keeping.bucket_lifecycle_expiration
    untagged = judge(check, bucket(tags=Absent("NoSuchTagSet")), classes=["class=records: 30"])
    assert untagged.status is Status.NOT_APPLICABLE
    wrong = judge(check, bucket(tags=RECORDS), classes=["records 30"])
    assert (wrong.status, wrong.cause) == (Status.UNKNOWN, Cause.CRITERION_MISSING)


def copied(*goals: str, **more: object) -> dict[str, Any]:
    rules = [
        {"Status": "Enabled", "Filter": {}, "Destination": {"Bucket": f"arn:aws:s3:::{goal}"}}
        | more
        for goal in goals
    ]
    return {"Role": "arn", "Rules": rules}


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (copied("far"), "pass"),
        (copied("foreign"), "pass"),
        (copied("near", "far"), "pass"),
        (copied("near"), "fail"),
        (copied("far", Status="Disabled"), "fail"),
        (copied("far", Filter={"Prefix": "a/"}), "fail"),
        (Absent("ReplicationConfigurationNotFoundError"), "fail"),
        (DENIED, "unknown"),
    ],
)
def test_bucket_replication(found: object, status: str) -> None:
    critical = bucket(tags=RECORDS, replication=found)
    others = (critical, bucket("far", "eu-west-1"), bucket("near", REGION))
    check = s3_keeping.bucket_replication
    assert judge(check, critical, *others, critical=TAGGED).status == status
    verdict = judge(check, bucket(tags=[], replication=found), *others, critical=TAGGED)
    assert verdict.status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("check", "criterion"),
    [
        (s3_access.bucket_cross_account_approved, "approved"),
        (s3_access.bucket_classification_tag, "allowed"),
        (s3_keeping.bucket_mfa_delete, "records"),
        (s3_keeping.bucket_object_lock, "retention"),
        (s3_keeping.bucket_lifecycle_expiration, "classes"),
        (s3_keeping.bucket_replication, "critical"),
    ],
)
def test_lists_of_the_organisation_have_no_default(check: Check[Bucket], criterion: str) -> None:
    verdict = judge(check, bucket())
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.CRITERION_MISSING)
    assert criterion in verdict.because


def trail(
    basic: list[dict[str, Any]] | None = None,
    advanced: list[dict[str, Any]] | None = None,
    *,
    logging: object = True,
    home: str = REGION,
    everywhere: bool = False,
) -> Trail:
    fields = [{"FieldSelectors": advanced}] if advanced else []
    selectors = {"EventSelectors": basic or [], "AdvancedEventSelectors": fields}
    return Trail(
        id=f"arn:{home}",
        listed={"HomeRegion": home, "IsMultiRegionTrail": everywhere},
        facts={
            "status": {"IsLogging": logging} if isinstance(logging, bool) else logging,
            "selectors": selectors,
        },
    )


def objects(*values: str, kind: str = "AWS::S3::Object", how: str = "All") -> list[dict[str, Any]]:
    return [{"ReadWriteType": how, "DataResources": [{"Type": kind, "Values": list(values)}]}]


def fields(**arn: list[str]) -> list[dict[str, Any]]:
    return [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        *([{"Field": "resources.ARN"} | arn] if arn else []),
    ]


READ_ONLY = {"Field": "readOnly", "Equals": ["true"]}
UNREAD_TRAIL = Trail(
    id="arn:unread",
    listed={"HomeRegion": REGION},
    facts={"status": {"IsLogging": True}, "selectors": Unread("AccessDenied", "cloudtrail:X")},
)


@pytest.mark.parametrize(
    ("trails", "status"),
    [
        ([], "fail"),
        ([trail(objects("arn:aws:s3"))], "pass"),
        ([trail(objects("arn:aws:s3:::"))], "pass"),
        ([trail(objects(f"{ARN}/"))], "pass"),
        ([trail(objects(f"{ARN}/part"))], "fail"),
        ([trail(objects("arn:aws:s3:::another/"))], "fail"),
        ([trail(objects("arn:aws:s3", how="WriteOnly"))], "fail"),
        ([trail(objects("arn:aws:lambda", kind="AWS::Lambda::Function"))], "fail"),
        ([trail(objects("arn:aws:s3"), logging=False)], "fail"),
        ([trail(objects("arn:aws:s3"), home="eu-west-1")], "fail"),
        ([trail(objects("arn:aws:s3"), home="eu-west-1", everywhere=True)], "pass"),
        ([trail(advanced=fields())], "pass"),
        ([trail(advanced=fields(StartsWith=[f"{ARN}/"]))], "pass"),
        ([trail(advanced=fields(StartsWith=[f"{ARN}/part"]))], "fail"),
        ([trail(advanced=fields(NotStartsWith=["arn:aws:s3:::another/"]))], "pass"),
        ([trail(advanced=fields(NotStartsWith=[f"{ARN}/part"]))], "fail"),
        ([trail(advanced=fields(NotStartsWith=["arn:aws:s3:::acme-"]))], "fail"),
        ([trail(advanced=fields(Equals=[f"{ARN}/one"]))], "fail"),
        ([trail(advanced=[*fields(), READ_ONLY])], "fail"),
        ([trail(advanced=fields()[:1])], "fail"),
        ([UNREAD_TRAIL], "unknown"),
        ([UNREAD_TRAIL, trail(advanced=fields())], "pass"),
        ([trail(objects("arn:aws:s3"), logging=DENIED)], "unknown"),
    ],
)
def test_bucket_access_logging_by_trail(trails: list[Trail], status: str) -> None:
    off = bucket(logging=Absent("none"))
    assert judge(s3_logging.bucket_access_logging, off, *trails).status == status


def test_bucket_access_logging_by_server_logs() -> None:
    check = s3_logging.bucket_access_logging
    goal = {"TargetBucket": "acme-logs", "TargetPrefix": ""}
    assert judge(check, bucket(logging=goal), UNREAD_TRAIL).status is Status.PASS
    assert judge(check, bucket(logging=DENIED)).status is Status.UNKNOWN
    assert judge(check, bucket(logging=DENIED), trail(advanced=fields())).status is Status.PASS


BOUND: dict[str, dict[str, object]] = {
    "aws.s3.bucket_cross_account_approved": {"approved": [OTHER]},
    "aws.s3.bucket_classification_tag": {"allowed": ["internal"]},
    "aws.s3.bucket_mfa_delete": {"records": TAGGED},
    "aws.s3.bucket_object_lock": {"records": TAGGED, "retention": 90},
    "aws.s3.bucket_lifecycle_expiration": {"classes": ["class=records: 30"]},
    "aws.s3.bucket_replication": {"critical": TAGGED},
}


def regions(*names: str) -> Answer:
    rows = "".join(
        f"<item><regionName>{name}</regionName><optInStatus>opted-in</optInStatus></item>"
        for name in names
    )
    body = f"<regionInfo>{rows}</regionInfo>"
    return Answer(body=f"<DescribeRegionsResponse>{body}</DescribeRegionsResponse>")


@pytest.fixture(scope="module")
def company(moto_server: str) -> Iterator[tuple[str, dict[tuple[str, str], str]]]:
    """Buckets made at random, and the verdicts their making implies."""
    reset(moto_server)
    given = {"aws_access_key_id": "AKIAREADER", "aws_secret_access_key": "testing"}
    api = boto3.client("s3", region_name="us-east-1", endpoint_url=moto_server, **given)
    expected: dict[tuple[str, str], str] = {}
    chance = random.Random(4711)  # noqa: S311 - reproducible test data
    for number in range(6):
        name = f"acme-bucket-{number}"
        region = chance.choice(["eu-west-1", "eu-central-1", "ap-southeast-2"])
        api.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        for check, good in decide(api, name, chance).items():
            expected[f"aws.s3.{check}", name] = "pass" if good else "fail"
    control = boto3.client("s3control", region_name="eu-west-1", endpoint_url=moto_server, **given)
    control.meta.events.register("before-sign.s3-control.*", reach_address)
    for point, block in (("closed", ALL_ON), ("open", HALF)):
        control.create_access_point(
            AccountId=NUMBER,
            Name=point,
            Bucket="acme-bucket-0",
            PublicAccessBlockConfiguration=block,
        )
    front = Double(moto_server)
    front.script = {"DescribeRegions": [regions("eu-west-1", "us-east-1")]}
    yield front.url, expected
    front.close()
    reset(moto_server)


def reset(url: str) -> None:
    request = urllib.request.Request(f"{url}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310 - loopback


def decide(api: Any, name: str, chance: random.Random) -> dict[str, bool]:
    good = {
        check: chance.random() < 0.5
        for check in (
            "bucket_public_access_blocked",
            "bucket_policy_not_public",
            "bucket_acl_disabled",
            "bucket_default_encryption_kms",
            "bucket_versioning_enabled",
            "bucket_classification_tag",
        )
    }
    block = ALL_ON if good["bucket_public_access_blocked"] else HALF
    # A public policy cannot be set while it is blocked, so it comes first.
    arn = f"arn:aws:s3:::{name}"
    public = allow("*", Resource=f"{arn}/*")
    if not good["bucket_policy_not_public"]:
        api.put_bucket_policy(Bucket=name, Policy=policy(public))
        good["bucket_tls_only"] = False
    elif good.setdefault("bucket_tls_only", chance.random() < 0.5):
        api.put_bucket_policy(Bucket=name, Policy=policy(tls(arn, f"{arn}/*")))
    api.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    owner = "BucketOwnerEnforced" if good["bucket_acl_disabled"] else "ObjectWriter"
    api.put_bucket_ownership_controls(
        Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": owner}]}
    )
    kind = "aws:kms" if good["bucket_default_encryption_kms"] else "AES256"
    api.put_bucket_encryption(
        Bucket=name, ServerSideEncryptionConfiguration={"Rules": encrypted(kind)}
    )
    if good["bucket_versioning_enabled"]:
        api.put_bucket_versioning(Bucket=name, VersioningConfiguration=ON)
    if good["bucket_classification_tag"]:
        tags = {"TagSet": [{"Key": "classification", "Value": "internal"}]}
        api.put_bucket_tagging(Bucket=name, Tagging=tags)
    return good


@pytest.fixture
def connection(
    company: tuple[str, dict[tuple[str, str], str]],
    credential: None,  # noqa: ARG001 - the environment
) -> AwsConnection:
    return AwsConnection("prod", endpoint_url=company[0])


class TestConformance(Conformance):
    collectors = (account, s3)
    bound = BOUND


def test_random_buckets_are_judged_as_they_were_made(
    company: tuple[str, dict[tuple[str, str], str]], connection: AwsConnection
) -> None:
    collected = collect(connection, (account, s3))
    assert [part for part in collected.parts if not part.complete] == []
    found = {key: verdict.status for key, verdict in collected.findings(bound=BOUND).items()}
    assert {key: found[key] for key in company[1]} == company[1]
    assert {"pass", "fail"} == set(company[1].values())
    points = {key[1]: found[key] for key in found if "access_point" in key[0]}
    assert {arn.rpartition("/")[2]: status for arn, status in points.items()} == {
        "closed": "pass",
        "open": "fail",
    }


@pytest.fixture
def scripted(double: Double) -> Double:
    """An account with one bucket, as AWS lists it: with its region, and no further answer."""
    row = f"<Bucket><Name>{NAME}</Name><BucketRegion>{REGION}</BucketRegion></Bucket>"
    double.script = {
        "GetCallerIdentity": [identity(NUMBER)],
        "DescribeRegions": [regions("eu-west-1")],
        r"GET /\?max-buckets": [
            Answer(
                body=f"<ListAllMyBucketsResult><Buckets>{row}</Buckets></ListAllMyBucketsResult>"
            )
        ],
        "accesspoint": [Answer(body="<ListAccessPointsResult/>")],
        "POST": [Answer(body='{"trailList": []}')],
        f"GET /{NAME}": [s3_error("AccessDenied", 403)],
    }
    return double


def facts_of(double: Double) -> dict[str, object]:
    collected = collect(AwsConnection("prod", endpoint_url=double.url), (s3,))
    found: list[Resource[Any]] = [r for r in collected.resources if isinstance(r, Bucket)]
    return dict(found[0].facts)


def test_a_bucket_is_asked_in_its_region_which_the_list_itself_names(scripted: Double) -> None:
    facts = facts_of(scripted)
    asked = scripted.asked(f"GET /{NAME}")
    assert {request.region for request in asked} == {REGION}
    assert len(asked) == len(facts) == 11
    assert scripted.asked("location") == []


def test_denied_facts_name_the_permission_that_reads_them(scripted: Double) -> None:
    for name, value in facts_of(scripted).items():
        assert isinstance(value, Unread), name
        assert value.cause is Cause.DENIED
        assert value.permission.startswith("s3:Get")


def test_a_bucket_that_vanished_meanwhile_is_unknown_not_unset(scripted: Double) -> None:
    scripted.script[f"GET /{NAME}"] = [s3_error("NoSuchBucket", 404)]
    for name, value in facts_of(scripted).items():
        assert value == Unread("NoSuchBucket", "", Cause.PARTIAL), name


def test_an_account_without_buckets_has_none_and_is_complete(scripted: Double) -> None:
    scripted.script[r"GET /\?max-buckets"] = [
        Answer(body="<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")
    ]
    collected = collect(AwsConnection("prod", endpoint_url=scripted.url), (s3,))
    assert collected.resources == []
    assert all(part.complete for part in collected.parts)


def test_a_region_that_refuses_leaves_the_access_points_of_the_others(
    double: Double, moto_server: str, connection: AwsConnection
) -> None:
    double.behind = moto_server
    double.script = {"accesspoint $": [s3_error("AccessDenied", 403), None]}
    refused = AwsConnection(connection.name, endpoint_url=double.url)
    collected = collect(refused, (s3,))
    parts = {part.kind: part for part in collected.parts}
    assert parts["aws.s3.access_point"].unread == Unread(
        "AccessDenied", "s3:ListAccessPoints, ec2:DescribeRegions"
    )
    assert parts["aws.s3.access_point"].collected == 2
    assert parts["aws.s3.bucket"].complete
