"""Makers of random accounts for CloudWatch: alarms on what a trail records, and log groups."""

from __future__ import annotations

from typing import Any

from moto.resourcegroupstaggingapi.models import resourcegroupstaggingapi_backends

from collectors.aws import trail_events as events
from tests.collectors.aws.moto_gaps_watching import answers
from tests.collectors.aws.random_account import RandomAccount

ROOT = (
    '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS '
    '&& $.eventType != "AwsServiceEvent" }'
)
DENIED = '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }'
NO_MFA = '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }'
FAILED = '{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }'
QUESTIONS: dict[str, str] = {
    "alarm_cloudtrail_changes": "TRAILS",
    "alarm_config_changes": "CONFIG",
    "alarm_iam_policy_changes": "IAM_POLICIES",
    "alarm_kms_key_disable": "KEYS",
    "alarm_network_changes": "NETWORK",
    "alarm_organizations_changes": "ORGANIZATION",
    "alarm_s3_policy_changes": "BUCKETS",
    "alarm_security_group_changes": "GROUPS",
}
WRITTEN = {
    "alarm_console_auth_failures": FAILED,
    "alarm_console_sign_in_without_mfa": NO_MFA,
    "alarm_root_usage": ROOT,
    "alarm_unauthorized_api_calls": DENIED,
}
METRIC = {"metricNamespace": "Trail", "metricValue": "1"}


def _patterns(check: str, *, whole: bool) -> list[str]:
    """Patterns of at most 1,024 signs that together count every event, or leave one out."""
    if check in WRITTEN:
        return [WRITTEN[check] if whole else "{ $.eventName = Nothing }"]
    found: dict[str, events.Event] = getattr(events, QUESTIONS[check])
    names = list(found)[0 if whole else 1 :]
    source = next(iter(found.values()))["eventSource"]
    return [
        f"{{ ($.eventSource = {source}) && ({_either(names[start : start + 10])}) }}"
        for start in range(0, len(names), 10)
    ]


def _either(names: list[str]) -> str:
    return " || ".join(f"($.eventName = {name})" for name in names)


def alarms(account: RandomAccount) -> None:
    """A trail that records everything, filters on its log group, and alarms on their metrics."""
    region = account.regions[0]
    logs, sns, ringing = (account.client(s, region) for s in ("logs", "sns", "cloudwatch"))
    group = "acme/trail"
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{region}:{account.number}:log-group:{group}:*"
    _trail(account, region, arn)
    heard = sns.create_topic(Name="security")["TopicArn"]
    sns.subscribe(
        TopicArn=heard, Protocol="sqs", Endpoint=f"arn:aws:sqs:{region}:{account.number}:security"
    )
    unheard = sns.create_topic(Name="nobody")["TopicArn"]
    for number, check in enumerate(sorted([*QUESTIONS, *WRITTEN])):
        state = account.chance.choice(["good", "good", "partial", "unheard", "silent", "none"])
        if number < 3:  # each topic is spoken to in every account
            state = ("good", "unheard", "partial")[number]
        account.expect(f"aws.cloudwatch.{check}", account.number, state == "good")
        for part, pattern in enumerate(_patterns(check, whole=state != "partial")):
            logs.put_metric_filter(
                logGroupName=group,
                filterName=f"{check}-{part}",
                filterPattern=pattern,
                metricTransformations=[METRIC | {"metricName": check}],
            )
        if state != "none":
            ringing.put_metric_alarm(
                AlarmName=check,
                Namespace="Trail",
                MetricName=check,
                Statistic="Sum",
                Period=300,
                EvaluationPeriods=1,
                Threshold=1,
                ComparisonOperator="GreaterThanOrEqualToThreshold",
                ActionsEnabled=state != "silent",
                AlarmActions=[unheard if state == "unheard" else heard],
            )
    account.least["ListSubscriptionsByTopic"] += 2
    for place in account.regions:
        for operation in (
            "DescribeMetricFilters",
            "DescribeAlarms",
            "GetResources",
            "DescribeAutoScalingGroups",
        ):
            account.pages(operation, 1)
        _log_groups(account, place)


def _trail(account: RandomAccount, region: str, group: str) -> None:
    name = f"acme-all-{account.number}"
    account.client("s3", "us-east-1").create_bucket(Bucket=name)
    api = account.client("cloudtrail", region)
    api.create_trail(
        Name=name,
        S3BucketName=name,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        CloudWatchLogsLogGroupArn=group,
        CloudWatchLogsRoleArn=f"arn:aws:iam::{account.number}:role/trail",
    )
    selector = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    api.put_event_selectors(TrailName=name, EventSelectors=[selector])
    api.start_logging(Name=name)
    account.expect("aws.cloudtrail.multi_region_enabled", account.number, good=True)
    for call in ("GetTrailStatus", "GetEventSelectors", "GetInsightSelectors"):
        account.least[call] += 1


def _log_groups(account: RandomAccount, region: str) -> None:
    api = account.client("logs", region)
    account.bound["aws.cloudwatch.log_group_retention"] = {
        "security": ["holds=security"],
        "personal": ["holds=people"],
    }
    account.bound["aws.cloudwatch.log_group_kms"] = {"classified": ["holds=people"]}
    account.bound["aws.cloudwatch.alarm_actions_enabled"] = {"security": ["holds=security"]}
    account.bound["aws.cloudwatch.log_data_protection_policy"] = {
        "personal": ["holds=people"],
        "identifiers": ["EmailAddress"],
    }
    account.bound["aws.cloudwatch.capacity_alarms_exist"] = {"production": ["tier=production"]}
    rows: list[dict[str, Any]] = []
    for number in range(account.size):
        holds = account.chance.choice(["security", "people", "nothing"])
        days, hidden = account.chance.choice([30, 400, None]), account.flip()
        name = f"acme/app-{number}"
        key = f"arn:aws:kms:{region}:{account.number}:key/1"
        api.create_log_group(logGroupName=name, **({"kmsKeyId": key} if hidden else {}))
        if days:
            api.put_retention_policy(logGroupName=name, retentionInDays=days)
        arn = f"arn:aws:logs:{region}:{account.number}:log-group:{name}"
        rows.append({"ResourceARN": arn, "Tags": [{"Key": "holds", "Value": holds}]})
        kept: bool | str = days != 30 if holds == "security" else days != 30 or "not_applicable"
        if days is None:
            kept = holds != "people"
        account.expect("aws.cloudwatch.log_group_retention", arn, kept)
        person = holds == "people"
        account.expect("aws.cloudwatch.log_group_kms", arn, hidden if person else "not_applicable")
        account.expect(
            "aws.cloudwatch.log_data_protection_policy", arn, "fail" if person else "not_applicable"
        )
    here = answers(resourcegroupstaggingapi_backends, account.number, region)
    here["get_resources"] = {"ResourceTagMappingList": rows}
    account.pages("DescribeLogGroups", account.size + 1, 50)
