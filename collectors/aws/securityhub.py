"""AWS Security Hub: is it on, complete, and is what it finds dealt with?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from collectors import (
    Absent,
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
    moment,
    not_applicable,
    passes,
)
from collectors.aws.account import Account
from collectors.aws.paging import rows
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_securityhub import SecurityHubClient
    from mypy_boto3_securityhub.type_defs import (
        GetFindingAggregatorResponseTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )

securityhub = Collector("aws.securityhub", title="AWS Security Hub", reads_from="securityhub")

NOT_ON = "Security Hub is not on"
PAGE = 100


class Standard(TypedDict):
    """A standard that is turned on, and whether its checks run."""

    StandardsArn: str
    StandardsStatus: str


class Hub(Resource[Mapping[str, str]], kind="aws.securityhub.hub"):
    """Security Hub in a region, whether it is on there or not; its id is the region's name."""

    @property
    def on(self) -> bool:
        """Whether the account subscribed to it in the region."""
        return "HubArn" in self.listed

    @fact("securityhub:GetEnabledStandards")
    def standards(self, api: SecurityHubClient) -> Sequence[Standard] | None:
        """The standards that are turned on."""
        listed = rows(
            api.get_enabled_standards,
            "StandardsSubscriptions",
            marker="NextToken",
            MaxResults=PAGE,
        )
        return [
            Standard(StandardsArn=row["StandardsArn"], StandardsStatus=row["StandardsStatus"])
            for row in listed
        ]


class Aggregator(
    Resource["GetFindingAggregatorResponseTypeDef"], kind="aws.securityhub.aggregator"
):
    """What brings the findings of several regions together."""


class Finding(Resource[Mapping[str, Any]], kind="aws.securityhub.finding"):
    """A finding, critical or high, that is active and that nobody has taken up."""


@securityhub.resources(
    Hub,
    Finding,
    permission=("securityhub:DescribeHub", "securityhub:GetFindings"),
    per="region",
)
def hubs(target: AwsTarget) -> Iterator[Hub | Finding | Unlisted]:
    """The region with its hub, then the account's own findings in it."""
    try:
        answer = target.call("securityhub", "describe_hub")
    except CallError as error:
        if not _not_subscribed(error):
            raise
        nothing = {"standards": Absent(error.code)}
        yield Hub(id=target.scope, listed={"RegionName": target.scope}, facts=nothing)
        return
    listed = {"RegionName": target.scope, "HubArn": answer["HubArn"]}
    yield Hub(id=target.scope, listed=listed)
    try:
        yield from _findings(target)
    except NotOfferedError:
        raise
    except CallError as error:
        yield Unlisted(Finding, error)


def _not_subscribed(error: CallError) -> bool:
    """Whether the account has no hub in the region; AWS says so as if it were a refusal."""
    return error.code == "ResourceNotFoundException" or (
        error.code == "InvalidAccessException" and "not subscribed" in str(error)
    )


def _findings(target: AwsTarget) -> Iterator[Finding]:
    """An administrator's hub, and a home region, tell of others' findings: those are left out."""

    def equal(*values: str) -> list[dict[str, str]]:
        return [{"Value": value, "Comparison": "EQUALS"} for value in values]

    wanted = {
        "AwsAccountId": equal(target.identify().subject),
        "Region": equal(target.scope),
        "RecordState": equal("ACTIVE"),
        "SeverityLabel": equal("CRITICAL", "HIGH"),
        "WorkflowStatus": equal("NEW"),
    }
    for row in target.pages(
        "securityhub", "get_findings", "Findings", Filters=wanted, MaxResults=PAGE
    ):
        kept = {name: row.get(name, "") for name in ("Title", "GeneratorId", "CreatedAt")}
        about = [each.get("Id", "") for each in row.get("Resources", [])]
        severity = row.get("Severity", {}).get("Label", "")
        yield Finding(id=row["Id"], listed=kept | {"Severity": severity, "Resources": about})


@securityhub.resources(
    Aggregator,
    permission=(
        "securityhub:ListFindingAggregators",
        "securityhub:GetFindingAggregator",
        "ec2:DescribeRegions",
    ),
)
def aggregators(target: AwsTarget) -> Iterator[Aggregator]:
    """The account's one aggregator: every region where the hub is on tells of it."""
    for region in target.regions():
        try:
            arns = list(
                target.pages(
                    "securityhub", "list_finding_aggregators", "FindingAggregators", scope=region
                )
            )
        except NotOfferedError:
            continue
        except CallError as error:
            if _not_subscribed(error):
                continue
            raise
        for row in arns:
            arn = row["FindingAggregatorArn"]
            home = arn.split(":")[3]
            answer = target.call(
                "securityhub", "get_finding_aggregator", scope=home, FindingAggregatorArn=arn
            )
            yield Aggregator(id=arn, scope=home, listed=answer)
        return


@securityhub.check(Hub, "medium", remediation="Turn on Security Hub in the region.")
def enabled(hub: Hub, scene: Scene) -> Verdict:
    """Security Hub is on in the region."""
    del scene
    return passes() if hub.on else fails(NOT_ON)


@securityhub.check(
    Hub, "medium", remediation="Turn on a standard in Security Hub, and wait until it is ready."
)
def standard_enabled(hub: Hub, scene: Scene) -> Verdict:
    """A standard is turned on in the region, and its checks run."""
    del scene
    if not hub.on:
        return fails(NOT_ON)
    states = [row["StandardsStatus"] for row in hub.standards or ()]
    if "READY" in states:
        return passes()
    return fails("no standard is ready" if states else "no standard is turned on")


@securityhub.check(
    Account,
    "low",
    remediation="Link all regions to one home region in Security Hub.",
    also=(Aggregator, Hub),
)
def cross_region_aggregation(
    account: Account,
    scene: Scene,
    *,
    aggregating: tuple[str, ...] = criterion("numbers of the accounts that aggregate"),
) -> Verdict:
    """The findings of all regions come together in one."""
    if account.id not in aggregating:
        return not_applicable("another account aggregates")
    hubs_on = {hub.id for hub in scene.all(Hub) if hub.on}
    if not hubs_on:
        return fails(NOT_ON)
    found = scene.all(Aggregator)
    if not found:
        return fails("no finding aggregator")
    alone = hubs_on - set().union(*(_linked(each, hubs_on) for each in found))
    return fails(f"not linked: {', '.join(sorted(alone))}") if alone else passes()


def _linked(aggregator: Aggregator, regions: set[str]) -> set[str]:
    """Which of the regions an aggregator brings together, its home among them."""
    listed = aggregator.listed
    named = set(listed.get("Regions", []))
    home = {listed.get("FindingAggregationRegion", "")}
    return {
        "ALL_REGIONS": regions,
        "ALL_REGIONS_EXCEPT_SPECIFIED": (regions - named) | home,
        "SPECIFIED_REGIONS": named | home,
    }.get(listed.get("RegionLinkingMode", ""), home)


@securityhub.check(
    Finding, "high", remediation="Mend what the finding tells of, or settle it in Security Hub."
)
def findings_within_sla(
    finding: Finding, scene: Scene, *, deadline: int = criterion(30, "days")
) -> Verdict:
    """A critical or high finding is taken up in the agreed time."""
    seen = moment(finding.listed["CreatedAt"])
    if scene.at - seen <= timedelta(days=deadline):
        return passes()
    return fails(f"new since {seen:%Y-%m-%d}, limit {deadline} days")
