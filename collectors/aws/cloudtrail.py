"""AWS CloudTrail: is what is done in the account recorded, everywhere and without a gap?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from collectors import (
    Collector,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    known,
    moment,
    not_applicable,
    passes,
)
from collectors.aws.account import Account, account_of
from collectors.aws.conditions import account_in
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudtrail.type_defs import TrailTypeDef  # noqa: F401 - in Resource["…"]

cloudtrail = Collector("aws.cloudtrail", title="AWS CloudTrail trails", reads_from="cloudtrail")

STATUS = (
    "IsLogging",
    "LatestDeliveryError",
    "LatestDeliveryTime",
    "LatestCloudWatchLogsDeliveryError",
    "LatestCloudWatchLogsDeliveryTime",
)
INSIGHTS = frozenset({"ApiCallRateInsight", "ApiErrorRateInsight"})


class Trail(Resource["TrailTypeDef"], kind="aws.cloudtrail.trail"):
    """A trail, the account's own or its organisation's; it is listed once, at its home."""

    volatile = ("facts.status.LatestDeliveryTime", "facts.status.LatestCloudWatchLogsDeliveryTime")

    @fact("cloudtrail:GetTrailStatus", reads_from="cloudtrail")
    def status(self, api: CloudTrailClient) -> Mapping[str, Any]:
        """Whether it records, and how its deliveries went last."""
        answer = api.get_trail_status(Name=self.id)
        return {name: value for name, value in answer.items() if name in STATUS}

    @fact("cloudtrail:GetEventSelectors", reads_from="cloudtrail")
    def selectors(self, api: CloudTrailClient) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Which events it records: `EventSelectors` or `AdvancedEventSelectors`."""
        answer = api.get_event_selectors(TrailName=self.id)
        return {
            "EventSelectors": answer.get("EventSelectors", []),
            "AdvancedEventSelectors": answer.get("AdvancedEventSelectors", []),
        }

    @fact(
        "cloudtrail:GetInsightSelectors",
        absent="InsightNotEnabledException",
        reads_from="cloudtrail",
    )
    def insights(self, api: CloudTrailClient) -> Sequence[str] | None:
        """Which unusual activity it looks for."""
        answer = api.get_insight_selectors(TrailName=self.id)
        return sorted({row["InsightType"] for row in answer.get("InsightSelectors", [])})

    @property
    def owner(self) -> str:
        """The account it belongs to; an organisation's trail is shown to every member."""
        return account_in(self.id)

    @property
    def logging(self) -> bool:
        """Whether it is switched on."""
        return bool(self.status.get("IsLogging"))

    @property
    def records_management(self) -> bool:
        """Whether it records every management event of its regions, read or write."""
        chosen = self.selectors
        return any(map(_all_management, chosen["EventSelectors"])) or any(
            _management_fields(row["FieldSelectors"]) for row in chosen["AdvancedEventSelectors"]
        )

    @property
    def watches_account(self) -> bool:
        """Whether it is on, in every region, with global services and all management events."""
        everywhere = self.listed.get("IsMultiRegionTrail")
        return bool(
            everywhere
            and self.listed.get("IncludeGlobalServiceEvents")
            and self.logging
            and self.records_management
        )


@cloudtrail.resources(Trail, permission="cloudtrail:DescribeTrails", per="region")
def trails(target: AwsTarget) -> Iterator[Trail]:
    """The trails whose home is the region.

    Every region shows trails of others and, to members, the organisation's: each is taken where it
    is at home, or in the first region that is read where its home is not.
    """
    regions = target.regions()
    for row in target.call("cloudtrail", "describe_trails").get("trailList", []):
        home = row["HomeRegion"]
        if target.scope == (home if home in regions else regions[0]):
            yield Trail(id=row["TrailARN"], scope=home, listed=row)


def _all_management(selector: Mapping[str, Any]) -> bool:
    """A basic selector; it may leave out what KMS and the RDS Data API do, by the million."""
    return bool(selector.get("IncludeManagementEvents")) and selector.get("ReadWriteType") == "All"


def _management_fields(fields: Sequence[Mapping[str, Any]]) -> bool:
    """An advanced selector of management events; only `eventSource` may leave some out."""
    by_name = {field["Field"]: field for field in fields}
    return (
        by_name.get("eventCategory", {}).get("Equals") == ["Management"]
        and by_name.keys() <= {"eventCategory", "eventSource"}
        and not by_name.get("eventSource", {}).get("Equals")
    )


@cloudtrail.check(
    Account,
    "critical",
    remediation="Create a trail for all regions with all management events, and start it.",
    also=(Trail,),
)
def multi_region_enabled(account: Account, scene: Scene) -> Verdict:
    """A trail records all management events in every region, those of global services among them.

    The organisation's trail counts in its member accounts. What KMS and the RDS Data API do may be
    left out, as CloudTrail offers.
    """
    del account
    if any(known(*(_asks(trail, "watches_account") for trail in scene.all(Trail)))):
        return passes()
    return fails("no trail for all regions records all management events now")


@cloudtrail.check(
    Account,
    "medium",
    remediation="Create an organisation trail in the management account, and start it.",
    also=(Trail,),
)
def organization_trail(account: Account, scene: Scene) -> Verdict:
    """The organisation's trail records this account, and will record new ones."""
    del account
    whole = [trail for trail in scene.all(Trail) if trail.listed.get("IsOrganizationTrail")]
    if any(known(*(_asks(trail, "logging") for trail in whole))):
        return passes()
    return fails("the organisation's trail is off" if whole else "no organisation trail")


def _asks(trail: Trail, name: str) -> Any:  # noqa: ANN401 - a question without arguments
    return lambda: getattr(trail, name)


def of_another(trail: Trail, scene: Scene) -> Verdict | None:
    """Not applicable for the organisation's trail in a member account: its owner's sweep judges."""
    if trail.owner in {"", account_of(scene).id}:
        return None
    return not_applicable(f"belongs to account {trail.owner}")


@cloudtrail.check(
    Trail, "medium", remediation="Turn on log file validation of the trail.", also=(Account,)
)
def log_file_validation(trail: Trail, scene: Scene) -> Verdict:
    """The trail signs what it delivers, so that a changed or missing log file shows."""
    if other := of_another(trail, scene):
        return other
    on = trail.listed.get("LogFileValidationEnabled")
    return passes() if on else fails("log file validation is off")


@cloudtrail.check(
    Trail, "medium", remediation="Set a KMS key for the trail's log files.", also=(Account,)
)
def kms_encrypted(trail: Trail, scene: Scene) -> Verdict:
    """The trail's log files are encrypted with a key that the key service guards."""
    if other := of_another(trail, scene):
        return other
    return passes() if trail.listed.get("KmsKeyId") else fails("no KMS key is set")


@cloudtrail.check(
    Trail,
    "high",
    remediation="Mend the bucket policy or key policy that keeps CloudTrail from delivering.",
    also=(Account,),
)
def delivery_healthy(trail: Trail, scene: Scene, *, limit: int = criterion(24, "hours")) -> Verdict:
    """The trail's log files arrive in its bucket."""
    if other := of_another(trail, scene):
        return other
    if not trail.logging:
        return fails("the trail is off")
    if error := trail.status.get("LatestDeliveryError"):
        return fails(f"the last delivery failed: {error}")
    return _delivered(trail.status.get("LatestDeliveryTime"), scene, limit)


@cloudtrail.check(
    Trail,
    "medium",
    remediation="Give the trail a log group, and a role that may write to it.",
    also=(Account,),
)
def cloudwatch_logs_integrated(
    trail: Trail, scene: Scene, *, limit: int = criterion(24, "hours")
) -> Verdict:
    """The trail's events reach CloudWatch Logs, where alarms can watch them."""
    if other := of_another(trail, scene):
        return other
    if not trail.listed.get("CloudWatchLogsLogGroupArn"):
        return fails("no log group is set")
    if error := trail.status.get("LatestCloudWatchLogsDeliveryError"):
        return fails(f"the last delivery failed: {error}")
    return _delivered(trail.status.get("LatestCloudWatchLogsDeliveryTime"), scene, limit)


def _delivered(last: object, scene: Scene, limit: int) -> Verdict:
    if not last:
        return fails("nothing was ever delivered")
    when = moment(last)
    if scene.at - when <= timedelta(hours=limit):
        return passes()
    return fails(f"last delivered {when:%Y-%m-%d %H:%M} UTC, limit {limit} hours")


@cloudtrail.check(
    Trail,
    "low",
    remediation="Turn on CloudTrail Insights for call rate and error rate.",
    also=(Account,),
)
def insights_enabled(trail: Trail, scene: Scene) -> Verdict:
    """CloudTrail looks for unusual rates of calls and of errors in the trail."""
    if other := of_another(trail, scene):
        return other
    off = INSIGHTS - set(trail.insights or ())
    return fails(f"off: {', '.join(sorted(off))}") if off else passes()
