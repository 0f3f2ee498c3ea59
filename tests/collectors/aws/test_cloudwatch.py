"""Amazon CloudWatch: the checks on hand-made documents, and listings of several pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors import Absent, Cause, Resource, Unread
from collectors.aws import AwsConnection, cloudwatch_alarms, cloudwatch_capacity, cloudwatch_logs
from collectors.aws import cloudwatch as service
from collectors.aws.account import Account
from collectors.aws.cloudtrail import Trail
from collectors.aws.cloudwatch import (
    AccountPolicy,
    Alarm,
    ComputeGroup,
    LogGroup,
    MetricFilter,
    Tagged,
    Topic,
)
from collectors.aws.rds import Instance
from collectors.documents import document_of
from collectors.testing import judge
from tests.collectors.aws.double import Answer, Double, caller

NUMBER = "123456789012"
OTHER = "999988887777"
REGION = "eu-central-1"
HOLDER = Account(id=NUMBER, listed={"Account": NUMBER})
GROUP = f"arn:aws:logs:{REGION}:{NUMBER}:log-group:acme/trail"
SNS = f"arn:aws:sns:{REGION}:{NUMBER}:security"
DENIED = Unread("AccessDenied", "sns:ListSubscriptionsByTopic")
HEARD = [{"Protocol": "email", "Confirmed": True}]
ALL = {
    "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}],
    "AdvancedEventSelectors": [],
}
STOPS = "{ $.eventName = *Trail || $.eventName = StartLogging || $.eventName = StopLogging }"


def trail(owner: str = NUMBER, *, logging: object = True, group: str = f"{GROUP}:*") -> Trail:
    status = {"IsLogging": logging} if isinstance(logging, bool) else logging
    return Trail(
        id=f"arn:aws:cloudtrail:{REGION}:{owner}:trail/main",
        scope=REGION,
        listed={
            "HomeRegion": REGION,
            "IsMultiRegionTrail": True,
            "IncludeGlobalServiceEvents": True,
            "CloudWatchLogsLogGroupArn": group,
        },
        facts={"status": status, "selectors": ALL},
    )


def counting(pattern: str = STOPS, group: str = "acme/trail", scope: str = REGION) -> MetricFilter:
    metric: Any = {"metricNamespace": "Trail", "metricName": "stops", "metricValue": "1"}
    row: Any = {"logGroupName": group, "filterPattern": pattern, "metricTransformations": [metric]}
    return MetricFilter(id=f"{scope}/{group}/{pattern}", scope=scope, listed=row)


def alarm(name: str = "stops", action: str = SNS, **more: Any) -> Alarm:
    row = {"AlarmName": name, "ActionsEnabled": True, "AlarmActions": [action] if action else []}
    metric = {"Namespace": "Trail", "MetricName": "stops"}
    return Alarm(id=f"arn:alarm:{name}", scope=REGION, listed=metric | row | more)


def topic(subscriptions: object = HEARD) -> Topic:
    return Topic(id=SNS, scope=REGION, listed={}, facts={"subscriptions": subscriptions})


UNUSED = [{"Protocol": "email", "Confirmed": False}]
QUERY = {
    "Namespace": "",
    "MetricName": "",
    "Metrics": [{"MetricStat": {"Metric": {"Namespace": "Trail", "MetricName": "stops"}}}],
}
COMPOSITE = {"Namespace": "", "MetricName": "", "AlarmRule": 'ALARM("stops") OR ALARM("x")'}


@pytest.mark.parametrize(
    ("others", "status", "because"),
    [
        ([trail(), counting(), alarm(), topic()], "pass", ""),
        ([trail(), counting(""), alarm(), topic()], "pass", ""),
        ([], "fail", "no trail delivers to CloudWatch Logs"),
        ([trail(OTHER)], "not_applicable", f"recorded by a trail of account {OTHER}"),
        ([trail(), counting(), alarm(), topic(UNUSED)], "fail", None),
        ([trail(), counting(), alarm(), topic(Absent("NotFound"))], "fail", None),
        ([trail(), counting(), alarm(action="arn:aws:lambda:r:a:function:tell")], "pass", ""),
        ([trail(), counting(), alarm(action="arn:aws:automate:r:ec2:stop")], "fail", None),
        ([trail(), counting(), alarm(action="")], "fail", None),
        ([trail(), counting(), alarm(ActionsEnabled=False), topic()], "fail", None),
        ([trail(), counting(), alarm(**QUERY), topic()], "pass", ""),
        (
            [trail(), counting(), alarm(action=""), alarm("both", **COMPOSITE), topic()],
            "pass",
            "",
        ),
        ([trail(), counting(scope="us-east-1"), alarm(), topic()], "fail", None),
        ([trail(), counting(group="other"), alarm(), topic()], "fail", None),
        ([trail(logging=False), counting(), alarm(), topic()], "fail", None),
        (
            [trail(), counting("{ $.eventName = Delete* }"), alarm(), topic()],
            "fail",
            "nobody is told of CreateTrail, StartLogging, StopLogging, UpdateTrail",
        ),
        (
            [
                trail(),
                counting("{ $.eventName = *Trail }"),
                counting("{ $.eventName = St*Logging }"),
                alarm(),
                topic(),
            ],
            "pass",
            "",
        ),
    ],
)
def test_somebody_is_told_of_changed_trails(
    others: list[Resource[Any]], status: str, because: str | None
) -> None:
    verdict = judge(cloudwatch_alarms.alarm_cloudtrail_changes, HOLDER, *others)
    assert verdict.status == status
    assert because is None or verdict.because == because


@pytest.mark.parametrize(
    ("others", "cause"),
    [
        ([trail(), counting(), alarm(), topic(DENIED)], Cause.DENIED),
        ([trail(logging=DENIED), counting(), alarm(), topic()], Cause.DENIED),
        ([trail(), counting("[columns]"), alarm(), topic()], Cause.MALFORMED),
    ],
)
def test_what_was_not_read_or_understood_is_unknown(
    others: list[Resource[Any]], cause: Cause
) -> None:
    verdict = judge(cloudwatch_alarms.alarm_cloudtrail_changes, HOLDER, *others)
    assert (verdict.status, verdict.cause) == ("unknown", cause)


def test_a_pattern_that_is_not_understood_does_not_hide_one_that_is() -> None:
    others = [trail(), counting("[columns]"), counting(), alarm(), topic()]
    assert judge(cloudwatch_alarms.alarm_cloudtrail_changes, HOLDER, *others).status == "pass"


def group(**listed: Any) -> LogGroup:
    row: Any = {"logGroupName": "acme/trail", **listed}
    return LogGroup(id=GROUP, scope=REGION, listed=row, facts={"data_protection": Absent("none")})


def holding(value: str) -> Tagged:
    return Tagged(id=GROUP, scope=REGION, listed={"holds": value})


@pytest.mark.parametrize(
    ("days", "others", "status"),
    [
        (400, [], "pass"),
        (90, [], "not_applicable"),
        (90, [holding("security")], "fail"),
        (90, [trail()], "fail"),
        (90, [holding("people")], "not_applicable"),
        (None, [], "pass"),
        (None, [holding("people")], "fail"),
        (None, [holding("security")], "pass"),
    ],
)
def test_log_group_retention(days: int | None, others: list[Resource[Any]], status: str) -> None:
    given = group(**({"retentionInDays": days} if days else {}))
    bound = {"security": ["holds=security"], "personal": ["holds=people"]}
    verdict = judge(cloudwatch_logs.log_group_retention, given, *others, **bound)
    assert verdict.status == status


def policy(*names: str, how: str = "Deidentify") -> str:
    arns = [f"arn:aws:dataprotection::aws:data-identifier/{name}" for name in names]
    return json.dumps({"Statement": [{"DataIdentifier": arns, "Operation": {how: {}}}]})


@pytest.mark.parametrize(
    ("own", "of_account", "status"),
    [
        (policy("EmailAddress", "Name"), "", "pass"),
        (policy("Name"), "", "fail"),
        (policy("EmailAddress", how="Audit"), "", "fail"),
        (Absent("none"), policy("EmailAddress"), "pass"),
        (Absent("none"), "", "fail"),
        (Unread("AccessDenied", "logs:GetDataProtectionPolicy"), policy("EmailAddress"), "pass"),
        (Unread("AccessDenied", "logs:GetDataProtectionPolicy"), "", "unknown"),
        ("no policy", "", "unknown"),
    ],
)
def test_log_data_protection_policy(own: object, of_account: str, status: str) -> None:
    inherits: Any = {"inheritedProperties": ["ACCOUNT_DATA_PROTECTION"]} if of_account else {}
    given = LogGroup(id=GROUP, scope=REGION, listed=inherits, facts={"data_protection": own})
    listed = {"policyName": "p", "policyDocument": of_account}
    whole = AccountPolicy(id=f"{REGION}/p", scope=REGION, listed=listed)
    check = cloudwatch_logs.log_data_protection_policy
    bound = {"personal": ["holds=people"], "identifiers": ["EmailAddress"]}
    assert judge(check, given, whole, holding("people"), **bound).status == status
    assert judge(check, given, whole, **bound).status == "not_applicable"


def test_log_group_kms() -> None:
    check, bound = cloudwatch_logs.log_group_kms, {"classified": ["holds=people"]}
    assert judge(check, group(), holding("people"), **bound).status == "fail"
    assert judge(check, group(kmsKeyId="k"), holding("people"), **bound).status == "pass"
    assert judge(check, group(), **bound).status == "not_applicable"


@pytest.mark.parametrize(
    ("more", "status"),
    [({}, "pass"), ({"ActionsEnabled": False}, "fail"), ({"AlarmActions": []}, "fail")],
)
def test_alarm_actions_enabled(more: dict[str, Any], status: str) -> None:
    given = alarm(**more)
    tagged = Tagged(id=given.id, scope=REGION, listed={"use": "security"})
    check, bound = cloudwatch_capacity.alarm_actions_enabled, {"security": ["use=security"]}
    assert judge(check, given, tagged, **bound).status == status
    assert judge(check, given, **bound).status == "not_applicable"


def test_capacity_alarms_exist() -> None:
    def watching(metric: str, name: str, value: str) -> Alarm:
        dimensions = [{"Name": name, "Value": value}]
        return alarm(value, Namespace="AWS", MetricName=metric, Dimensions=dimensions)

    tags = [{"Key": "tier", "Value": "production"}]
    row: Any = {"DBInstanceIdentifier": "db", "TagList": tags}
    database = Instance(id="arn:aws:rds:r:a:db:db", scope=REGION, listed=row)
    group = ComputeGroup(
        id="arn:g", scope=REGION, listed={"AutoScalingGroupName": "web", "Tags": tags}
    )
    on_database = watching("FreeStorageSpace", "DBInstanceIdentifier", "db")
    on_group = watching("CPUUtilization", "AutoScalingGroupName", "web")
    check, bound = cloudwatch_capacity.capacity_alarms_exist, {"production": ["tier=production"]}
    whole = judge(check, HOLDER, database, group, on_database, on_group, **bound)
    assert whole.status == "pass"
    bare = judge(check, HOLDER, database, group, on_database, **bound)
    assert (bare.status, bare.because) == ("fail", "without an alarm: web")
    other = watching("DatabaseConnections", "DBInstanceIdentifier", "db")
    assert judge(check, HOLDER, database, other, **bound).status == "fail"
    assert judge(check, HOLDER, **bound).status == "not_applicable"


def test_log_groups_are_paged_and_the_account_policy_is_asked_where_one_inherits(
    double: Double,
) -> None:
    def page(name: str, more: str = "", **row: Any) -> Answer:
        row = {"logGroupName": name, "arn": f"arn:{name}:*", "storedBytes": 9} | row
        return Answer(body=json.dumps({"logGroups": [row]} | ({"nextToken": more} if more else {})))

    double.script = {
        "DescribeLogGroups": [
            page("a", "2"),
            page("b", "3", inheritedProperties=["ACCOUNT_DATA_PROTECTION"]),
            page("c"),
        ],
        "DescribeAccountPolicies": [
            Answer(400, json.dumps({"__type": "AccessDeniedException", "message": "no"}))
        ],
    }
    target = AwsConnection("prod", endpoint_url=double.url).open(caller()).within(REGION)
    *found, last = service.log_groups(target)
    assert [each.id for each in found if isinstance(each, LogGroup)] == ["arn:a", "arn:b", "arn:c"]
    assert "storedBytes" not in json.dumps(
        [document_of(each) for each in found if isinstance(each, LogGroup)]
    )
    assert getattr(last, "kind", None) is AccountPolicy
    assert len(double.asked("DescribeAccountPolicies")) == 1


def test_addresses_of_subscribers_are_never_kept(double: Double) -> None:
    member = (
        "<member><Protocol>email</Protocol><Endpoint>canary@acme.example</Endpoint>"
        f"<SubscriptionArn>{SNS}:1</SubscriptionArn></member>"
        "<member><Protocol>email</Protocol><Endpoint>canary@acme.example</Endpoint>"
        "<SubscriptionArn>PendingConfirmation</SubscriptionArn></member>"
    )
    result = f"<Subscriptions>{member}</Subscriptions>"
    body = f"<R><ListSubscriptionsByTopicResult>{result}</ListSubscriptionsByTopicResult></R>"
    double.script = {"ListSubscriptionsByTopic": [Answer(body=body)]}
    target = AwsConnection("prod", endpoint_url=double.url).open(caller())
    call = Topic.fact_definitions()["subscriptions"].call
    assert call is not None
    found = call(topic(), target.api("sns", REGION))
    assert [each["Confirmed"] for each in found] == [True, False]
    assert "canary" not in json.dumps(found)
