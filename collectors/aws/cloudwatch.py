"""Amazon CloudWatch: log groups, metric filters, alarms and whom they tell; see `cloudwatch_*`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from collectors import CallError, Collector, Resource, Scene, Unlisted, fact
from collectors.aws.paging import rows
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import (
        LogGroupTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        MetricFilterTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )
    from mypy_boto3_sns import SNSClient

cloudwatch = Collector(
    "aws.cloudwatch", title="Amazon CloudWatch logs and alarms", reads_from="cloudwatch"
)

Watched = tuple[str, str, str, str]
"""Namespace, metric, and name and value of one of its dimensions."""

TOPIC = "arn:aws"
INHERITED = "ACCOUNT_DATA_PROTECTION"


class Subscription(TypedDict):
    """A subscription without its address, which may be a person's or hold a secret."""

    Protocol: str
    Confirmed: bool


class LogGroup(Resource["LogGroupTypeDef"], kind="aws.cloudwatch.log_group"):
    """A log group; its id is its ARN, without the `:*` that some answers add."""

    @fact("logs:GetDataProtectionPolicy", reads_from="logs")
    def data_protection(self, api: CloudWatchLogsClient) -> str | None:
        """Its own policy that masks data; not asked of a group without one."""
        if self.listed.get("dataProtectionStatus") != "ACTIVATED":
            return None
        answer = api.get_data_protection_policy(logGroupIdentifier=self.id)
        return answer.get("policyDocument")


class AccountPolicy(Resource[Mapping[str, Any]], kind="aws.cloudwatch.account_policy"):
    """A policy that masks data in every log group of a region."""


class MetricFilter(Resource["MetricFilterTypeDef"], kind="aws.cloudwatch.metric_filter"):
    """What turns some events of a log group into a metric."""


class Alarm(Resource[Mapping[str, Any]], kind="aws.cloudwatch.alarm"):
    """An alarm on metrics, or one on other alarms (`AlarmRule`); whether it rings is left out."""

    @property
    def acts(self) -> bool:
        """Whether anything happens when it rings."""
        return bool(self.listed.get("ActionsEnabled") and self.listed.get("AlarmActions"))

    @property
    def metrics(self) -> set[tuple[str, str]]:
        """Namespace and name of the metrics it watches."""
        return {(row.get("Namespace", ""), row.get("MetricName", "")) for row in self._watching()}

    @property
    def watched(self) -> set[Watched]:
        """The metrics it watches, once for each of their dimensions."""
        return {
            (row.get("Namespace", ""), row.get("MetricName", ""), each["Name"], each["Value"])
            for row in self._watching()
            for each in row.get("Dimensions", [])
        }

    def _watching(self) -> Iterator[Mapping[str, Any]]:
        if self.listed.get("MetricName"):
            yield self.listed
        for row in self.listed.get("Metrics", []):
            if "MetricStat" in row:
                yield row["MetricStat"]["Metric"]


class Topic(Resource[Mapping[str, str]], kind="aws.cloudwatch.topic"):
    """A topic of SNS that alarms of the region speak to."""

    @fact(
        "sns:ListSubscriptionsByTopic", absent=("NotFound", "NotFoundException"), reads_from="sns"
    )
    def subscriptions(self, api: SNSClient) -> Sequence[Subscription] | None:
        """Who listens; None where the topic is gone."""
        listed = rows(
            api.list_subscriptions_by_topic, "Subscriptions", marker="NextToken", TopicArn=self.id
        )
        return [
            Subscription(
                Protocol=row["Protocol"], Confirmed=row["SubscriptionArn"].startswith("arn:")
            )
            for row in listed
        ]


class Tagged(Resource[Mapping[str, str]], kind="aws.cloudwatch.tagged"):
    """The tags of an alarm or a log group, which their listings leave out; id is its ARN."""


class ComputeGroup(Resource[Mapping[str, Any]], kind="aws.cloudwatch.compute_group"):
    """An Auto Scaling group: the instances in it come and go, and are left out."""


@cloudwatch.resources(
    LogGroup,
    AccountPolicy,
    permission=("logs:DescribeLogGroups", "logs:DescribeAccountPolicies"),
    per="region",
)
def log_groups(target: AwsTarget) -> Iterator[LogGroup | AccountPolicy | Unlisted]:
    """All log groups of a region without their size, and what they inherit from the account."""
    inherits = False
    for row in target.pages("logs", "describe_log_groups", "logGroups", limit=50):
        row.pop("storedBytes", None)
        inherits = inherits or INHERITED in row.get("inheritedProperties", [])
        yield LogGroup(id=row.get("logGroupArn") or row["arn"].removesuffix(":*"), listed=row)
    if inherits:
        yield from _account_policies(target)


def _account_policies(target: AwsTarget) -> Iterator[AccountPolicy | Unlisted]:
    try:
        listed = target.pages(
            "logs",
            "describe_account_policies",
            "accountPolicies",
            policyType="DATA_PROTECTION_POLICY",
        )
        for row in listed:
            yield AccountPolicy(id=f"{target.scope}/{row['policyName']}", listed=row)
    except CallError as error:
        yield Unlisted(AccountPolicy, error)


@cloudwatch.resources(MetricFilter, permission="logs:DescribeMetricFilters", per="region")
def metric_filters(target: AwsTarget) -> Iterator[MetricFilter]:
    """All metric filters of a region, whichever log group they belong to."""
    for row in target.pages("logs", "describe_metric_filters", "metricFilters", limit=50):
        found = f"{target.scope}/{row['logGroupName']}/{row['filterName']}"
        yield MetricFilter(id=found, listed=row)


@cloudwatch.resources(Alarm, Topic, permission="cloudwatch:DescribeAlarms", per="region")
def alarms(target: AwsTarget) -> Iterator[Alarm | Topic]:
    """All alarms of a region without their state, and the topics they speak to, once each."""
    topics: set[str] = set()
    operation = target.operation("cloudwatch", "describe_alarms")
    for page in operation.pages(AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100):
        for row in [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]:
            kept = {name: value for name, value in row.items() if not name.startswith(MOVING)}
            topics |= {arn for arn in row.get("AlarmActions", []) if service_of(arn) == "sns"}
            yield Alarm(id=row["AlarmArn"], listed=kept)
    for arn in sorted(topics):
        yield Topic(id=arn, listed={"TopicArn": arn})


MOVING = ("State", "EvaluationState", "ActionsSuppressed")
"""How the fields begin that tell whether an alarm rings."""


@cloudwatch.resources(Tagged, permission="tag:GetResources", per="region")
def tags(target: AwsTarget) -> Iterator[Tagged]:
    """The tags of all alarms and log groups of a region, a hundred a page."""
    listed = target.pages(
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        ResourceTypeFilters=["cloudwatch:alarm", "logs:log-group"],
        ResourcesPerPage=100,
    )
    for row in listed:
        named = {tag["Key"]: tag["Value"] for tag in row.get("Tags", [])}
        yield Tagged(id=row["ResourceARN"].removesuffix(":*"), listed=named)


@cloudwatch.resources(
    ComputeGroup, permission="autoscaling:DescribeAutoScalingGroups", per="region"
)
def compute_groups(target: AwsTarget) -> Iterator[ComputeGroup]:
    """All Auto Scaling groups of a region, a hundred a page."""
    key = "AutoScalingGroups"
    for row in target.pages("autoscaling", "describe_auto_scaling_groups", key, MaxRecords=100):
        row.pop("Instances", None)
        yield ComputeGroup(id=row["AutoScalingGroupARN"], listed=row)


def service_of(arn: str) -> str:
    """The service that an ARN names: `sns`, `lambda`."""
    parts = arn.split(":")
    return parts[2] if len(parts) > 2 else ""


def carries(resource: Alarm | LogGroup, scene: Scene, wanted: Sequence[str]) -> bool:
    """Whether an alarm or a log group has one of the tags, which are written `name=value`."""
    found = scene.one(Tagged, resource.id, resource.scope)
    return any(
        f"{name}={value}" in wanted for name, value in (found.listed if found else {}).items()
    )
