"""AWS Config: is the configuration recorded, kept, and held against the adopted rules?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from collectors import (
    Cause,
    Collector,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.aws.account import Account
from collectors.aws.paging import rows
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_config import ConfigServiceClient
    from mypy_boto3_config.type_defs import (
        ComplianceByConfigRuleTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        ConfigurationAggregatorTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        ConfigurationRecorderOutputTypeDef,
    )

config = Collector("aws.config", title="AWS Config", reads_from="config")

EVERYTHING = "ALL_SUPPORTED_RESOURCE_TYPES"
SEVEN_YEARS = 2557
"""The days that AWS Config keeps items where no retention is set."""


class RecorderStatus(TypedDict):
    """How a recorder is doing, without the times."""

    name: str
    recording: bool
    lastStatus: str


class PackScore(TypedDict):
    """What share of a conformance pack is met, in percent, or `INSUFFICIENT_DATA`."""

    ConformancePackName: str
    Score: str


class RegionConfig(Resource[Mapping[str, str]], kind="aws.config.region"):
    """AWS Config in a region, whether it is used there or not; its id is the region's name."""

    @fact("config:DescribeConfigurationRecorders")
    def recorders(self, api: ConfigServiceClient) -> Sequence[ConfigurationRecorderOutputTypeDef]:
        """The account's own recorder, if there is one."""
        return api.describe_configuration_recorders()["ConfigurationRecorders"]

    @fact("config:DescribeConfigurationRecorderStatus")
    def statuses(self, api: ConfigServiceClient) -> Sequence[RecorderStatus]:
        """Whether it records, and how that went last."""
        answer = api.describe_configuration_recorder_status()
        return [
            RecorderStatus(
                name=row.get("name", ""),
                recording=row.get("recording", False),
                lastStatus=row.get("lastStatus", ""),
            )
            for row in answer["ConfigurationRecordersStatus"]
        ]

    @fact("config:DescribeRetentionConfigurations")
    def retention(self, api: ConfigServiceClient) -> int | None:
        """The days for which items are kept; None where it was never set."""
        listed = api.describe_retention_configurations()["RetentionConfigurations"]
        return min((row["RetentionPeriodInDays"] for row in listed), default=None)

    @fact("config:ListConformancePackComplianceScores")
    def packs(self, api: ConfigServiceClient) -> Sequence[PackScore]:
        """The conformance packs that are deployed, with their scores."""
        listed = rows(
            api.list_conformance_pack_compliance_scores,
            "ConformancePackComplianceScores",
            marker="NextToken",
        )
        return [
            PackScore(ConformancePackName=row["ConformancePackName"], Score=row.get("Score", ""))
            for row in listed
        ]


class Rule(Resource["ComplianceByConfigRuleTypeDef"], kind="aws.config.rule"):
    """A rule of AWS Config in a region, and whether everything it looks at keeps it."""

    volatile = ("listed.Compliance.ComplianceContributorCount",)


class Aggregator(Resource["ConfigurationAggregatorTypeDef"], kind="aws.config.aggregator"):
    """What collects the configuration of other accounts and regions."""


@config.resources(RegionConfig, permission="ec2:DescribeRegions", per="region")
def regions(target: AwsTarget) -> Iterator[RegionConfig]:
    """One for the region that is read."""
    yield RegionConfig(id=target.scope, listed={"RegionName": target.scope})


@config.resources(Rule, permission="config:DescribeComplianceByConfigRule", per="region")
def rules(target: AwsTarget) -> Iterator[Rule]:
    """All rules of a region with their results."""
    for row in target.pages(
        "config", "describe_compliance_by_config_rule", "ComplianceByConfigRules"
    ):
        yield Rule(id=f"{target.scope}/{row['ConfigRuleName']}", listed=row)


@config.resources(Aggregator, permission="config:DescribeConfigurationAggregators", per="region")
def aggregators(target: AwsTarget) -> Iterator[Aggregator]:
    """All aggregators of a region."""
    key = "ConfigurationAggregators"
    for row in target.pages("config", "describe_configuration_aggregators", key):
        yield Aggregator(id=row["ConfigurationAggregatorArn"], listed=row)


@config.check(
    RegionConfig,
    "high",
    remediation="Record all supported resource types in the region, and start the recorder.",
)
def recorder_enabled(region: RegionConfig, scene: Scene) -> Verdict:
    """AWS Config records every kind of resource in the region, and does so without error."""
    del scene
    if not region.recorders:
        return fails("no recorder")
    if not any(map(_records_everything, region.recorders)):
        return fails("the recorder leaves out kinds of resource")
    on = [status for status in region.statuses if status["recording"]]
    if not on:
        return fails("the recorder is off")
    states = {status["lastStatus"].casefold() for status in on}
    return passes() if "success" in states else fails(f"last status {', '.join(sorted(states))}")


def _records_everything(recorder: ConfigurationRecorderOutputTypeDef) -> bool:
    """By the strategy, else by the older switch."""
    group: Mapping[str, Any] = {**recorder.get("recordingGroup", {})}
    strategy = group.get("recordingStrategy", {}).get("useOnly")
    return strategy == EVERYTHING if strategy else bool(group.get("allSupported"))


@config.check(
    RegionConfig,
    "low",
    remediation="Set AWS Config's retention period to the demanded days.",
)
def retention_period(
    region: RegionConfig, scene: Scene, *, retention: int = criterion(365, "days")
) -> Verdict:
    """What AWS Config recorded is kept long enough.

    Where no period is set, AWS keeps items for seven years.
    """
    del scene
    if not region.recorders:
        return not_applicable("no recorder")
    days = SEVEN_YEARS if region.retention is None else region.retention
    return passes() if days >= retention else fails(f"kept {days} days, demanded {retention} days")


@config.check(
    RegionConfig,
    "low",
    remediation="Deploy the conformance pack in the region, and mend what it finds.",
)
def conformance_pack_score(
    region: RegionConfig,
    scene: Scene,
    *,
    packs: tuple[str, ...] = criterion("names of the adopted conformance packs"),
    score: int = criterion(100, "percent"),
) -> Verdict:
    """The adopted conformance packs are deployed in the region, and met as far as demanded.

    A pack that the organisation deployed bears its name between a prefix and a mark.
    """
    del scene
    if not packs:
        return not_applicable("no conformance pack is adopted")
    found = {
        name: row["Score"]
        for name in packs
        for row in region.packs
        if row["ConformancePackName"] == name
        or row["ConformancePackName"].startswith(f"OrgConformsPack-{name}-")
    }
    if lacking := sorted(set(packs) - found.keys()):
        return fails(f"not deployed: {', '.join(lacking)}")
    numbers = {name: _percent(text) for name, text in found.items()}
    if low := sorted(n for n, value in numbers.items() if value is not None and value < score):
        return fails(f"below {score} percent: {', '.join(low)}")
    if None in numbers.values():
        return unknown(Cause.PARTIAL, "AWS Config has no result yet")
    return passes()


def _percent(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


@config.check(
    Rule,
    "medium",
    remediation="Mend what the rule finds, or record an exception with its end.",
)
def rules_compliant(
    rule: Rule, scene: Scene, *, baseline: tuple[str, ...] = criterion("names of rules")
) -> Verdict:
    """Everything a rule of the adopted baseline looks at keeps the rule.

    Rules that a conformance pack or Security Hub deployed bear a mark behind their name.
    """
    del scene
    name = rule.listed["ConfigRuleName"]
    if not any(name == wanted or name.startswith(f"{wanted}-") for wanted in baseline):
        return not_applicable("not of the adopted baseline")
    state = rule.listed.get("Compliance", {}).get("ComplianceType", "INSUFFICIENT_DATA")
    if state == "INSUFFICIENT_DATA":
        return unknown(Cause.PARTIAL, "AWS Config has no result yet")
    if state == "NOT_APPLICABLE":
        return not_applicable("nothing the rule looks at")
    return passes() if state == "COMPLIANT" else fails("a resource does not keep the rule")


@config.check(
    Account,
    "low",
    remediation="Create an aggregator for the whole organisation and all regions.",
    also=(Aggregator,),
)
def aggregator_covers_organization(
    account: Account,
    scene: Scene,
    *,
    aggregating: tuple[str, ...] = criterion("numbers of the accounts that aggregate"),
) -> Verdict:
    """One account collects the configuration of the whole organisation in all regions."""
    if account.id not in aggregating:
        return not_applicable("another account aggregates")
    sources = [row.listed.get("OrganizationAggregationSource") for row in scene.all(Aggregator)]
    whole = [source for source in sources if source]
    if any(source.get("AllAwsRegions") for source in whole):
        return passes()
    if whole:
        return fails("its aggregator leaves out regions")
    return fails("no aggregator for the organisation")
