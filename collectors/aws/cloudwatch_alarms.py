"""Amazon CloudWatch: is somebody told when what matters in the account is changed or tried?

Each question is a set of events as CloudTrail writes them. A metric filter on the log group of a
trail that records everything counts them by its pattern, which is run on the event; an alarm on
its metric speaks to somebody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from collectors import (
    Cause,
    Check,
    FactUnknown,
    MalformedError,
    Resource,
    Scene,
    Unread,
    Verdict,
    fails,
    known,
    not_applicable,
    passes,
)
from collectors.aws import trail_events as events
from collectors.aws.account import Account
from collectors.aws.cloudtrail import Trail
from collectors.aws.cloudwatch import Alarm, MetricFilter, Topic, cloudwatch, service_of
from collectors.aws.filter_patterns import counts
from collectors.aws.trail_events import Event
from collectors.judging import Severity

TELLING = frozenset({"lambda", "ssm", "ssm-incidents"})
"""Services besides SNS by which an alarm tells somebody or opens an incident."""

ALSO: tuple[type[Resource[Any]], ...] = (Alarm, MetricFilter, Topic, Trail)


Question = Callable[[Account, Scene], Verdict]


def _alarm(severity: Severity, what: str) -> Callable[[Question], Check[Account]]:
    """Declare a question about an alarm on something."""
    remediation = (
        f"Add a metric filter for {what} to the trail's log group, and an alarm that tells someone."
    )
    return cloudwatch.check(Account, severity, remediation=remediation, also=ALSO)


def _told(account: Account, scene: Scene, wanted: Mapping[str, Event]) -> Verdict:
    """Whether somebody is told of every one of these events."""
    delivering = [t for t in scene.all(Trail) if t.listed.get("CloudWatchLogsLogGroupArn")]
    own = [trail for trail in delivering if trail.owner == account.id]
    if delivering and not own:
        return not_applicable(f"recorded by a trail of account {delivering[0].owner}")
    fewest = list(wanted)
    for untold in known(*(partial(_untold, trail, scene, wanted) for trail in own)):
        if not untold:
            return passes()
        fewest = min(fewest, untold, key=len)
    if not own:
        return fails("no trail delivers to CloudWatch Logs")
    return fails(f"nobody is told of {', '.join(fewest)}")


def _untold(trail: Trail, scene: Scene, wanted: Mapping[str, Event]) -> list[str]:
    """The events that a trail's log group leads to no alarm for; all where it does not record."""
    if not trail.watches_account:
        return list(wanted)
    _, _, _, region, _, _, group, *_ = trail.listed["CloudWatchLogsLogGroupArn"].split(":")
    patterns = [
        each.listed.get("filterPattern", "")
        for each in scene.all(MetricFilter, region)
        if each.listed.get("logGroupName") == group and _alarmed(each, scene)
    ]
    return [
        name
        for name, event in wanted.items()
        if not any(known(*(partial(_counts, pattern, event) for pattern in patterns)))
    ]


def _counts(pattern: str, event: Event) -> bool:
    """Whether a filter counts an event; one that is not understood may, so it is not known."""
    try:
        return counts(pattern, event)
    except MalformedError as error:
        raise FactUnknown(Unread(str(error), "", Cause.MALFORMED)) from error


def _alarmed(found: MetricFilter, scene: Scene) -> bool:
    """Whether an alarm on one of the filter's metrics tells somebody."""
    metrics = {
        (row["metricNamespace"], row["metricName"])
        for row in found.listed.get("metricTransformations", [])
    }
    ringing = [a for a in scene.all(Alarm, found.scope) if not metrics.isdisjoint(a.metrics)]
    return any(known(*(partial(_tells, alarm, scene) for alarm in ringing)))


def _tells(alarm: Alarm, scene: Scene) -> bool:
    """Whether somebody hears of an alarm, by itself or by one that is built on it."""
    names = (f'"{alarm.listed.get("AlarmName")}"', f"({alarm.listed.get('AlarmName')})", alarm.id)
    heard = [alarm] + [
        other
        for other in scene.all(Alarm, alarm.scope)
        if any(name in other.listed.get("AlarmRule", "") for name in names)
    ]
    actions = (action for each in heard if each.acts for action in each.listed["AlarmActions"])
    return any(known(*(partial(_reaches, action, alarm.scope, scene) for action in actions)))


def _reaches(action: str, region: str, scene: Scene) -> bool:
    """Whether an action reaches somebody: a topic that nobody listens to does not."""
    if service_of(action) != "sns":
        return service_of(action) in TELLING
    topic = scene.one(Topic, action, region)
    return topic is not None and any(each["Confirmed"] for each in topic.subscriptions or ())


@_alarm("medium", "denied calls")
def alarm_unauthorized_api_calls(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when calls are denied."""
    return _told(account, scene, events.UNAUTHORIZED)


@_alarm("medium", "sign-in without MFA")
def alarm_console_sign_in_without_mfa(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when a user signs in to the console without a second factor."""
    return _told(account, scene, events.SIGN_IN_WITHOUT_MFA)


@_alarm("high", "the root user")
def alarm_root_usage(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when the root user does anything."""
    return _told(account, scene, events.ROOT_USE)


@_alarm("medium", "changes of IAM policies")
def alarm_iam_policy_changes(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when IAM policies are changed, given or taken away."""
    return _told(account, scene, events.IAM_POLICIES)


@_alarm("high", "changes of trails")
def alarm_cloudtrail_changes(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when a trail is changed or stopped."""
    return _told(account, scene, events.TRAILS)


@_alarm("medium", "failed sign-in")
def alarm_console_auth_failures(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when sign-in to the console fails."""
    return _told(account, scene, events.FAILED_SIGN_IN)


@_alarm("medium", "disabled and deleted keys")
def alarm_kms_key_disable(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when a key is disabled or about to be deleted."""
    return _told(account, scene, events.KEYS)


@_alarm("medium", "changes of buckets")
def alarm_s3_policy_changes(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when a bucket's policy, ACL, CORS, lifecycle or replication changes."""
    return _told(account, scene, events.BUCKETS)


@_alarm("medium", "changes of AWS Config")
def alarm_config_changes(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when AWS Config is changed or stopped."""
    return _told(account, scene, events.CONFIG)


@_alarm("medium", "security groups")
def alarm_security_group_changes(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when security groups are changed."""
    return _told(account, scene, events.GROUPS)


@_alarm("low", "changes of the network")
def alarm_network_changes(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when network ACLs, gateways, route tables or VPCs are changed."""
    return _told(account, scene, events.NETWORK)


@_alarm("medium", "AWS Organizations")
def alarm_organizations_changes(account: Account, scene: Scene) -> Verdict:
    """Somebody is told when the organisation's accounts, units or policies are changed.

    What an organisation's trail records is judged in the account that owns the trail.
    """
    return _told(account, scene, events.ORGANIZATION)
