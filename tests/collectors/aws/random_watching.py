"""Makers of random accounts for the services that guard keys and watch an account."""

from __future__ import annotations

import json

from tests.collectors.aws.random_account import RandomAccount

OWNER = "arn:aws:iam::123456789012:root"
ADMINISTRATOR = "arn:aws:iam::123456789012:role/keys"
SERVICE = "arn:aws:iam::123456789012:role/app"


def kms_keys(account: RandomAccount) -> None:
    """Keys with policies by chance: public, separated, or in one hand; some about to go."""
    for region in account.regions:
        api = account.client("kms", region)
        for _ in range(account.size):
            rotates, public, ending = account.flip(), account.flip(0.3), account.flip(0.3)
            symmetric, apart = account.flip(0.7), account.flip()
            made = api.create_key(
                Policy=_key_policy(public=public, apart=apart),
                KeySpec="SYMMETRIC_DEFAULT" if symmetric else "RSA_2048",
                KeyUsage="ENCRYPT_DECRYPT",
            )["KeyMetadata"]["Arn"]
            if rotates and symmetric:
                api.enable_key_rotation(KeyId=made)
            if ending:
                # The simulation takes the id alone here, not the ARN.
                api.schedule_key_deletion(KeyId=made.rpartition("/")[2], PendingWindowInDays=7)
            account.expect(
                "aws.kms.cmk_rotation_enabled",
                made,
                rotates if symmetric and not ending else "not_applicable",
            )
            account.expect("aws.kms.key_policy_not_public", made, not public)
            account.expect("aws.kms.no_unplanned_key_deletion", made, not ending)
            account.expect("aws.kms.admin_and_user_separated", made, apart)
        account.pages("ListKeys", account.size)
        account.pages("ListAliases", account.size, 100)
        for call in ("DescribeKey", "GetKeyRotationStatus", "GetKeyPolicy"):
            account.least[call] += account.size


def _key_policy(*, public: bool, apart: bool) -> str:
    users = [SERVICE] if apart else [SERVICE, ADMINISTRATOR]
    rows = [
        _allow(OWNER, "kms:*"),
        _allow(ADMINISTRATOR, ["kms:Put*", "kms:Schedule*", "kms:Describe*"]),
        _allow(users, ["kms:Decrypt", "kms:GenerateDataKey"]),
        *([_allow("*", "kms:Encrypt")] if public else []),
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": rows})


def _allow(who: object, what: object) -> dict[str, object]:
    return {"Effect": "Allow", "Principal": {"AWS": who}, "Action": what, "Resource": "*"}


def trails(account: RandomAccount) -> None:
    """A trail in each region, made and started by chance, each with a bucket of its own."""
    watched = led = False
    for region in account.regions:
        api = account.client("cloudtrail", region)
        good = {
            "log_file_validation": account.flip(),
            "kms_encrypted": account.flip(),
            "insights_enabled": account.flip(),
        }
        everywhere, whole, on = account.flip(), account.flip(0.3), account.flip(0.7)
        events = account.chance.choice(["All", "WriteOnly"])
        name = f"acme-trail-{account.number}-{region}"
        _trail_bucket(account, name)
        arn = api.create_trail(
            Name=name,
            S3BucketName=name,
            IsMultiRegionTrail=everywhere,
            IncludeGlobalServiceEvents=True,
            IsOrganizationTrail=whole,
            EnableLogFileValidation=good["log_file_validation"],
            **({"KmsKeyId": "alias/trail"} if good["kms_encrypted"] else {}),
        )["TrailARN"]
        selector = {"ReadWriteType": events, "IncludeManagementEvents": True, "DataResources": []}
        api.put_event_selectors(TrailName=name, EventSelectors=[selector])
        if good["insights_enabled"]:
            kinds = ["ApiCallRateInsight", "ApiErrorRateInsight"]
            rows = [{"InsightType": kind} for kind in kinds]
            api.put_insight_selectors(TrailName=name, InsightSelectors=rows)
        if on:
            api.start_logging(Name=name)
        for check, holds in good.items():
            account.expect(f"aws.cloudtrail.{check}", arn, holds)
        account.expect("aws.cloudtrail.delivery_healthy", arn, on)
        account.expect("aws.cloudtrail.cloudwatch_logs_integrated", arn, good=False)
        watched = watched or (everywhere and on and events == "All")
        led = led or (whole and on)
        for check in ("bucket_not_public", "bucket_access_logged", "bucket_retention"):
            status = account.expected[f"aws.cloudtrail.{check}", name]
            del account.expected[f"aws.cloudtrail.{check}", name]
            account.expect(f"aws.cloudtrail.{check}", arn, status)
        for call in ("GetTrailStatus", "GetEventSelectors", "GetInsightSelectors"):
            account.least[call] += 1
        account.pages("DescribeTrails", 1)
    account.expect("aws.cloudtrail.multi_region_enabled", account.number, watched)
    account.expect("aws.cloudtrail.organization_trail", account.number, led)


def _trail_bucket(account: RandomAccount, name: str) -> None:
    """A bucket for a trail; what was made of it is expected under the bucket's name."""
    api = account.client("s3", "us-east-1")
    api.create_bucket(Bucket=name)
    closed, logged, kept = account.flip(), account.flip(), account.flip()
    if closed:
        settings = (
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        )
        api.put_public_access_block(
            Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(settings, True)
        )
    if logged:
        policy = [
            {
                "Effect": "Allow",
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{name}/*",
            }
        ]
        api.put_bucket_policy(Bucket=name, Policy=json.dumps({"Statement": policy}))
        api.put_bucket_logging(
            Bucket=name,
            BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": name, "TargetPrefix": "own/"}},
        )
    if not kept:
        rule = {
            "ID": "short",
            "Status": "Enabled",
            "Filter": {"Prefix": "AWSLogs/"},
            "Expiration": {"Days": 90},
        }
        api.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration={"Rules": [rule]}
        )
    account.expect("aws.cloudtrail.bucket_not_public", name, closed)
    account.expect("aws.cloudtrail.bucket_access_logged", name, logged)
    account.expect("aws.cloudtrail.bucket_retention", name, kept)


WATCHING = (kms_keys, trails)
"""Everything above."""
