"""AWS CloudTrail: is what the trails deliver kept safe, and are the buckets themselves watched?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

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
from collectors.aws.account import Account, account_of
from collectors.aws.cloudtrail import Trail, cloudtrail
from collectors.aws.s3 import Bucket
from collectors.aws.s3_access import open_settings
from collectors.aws.s3_keeping import TAGS, carries, locked_days
from collectors.aws.s3_logging import access_recorded, trail_records


def _bucket(trail: Trail, scene: Scene) -> Bucket | Verdict:
    """Where a trail delivers; a verdict where the account does not hold it.

    The account that holds an organisation's log files sees its trail too, and is judged there.
    """
    name = trail.listed.get("S3BucketName", "")
    found = scene.one(Bucket, name)
    if found is not None:
        return found
    if trail.listed.get("IsOrganizationTrail"):
        return not_applicable(f"the bucket {name} is not in this account")
    if trail.owner not in {"", account_of(scene).id}:
        return not_applicable(f"belongs to account {trail.owner}")
    return unknown(Cause.PARTIAL, f"the bucket {name} is not in this account")


@cloudtrail.check(
    Trail,
    "critical",
    remediation="Block all public access to the trail's bucket, and make its policy private.",
    also=(Account, Bucket),
)
def bucket_not_public(trail: Trail, scene: Scene) -> Verdict:
    """The bucket with the trail's log files is closed to the public."""
    bucket = _bucket(trail, scene)
    if isinstance(bucket, Verdict):
        return bucket
    if off := open_settings(bucket, scene):
        return fails(f"{bucket.id} does not block public access, off: {', '.join(off)}")
    return fails(f"the policy of {bucket.id} is public") if bucket.policy_is_public else passes()


@cloudtrail.check(
    Trail,
    "low",
    remediation="Turn on server access logging of the trail's bucket, or record its data events.",
    also=(Account, Bucket, Trail),
)
def bucket_access_logged(trail: Trail, scene: Scene) -> Verdict:
    """Whoever reads or changes the trail's log files leaves a trace."""
    bucket = _bucket(trail, scene)
    if isinstance(bucket, Verdict):
        return bucket
    if access_recorded(bucket, scene):
        return passes()
    return fails(f"{bucket.id} has neither server access logging nor CloudTrail data events")


@cloudtrail.check(
    Trail,
    "medium",
    remediation="Lock the trail's log files, or let no lifecycle rule delete them too early.",
    also=(Account, Bucket),
)
def bucket_retention(
    trail: Trail, scene: Scene, *, retention: int = criterion(365, "days")
) -> Verdict:
    """The trail's log files are kept long enough.

    An object lock of that time does, and so does a bucket whose lifecycle deletes no log file
    before. How long old versions live on is not counted.
    """
    bucket = _bucket(trail, scene)
    if isinstance(bucket, Verdict):
        return bucket
    if locked_days(bucket) >= retention:
        return passes()
    where = f"{trail.listed.get('S3KeyPrefix', '')}/AWSLogs/".lstrip("/")
    early = [name for name, days in _expiring(bucket, where) if days < retention]
    if early:
        return fails(f"{bucket.id} deletes earlier than {retention} days: {', '.join(early)}")
    return passes()


def _expiring(bucket: Bucket, where: str) -> Iterator[tuple[str, int]]:
    """The enabled lifecycle rules that may delete what lies under a prefix, and after how long."""
    for each in bucket.lifecycle or []:
        rule = cast("Mapping[str, Any]", each)
        chosen = rule.get("Filter", {})
        prefix = chosen.get("Prefix") or chosen.get("And", {}).get("Prefix") or rule.get("Prefix")
        meant = not prefix or where.startswith(prefix) or prefix.startswith(where)
        expiration = rule.get("Expiration", {})
        if rule["Status"] == "Enabled" and meant and ("Days" in expiration or "Date" in expiration):
            yield f"rule {rule.get('ID', 'without name')}", expiration.get("Days", 0)


@cloudtrail.check(
    Bucket,
    "medium",
    remediation="Record the data events of the bucket, read and write, in a trail.",
    also=(Trail,),
)
def s3_data_events(
    bucket: Bucket, scene: Scene, *, classified: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """Each read and write of objects in confidential buckets is recorded by a trail."""
    if not carries(bucket, classified):
        return not_applicable("not tagged as confidential")
    if trail_records(bucket, scene):
        return passes()
    return fails("no trail records all its data events")
