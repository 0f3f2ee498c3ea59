"""Amazon CloudWatch: is somebody told before production runs out of room, and by every alarm?"""

from __future__ import annotations

from collectors import Scene, Verdict, criterion, fails, not_applicable, passes
from collectors.aws.account import Account
from collectors.aws.cloudwatch import Alarm, ComputeGroup, Tagged, carries, cloudwatch
from collectors.aws.ec2 import tags_of
from collectors.aws.rds import Instance
from collectors.aws.rds import carries as database_carries

TAGS = "tags, written name=value"
ROOM = frozenset(
    {
        "ACUUtilization",
        "CPUUtilization",
        "FreeLocalStorage",
        "FreeStorageSpace",
        "FreeableMemory",
        "disk_used_percent",
        "mem_used_percent",
    }
)
"""Metrics of RDS, EC2 and the CloudWatch agent that tell of storage, processor or memory."""


@cloudwatch.check(
    Account,
    "medium",
    remediation="Give each an alarm on storage, processor or memory, with an action.",
    also=(Alarm, ComputeGroup, Instance),
)
def capacity_alarms_exist(
    account: Account, scene: Scene, *, production: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """An alarm watches the room left to every production database and compute group."""
    del account
    watched = {
        (kind, name)
        for alarm in scene.all(Alarm)
        if alarm.acts
        for _, metric, kind, name in alarm.watched
        if metric in ROOM
    }
    wanted = [
        *_databases(scene, production),
        *(
            (("AutoScalingGroupName", group.listed["AutoScalingGroupName"]),)
            for group in scene.all(ComputeGroup)
            if any(f"{k}={v}" in production for k, v in tags_of({**group.listed}).items())
        ),
    ]
    if not wanted:
        return not_applicable("no database and no compute group is tagged as production")
    bare = sorted(names[0][1] for names in wanted if watched.isdisjoint(names))
    return fails(f"without an alarm: {', '.join(bare)}") if bare else passes()


def _databases(scene: Scene, production: tuple[str, ...]) -> list[tuple[tuple[str, str], ...]]:
    """The dimensions by which an alarm may name each production database or its cluster."""
    return [
        (
            ("DBInstanceIdentifier", each.listed["DBInstanceIdentifier"]),
            ("DBClusterIdentifier", each.listed.get("DBClusterIdentifier", "")),
        )
        for each in scene.all(Instance)
        if database_carries(each.listed, production)
    ]


@cloudwatch.check(
    Alarm,
    "low",
    remediation="Turn the alarm's actions on, and name what is to be told.",
    also=(Tagged,),
)
def alarm_actions_enabled(
    alarm: Alarm, scene: Scene, *, security: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """An alarm that is tagged as one of security does something when it rings."""
    if not carries(alarm, scene, security):
        return not_applicable("not tagged as an alarm of security")
    if not alarm.listed.get("ActionsEnabled"):
        return fails("its actions are off")
    return passes() if alarm.listed.get("AlarmActions") else fails("it has no action")
