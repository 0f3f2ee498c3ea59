"""Amazon S3: is it recorded who reads and writes the objects?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from collectors import Scene, Verdict, fails, known, passes
from collectors.aws.cloudtrail import Trail
from collectors.aws.s3 import Bucket, s3

OBJECT = "AWS::S3::Object"
PLAIN_FIELDS = frozenset({"eventCategory", "resources.type", "resources.ARN"})


def trail_records(bucket: Bucket, scene: Scene) -> bool:
    """Whether a trail records every read and write of the bucket's objects.

    Raises:
        FactUnknown: none that could be read does, and not all could.
    """
    return any(known(*(partial(_records, trail, bucket) for trail in scene.all(Trail))))


def access_recorded(bucket: Bucket, scene: Scene) -> bool:
    """Whether server access logs or a trail tell who reads and writes the bucket's objects.

    Raises:
        FactUnknown: what could be read does not settle it.
    """
    return any(known(lambda: bool(bucket.logging), lambda: trail_records(bucket, scene)))


@s3.check(
    Bucket,
    "low",
    remediation="Turn on server access logging, or a trail with data events for the bucket.",
    also=(Trail,),
)
def bucket_access_logging(bucket: Bucket, scene: Scene) -> Verdict:
    """Requests for the bucket's objects are recorded.

    By S3's server access logs, or by a CloudTrail trail that takes all data events of the bucket.
    Event data stores of CloudTrail Lake are not read.
    """
    if access_recorded(bucket, scene):
        return passes()
    return fails("neither server access logging nor CloudTrail data events")


def _records(trail: Trail, bucket: Bucket) -> bool:
    here = trail.listed.get("IsMultiRegionTrail") or trail.listed["HomeRegion"] == bucket.scope
    if not here or not trail.logging:
        return False
    chosen = trail.selectors
    return any(_plain(s, bucket) for s in chosen["EventSelectors"]) or any(
        _advanced(s["FieldSelectors"], bucket) for s in chosen["AdvancedEventSelectors"]
    )


def _plain(selector: Mapping[str, Any], bucket: Bucket) -> bool:
    """A basic selector names objects by prefixes; `arn:aws:s3` and `arn:aws:s3:::` mean all."""
    return selector.get("ReadWriteType") == "All" and any(
        resource["Type"] == OBJECT and _whole(resource.get("Values", []), bucket)
        for resource in selector.get("DataResources", [])
    )


def _advanced(fields: Sequence[Mapping[str, Any]], bucket: Bucket) -> bool:
    """An advanced selector whose fields leave out no event of the bucket's objects.

    Any further field (`readOnly`, `eventName`) narrows it; so does any operator that excludes,
    unless what it excludes lies outside the bucket.
    """
    by_name = {field["Field"]: field for field in fields}
    if by_name.keys() - PLAIN_FIELDS:
        return False
    right_kind = by_name.get("eventCategory", {}).get("Equals") == [
        "Data"
    ] and OBJECT in by_name.get("resources.type", {}).get("Equals", [])
    arns = {k: v for k, v in by_name.get("resources.ARN", {}).items() if k != "Field" and v}
    if not right_kind or arns.keys() - {"StartsWith", "NotStartsWith"}:
        return False
    inside = f"{bucket.arn}/"
    spared = not any(
        inside.startswith(value) or value.startswith(inside)
        for value in arns.get("NotStartsWith", [])
    )
    return spared and ("StartsWith" not in arns or _whole(arns["StartsWith"], bucket))


def _whole(prefixes: Sequence[str], bucket: Bucket) -> bool:
    return any(f"{bucket.arn}/".startswith(prefix) for prefix in prefixes)
