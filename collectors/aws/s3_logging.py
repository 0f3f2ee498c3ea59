"""Amazon S3: is it recorded who reads and writes the objects?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from collectors import CallError, Resource, Scene, Verdict, fact, fails, known, passes
from collectors.aws.s3 import Bucket, s3
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudtrail.type_defs import TrailTypeDef  # noqa: F401 - in Resource["…"]

OBJECT = "AWS::S3::Object"
PLAIN_FIELDS = frozenset({"eventCategory", "resources.type", "resources.ARN"})


class Trail(Resource["TrailTypeDef"], kind="aws.s3.trail"):
    """A CloudTrail trail, as far as it may record what is done with objects."""

    @fact("cloudtrail:GetTrailStatus", reads_from="cloudtrail")
    def is_logging(self, api: CloudTrailClient) -> bool:
        """Whether it is switched on."""
        return api.get_trail_status(Name=self.id)["IsLogging"]

    @fact("cloudtrail:GetEventSelectors", reads_from="cloudtrail")
    def selectors(self, api: CloudTrailClient) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Which events it records: `EventSelectors` or `AdvancedEventSelectors`."""
        answer = api.get_event_selectors(TrailName=self.id)
        return {
            "EventSelectors": answer.get("EventSelectors", []),
            "AdvancedEventSelectors": answer.get("AdvancedEventSelectors", []),
        }

    def records(self, bucket: Bucket) -> bool:
        """Whether it records every read and write of the bucket's objects."""
        here = self.listed.get("IsMultiRegionTrail") or self.listed["HomeRegion"] == bucket.scope
        if not here or not self.is_logging:
            return False
        chosen = self.selectors
        return any(_plain(s, bucket) for s in chosen["EventSelectors"]) or any(
            _advanced(s["FieldSelectors"], bucket) for s in chosen["AdvancedEventSelectors"]
        )


@s3.resources(Trail, permission=("cloudtrail:DescribeTrails", "ec2:DescribeRegions"))
def trails(target: AwsTarget) -> Iterator[Trail]:
    """The trails of every region that is on, an organisation's among them, each once."""
    seen: set[str] = set()
    refused: CallError | None = None
    for region in target.regions():
        try:
            answer = target.call("cloudtrail", "describe_trails", scope=region)
        except CallError as error:
            refused = refused or error
            continue
        for row in answer.get("trailList", []):
            if row["TrailARN"] not in seen:
                seen.add(row["TrailARN"])
                yield Trail(id=row["TrailARN"], scope=row["HomeRegion"], listed=row)
    if refused:
        raise refused


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
    for recorded in known(
        lambda: bool(bucket.logging), lambda: any(_answers(bucket, scene.all(Trail)))
    ):
        if recorded:
            return passes()
    return fails("neither server access logging nor CloudTrail data events")


def _answers(bucket: Bucket, listed: Sequence[Trail]) -> Iterator[bool]:
    return known(*(partial(trail.records, bucket) for trail in listed))


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
