"""Amazon S3: is what the buckets hold encrypted, recoverable, and deleted in time?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from collectors import (
    Cause,
    Scene,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.aws.s3 import Bucket, s3

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import LifecycleRuleOutputTypeDef

TAGS = "tags, written name=value"

STRICTER = {"COMPLIANCE": ("COMPLIANCE",), "GOVERNANCE": ("GOVERNANCE", "COMPLIANCE")}
"""The lock modes that do for a demanded one: nobody can shorten COMPLIANCE."""


@s3.check(
    Bucket,
    "medium",
    remediation="Set the bucket's default encryption to the demanded algorithm.",
)
def bucket_default_encryption_kms(
    bucket: Bucket, scene: Scene, *, algorithm: str = criterion("aws:kms", "algorithm")
) -> Verdict:
    """New objects are encrypted with a key that the key service guards.

    S3 encrypts with keys of its own (AES256) where nothing is set; `aws:kms:dsse` encrypts twice
    and does for `aws:kms`.
    """
    del scene
    rules = bucket.encryption or []
    used = [
        rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
        for rule in rules
        if "ApplyServerSideEncryptionByDefault" in rule
    ]
    if not used:
        return fails(f"no default encryption is set, demanded {algorithm}")
    wrong = [name for name in used if name not in {algorithm, f"{algorithm}:dsse"}]
    return fails(f"{', '.join(wrong)}, demanded {algorithm}") if wrong else passes()


@s3.check(Bucket, "medium", remediation="Turn on versioning.")
def bucket_versioning_enabled(bucket: Bucket, scene: Scene) -> Verdict:
    """Overwritten and deleted objects can be recovered."""
    del scene
    status = bucket.versioning.get("Status", "never enabled")
    return passes() if status == "Enabled" else fails(f"versioning is {status}")


@s3.check(
    Bucket,
    "low",
    remediation="Turn on MFA delete with the root user's device, or lock the objects.",
)
def bucket_mfa_delete(
    bucket: Bucket, scene: Scene, *, records: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """Versions of records and logs are deleted with a second factor only."""
    del scene
    if not carries(bucket, records):
        return not_applicable("not tagged as holding records or logs")
    status = bucket.versioning.get("MFADelete", "never enabled")
    return passes() if status == "Enabled" else fails(f"MFA delete is {status}")


@s3.check(
    Bucket,
    "medium",
    remediation="Turn on object lock with the demanded default retention.",
)
def bucket_object_lock(
    bucket: Bucket,
    scene: Scene,
    *,
    records: tuple[str, ...] = criterion(TAGS),
    retention: int = criterion("days", of=int),
    mode: str = criterion("COMPLIANCE", "lock mode"),
) -> Verdict:
    """Records cannot be altered or deleted before their retention ends."""
    del scene
    if not carries(bucket, records):
        return not_applicable("not tagged as holding records")
    if mode not in STRICTER:
        return unknown(Cause.CRITERION_MISSING, f"no such lock mode: {mode}")
    lock = bucket.object_lock
    if lock is None or lock.get("ObjectLockEnabled") != "Enabled":
        return fails("object lock is off")
    default = lock.get("Rule", {}).get("DefaultRetention", {})
    days = locked_days(bucket)
    if default.get("Mode") not in STRICTER[mode]:
        return fails(f"default mode is {default.get('Mode', 'not set')}, demanded {mode}")
    return passes() if days >= retention else fails(f"kept {days} days, demanded {retention} days")


@s3.check(
    Bucket,
    "medium",
    remediation="Add an enabled lifecycle rule for the whole bucket that expires objects in time.",
)
def bucket_lifecycle_expiration(
    bucket: Bucket,
    scene: Scene,
    *,
    classes: tuple[str, ...] = criterion("retention classes, written tag=value: days"),
) -> Verdict:
    """Objects are deleted when the retention of their class ends.

    In a bucket with versions, an object lives until it expires and then as an old version: both
    times count together. Rules for a part of the bucket say nothing about the rest.
    """
    del scene
    limits = _limits(classes)
    if isinstance(limits, Verdict):
        return limits
    days = [limit for tag, limit in limits.items() if carries(bucket, (tag,))]
    if not days:
        return not_applicable("no tag of a retention class")
    limit = min(days)
    rules = [rule for rule in bucket.lifecycle or [] if _in_force(rule)]
    current = [r["Expiration"]["Days"] for r in rules if "Days" in r.get("Expiration", {})]
    if not current:
        return fails(f"nothing expires objects, limit {limit} days")
    life = min(current)
    if bucket.versioning.get("Status"):
        old = [_old_versions(rule) for rule in rules]
        ends = [number for number in old if number is not None]
        if not ends:
            return fails(f"nothing expires old versions, limit {limit} days")
        life += min(ends)
    return passes() if life <= limit else fails(f"deleted after {life} days, limit {limit} days")


@s3.check(
    Bucket,
    "low",
    remediation="Replicate the whole bucket to one in another region or account.",
    also=(Bucket,),
)
def bucket_replication(
    bucket: Bucket, scene: Scene, *, critical: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """Critical buckets are copied to another region or account."""
    if not carries(bucket, critical):
        return not_applicable("not tagged as critical")
    found = bucket.replication
    rules = [rule for rule in found["Rules"] if _in_force(rule)] if found else []
    if not rules:
        return fails("no enabled replication rule for the whole bucket")
    own = {other.arn: other.scope for other in scene.all(Bucket)}
    goals = {rule["Destination"]["Bucket"] for rule in rules}
    # A bucket that is not among the account's own is another account's.
    if any(own.get(goal) != bucket.scope for goal in goals):
        return passes()
    return fails(f"copied inside {bucket.scope} and the account only")


def locked_days(bucket: Bucket) -> int:
    """For how many days new objects are locked by default; 0 where they are not."""
    lock = bucket.object_lock
    if lock is None or lock.get("ObjectLockEnabled") != "Enabled":
        return 0
    default = lock.get("Rule", {}).get("DefaultRetention", {})
    return default.get("Days", 0) + 365 * default.get("Years", 0)


def carries(bucket: Bucket, tags: Sequence[str]) -> bool:
    """Whether the bucket has one of the tags, which are written `name=value`."""
    return any(f"{name}={value}" in tags for name, value in bucket.tagged.items())


def _limits(classes: Sequence[str]) -> dict[str, int] | Verdict:
    limits = {}
    for entry in classes:
        tag, _, days = entry.rpartition(":")
        if "=" not in tag or not days.strip().isdecimal():
            return unknown(Cause.CRITERION_MISSING, f"write tag=value: days, not {entry}")
        limits[tag.strip()] = int(days)
    return limits


def _in_force(rule: object) -> bool:
    """Whether a lifecycle or replication rule is enabled and for the whole bucket.

    The filter is an empty object or an empty prefix; older rules have the prefix beside it.
    """
    read = cast("Mapping[str, Any]", rule)
    chosen = {k: v for k, v in read.get("Filter", {}).items() if not (k == "Prefix" and v == "")}
    return read["Status"] == "Enabled" and not chosen and not read.get("Prefix")


def _old_versions(rule: LifecycleRuleOutputTypeDef) -> int | None:
    """The days old versions live; None where the rule keeps some of them for ever."""
    expiration = rule.get("NoncurrentVersionExpiration", {})
    return None if expiration.get("NewerNoncurrentVersions") else expiration.get("NoncurrentDays")
