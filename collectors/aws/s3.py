"""Amazon S3: the buckets of an account and what is set on them; the questions stand in `s3_*`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from collectors import CallError, Collector, FactUnknown, Resource, fact
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        BucketTypeDef,
        LifecycleRuleOutputTypeDef,
        LoggingEnabledOutputTypeDef,
        ObjectLockConfigurationTypeDef,
        PublicAccessBlockConfigurationTypeDef,
        ReplicationConfigurationOutputTypeDef,
        ServerSideEncryptionRuleOutputTypeDef,
    )
    from mypy_boto3_s3control import S3ControlClient
    from mypy_boto3_s3control.type_defs import (
        AccessPointTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        GetAccessPointResultTypeDef,
    )

s3 = Collector("aws.s3", title="Amazon S3 buckets and access points", reads_from="s3")

PAGE = 1000
"""Buckets a page. A request without any parameter is answered without the buckets' regions."""


class Bucket(Resource["BucketTypeDef"], kind="aws.s3.bucket"):
    """A general purpose bucket; its id is its name, its scope its region."""

    @property
    def arn(self) -> str:
        """Its ARN, in the partition its region belongs to."""
        return f"arn:{partition_of(self.scope)}:s3:::{self.id}"

    @property
    def tagged(self) -> Mapping[str, str]:
        """Its tags; empty where it has none."""
        return {tag["Key"]: tag["Value"] for tag in self.tags or []}

    @fact("s3:GetBucketPublicAccessBlock", absent="NoSuchPublicAccessBlockConfiguration")
    def access_block(self, api: S3Client) -> PublicAccessBlockConfigurationTypeDef | None:
        """The bucket's own Block Public Access settings; the account's come on top."""
        return api.get_public_access_block(Bucket=self.id)["PublicAccessBlockConfiguration"]

    @fact("s3:GetBucketPolicy", absent="NoSuchBucketPolicy")
    def policy(self, api: S3Client) -> str | None:
        """The bucket policy, as JSON text."""
        return api.get_bucket_policy(Bucket=self.id)["Policy"]

    @fact("s3:GetBucketPolicyStatus", absent="NoSuchBucketPolicy")
    def policy_is_public(self, api: S3Client) -> bool | None:
        """What S3 itself says of the policy ("The meaning of public" in its user guide)."""
        if _told(lambda: self.policy is None):
            return None
        return api.get_bucket_policy_status(Bucket=self.id)["PolicyStatus"]["IsPublic"]

    @fact("s3:GetBucketOwnershipControls", absent="OwnershipControlsNotFoundError")
    def ownership(self, api: S3Client) -> str | None:
        """Who owns uploaded objects; BucketOwnerEnforced turns ACLs off."""
        answer = api.get_bucket_ownership_controls(Bucket=self.id)
        return answer["OwnershipControls"]["Rules"][0]["ObjectOwnership"]

    @fact("s3:GetEncryptionConfiguration", absent="ServerSideEncryptionConfigurationNotFoundError")
    def encryption(self, api: S3Client) -> list[ServerSideEncryptionRuleOutputTypeDef] | None:
        """The default encryption of new objects; S3 sets one on every bucket since 2023."""
        answer = api.get_bucket_encryption(Bucket=self.id)
        return answer["ServerSideEncryptionConfiguration"]["Rules"]

    @fact("s3:GetBucketVersioning")
    def versioning(self, api: S3Client) -> Mapping[str, str]:
        """`Status` and `MFADelete`; both are left out where versioning was never on."""
        return cast("Mapping[str, str]", api.get_bucket_versioning(Bucket=self.id))

    @property
    def never_versioned(self) -> bool:
        """Whether versioning was never on: then S3 allows neither object lock nor replication.

        Nor can versioning be suspended while a bucket has either.
        """
        return _told(lambda: "Status" not in self.versioning)

    @fact("s3:GetBucketObjectLockConfiguration", absent="ObjectLockConfigurationNotFoundError")
    def object_lock(self, api: S3Client) -> ObjectLockConfigurationTypeDef | None:
        """Write-once protection, and the default retention of new objects."""
        if self.never_versioned:
            return None
        return api.get_object_lock_configuration(Bucket=self.id)["ObjectLockConfiguration"]

    @fact("s3:GetLifecycleConfiguration", absent="NoSuchLifecycleConfiguration")
    def lifecycle(self, api: S3Client) -> list[LifecycleRuleOutputTypeDef] | None:
        """The rules by which objects are moved and deleted."""
        return api.get_bucket_lifecycle_configuration(Bucket=self.id)["Rules"]

    @fact("s3:GetReplicationConfiguration", absent="ReplicationConfigurationNotFoundError")
    def replication(self, api: S3Client) -> ReplicationConfigurationOutputTypeDef | None:
        """Where new objects are copied."""
        if self.never_versioned:
            return None
        return api.get_bucket_replication(Bucket=self.id)["ReplicationConfiguration"]

    @fact("s3:GetBucketLogging")
    def logging(self, api: S3Client) -> LoggingEnabledOutputTypeDef | None:
        """Where server access logs go."""
        return api.get_bucket_logging(Bucket=self.id).get("LoggingEnabled")

    @fact("s3:GetBucketTagging", absent="NoSuchTagSet")
    def tags(self, api: S3Client) -> list[dict[str, str]] | None:
        """Its tags."""
        return cast("list[dict[str, str]]", api.get_bucket_tagging(Bucket=self.id)["TagSet"])


class AccessPoint(Resource["AccessPointTypeDef"], kind="aws.s3.access_point"):
    """An access point: another door to a bucket, with its own policy and settings."""

    @fact("s3:GetAccessPoint", reads_from="s3control")
    def details(self, api: S3ControlClient) -> GetAccessPointResultTypeDef:
        """Where it leads, and its Block Public Access settings, which are fixed when made."""
        arn = self.listed["AccessPointArn"]
        return api.get_access_point(AccountId=arn.split(":")[4], Name=self.listed["Name"])


@s3.resources(Bucket, permission="s3:ListAllMyBuckets")
def buckets(target: AwsTarget) -> Iterator[Bucket]:
    """All general purpose buckets of all regions."""
    for row in target.pages("s3", "list_buckets", "Buckets", MaxBuckets=PAGE):
        yield Bucket(
            id=row["Name"], scope=row.get("BucketRegion") or _region(target, row), listed=row
        )


@s3.resources(AccessPoint, permission=("s3:ListAccessPoints", "ec2:DescribeRegions"))
def access_points(target: AwsTarget) -> Iterator[AccessPoint]:
    """The access points of every region that is on; one refused region leaves the others."""
    number = target.identify().subject
    seen: set[str] = set()
    refused: CallError | None = None
    for region in target.regions():
        listed = target.pages(
            "s3control", "list_access_points", "AccessPointList", scope=region, AccountId=number
        )
        try:
            for row in listed:
                arn = row["AccessPointArn"]
                if arn not in seen:
                    seen.add(arn)
                    yield AccessPoint(id=arn, scope=arn.split(":")[3], listed=row)
        except CallError as error:
            refused = refused or error
    if refused:
        raise refused


def _told(says: Callable[[], bool]) -> bool:
    """Whether a fact that was asked before says so; False where it could not be read."""
    with suppress(FactUnknown):
        return says()
    return False


def _region(target: AwsTarget, row: BucketTypeDef) -> str:
    """Where a bucket is, of a store that does not say so in its list (AWS does since 2024)."""
    where = target.call("s3", "get_bucket_location", Bucket=row["Name"])["LocationConstraint"]
    # S3's first two regions have no name and an old one.
    return {"": "us-east-1", "EU": "eu-west-1"}.get(where or "", str(where))


def partition_of(region: str) -> str:
    """The partition a region belongs to, as ARNs name it."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
