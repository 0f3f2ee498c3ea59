"""Amazon GuardDuty: are threats looked for in every region, and is what is found dealt with?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from collectors import (
    CallError,
    Collector,
    NotOfferedError,
    Resource,
    Scene,
    Unlisted,
    Verdict,
    criterion,
    fact,
    fails,
    known,
    moment,
    not_applicable,
    passes,
)
from collectors.aws.paging import rows
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_guardduty import GuardDutyClient

guardduty = Collector("aws.guardduty", title="Amazon GuardDuty", reads_from="guardduty")

HIGH = 7
"""The severity from which GuardDuty calls a finding high."""
IDS = 50
"""The most findings that GuardDuty tells of at once."""
FEATURES = (
    "EKS_AUDIT_LOGS",
    "LAMBDA_NETWORK_LOGS",
    "RDS_LOGIN_EVENTS",
    "RUNTIME_MONITORING",
    "S3_DATA_EVENTS",
)
NO_DETECTOR = "no detector"


class Detector(TypedDict):
    """A detector: whether it is on, and which features are."""

    Status: str
    Features: Mapping[str, str]


class ThreatList(TypedDict):
    """A list of threats without its address, which may hold a secret."""

    Name: str
    Status: str


class Region(Resource[Mapping[str, str]], kind="aws.guardduty.region"):
    """GuardDuty in a region, whether it is on there or not; its id is the region's name."""

    @property
    def detector_id(self) -> str:
        """The id of the one detector; empty where there is none."""
        return self.listed.get("DetectorId", "")

    @fact("guardduty:GetDetector")
    def detector(self, api: GuardDutyClient) -> Detector | None:
        """Whether the detector is on, and with which features."""
        if not self.detector_id:
            return None
        answer = api.get_detector(DetectorId=self.detector_id)
        features = {
            row.get("Name", ""): row.get("Status", "") for row in answer.get("Features", [])
        }
        return Detector(Status=answer["Status"], Features=features)

    @fact("guardduty:DescribeOrganizationConfiguration", absent="BadRequestException")
    def organization(self, api: GuardDutyClient) -> str | None:
        """For which members it is turned on by itself; only the administrator is told."""
        if not self.detector_id:
            return None
        answer = api.describe_organization_configuration(DetectorId=self.detector_id)
        return answer.get("AutoEnableOrganizationMembers", "NONE")

    @fact("guardduty:GetAdministratorAccount")
    def administrator(self, api: GuardDutyClient) -> str | None:
        """The account to which its findings go; None for one that goes alone."""
        if not self.detector_id:
            return None
        answer = api.get_administrator_account(DetectorId=self.detector_id)
        return answer.get("Administrator", {}).get("AccountId")

    @fact("guardduty:ListMalwareProtectionPlans")
    def malware_plans(self, api: GuardDutyClient) -> int:
        """How many plans look for malware in buckets; they need no detector."""
        listed = rows(
            api.list_malware_protection_plans, "MalwareProtectionPlans", marker="NextToken"
        )
        return sum(1 for _ in listed)

    @fact("guardduty:ListPublishingDestinations")
    def destinations(self, api: GuardDutyClient) -> Sequence[str] | None:
        """The states of what findings are exported to: `PUBLISHING` where it works."""
        if not self.detector_id:
            return None
        listed = rows(
            api.list_publishing_destinations,
            "Destinations",
            marker="NextToken",
            DetectorId=self.detector_id,
        )
        return sorted(row["Status"] for row in listed)

    @fact("guardduty:ListThreatIntelSets", "guardduty:GetThreatIntelSet")
    def threat_lists(self, api: GuardDutyClient) -> Sequence[ThreatList] | None:
        """The organisation's own lists of threats: one call for each."""
        if not self.detector_id:
            return None
        found = []
        listed = rows(
            api.list_threat_intel_sets,
            "ThreatIntelSetIds",
            marker="NextToken",
            DetectorId=self.detector_id,
        )
        for each in listed:
            answer = api.get_threat_intel_set(DetectorId=self.detector_id, ThreatIntelSetId=each)
            found.append(ThreatList(Name=answer["Name"], Status=answer["Status"]))
        return found


class Finding(Resource[Mapping[str, Any]], kind="aws.guardduty.finding"):
    """A finding of high severity that nobody has archived: what kind, and since when."""


KEPT = ("Id", "Arn", "Type", "Severity", "CreatedAt")


@guardduty.resources(
    Region,
    Finding,
    permission=("guardduty:ListDetectors", "guardduty:ListFindings", "guardduty:GetFindings"),
    per="region",
)
def detectors(target: AwsTarget) -> Iterator[Region | Finding | Unlisted]:
    """The region with its detector, then the account's own findings of high severity in it."""
    ids = list(target.pages("guardduty", "list_detectors", "DetectorIds"))
    named = {"DetectorId": ids[0]} if ids else {}
    yield Region(id=target.scope, listed={"RegionName": target.scope, **named})
    if not ids:
        return
    try:
        yield from _findings(target, ids[0])
    except NotOfferedError:
        raise
    except CallError as error:
        yield Unlisted(Finding, error)


def _findings(target: AwsTarget, detector: str) -> Iterator[Finding]:
    """An administrator's detector tells of its members' findings too: those are left to them."""
    criteria = {
        "accountId": {"Equals": [target.identify().subject]},
        "service.archived": {"Equals": ["false"]},
        "severity": {"GreaterThanOrEqual": HIGH},
    }
    listed = list(
        target.pages(
            "guardduty",
            "list_findings",
            "FindingIds",
            DetectorId=detector,
            FindingCriteria={"Criterion": criteria},
            MaxResults=IDS,
        )
    )
    for start in range(0, len(listed), IDS):
        answer = target.call(
            "guardduty",
            "get_findings",
            DetectorId=detector,
            FindingIds=listed[start : start + IDS],
        )
        for row in answer["Findings"]:
            kept = {name: row[name] for name in KEPT if name in row}
            yield Finding(id=row["Arn"], listed=kept)


@guardduty.check(Region, "high", remediation="Turn on GuardDuty in the region.")
def enabled_all_regions(region: Region, scene: Scene) -> Verdict:
    """GuardDuty looks for threats in the region."""
    del scene
    detector = region.detector
    if detector is None:
        return fails(NO_DETECTOR)
    on = detector["Status"] == "ENABLED"
    return passes() if on else fails(f"the detector is {detector['Status']}")


@guardduty.check(
    Region, "medium", remediation="Turn GuardDuty on for ALL members of the organisation."
)
def org_auto_enable(region: Region, scene: Scene) -> Verdict:
    """GuardDuty is turned on by itself in every account of the organisation.

    Only the delegated administrator is told; other accounts are not judged.
    """
    del scene
    members = region.organization
    if members is None:
        return not_applicable("not the administrator of GuardDuty")
    return passes() if members == "ALL" else fails(f"turned on for {members}, demanded ALL")


@guardduty.check(Region, "medium", remediation="Turn on the protection plans of the detector.")
def protection_plans_enabled(
    region: Region,
    scene: Scene,
    *,
    features: tuple[str, ...] = criterion(FEATURES, "names of features"),
) -> Verdict:
    """The protection plans that were chosen are on in the region."""
    del scene
    detector = region.detector
    if detector is None:
        return fails(NO_DETECTOR)
    off = sorted(name for name in features if detector["Features"].get(name) != "ENABLED")
    return fails(f"off: {', '.join(off)}") if off else passes()


@guardduty.check(
    Region,
    "medium",
    remediation="Turn on malware protection for disks, or a plan for the buckets of uploads.",
)
def malware_protection_enabled(region: Region, scene: Scene) -> Verdict:
    """GuardDuty looks for malware in the region, on disks or in buckets."""
    del scene
    if any(known(lambda: _scans_disks(region), lambda: bool(region.malware_plans))):
        return passes()
    return fails("neither for disks nor for a bucket")


def _scans_disks(region: Region) -> bool:
    detector = region.detector
    return bool(detector and detector["Features"].get("EBS_MALWARE_PROTECTION") == "ENABLED")


@guardduty.check(Finding, "high", remediation="Look into the finding, act on it, and archive it.")
def findings_within_sla(
    finding: Finding, scene: Scene, *, deadline: int = criterion(5, "days")
) -> Verdict:
    """A finding of high severity is dealt with in the agreed time."""
    seen = moment(finding.listed["CreatedAt"])
    if scene.at - seen <= timedelta(days=deadline):
        return passes()
    return fails(f"open since {seen:%Y-%m-%d}, limit {deadline} days")


@guardduty.check(Region, "low", remediation="Activate the threat list in the region.")
def threat_list_active(
    region: Region, scene: Scene, *, lists: tuple[str, ...] = criterion("names of threat lists")
) -> Verdict:
    """The threat lists that the organisation subscribes to are active in the region."""
    del scene
    if not lists:
        return not_applicable("no threat list is subscribed to")
    if not region.detector_id:
        return fails(NO_DETECTOR)
    active = {row["Name"] for row in region.threat_lists or () if row["Status"] == "ACTIVE"}
    lacking = sorted(set(lists) - active)
    return fails(f"not active: {', '.join(lacking)}") if lacking else passes()


@guardduty.check(
    Region,
    "low",
    remediation="Export the findings to a bucket, or let an administrator collect them.",
)
def findings_exported(region: Region, scene: Scene) -> Verdict:
    """Findings outlive the ninety days of GuardDuty: a bucket or the administrator gets them."""
    del scene
    if not region.detector_id:
        return fails(NO_DETECTOR)
    kept = known(
        lambda: "PUBLISHING" in (region.destinations or ()), lambda: bool(region.administrator)
    )
    return passes() if any(kept) else fails("no destination publishes, no administrator collects")
